"""Where the numbers come from: data, settings, runs, environment, limits, and how a paper says it."""

from __future__ import annotations

from typing import Any

from benchmark.judging.judged import NOT_TAKEN, knows

from ..answers import listed
from ..figures.knowledge import knowledge
from ..methods_text import paragraphs
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

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """What the source knows, and fields of the data set that have no place of their own in the template."""
        data, judged = analysis['data'], (analysis['source'] or {}).get('judged')
        if analysis.get('scores') and not data:
            return Skip('The table came without a plan, so nothing is known of the data.')
        return {
            'judged': judged,
            'knows': knows(judged) if judged and 'trained' in judged else None,
            'known': any('trained' in own.get('judged', {})
                         for own in (analysis['source'] or {}).get('methods', {}).values()),
            'knowledge': knowledge(analysis, self.styles, 'fig-knowledge'),
            'unjudged': _unjudged(analysis),
            'data': data,
            'other': [key for key in data if key not in SHOWN_APART and data[key] is not None],
        }


def _unjudged(analysis: dict[str, Any]) -> list[str]:
    """Which sources were not judged and why, a sentence for each reason; that of the suite if somebody takes it."""
    source = analysis['source'] or {}
    taken = {'': source} | {name: own for name, own in source.get('methods', {}).items() if name in analysis['methods']}
    blocks = {name: one['judged'] for name, one in taken.items() if one.get('judged')}
    blocks = {name: one for name, one in blocks.items() if name or one.get('reason') != NOT_TAKEN}
    reasons: dict[str, list[str]] = {}
    for name, one in blocks.items():
        if one.get('reason'):
            reasons.setdefault(one['reason'], []).append(name)
    said = []
    for reason, names in reasons.items():
        if [*blocks] == ['']:
            who, verb = 'The source was not judged', 'it knows'
        elif len(names) == len(blocks):
            who, verb = 'None of the sources was judged', 'they know'
        else:
            whose = listed([analysis['methods'][name]['label'] if name else 'the suite' for name in names])
            who, verb = f'The source of {whose} was not judged', 'it knows'
        said.append(f'{who}, so it is not known what {verb} of faces: {reason}')
    return said


@register
class Paragraph(Section):
    """Design, training, statistics and software in sentences for a paper."""

    name = 'paragraph'
    title = 'Methods paragraph'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """The paragraphs."""
        return {'paragraphs': paragraphs(analysis)}


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
