"""Reporting guidelines, filled with what the suite's files can prove."""

from __future__ import annotations

from typing import Any

from ..forms import Files, filled
from .base import Section, register


@register
class Checklist(Section):
    """CLAIM 2024 and TRIPOD+AI: items with evidence, and those that are open."""

    name = 'checklist'
    title = 'Reporting forms'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """The forms, filled."""
        return {'forms': filled(Files(analysis, self.base))}
