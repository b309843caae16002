"""The folds of a cross-validation: who was tested when, and by what rule verdicts are given."""

from __future__ import annotations

from typing import Any

from .base import Section, Skip, register

#: Names of a fold that are shown; the others are counted.
NAMED = 12


@register
class Folds(Section):
    """The cross-validation."""

    name = 'folds'
    title = 'Cross-validation'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where the results are of no cross-validation."""
        block = analysis.get('folds')
        if block is None:
            return Skip('All networks were tested on the same images.', hidden=True)
        rows = []
        for repetition, places in enumerate(block['assigned'] or []):
            names = [[name for name, place in zip(block['units'], places, strict=True) if place == one]
                     for one in range(block['n_folds'])]
            rows.append([{'names': own[:NAMED], 'more': max(0, len(own) - NAMED), 'path': (repetition, one)}
                         for one, own in enumerate(names)])
        return {'rows': rows}
