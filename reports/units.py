"""In what conditions are compared: the errors' own unit, or where inputs differ the one that the analysis chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .numbers import look


@dataclass(frozen=True)
class Across:
    """The endpoint of everything that compares conditions.

    Attributes:
        endpoint: ``ME``, or where a heatmap pixel is not the same everywhere ``ME_mm``, ``NME`` or ``ME_photo``.
        title: ``ME`` or ``NME``.
        unit: As shown.
        factor: Of what is shown, to the analysis' values.
        digits: Decimals shown.
    """

    endpoint: str
    title: str
    unit: str
    factor: float
    digits: int

    @property
    def own(self) -> bool:
        """Whether it is the errors' own unit."""
        return self.endpoint == 'ME'


def across(analysis: dict[str, Any]) -> Across:
    """What conditions are compared in."""
    block = analysis.get('common_unit')
    if not block:
        return Across('ME', 'ME', analysis['unit'], 1, look(analysis, 'ME')[0])
    digits, _ = look(analysis, block['endpoint'])
    return Across(block['endpoint'], block['label'], block['unit'], block['factor'], digits)
