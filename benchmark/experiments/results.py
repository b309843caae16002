"""The results table: every finished run's predictions in one Parquet file."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pandas

from benchmark.files import atomic_path

from .records import State
from .work import RESULTS, Task, Work


def collect(work: Work) -> Path | None:
    """Writes ``results.parquet`` from the runs of the plan that are done and whole.

    Rows are ordered by the plan's runs, then as in the test split; the same results give the same bytes.

    Returns:
        The table's path, or None where no run is done.
    """
    parts = [pandas.read_parquet(io.BytesIO(content)) for run in work.runs if (content := _checked(run)) is not None]
    if not parts:
        return None
    path = work.out / 'results.parquet'
    with atomic_path(path) as temporary:
        pandas.concat(parts, ignore_index=True).to_parquet(temporary, index=False)
    return path


def _checked(run: Task) -> bytes | None:
    """A run's predictions, read once: the bytes that are used are those that fit the checksum."""
    status = run.status()
    if status.state is not State.DONE:
        return None
    content = (run.folder / RESULTS[run.kind]).read_bytes()
    return content if hashlib.sha256(content).hexdigest() == status.record['result_sha256'] else None
