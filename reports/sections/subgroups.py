"""Is the difference the same in all strata of the images? Declared columns only."""

from __future__ import annotations

from typing import Any

from ..figures import subgroups as figures
from ..planned import main_pair, scope_of
from .base import Section, Skip, register


@register
class Subgroups(Section):
    """The main contrast within strata, interactions, and means per stratum and method."""

    name = 'subgroups'
    title = 'Subgroups'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where the suite declares no columns of groups."""
        groups = analysis['subgroups']
        if not groups:
            return Skip('No subgroups were declared.')
        pair = main_pair(analysis)
        blocks = []
        for place, group in enumerate(groups):
            plot = None
            if pair and any((one['a'], one['b']) == pair for one in group['contrasts']):
                plot = figures.strata(analysis, self.styles, group, pair, f'fig-subgroups-{place}')
            blocks.append({'place': place, 'group': group, 'figure': plot, 'rows': _rows(group)})
        return {
            'blocks': blocks,
            'pair': pair,
            'scope': scope_of(analysis, pair) if pair else None,
            'shown': [name for name in analysis['order']['methods']
                      if any(name in one['means'] for group in groups for one in group['strata'])],
        }


def _rows(group: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per pair, stratum and kind, with the places of both scopes."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for kind in ('contrasts', 'interactions'):
        for place, one in enumerate(group[kind]):
            key = (one['a'], one['b'], kind, one['stratum'])
            row = found.setdefault(key, {'a': one['a'], 'b': one['b'], 'kind': kind, 'stratum': one['stratum']})
            row[one['scope']] = place
    pairs = [*dict.fromkeys(key[:2] for key in found)]
    return sorted(found.values(), key=lambda row: (pairs.index((row['a'], row['b'])), row['kind'] == 'interactions'))
