"""How fast Duepost is, beside the ways others take and the floor that the machine sets: `python -m bench`."""
