"""What touches the outside: storage, Redis, SMTP, logs. No rule of the product stands here."""
