"""Does the conclusion survive? Analyses x contrasts at a glance, then each contrast in detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..numbers import tested
from ..verdicts import READINGS
from .base import Section, Skip, register


@register
class Sensitivity(Section):
    """Each planned contrast by other analyses, those that others use among them."""

    name = 'sensitivity'
    title = 'Does the conclusion survive?'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where no contrast was planned."""
        items = analysis['sensitivity']
        if not items:
            return Skip('No contrast was planned, so no conclusion can change.')
        shown = analysis['proposed'] if all(item['a'] == analysis['proposed'] for item in items) else None
        return {
            'items': items,
            'readings': READINGS,
            'blocks': matrix(items, tested(analysis)),
            'tested': tested(analysis),
            'common': shown,
            'flips': sum(item['flips'] for item in items),
            'read': sum(item['read'] for item in items),
            'worst': [item for item in items if item['flips'] == max(one['flips'] for one in items)],
            'scope': {headline['scope'] for item in items for headline in item['headlines'].values()},
        }


def matrix(items: list[dict[str, Any]], order: Sequence[str]) -> list[dict[str, Any]]:
    """Endpoint -> the headlines, and the analyses with a cell per contrast, None where it was not made."""
    there = {row['endpoint'] for item in items for row in item['rows']}
    endpoints = [name for name in order if name in there]
    blocks = []
    for endpoint in endpoints:
        names = dict.fromkeys(row['analysis'] for item in items for row in item['rows'] if row['endpoint'] == endpoint)
        found = [{row['analysis']: row for row in item['rows'] if row['endpoint'] == endpoint} for item in items]
        blocks.append({
            'endpoint': endpoint,
            'headlines': [item['headlines'].get(endpoint) for item in items],
            'rows': [{'analysis': name, 'scope': next(rows[name]['scope'] for rows in found if name in rows),
                      'cells': [rows.get(name) for rows in found]} for name in names],
        })
    return blocks
