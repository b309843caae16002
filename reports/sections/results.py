"""Table 1, conditions and cumulative error distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import figures
from ..decodings import other_decodings, word
from ..figures import curves
from ..numbers import Form, best, form, led, tested
from ..planned import cross_validated
from ..ties import rests_on, tied
from ..units import across
from .base import Section, Skip, register

#: Columns of Table 1 after its first; those without their interval; and those that are folded away.
MAIN, BRIEF = ('ME', 'FR', 'AUC', 'NME', 'ME_mm'), ('NME', 'ME_mm')
MORE = ('NME', 'ME_mm', 'ME_printed', 'ME_photo', 'ME_input')
#: Mean errors in other units than that of the errors.
UNLIKE = ('ME_mm', 'ME_photo', 'ME_input')


@dataclass(frozen=True)
class Column:
    """A column of Table 1.

    Attributes:
        look: How its endpoint is shown.
        title: Its heading.
        interval: Whether the interval stands beside the mean.
    """

    look: Form
    title: str
    interval: bool


@register
class Table1(Section):
    """All methods under the main condition, beside what the paper reports."""

    name = 'table1'
    title = 'Table 1'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """Which columns there are, which means are best, and the figure of the seeds."""
        blocks = analysis['methods'].values()
        first, *main = [Column(look, look.head, look.endpoint not in BRIEF)
                        for look in led(analysis, tested(analysis) if analysis.get('scores') else
                                        [*MAIN, *(name for name in tested(analysis) if name not in MAIN)])]
        more = [form(analysis, name) for name in MORE
                if name in analysis['endpoints'] and name != first.look.endpoint]
        return {
            'first': first,
            'columns': main,
            # What has a unit of its own says it in its heading.
            'more': [Column(look, f'{look.head} in {look.unit}' if look.endpoint in UNLIKE else look.head, True)
                     for look in more],
            'best': {one.look.endpoint: best(analysis, analysis['methods'], one.look.endpoint)
                     for one in (first, *main)},
            'tied': tied(analysis),
            'ties_rest_on': rests_on(analysis),
            'described': any(block['description'] for block in blocks),
            'reported': any(block['reported'] for block in blocks),
            'missing': any(block.get('missing') for block in blocks),
            'bounded': any(block['endpoints'].get('FR', {}).get('bound') is not None for block in blocks),
            'single': not cross_validated(analysis) and any(block['n_seeds'] == 1 for block in blocks),
            'decodings': other_decodings(analysis),
            'word': word,
            'figure': figures.seeds(analysis, self.styles, 'fig-seeds'),
        }


@register
class Conditions(Section):
    """Methods x conditions, and ME against the number of labels."""

    name = 'conditions'
    title = 'Conditions'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where there is only one condition."""
        names = [name for name in analysis['order']['conditions'] if analysis['conditions'][name]['n_images']]
        if len(names) < 2:
            return Skip('All runs were made under one condition.')
        curve = (
            figures.learning_curve(analysis, self.styles, 'fig-curve') if analysis['learning_curve'] else None
        )
        return {'names': names, 'figure': curve, 'axis': across(analysis)}


@register
class Ced(Section):
    """Cumulative error distributions of the main condition."""

    name = 'ced'
    title = 'Error distribution'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """The figure, what its script reads off, and some points of the curves as a table."""
        main = analysis['main_condition']
        if analysis.get('scores'):
            return Skip('The table has scores: a cumulative distribution up to a threshold is one of errors.')
        lines, names = analysis['conditions'][main]['ced'], curves.named(analysis, main)
        x = lines[names[0]]['x']
        wanted = [analysis['threshold'] * share for share in (0.25, 0.5, 0.75, 1, 1.25)]
        places = [max((i for i, error in enumerate(x) if error <= at * (1 + 1e-9)), default=0) for at in wanted]
        return {
            'figure': figures.ced(analysis, self.styles, main, 'fig-ced'),
            'single': all(block['n_seeds'] < 2 for block in analysis['methods'].values()),
            'bands': len(names) <= curves.BANDS,
            'names': names,
            'places': [*dict.fromkeys(places)],
            'data': {'x': x, 'start': analysis['threshold'], 'end': curves.end_of(analysis, main),
                     'unit': analysis['unit'],
                     'shares': [[round(share, 5) for share in lines[name]['mean']] for name in names]},
        }
