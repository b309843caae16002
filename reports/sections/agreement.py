"""Clinical measurements: predicted values against annotated ones."""

from __future__ import annotations

from typing import Any

from benchmark.utils.measurement import DEGREES, RATIO

from ..figures import agreement as figures
from ..planned import main_pair, shown_scopes
from .base import Section, Skip, register

#: Methods beside the two shown first that get plots of their own.
MOST_OTHERS = 10


@register
class Agreement(Section):
    """Bland-Altman plots of the proposed method and the reference, and limits and ICC of all."""

    name = 'agreement'
    title = 'Clinical measurements'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where no measurement is declared or there are no coordinates."""
        if not analysis['agreement']:
            return Skip('No measurement is declared in the data set, or the table has no coordinates to measure.')
        items = analysis['agreement']['items']
        there = [name for name in analysis['order']['methods'] if any(one['method'] == name for one in items)]
        pair = main_pair(analysis)
        first = [name for name in pair or [analysis['ranking']['first']] if name in there] or there[:1]
        others = [name for name in there if name not in first]
        blocks: dict[str, list[int]] = {}
        for place, one in enumerate(items):
            blocks.setdefault(one['measurement'], []).append(place)
        return {
            'first': first,
            'figure': figures.bland_altman(analysis, self.styles, first, 'fig-agreement'),
            'others': [(name, figures.bland_altman(analysis, self.styles, [name], f'fig-agreement-{place}'))
                       for place, name in enumerate(others[:MOST_OTHERS])],
            'left_out': len(others[MOST_OTHERS:]),
            'items': items,
            'blocks': blocks,
            'unit_of_distance': analysis['agreement']['unit'],
            'angles': any(one['unit'] == DEGREES for one in items),
            'ratios': any(one['unit'] == RATIO for one in items),
            'marks': {DEGREES: '\u00a0(°)', RATIO: '\u00a0(ratio)'},
            'units': {one['measurement']: one['unit'] for one in items},
            'contrasts': [place for place, one in enumerate(analysis['agreement'].get('contrasts', []))
                          if one['scope'] in shown_scopes(analysis)],
            'observed': _observed(analysis['agreement'].get('annotators', [])),
            'images': sorted({one['n_images'] for one in items}),
        }


def _observed(found: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Measurement -> the places of the annotators' own agreement on it."""
    places: dict[str, list[int]] = {}
    for place, one in enumerate(found):
        places.setdefault(one['measurement'], []).append(place)
    return places
