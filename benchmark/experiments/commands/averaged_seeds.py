"""A suite's ensembles: the networks of each method's seeds are averaged once they are there, without any training.

Nothing here fails a suite.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmark.experiments.commands.results import conditions
from benchmark.experiments.plan.runs import Plan
from benchmark.experiments.run.asking import asked
from benchmark.experiments.run.averaging import perform
from benchmark.experiments.state.records import State
from benchmark.experiments.state.tasks import Work
from benchmark.experiments.suite.suite import Suite
from benchmark.utils.files import file_digest


def averaged_methods(suite: Suite) -> list[str]:
    """Methods whose networks are averaged: those that the suite names, else all."""
    if not suite.execution.keep_checkpoints or suite.data.folds:
        return []
    return [*suite.methods] if suite.ensembles is None else [*suite.ensembles]


def in_words(plan: Plan) -> str:
    """What a plan averages without training it, in a line; nothing where it averages nothing."""
    main = next(iter(plan.suite.conditions))
    seeds: dict[str, set[int]] = {}
    for run in plan.runs:
        if main in (run.condition, *run.also):
            seeds.setdefault(run.method, set()).add(run.seed)
    named = [name for name in averaged_methods(plan.suite) if len(seeds.get(name, ())) > 1]
    if not named:
        return ''
    of = ' each' if len(named) > 1 else ''
    counts = sorted({len(seeds[name]) for name in named})
    return (f'averaged afterwards, which trains nothing: the networks of {", ".join(named)} ('
            f'{" or ".join(map(str, counts))} seeds{of})')


def average_seeds(suite: Suite, plan: Plan, work: Work, groups: list[dict[str, Any]]) -> None:
    """Averages networks under the main condition where that is not done; says why where it can't be.

    Args:
        suite: The suite.
        plan: Its plan.
        work: The same, as workers see it.
        groups: The tuned methods' trials; see :func:`.results.tuned`.
    """
    main, chosen = next(iter(suite.conditions)), {(group['chosen'], group['condition']) for group in groups}
    wanted: dict[tuple[str, str], dict[int, str]] = {(name, main): {} for name in averaged_methods(suite)}
    for run in work.runs:
        key = run.entry['method'], main
        if key not in wanted or main not in conditions(run) or ('trial' in run.entry and (run.id, main) not in chosen):
            continue
        status = run.status()
        if status.state is State.DONE and status.record and status.record.get('network'):
            wanted[key][run.entry['seed']] = status.record['result_sha256']
    wanted = {key: runs for key, runs in wanted.items() if len(runs) > 1}
    there = _there(plan.out)
    if all(there.get(key) == runs for key, runs in wanted.items()):
        return
    answer = asked(perform, dict(out=str(plan.out), level=1 - suite.analysis.alpha, wanted=[*wanted]))
    if answer['reason']:
        print(f'warning: the networks of the seeds were not averaged: {answer["reason"]}', file=sys.stderr)


def _there(out: Path) -> dict[tuple[str, str], dict[int, str]]:
    """The runs that were averaged, or could not be: method and condition -> seed -> digest of its predictions."""
    from benchmark.statistics.averaging import FILE, TABLE  # It brings pandas, which a plan does not need.
    try:
        found = json.loads((out / FILE).read_text(encoding='utf-8'))
        if file_digest(out / TABLE) != found['table_sha256']:
            return {}
        return {(one['method'], one['condition']): dict(zip(one['seeds'], one['predictions'], strict=True))
                for one in (*found['ensembles'], *found['left_out'])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
