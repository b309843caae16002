"""The sections of the page, in their order."""

from . import headline, results, samples, about  # noqa: F401, I001  registers in this order
from .base import SECTIONS, Section, register

__all__ = ['SECTIONS', 'Section', 'register']
