"""A plan's runs as a worker sees them: read from ``plan.json``, so that workers on any machine see the same."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.experiments.errors import SuiteError
from benchmark.numerics import NUMERICS
from benchmark.program import PLAN_FORMAT
from benchmark.utils.files import ROOT

from .records import LaterFormat, Status, check_format, status

RUN, SOURCE = 'run', 'source'
RESULTS = {RUN: 'predictions.parquet', SOURCE: 'source.pth'}
#: How runs are executed where the suite does not say: attempts after a transient failure, seconds that a run may take
#: (None: any), seconds between two states of a training, whether the networks stay, and the threads of a run and of the
#: source's training (None: the cores shared out). Threads decide the last bits of sums, so that a plan holds theirs,
#: and workers on other machines use the same.
EXECUTION: dict[str, Any] = dict(retries=2, time_limit=None, save_every=60.0, keep_checkpoints=True, threads=None,
                                 source_threads=None)


@dataclass(frozen=True)
class Task:
    """A run, or the making of the source.

    Attributes:
        id: Its name in all output.
        kind: ``run`` or ``source``.
        folder: Where it happens.
        hash: What its record must carry.
        entry: What its record says of it from the start, and what its process must know.
        cost: What it takes beside the plan's other runs: see :func:`benchmark.experiments.plan.forecast.cost`.
    """

    id: str
    kind: str
    folder: Path
    hash: str
    entry: dict[str, Any]
    cost: float = 1.0

    @property
    def needs_source(self) -> bool:
        """Whether the source must be there before it starts."""
        return self.kind == RUN and self.entry['source_hash'] is not None and self.entry['source_job'] is not None

    def status(self) -> Status:
        """Its state, read off its folder."""
        return status(self.folder, self.hash, RESULTS[self.kind])


@dataclass(frozen=True)
class Work:
    """What an output folder's plan asks for.

    Attributes:
        out: The output folder.
        runs: The runs, in the order in which they should be done.
        source: The making of the source, or None where it is given.
        execution: See :data:`EXECUTION`.
        numerics: The number of the numerics that it was made for (:mod:`benchmark.numerics`); 0 before there was one.
        trials: How many trials each tuned method has per seed; None where nothing is tuned.
        synthetic: By kind of task, the suite's synthetic data: ``root`` and ``data``, what it says of them.
    """

    out: Path
    runs: list[Task]
    source: Task | None
    execution: dict[str, Any]
    numerics: int = NUMERICS
    trials: int | None = None
    synthetic: dict[str, dict] = field(default_factory=dict)

    @property
    def place_aside(self) -> Path:
        """Where damaged files go."""
        return self.out / 'set_aside'


def read_work(out: Path) -> Work:
    """Reads a plan from its output folder.

    Raises:
        SuiteError: There is none, it is damaged, or of a later version of the suite.
    """
    path = out / 'plan.json'
    try:
        return work_of(json.loads(path.read_text(encoding='utf-8')), out)
    except FileNotFoundError:
        raise SuiteError(f'{path}: no such file. Nothing has been started in {out} yet; give the folder of --out, or '
                         'run the suite.') from None
    except LaterFormat:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise SuiteError(f'{path}: is damaged ({type(error).__name__}: {error}). Run the command that made it again: '
                         'it writes the plan anew and keeps all results.') from error


def work_of(plan: dict[str, Any], out: Path) -> Work:
    """A plan's content, as ``plan.json`` holds it, as workers see it."""
    check_format(plan, PLAN_FORMAT, out / 'plan.json')
    source, numerics = plan['source'], plan.get('numerics', 0)
    runs = [Task(r['id'], RUN, out / r['folder'], r['hash'],
                 {key: r[key] for key in ('id', 'method', 'condition', 'seed', 'hash', 'seeds', 'source_hash')}
                 | {key: r[key] for key in ('trial', 'values', 'also', 'untrained', 'repetition', 'fold') if key in r}
                 | dict(numerics=numerics, data=r.get('data', plan['data']['fingerprint']),
                        source=r.get('source', source['path']),
                        source_job=None if 'source' in r else source['job']), r.get('cost') or 1.0)
            for r in plan['runs']]
    job = None
    if source['job']:
        job = Task('source', SOURCE, Path(source['job']), source['hash'],
                   dict(id='source', hash=source['hash'], kind=source['name'], numerics=numerics, data=source['data']))
    return Work(out, runs, job, EXECUTION | plan['execution'], numerics, plan.get('tuning', {}).get('tries'),
                plan.get('made', {}))


def check_numerics(planned: int, what: str) -> None:
    """Checks that this program computes with the numerics of a plan.

    Args:
        planned: The plan's number.
        what: The plan, for the message.

    Raises:
        SuiteError: It does not: its results would stand beside those of another program under one hash.
    """
    if planned != NUMERICS:
        raise SuiteError(f'{what} was made for numerics {planned}, and this program ({ROOT}) computes with numerics '
                         f'{NUMERICS}: their results must not be mixed. Start workers from the checkout that made the '
                         'plan, or run the command that made it again, with this one.')
