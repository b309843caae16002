"""The command line of ``tools/run_suite.py``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import DictAction
from mmengine.logging import MMLogger

from benchmark.datasets.metainfo import DataError
from benchmark.experiments.execute import execute, pending
from benchmark.experiments.plan import Plan, make_plan
from benchmark.experiments.results import collect
from benchmark.experiments.suite import Suite, SuiteError, load_suite, names

EPILOG = """examples:
  tools/run_suite.py smoke
  tools/run_suite.py demo --methods ft,ctd_ed --seeds 5
  tools/run_suite.py real_faces --data-root data/my_faces --source-data data/my_identities
  tools/run_suite.py paper --data-root data/my_faces --source vggface2.pth --dry-run

exit codes: 0 all runs are done; 1 some failed; 2 bad input"""


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = argparse.ArgumentParser(prog='tools/run_suite.py', description=__doc__.split('\n')[0], epilog=EPILOG,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('suite', help=f'a name ({", ".join(names("suites"))}) or a path')
    p.add_argument('--methods', help='only these methods, comma separated')
    p.add_argument('--seeds', type=int, help='number of seeds')
    p.add_argument('--out', type=Path, help='output folder (default: runs/SUITE)')
    p.add_argument('--data-root', help='a prepared data set to use for the target task (tools/prepare_data.py)')
    p.add_argument('--source-data', help='a folder of faces with index.csv to train the source network on')
    p.add_argument('--source', help="a source checkpoint (tools/convert_source.py), or 'random'")
    p.add_argument('--executor', choices=('local',), default='local', help='where runs are executed')
    p.add_argument('--workers', type=int, help="runs at the same time; the cores are shared out (default: the suite's)")
    p.add_argument('--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE',
                   help='override config values of every run, such as train_cfg.max_epochs=5')
    p.add_argument('--dry-run', action='store_true', help='say what would run, and run nothing')
    p.add_argument('--progress', choices=('auto', 'plain', 'none'), default='auto')
    return p


def adjust(suite: Suite, args: argparse.Namespace) -> Suite:
    """Applies the command line to a suite.

    Raises:
        SuiteError: An unknown method, or numbers that make no sense.
    """
    if args.seeds is not None:
        if args.seeds < 1:
            raise SuiteError(f'--seeds {args.seeds}: give 1 or more.')
        suite.seeds = list(range(args.seeds))
    if args.workers is not None:
        if args.workers < 1:
            raise SuiteError(f'--workers {args.workers}: give 1 or more.')
        suite.workers = args.workers
    if args.data_root:
        suite.data = dict(type='prepared', root=args.data_root)
    if args.source_data:
        kept = {k: v for k, v in suite.source.items() if suite.source['type'] == 'train'}
        suite.source = kept | dict(type='train', data=dict(type='identities', root=args.source_data))
    if args.source:
        suite.source = dict(type='random') if args.source == 'random' else dict(type='checkpoint', path=args.source)
    if args.cfg_options:
        suite.overrides = args.cfg_options
    return suite


def chosen(suite: Suite, methods: str | None) -> list[str] | None:
    """The methods of ``--methods``.

    Raises:
        SuiteError: One that the suite does not have.
    """
    if methods is None:
        return None
    wanted = [m.strip() for m in methods.split(',') if m.strip()]
    for method in wanted:
        if method not in suite.methods:
            raise SuiteError(f'--methods: the suite {suite.name} has no {method!r}. It has: '
                             f'{", ".join(suite.methods)}.')
    return wanted


def describe(plan: Plan) -> None:
    """Prints what a call would do."""
    todo = {run.id for run in pending(plan)}
    for run in plan.runs:
        why = 'done' if run.id not in todo else 'to run'
        print(f'{why:7} {run.id}')
    print(f'{len(todo)} of {len(plan.runs)} runs to do; source: {plan.source.description}; data: {plan.data_root}')


def outdate(out: Path) -> None:
    """Removes what is made of results, so that nothing old stands beside a new plan; all of it is made again."""
    for name in ('results.parquet', 'analysis.json', 'report/index.html'):
        (out / name).unlink(missing_ok=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; see :func:`parser`."""
    args = parser().parse_args(argv)
    # MMEngine tells of every variable that it fills into every config that it reads.
    MMLogger.get_current_instance().setLevel('WARNING')
    out = args.out or Path('runs') / Path(args.suite).stem
    try:
        suite = adjust(load_suite(args.suite), args)
        out = out.resolve()
        plan = make_plan(suite, out, chosen(suite, args.methods))
        if args.dry_run:
            describe(plan)
            return 0
        if pending(plan):
            outdate(out)
        outcome = execute(plan, suite.workers, args.progress)
    except (SuiteError, DataError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except OSError as error:
        print(f'error: {error.filename or out}: {error.strerror or error}. Check path, permissions and free space.',
              file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('stopped; the same command goes on from here', file=sys.stderr)
        return 130
    table = collect(plan)
    left = outcome.failed
    print(f'{len(plan.runs) - left} of {len(plan.runs)} runs done ({outcome.skipped} before, {left} failed); '
          f'results: {table}')
    return 1 if left else 0
