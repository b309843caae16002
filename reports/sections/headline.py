"""The question, what was run, and the answer."""

from __future__ import annotations

from typing import Any

from benchmark.statistics.terms import EQUIVALENT

from ..answers import answered, answers, single_seed, weak_source
from ..looks import overstated, planned_looks, standing
from ..numbers import primary
from ..page_text import cut, isolated
from ..planned import cross_validated
from ..ties import said
from .base import Section, register


@register
class Headline(Section):
    """What a reader in a hurry takes away."""

    name = 'headline'
    title = 'In short'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """The verdicts on ME in sentences and as rows; without a planned contrast, the observed order."""
        order, pairs = analysis['ranking']['order'], answered(analysis)
        blocks = analysis['methods']
        return {
            'order': order,
            'pairs': pairs,
            'single': bool(pairs) and single_seed(analysis, pairs),
            'repeated': planned_looks(analysis) is not None and not single_seed(analysis, pairs),
            'overstated': {pair.procedure for pair in pairs if overstated(analysis['contrasts'][pair.procedure])},
            'standing': standing(analysis),
            'equivalent': any(analysis['contrasts'][place]['verdict'] == EQUIVALENT
                              for pair in pairs for place in (pair.procedure, pair.networks)),
            'sentences': answers(analysis, lambda name: isolated(cut(blocks[name]['label'], 40))),
            'ties': said(analysis, lambda name: isolated(cut(blocks[name]['label'], 40)), bool(pairs)),
            'statements': [row for row in analysis['statements'] if row['endpoint'] == primary(analysis)],
            'shortcoming': weak_source(analysis),
            'single_seed': (not pairs and not cross_validated(analysis)
                            and max(blocks[name]['n_seeds'] for name in order) == 1),
        }
