"""Classes by thresholds on clinical measurements: how often they are right, and for whom they flip between methods."""

from __future__ import annotations

from typing import Any

from ..numbers import Form
from ..planned import main_pair, shown_scopes
from .base import Section, Skip, register

#: Images whose class flips that the page names.
MOST_NAMED = 15
#: Methods beside the two shown first that get tables of their own.
MOST_OTHERS = 10
SHARE = Form('right', 'right class', 1, 100, '% of images', 'percentage points', '%', False, False)
KAPPA = Form('kappa', 'kappa', 2, 1, '', '', '', False, False)


@register
class ClassesByThreshold(Section):
    """Shares of right classes, kappa, confusion matrices, and flips between the planned pairs."""

    name = 'classes'
    title = 'Classes of measurements'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where no measurement declares classes."""
        block = analysis.get('classes')
        if not block:
            return Skip('No measurement declares classes, or none of them can be given.', hidden=True)
        there = [name for name in analysis['order']['methods'] if name in block['items'][0]['methods']]
        first = [name for name in main_pair(analysis) or [analysis['ranking']['first']] if name in there] or there[:1]
        others = [name for name in there if name not in first]
        named = [(place, row, flip, image) for place, flip in enumerate(block['flips'])
                 for row, image in enumerate(flip['images'])]
        return {
            'items': block['items'], 'there': there, 'first': first, 'others': others[:MOST_OTHERS],
            'left_out': len(others[MOST_OTHERS:]), 'share': SHARE, 'kappa': KAPPA,
            'shade': {(place, method): _shade(item['methods'][method]['confusion'])
                      for place, item in enumerate(block['items']) for method in there},
            'ties': any(own['ties'] for item in block['items'] for own in item['methods'].values()),
            'undefined': [(item['measurement'], *_annotated(item)) for item in block['items']
                          if len(_annotated(item)) == 1],
            'by_subject': analysis['unit_of_analysis'] == 'subject',
            'tested': any(flip['p'] is not None for flip in block['flips']),
            'alike': any(own[kind]['estimate'] is not None and own[kind]['ci_low'] is None for item in block['items']
                         for own in (*item['methods'].values(), *item['annotators'])
                         for kind in ('kappa', 'weighted_kappa')),
            'flips': block['flips'], 'named': named[:MOST_NAMED], 'more': len(named[MOST_NAMED:]),
            'contrasts': [place for place, one in enumerate(block['contrasts'])
                          if one['scope'] in shown_scopes(analysis)],
        }


def _annotated(item: dict[str, Any]) -> list[str]:
    """The classes that some image is annotated with."""
    return [name for name, count in zip(item['names'], item['annotated'], strict=True) if count]


def _shade(table: list[list[float]]) -> list[list[str]]:
    """The shade of each cell by its share of the row: of the images that were annotated so."""
    return [[f'--p:{60 * cell / (sum(row) or 1):.1f}%' for cell in row] for row in table]
