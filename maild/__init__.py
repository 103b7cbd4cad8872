"""maild: an email-first ticket desk."""

__version__ = "0.1.0"
