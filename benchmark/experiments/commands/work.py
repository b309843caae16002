"""Starts a worker on an output folder, on any machine that sees the folder; every executor starts these."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmark.command_line import Parser
from benchmark.datasets.metainfo import DataError
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.plan.forecast import Forecast
from benchmark.experiments.run.pool import PREEMPTED, DiskFull, Worker, slots
from benchmark.experiments.run.progress import Progress
from benchmark.experiments.state.tasks import check_numerics, read_work
from benchmark.utils.refusals import refuse

EPILOG = """Any number of workers may share a folder, on one machine or on many: each run is executed once.

exit codes: 0 all runs are done; 1 some failed; 2 bad input; 75 stopped before the end"""


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = Parser(prog='tools/work.py', description=__doc__, epilog=EPILOG,
               formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('out', type=Path, help='the folder of --out, where a plan.json lies (tools/run_suite.py)')
    p.add_argument('--workers', type=int, default=1, help='parallel runs (default: 1)')
    p.add_argument('--gpus', default='', help='GPUs to use, such as 0,1 (default: those of CUDA_VISIBLE_DEVICES)')
    p.add_argument('--retry-failed', action='store_true', help='also rerun runs that failed permanently')
    p.add_argument('--share', metavar='I/N', help='do only every N-th run, from the I-th (0-based), for file systems '
                                                  'without locks between machines')
    p.add_argument('--end-with-parent', action='store_true', help='stop when the process that started this one is gone')
    return p


def share(text: str | None):
    """Which runs a share names, as a test on their place in the plan.

    Raises:
        SuiteError: It is none.
    """
    if text is None:
        return None
    first, _, of = text.partition('/')
    if not (first.isdecimal() and of.isdecimal() and int(first) < int(of)):
        raise SuiteError(f'--share {text}: give I/N with I from 0 to N - 1, such as 0/4.')
    return lambda place: place % int(of) == int(first)


def _end_with_parent(worker: Worker) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.2)
    worker.stop_asked.set()


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; see :func:`parser`."""
    args = parser().parse_args(argv)
    names = args.gpus or os.environ.get('CUDA_VISIBLE_DEVICES', '')
    gpus = [name for name in names.split(',') if name and names != 'none']
    try:
        work = read_work(args.out.resolve())
        check_numerics(work.numerics, str(work.out / 'plan.json'))
        sys.path.extend(work.execution['paths'])
        with Progress('plain', len(work.runs), 0, Forecast.of(work, args.workers, args.retry_failed)) as display:
            worker = Worker(work, slots(args.workers, gpus, max(1, args.workers)), display, args.retry_failed,
                            share(args.share))
            if args.end_with_parent:
                threading.Thread(target=_end_with_parent, args=(worker,), daemon=True).start()
            outcome = worker.run()
    except (SuiteError, DataError) as error:
        return refuse(error)
    except DiskFull as error:
        return refuse(error, code=1)
    print(f'{outcome.skipped} runs were done before, {outcome.done} since, {outcome.failed} failed'
          + ('; stopped before the end' if outcome.stopped else ''))
    return PREEMPTED if outcome.stopped else min(1, outcome.failed)


if __name__ == '__main__':
    sys.exit(main())
