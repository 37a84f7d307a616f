"""The pages of schedules: the list, one schedule, and the builder."""
