"""The doors for other mail servers: SMTP and LMTP. They know who may come in, not what a mail is about."""
