"""In what conditions are compared: the errors' own unit, or where inputs differ the one that the analysis chose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .numbers import Form, form, primary


def across(analysis: dict[str, Any]) -> Form:
    """The endpoint of everything that compares conditions, and how it is shown.

    The primary one, or where a heatmap pixel is not the same everywhere ``ME_mm``, ``NME`` or ``ME_photo``; means and
    differences stand on one axis, so both are in the unit of differences, which names its whole.
    """
    block = analysis.get('common_unit')
    found = form(analysis, block['endpoint'] if block else primary(analysis))
    return replace(found, unit=found.difference)
