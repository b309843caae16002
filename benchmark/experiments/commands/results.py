"""The results table: every finished run's predictions in one Parquet file; of tuned methods, the chosen trials'."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

from benchmark.experiments.state.records import State
from benchmark.experiments.state.tasks import RESULTS, Task, Work
from benchmark.experiments.suite.tuning import METRIC, choose
from benchmark.utils.files import atomic_path, write_json

TUNING = 'tuning.json'


def collect(work: Work, groups: list[dict[str, Any]]) -> Path | None:
    """Writes ``results.parquet`` from the runs of the plan that are done and whole.

    Where methods are tuned, each seed's chosen trial stands for its method, and ``tuning.json`` holds all of them with
    their validation errors. ``trained`` says of each row whether the run's training images let it learn that landmark.
    Of a cross-validation repetitions are left out of which a fold is missing, and ``repetition`` and ``fold`` are
    columns. Rows are ordered by the plan's runs, then as in the test split; the same results give the
    same bytes.

    Args:
        work: The plan's runs.
        groups: From :func:`tuned`.

    Returns:
        The table's path, or None where no run is done.
    """
    # Imported here, as a plan that is only looked at does not need it.
    import pandas

    if groups:
        write_json(work.out / TUNING, groups)
    else:
        (work.out / TUNING).unlink(missing_ok=True)
    chosen = {(group['chosen'], group['condition']) for group in groups}
    parts, cut = [], incomplete(work)
    for run in work.runs:
        wanted = [condition for condition in conditions(run)
                  if ('trial' not in run.entry or (run.id, condition) in chosen)
                  and _repetition(run, condition) not in cut]
        if wanted and (content := _checked(run)) is not None:
            part = pandas.read_parquet(io.BytesIO(content))
            if 'landmark' in part.columns:
                part['trained'] = ~part['landmark'].isin(run.entry.get('untrained', ()))
            if 'fold' in run.entry:
                part = part.assign(repetition=run.entry['repetition'], fold=run.entry['fold'])
            parts += [part.assign(condition=condition) for condition in wanted]
    if not parts:
        return None
    path = work.out / 'results.parquet'
    with atomic_path(path) as temporary:
        pandas.concat(parts, ignore_index=True).to_parquet(temporary, index=False)
    return path


def _repetition(run: Task, condition: str) -> tuple[str, str, int] | None:
    """Method, condition and repetition of a fold's run; None of others."""
    entry = run.entry
    return (entry['method'], condition, entry['repetition']) if 'fold' in entry else None


def incomplete(work: Work) -> set[tuple[str, str, int]]:
    """The repetitions of methods, under their conditions, of which some fold is not done."""
    return {place for run in work.runs if 'fold' in run.entry and run.status().state is not State.DONE
            for condition in conditions(run) if (place := _repetition(run, condition)) is not None}


def conditions(run: Task) -> list[str]:
    """The conditions that a run stands for: its own, and those that change nothing of it."""
    return [run.entry['condition'], *run.entry.get('also', ())]


def tuned(work: Work) -> list[dict[str, Any]]:
    """Per method, condition and seed: its trials, their validation errors, and the chosen one.

    ``chosen`` is None as long as a trial is open, or where the plan holds some of the trials only: a method that
    chooses among fewer than the others is another method.
    """
    found: dict[tuple, dict[str, Any]] = {}
    for run in work.runs:
        if 'trial' not in run.entry:
            continue
        status = run.status()
        # A transient failure settles nothing.
        state = 'open' if status.state is State.FAILED and not status.permanent else status.state.value
        record = status.record or {}
        one = dict(id=run.id, values=run.entry['values'], state=state, seconds=record.get('seconds'),
                   validation=(record.get('validation') or {}).get(METRIC))
        for condition in conditions(run):
            key = dict(method=run.entry['method'], condition=condition, seed=run.entry['seed'])
            found.setdefault(tuple(key.values()), key | dict(chosen=None, tries=[]))['tries'].append(one)
    for group in found.values():
        if len(group['tries']) == work.trials:
            group['chosen'] = choose(group['tries'])
    return list(found.values())


def _checked(run: Task) -> bytes | None:
    """A run's predictions, read once: the bytes that are used are those that fit the checksum."""
    status = run.status()
    if status.state is not State.DONE:
        return None
    content = (run.folder / RESULTS[run.kind]).read_bytes()
    return content if hashlib.sha256(content).hexdigest() == status.record['result_sha256'] else None
