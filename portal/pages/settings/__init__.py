"""The organization's settings, one page a section."""
