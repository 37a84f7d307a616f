"""The board report as a page: figures of a period, chosen there."""
