"""Handing what runs made to their recipients: one person, one message, one row of the ledger at a time."""
