"""The rules. No I/O, no clock, no log, no randomness: values in, values out."""
