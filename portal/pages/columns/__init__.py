"""What each column of an export means."""
