"""The question, what was run, and a plain reading of Table 1."""

from __future__ import annotations

from typing import Any

from .base import Section, register


@register
class Headline(Section):
    """What a reader in a hurry takes away."""

    name = 'headline'
    title = 'In short'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """The order as it fell, and how the first stands to the reference."""
        ranking = analysis['ranking']
        seeds = [analysis['methods'][name]['n_seeds'] for name in ranking['order']]
        difference = ranking['difference']
        return {
            'order': ranking['order'],
            'described': [
                name for name in analysis['order']['methods'] if analysis['methods'][name]['description']
            ],
            'single_seed': max(seeds) == 1,
            'verdicts': [row for row in analysis['statements'] if row['endpoint'] == 'ME'],
            'compared': difference is not None and ranking['first'] != ranking['reference'],
            'reference_first': ranking['first'] == ranking['reference'] and len(seeds) > 1,
            'size': None if difference is None else abs(difference),
            'share': None if ranking['relative_difference'] is None else abs(ranking['relative_difference']),
        }
