"""The board report: its figures, its words, and what they are drawn and set in."""
