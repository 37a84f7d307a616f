"""The blueprint with all its sections."""

from __future__ import annotations

from portal.pages.settings import branding, masking, numbers
from portal.pages.settings.blueprint import bp

__all__ = ["bp", "branding", "masking", "numbers"]
