"""The pages of field tags."""
