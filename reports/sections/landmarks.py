"""Landmarks one by one: means, the main contrast, and where on the face the errors are. All of it is exploratory."""

from __future__ import annotations

from typing import Any

from ..figures import faces, forest
from ..figures.parts import main_pair, scope_of
from .base import Section, Skip, register

#: With more landmarks the forest plot is folded away.
OPEN = 40


@register
class Landmarks(Section):
    """Mean error per landmark and method as a heat table, a forest plot and a map."""

    name = 'landmarks'
    title = 'Landmarks'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Shades between the smallest and the largest mean; the figures show the main contrast."""
        landmarks = analysis['landmarks']
        if not landmarks:
            return Skip('The table has no landmarks: each row is a whole image.')
        values = {(method, name): cell['mean'] for method, cells in landmarks['methods'].items()
                  for name, cell in cells.items()}
        low = min(values.items(), key=lambda item: item[1])
        high = max(values.items(), key=lambda item: item[1])
        width = (high[1] - low[1]) or 1.0
        pair = main_pair(analysis)
        method = pair[0] if pair else analysis['ranking']['first']
        return {
            'names': landmarks['names'],
            'shown': [name for name in analysis['order']['methods'] if name in landmarks['methods']],
            'shade': {key: f'--p:{4 + 56 * (value - low[1]) / width:.1f}%' for key, value in values.items()},
            'low': low[0],
            'high': high[0],
            'pair': pair,
            'method': method,
            'scope': scope_of(analysis, pair) if pair else None,
            'forest': forest.landmarks(analysis, self.styles, pair, 'fig-landmarks') if pair else None,
            'face': faces.face(analysis, self.styles, method, pair, 'fig-face'),
            'named': len(landmarks['names']) <= faces.MOST_NAMES,
            'open': len(landmarks['names']) <= OPEN,
            'rows': _rows(analysis, pair) if pair else [],
        }


def _rows(analysis: dict[str, Any], pair: tuple[str, str]) -> list[tuple[str, dict[str, int]]]:
    """Landmark -> the places of its contrasts of the pair, by scope."""
    found: dict[str, dict[str, int]] = {}
    for place, one in enumerate(analysis['landmarks']['contrasts']):
        if (one['a'], one['b']) == pair:
            found.setdefault(one['landmark'], {})[one['scope']] = place
    return [*found.items()]
