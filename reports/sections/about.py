"""Where the numbers come from: data, settings, runs, environment, limits."""

from __future__ import annotations

from typing import Any

from benchmark.judging.judged import knows

from ..figures.knowledge import knowledge
from .base import Section, Skip, register

SHOWN_APART = (
    'name',
    'description',
    'licence',
    'splits',
    'landmarks',
    'root',
    'measurements',
    'flip_indices',
)


@register
class Data(Section):
    """The data set and the source network."""

    name = 'data'
    title = 'Data and source'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """What the source knows, and fields of the data set that have no place of their own in the template."""
        data, judged = analysis['data'], (analysis['source'] or {}).get('judged')
        return {
            'judged': judged,
            'knows': knows(judged) if judged and 'trained' in judged else None,
            'knowledge': knowledge(analysis, self.styles, 'fig-knowledge'),
            'unjudged': _unjudged(analysis['source'] or {}),
            'data': data,
            'other': [key for key in data if key not in SHOWN_APART and data[key] is not None],
        }


def _unjudged(source: dict[str, Any]) -> str | None:
    """Why sources that methods have of their own were not judged; None where they were."""
    reasons = {own['judged']['reason'] for own in source.get('methods', {}).values()
               if own.get('judged', {}).get('reason')}
    return f'Not judged: {"; ".join(sorted(reasons))}' if reasons else None


@register
class Settings(Section):
    """What the user chose."""

    name = 'settings'
    title = 'Settings'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """What all runs share, and what differs by condition or method."""
        settings = analysis['settings']
        return {
            'shared': {key: content for key, content in settings.items() if not isinstance(content, dict)},
            'apart': {key: content for key, content in settings.items() if isinstance(content, dict)},
        }


@register
class Runs(Section):
    """State, time and identity of every run; the failed ones first, with their tracebacks."""

    name = 'runs'
    title = 'Runs'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """Tracebacks by run id."""
        errors = {str(record.get('id')): record.get('error') for record in records}
        items = analysis['runs']['items']
        return {
            'items': items,
            'failed': [index for index, item in enumerate(items) if item['state'] == 'failed'],
            'traceback': {
                key: str(error.get('traceback') or '')
                for key, error in errors.items()
                if isinstance(error, dict)
            },
        }


@register
class Surroundings(Section):
    """Versions and machines."""

    name = 'environment'
    title = 'Environment'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where no run says what it ran on."""
        return {} if analysis['runs']['environments'] else Skip('No record says what the runs were made with.')


@register
class Limits(Section):
    """What the numbers do not say."""

    name = 'limits'
    title = 'Limits'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """Facts that decide which limits apply."""
        blocks = analysis['methods'].values()
        splits = analysis['data'].get('splits') or {}
        test = splits.get('test') or {}
        return {
            'seeds': max(block['n_seeds'] for block in blocks),
            'reported': any(block['reported'] for block in blocks),
            'repeated_subjects': (test.get('subjects') or 0) < (test.get('images') or 0)
            and bool(test.get('subjects')),
        }
