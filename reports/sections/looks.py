"""Looks at a suite: each planned contrast over the looks, what was decided when, and what that saved."""

from __future__ import annotations

from typing import Any

from benchmark.statistics.terms import PROCEDURE

from ..figures import looks as figures
from ..looks import course, looked_again, planned_looks, standing
from ..numbers import form
from ..planned import planned
from ..verdicts import DECIDED
from .base import Section, Skip, register

#: How the level is spent, in words; a number follows the last.
SPENDING = {'obrien_fleming': 'O\'Brien and Fleming\'s kind (little at first)', 'pocock': 'Pocock\'s kind (evenly)',
            'hsd:': 'Hwang, Shih and DeCani\'s function, gamma '}


@register
class Looks(Section):
    """A suite that stops itself, or one that was looked at several times without a plan."""

    name = 'looks'
    title = 'Looks'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Not on the page where results are looked at once; skipped where no contrast has a look."""
        again, block = looked_again(analysis), planned_looks(analysis)
        if block is None:
            if again is None:
                return Skip('These results were looked at once, and no further looks were planned.', hidden=True)
            return {'again': again, 'looks': analysis['sequential']['looks']}
        blocks: list[dict[str, Any]] = [{
            'look': form(analysis, name), 'rows': _rows(analysis, name), 'courses': course(analysis, name),
            'figure': figures.contrasts(analysis, self.styles, name, f'fig-looks-{name.lower()}'),
        } for name in block['primary'] if course(analysis, name)]
        if not blocks:
            return Skip('Looks were planned, but no planned contrast could be estimated at one yet.')
        return {
            'again': None, 'block': block, 'sentences': standing(analysis), 'blocks': blocks,
            'most': figures.MOST_PANELS, 'decided': DECIDED, 'common': figures.common(analysis),
            'last': len(block['looks']) - 1,
            'spending': next((words + block['plan']['spending'][len(name):].replace('-', '\u2212')
                              if name.endswith(':') else words
                              for name, words in SPENDING.items() if block['plan']['spending'].startswith(name))),
            'spent': figures.spending(analysis, self.styles, 'fig-looks-spent'),
            'futile': any(row['one']['images_needed'] is not None for own in blocks for row in own['rows']),
        }


def _rows(analysis: dict[str, Any], endpoint: str) -> list[dict[str, Any]]:
    """The planned contrasts of an endpoint as the last look has them, with the places of what the table says."""
    places = {(one['a'], one['b']): place for place, one in planned(analysis, endpoint)
              if one['scope'] == PROCEDURE and 'sequential' in one}
    return [{'one': one, 'index': index, 'place': places[one['a'], one['b']]}
            for index, one in enumerate(analysis['sequential']['looks'][-1]['contrasts'])
            if one['endpoint'] == endpoint and (one['a'], one['b']) in places]
