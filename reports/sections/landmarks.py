"""Landmarks one by one: means, the main contrast, and where the errors are. All of it is exploratory."""

from __future__ import annotations

from typing import Any

from benchmark.statistics.terms import Scope

from ..figures import faces, forest
from ..numbers import form
from ..planned import Pair, by_scope, main_pair, pair_of, scope_of
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
        values = _values(landmarks, 'mean')
        low = min(values.items(), key=lambda item: item[1])
        high = max(values.items(), key=lambda item: item[1])
        pair = main_pair(analysis)
        method = pair[0] if pair else analysis['ranking']['first']
        return {
            'names': landmarks['names'],
            'shown': [name for name in analysis['order']['methods'] if name in landmarks['methods']],
            'shade': _shade(values),
            'observed': bool((analysis.get('annotators') or {}).get('landmarks')),
            'rates': _rates(analysis),
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


def _values(landmarks: dict[str, Any], key: str) -> dict[tuple[str, str], float]:
    """(method, landmark) -> its number of that name, where it has one."""
    return {(method, name): cell[key] for method, cells in landmarks['methods'].items()
            for name, cell in cells.items() if key in cell}


def _shade(values: dict[tuple[str, str], float], sign: int = 1) -> dict[tuple[str, str], str]:
    """The shade of each cell of a heat table, between its smallest and its largest number.

    Args:
        values: The cells.
        sign: -1 where smaller numbers get the stronger colour.
    """
    signed = {key: sign * value for key, value in values.items()}
    low, high = min(signed.values()), max(signed.values())
    return {key: f'--p:{4 + 56 * (value - low) / ((high - low) or 1.0):.1f}%' for key, value in signed.items()}


def _rates(analysis: dict[str, Any]) -> list[dict[str, Any]]:
    """Further heat tables: the mean in millimetres where the errors have another unit, and each success rate."""
    success = analysis.get('success')
    if not success:
        return []
    found = [('mean_mm', 'Mean radial error per landmark in mm', success['mean'])] + [
        (name, f'Success detection rate per landmark within {threshold:g} {success["unit"]}, in percent', name)
        for name, threshold in zip(success['endpoints'], success['thresholds'], strict=True)]
    tables = []
    for key, title, endpoint in found:
        values = _values(analysis['landmarks'], key)
        if values:
            look = form(analysis, endpoint)
            every = {(method, name): '' for method, cells in analysis['landmarks']['methods'].items() for name in cells}
            tables.append({'key': key, 'title': title, 'look': look,
                           'shade': every | _shade(values, 1 if look.lower else -1)})
    return tables


def _rows(analysis: dict[str, Any], pair: Pair) -> list[tuple[str, dict[Scope, int]]]:
    """Landmark -> the places of its contrasts of the pair, by scope."""
    found = by_scope(((place, one) for place, one in enumerate(analysis['landmarks']['contrasts'])
                      if pair_of(one) == pair), lambda one: str(one['landmark']))
    return [*found.items()]
