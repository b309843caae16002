"""How often each method was trained to be compared once: the trials, and what the validation split chose."""

from __future__ import annotations

from typing import Any

from .base import Section, Skip, register


@register
class Tuning(Section):
    """The trials of each method under each condition, with their validation errors and the seeds that chose them."""

    name = 'tuning'
    title = 'Tuning'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where every run was planned as it stands."""
        found = analysis.get('tuning')
        if found is None:
            return Skip('Nothing was tuned: every training that was planned stands in the results.')
        rows = [{'method': method, 'condition': condition, 'place': place,
                 'values': ', '.join(_said(key, value) for key, value in one['values'].items())}
                for method in analysis['order']['methods'] if method in found['methods']
                for condition, trials in found['methods'][method].items() for place, one in enumerate(trials)]
        return {'rows': rows, 'several': len(analysis['order']['conditions']) > 1}


def _said(key: str, value: Any) -> str:
    """A value by its key; of a dict, which changes several together, each."""
    if isinstance(value, dict):
        return ', '.join(_said(f'{key}.{name}', one) for name, one in value.items())
    return f'{_short(key)} {_plain(value)}'


def _short(key: str) -> str:
    """The last two names of a config key."""
    return '.'.join(key.split('.')[-2:])


def _plain(value: Any) -> str:
    return f'{value:g}' if isinstance(value, float) else str(value)
