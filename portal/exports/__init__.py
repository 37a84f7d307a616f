"""What an export holds and how it becomes a file: columns, rows, periods and the writers of each format."""
