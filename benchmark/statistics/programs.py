"""Which programs made a table, and what of its suite it holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from benchmark.program import described, program

from .alerts import alert
from .layout import some

#: What stands in records' ``versions`` and computes; the version of Python decides nothing.
COMPUTES = ('torch', 'onedl-mmengine', 'onedl-mmcv', 'mmpose', 'numpy', 'opencv-python-headless')


@dataclass(frozen=True)
class Programs:
    """What a reader has to know of the programs.

    Attributes:
        content: ``analysis``: this process' program; ``runs``: distinct programs of the table's runs, each with its
            number of ``runs``, the most frequent first; empty where no record is beside the table.
        alerts: A table made by programs that may compute differently, or of a part of a suite.
        notes: Programs that differ and compute alike; packages that differ; methods left out.
    """

    content: dict[str, Any]
    alerts: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def programs(table: pd.DataFrame, plan: dict[str, Any], records: Sequence[dict[str, Any]],
             labels: dict[str, str]) -> Programs:
    """Finds the programs that made the runs of a table.

    Args:
        table: The results table.
        plan: The suite's plan, or an empty dict.
        records: The runs' records.
        labels: Method -> label.
    """
    made = _made(table, plan, records)
    found: dict[str, dict[str, Any]] = {}
    for record in made:
        code = record.get('code') or {}
        entry = found.setdefault(json.dumps(code, sort_keys=True), {**code, 'runs': 0})
        entry['runs'] += 1
    content = {'analysis': program(), 'runs': sorted(found.values(), key=lambda one: -one['runs'])}
    alerts, notes = _mixed(made, labels)
    part = plan.get('part') or {}
    if 'only' in part:
        alerts.append(alert('part of a suite', (
            f'{part["runs"]} of the suite\'s {part["of_runs"]} trainings were asked for (--only {part["only"]}), and '
            'this table holds no others, whatever results they have. '
            + (f'None of them is under the suite\'s main condition, {part["main"]}: the first condition that is there '
               'stands in its place. ' if 'main' in part else '')
            + 'The command without --only brings the others up to date too and collects all.')))
    if 'methods' in part:
        count = len(part['methods'])
        notes.append(f'{count} of the suite\'s {part["of_methods"]} methods {"was" if count == 1 else "were"} asked '
                     'for (--methods).')
    return Programs(content, alerts, notes + _packages(made))


def _made(table: pd.DataFrame, plan: dict[str, Any], records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of the trainings whose results are in the table, each once."""
    there = set(table[['condition', 'method', 'seed']].drop_duplicates().itertuples(index=False, name=None))
    planned = {str(run.get('id')) for run in plan.get('runs', [])}
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for record in records:
        place = tuple(record.get(key) for key in ('condition', 'method', 'seed'))
        if record.get('state') == 'done' and place in there and (not planned or str(record.get('id')) in planned):
            # A training that stands for several conditions has a record under each.
            found.setdefault((record.get('method'), record.get('seed'), record.get('hash')), record)
    return [*found.values()]


def _mixed(made: Sequence[dict[str, Any]], labels: dict[str, str]) -> tuple[list[dict[str, str]], list[str]]:
    """An alert where runs were made by programs that may compute differently, a note where these compute alike."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for record in made:
        groups.setdefault(_computes(record.get('code') or {}), []).append(record)
    if len(groups) > 1:
        parts = [f'{_runs(len(own))} ({_of(own, labels)}) by {described(own[0].get("code"))}'
                 for own in sorted(groups.values(), key=len, reverse=True)]
        return [alert('mixed programs', (
            f'This table mixes {len(groups)} versions of the suite whose code that decides results differs: '
            f'{"; ".join(parts)}. What differs between methods or seeds may differ between versions. The suite in '
            'another folder (--out) is made by one.'))], []
    commits = [str(commit)[:10] for commit in _distinct((record.get('code') or {}).get('commit') for record in made)]
    if len(commits) > 1:
        return [], [f'The runs were made at {len(commits)} commits of the suite ({some(commits)}); the code that '
                    'decides results is the same in all of them.']
    return [], []


def _computes(code: dict[str, Any]) -> str:
    """Equal where two programs give the same results: by the digest of the deciding files where the record has it."""
    known = [code.get('numerics', 0), code['deciding']] if code.get('deciding') else code
    return json.dumps(known, sort_keys=True)


def _packages(made: Sequence[dict[str, Any]]) -> list[str]:
    """A note on packages that differ between runs."""
    found = []
    for name in COMPUTES:
        versions = _distinct((record.get('versions') or {}).get(name) for record in made)
        found += [f'{name} ({", ".join(versions)})'] if len(versions) > 1 else []
    return [f'The runs were made with different versions of {"; ".join(found)}.'] if found else []


def _distinct(values: Iterable[Any]) -> list[str]:
    return sorted({str(value) for value in values if value})


def _of(records: Sequence[dict[str, Any]], labels: dict[str, str]) -> str:
    return some([*dict.fromkeys(labels.get(str(one.get('method')), str(one.get('method'))) for one in records)])


def _runs(count: int) -> str:
    return f'{count} run{"" if count == 1 else "s"}'
