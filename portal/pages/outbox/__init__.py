"""The mails that the demo's mail sink kept."""
