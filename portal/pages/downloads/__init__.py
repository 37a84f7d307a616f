"""Files handed out: to people who are signed in, and to recipients by their link."""
