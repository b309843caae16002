"""The results table: every finished run's predictions in one Parquet file; of tuned methods, the chosen tries'."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pandas

from benchmark.files import atomic_path, write_json

from .records import State
from .tuning import METRIC, choose
from .work import RESULTS, Task, Work

TUNING = 'tuning.json'


def collect(work: Work) -> Path | None:
    """Writes ``results.parquet`` from the runs of the plan that are done and whole.

    Where methods are tuned, each seed's chosen try stands for its method, and ``tuning.json`` holds all of them with
    their validation errors. Rows are ordered by the plan's runs, then as in the test split; the same results give the
    same bytes.

    Returns:
        The table's path, or None where no run is done.
    """
    runs = work.runs
    if groups := tuned(work):
        write_json(work.out / TUNING, groups)
        chosen = {group['chosen'] for group in groups}
        runs = [run for run in runs if 'attempt' not in run.entry or run.id in chosen]
    else:
        (work.out / TUNING).unlink(missing_ok=True)
    parts = []
    for run in runs:
        if (content := _checked(run)) is not None:
            part = pandas.read_parquet(io.BytesIO(content))
            # Conditions that change nothing of a method share its trainings.
            part['condition'] = run.entry['condition']
            parts.append(part)
    if not parts:
        return None
    path = work.out / 'results.parquet'
    with atomic_path(path) as temporary:
        pandas.concat(parts, ignore_index=True).to_parquet(temporary, index=False)
    return path


def tuned(work: Work) -> list[dict[str, Any]]:
    """Per method, condition and seed: its tries, their validation errors, and the chosen one (or None, as yet)."""
    found: dict[tuple, dict[str, Any]] = {}
    for run in work.runs:
        if 'attempt' not in run.entry:
            continue
        key = {name: run.entry[name] for name in ('method', 'condition', 'seed')}
        group = found.setdefault(tuple(key.values()), key | dict(chosen=None, tries=[]))
        status = run.status()
        state = 'failed' if status.for_good else status.state.value
        group['tries'].append(dict(id=run.id, values=run.entry['values'], state=state,
                                   validation=((status.record or {}).get('validation') or {}).get(METRIC)))
    for group in found.values():
        group['chosen'] = choose(group['tries'])
    return list(found.values())


def _checked(run: Task) -> bytes | None:
    """A run's predictions, read once: the bytes that are used are those that fit the checksum."""
    status = run.status()
    if status.state is not State.DONE:
        return None
    content = (run.folder / RESULTS[run.kind]).read_bytes()
    return content if hashlib.sha256(content).hexdigest() == status.record['result_sha256'] else None
