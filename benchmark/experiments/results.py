"""The results table: every finished run's predictions in one Parquet file."""

from __future__ import annotations

from pathlib import Path

import pandas

from .execute import is_done
from .files import atomic_path
from .plan import Plan


def collect(plan: Plan) -> Path | None:
    """Writes ``results.parquet`` from the runs of the plan that are done and whole.

    Rows are ordered by the plan's runs, then as in the test split; the same results give the same bytes.

    Returns:
        The table's path, or None where no run is done.
    """
    parts = [pandas.read_parquet(plan.folder(run) / 'predictions.parquet') for run in plan.runs
             if is_done(plan.folder(run), run.hash)]
    if not parts:
        return None
    path = plan.out / 'results.parquet'
    with atomic_path(path) as temporary:
        pandas.concat(parts, ignore_index=True).to_parquet(temporary, index=False)
    return path
