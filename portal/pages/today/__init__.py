"""The first page: what is due, what needs somebody, how it went."""
