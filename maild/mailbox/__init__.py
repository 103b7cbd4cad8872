"""Mailboxes on IMAP servers: what lies there, what comes in, what is put there. A door like the others."""
