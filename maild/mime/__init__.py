"""Bytes to values and values to bytes: everything maild knows about the format of mail."""
