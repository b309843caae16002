"""Reporting guidelines, filled with what a suite's files can prove; the rest is open, for the authors to write."""

from .checklist import Filled, as_json, as_markdown, filled
from .files import Files

__all__ = ['Filled', 'Files', 'as_json', 'as_markdown', 'filled']
