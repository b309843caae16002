"""What was planned, joined with what is there: orders, labels, planned seeds, states of the runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from .consistency import canonical
from .errors import TableError


@dataclass(frozen=True)
class Layout:
    """Methods and conditions in the order of the plan; what only the table has comes after, by name.

    Attributes:
        methods: Method -> {label, description, reported}.
        conditions: Condition -> {label, value}; the first is the main one.
        planned: (condition, method) -> number of seeds planned.
        notes: What a reader has to know about differences between plan and table.
    """

    methods: dict[str, dict[str, Any]]
    conditions: dict[str, dict[str, Any]]
    planned: dict[tuple[str, str], int]
    notes: list[str] = field(default_factory=list)

    @property
    def main(self) -> str:
        return next(iter(self.conditions))


def make_layout(table: pd.DataFrame, plan: dict[str, Any], condition: str | None = None) -> Layout:
    """Join plan and table.

    Args:
        table: The results table.
        plan: The plan, or an empty dict.
        condition: The main condition, instead of the plan's first.

    Raises:
        TableError: The plan's main condition has no row in the table.
    """
    notes: list[str] = []
    methods = {
        str(item['name']): {
            'label': str(item.get('label') or item['name']),
            'description': str(item.get('description') or ''),
            'reported': item.get('reported') or None,
        }
        for item in plan.get('methods', [])
    }
    conditions = {
        str(item['name']): {'label': str(item.get('label') or item['name']), 'value': item.get('value')}
        for item in plan.get('conditions', [])
    }
    _add_unplanned(
        methods,
        table['method'].unique(),
        'method',
        bool(plan),
        notes,
        lambda name: {'label': name, 'description': '', 'reported': None},
    )
    _add_unplanned(
        conditions,
        table['condition'].unique(),
        'condition',
        bool(plan.get('conditions')),
        notes,
        lambda name: {'label': name, 'value': None},
    )
    for kind, items in (('methods', methods), ('conditions', conditions)):
        _tell_apart(items, kind, notes)
    if condition is not None:
        if condition not in conditions:
            raise TableError(f'condition: no condition {condition} in the results; there are {some([*conditions], 99)}')
        conditions = {condition: conditions.pop(condition), **conditions}
    elif len(conditions) > 1 and not plan.get('conditions'):
        notes.append(f'The table has {len(conditions)} conditions and no plan: {next(iter(conditions))} is taken for '
                     'the main one (--condition names another), the others are exploratory.')
    main = next(iter(conditions))
    if main not in set(table['condition']):
        raise TableError(
            f'plan.json: field conditions: the main one, {main}, has no row in the results; no run of it is '
            'done: run the suite again, or put a condition with results first'
        )
    return Layout(methods, conditions, _planned_seeds(table, plan, methods, conditions), notes)


def _add_unplanned(
    known: dict[str, dict[str, Any]], found: Iterable[str], kind: str, planned: bool, notes: list[str],
    make: Callable[[str], dict[str, Any]],
) -> None:
    extra = sorted(set(found) - set(known))
    if extra and planned:
        notes.append(f'Not in the plan, but in the results: {kind} {", ".join(extra)}.')
    known.update({name: make(name) for name in extra})


def _tell_apart(items: dict[str, dict[str, Any]], kind: str, notes: list[str]) -> None:
    """Adds the name to labels that several have."""
    seen = Counter(canonical(item['label']) for item in items.values())
    shared = [name for name, item in items.items() if seen[canonical(item['label'])] > 1]
    if shared:
        label = items[shared[0]]['label']
        for name in shared:
            items[name]['label'] = f'{items[name]["label"]} ({name})'
        notes.append(f'Several {kind} have the same label (such as {label}): their names stand beside it '
                     f'({some(shared)}).')


def _planned_seeds(
    table: pd.DataFrame, plan: dict[str, Any], methods: Iterable[str], conditions: Iterable[str]
) -> dict[tuple[str, str], int]:
    seen = table.groupby(['condition', 'method'], observed=True)['seed'].nunique().to_dict()
    wanted: dict[tuple[str, str], set[int]] = {}
    for run in plan.get('runs', []):
        wanted.setdefault((str(run['condition']), str(run['method'])), set()).add(run['seed'])
    without_runs = 0 if wanted else len(plan.get('seeds', [])) or int(table['seed'].nunique())
    return {
        (condition, method): max(
            len(wanted.get((condition, method), ())) or without_runs, seen.get((condition, method), 0)
        )
        for condition in conditions
        for method in methods
    }


def summarize_runs(
    plan: dict[str, Any], records: Sequence[dict[str, Any]], table: pd.DataFrame
) -> dict[str, Any]:
    """States of the planned runs: done, failed (with the message) or missing.

    Without a plan the runs are those that the table holds, and nothing is known of their time.
    """
    present = set(
        map(tuple, table[['condition', 'method', 'seed']].drop_duplicates().itertuples(index=False))
    )
    planned = plan.get('runs') or [
        {'id': f'{method}/{condition}/{seed}', 'condition': condition, 'method': method, 'seed': seed}
        for condition, method, seed in sorted(present)
    ]
    ids = {str(run.get('id')) for run in planned}
    by_id = {str(record.get('id')): record for record in records if str(record.get('id')) in ids}
    items = []
    for run in planned:
        record = by_id.get(str(run.get('id')), {})
        in_table = (str(run['condition']), str(run['method']), run['seed']) in present
        state = record.get('state') or ('done' if in_table else 'missing')
        error = record.get('error') or {}
        items.append(
            {
                'id': str(run.get('id', '')),
                'method': str(run['method']),
                'condition': str(run['condition']),
                'seed': run['seed'],
                'state': state,
                'in_results': in_table,
                'hash': record.get('hash') or run.get('hash'),
                'folder': run.get('folder'),
                'message': ': '.join(str(error[key]) for key in ('type', 'message') if error.get(key))
                or None,
                **{
                    key: record.get(key)
                    for key in ('started', 'seconds', 'epochs', 'seconds_per_epoch', 'train_images')
                },
            }
        )
    states = [item['state'] for item in items]
    # A training that stands for several conditions took its time once.
    own = [record for record in by_id.values() if not record.get('shared')]
    seconds = [record['seconds'] for record in own if record.get('seconds') is not None]
    return {
        'planned': len(items),
        'done': states.count('done'),
        'failed': states.count('failed'),
        'missing': len(items) - states.count('done') - states.count('failed'),
        'seconds': sum(seconds) if seconds else None,
        'items': items,
        'environments': _environments(own, plan),
    }


def run_notes(runs: dict[str, Any]) -> list[str]:
    """Sentences on runs that are not in the results, or are there without being done."""
    notes = []
    for state in ('failed', 'missing'):
        ids = [item['id'] for item in runs['items'] if item['state'] == state]
        if ids:
            rest = ' The means are over the other seeds.' if _others(runs['items'], state) else ''
            notes.append(f'{_of(len(ids), runs["planned"])} {state}: {some(ids)}.{rest}')
    odd = [
        item['id']
        for item in runs['items']
        if item['in_results'] != (item['state'] == 'done')
        and item['state'] != 'missing'
        and (item['in_results'] or item['state'] == 'done')
    ]
    if odd:
        notes.append(f'State and results disagree (done without rows, or rows of a failed run): {some(odd)}.')
    return notes


def _others(items: list[dict[str, Any]], state: str) -> bool:
    """Whether some method with runs in this state has others that are done."""
    def methods(wanted: str) -> set[tuple[str, str]]:
        return {(item['method'], item['condition']) for item in items if item['state'] == wanted}
    return bool(methods(state) & methods('done'))


def some(names: Sequence[str], shown: int = 5) -> str:
    """'a, b, c and 4 more'."""
    return ', '.join(names[:shown]) + (f' and {len(names) - shown} more' if len(names) > shown else '')


def _of(count: int, total: int) -> str:
    return f'{count} of {total} run{"" if total == 1 else "s"}'


def _environments(records: Sequence[dict[str, Any]], plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Distinct versions, machines and source hashes, with the number of runs made in each.

    A source that the plan gives a method of its own makes no other environment.
    """
    own = (plan.get('source') or {}).get('methods', {})
    found: dict[str, dict[str, Any]] = {}

    def source_of(record: dict[str, Any]) -> Any:
        value = record.get('source_hash')
        return None if value == own.get(record.get('method'), {}).get('hash') else value

    sources = {source_of(record) for record in records} - {None}
    for record in records:
        content = {'versions': record.get('versions'), 'machine': record.get('machine'),
                   # A run without a source does not differ from the others in its source.
                   'source_hash': next(iter(sources)) if len(sources) == 1 else source_of(record)}
        if any(value for value in content.values()):
            entry = found.setdefault(json.dumps(content, sort_keys=True), {**content, 'runs': 0})
            entry['runs'] += 1
    return [found[key] for key in sorted(found)]
