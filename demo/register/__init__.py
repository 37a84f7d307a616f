"""Registers of made cases: seeded, as large as wanted, every field alive, every person fictitious."""

from demo.register.generate import generate_register
from demo.register.surroundings import RegisterError

__all__ = ["RegisterError", "generate_register"]
