"""The watchdog: what is wrong with the installation, in sentences, and its figures for a monitoring system."""

from portal.watchdog.alarms import NAMES, Alarm, alarms_of
from portal.watchdog.look import Look, look

__all__ = ["NAMES", "Alarm", "Look", "alarms_of", "look"]
