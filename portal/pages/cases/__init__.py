"""The case register, to look at."""
