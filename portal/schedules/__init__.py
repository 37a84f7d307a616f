"""Schedules: what is made, when and for whom; and the tick that starts what is due."""
