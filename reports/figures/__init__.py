"""Figures of the page, one module per kind; :mod:`.base` makes them inline SVG in the page's colours."""

from .base import spread
from .curves import ced, learning_curve
from .seeds import seeds

__all__ = ['ced', 'learning_curve', 'seeds', 'spread']
