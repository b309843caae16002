"""Plans a suite and does its runs; the same command again does what is missing (``tools/run_suite.py``)."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.config import DictAction

from benchmark.datasets.metainfo import DataError
from benchmark.experiments.commands.judged_source import FILE, check_judge, judge_source
from benchmark.experiments.commands.results import collect, tuned
from benchmark.experiments.commands.status import describe, earlier, reasons, show, statuses, watch
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.executors import EXECUTORS, Executor, ExecutorError, Request, waiting
from benchmark.experiments.plan.build_check import check_methods
from benchmark.experiments.plan.forecast import Forecast
from benchmark.experiments.plan.plan import make_plan, write_config
from benchmark.experiments.plan.runs import Plan
from benchmark.experiments.run.pool import DiskFull, share_of_cores, slots
from benchmark.experiments.run.progress import Progress
from benchmark.experiments.state.locks import FolderLock, Locked
from benchmark.experiments.state.records import State
from benchmark.experiments.state.tasks import Work, read_work, work_of
from benchmark.experiments.suite.configs import names
from benchmark.experiments.suite.fields import changed
from benchmark.experiments.suite.inputs import GivenSource, IdentityFolder, PreparedData, RandomSource, TrainedSource
from benchmark.experiments.suite.suite import Suite, load_suite
from benchmark.numerics import NUMERICS
from benchmark.statistics.ledger import LOOKS, OTHER_NUMERICS, start_anew
from benchmark.utils.files import write_json
from benchmark.utils.machine import gpus_here, thread_limit, threads
from benchmark.utils.refusals import refuse

EPILOG = """examples:
  tools/run_suite.py smoke
  tools/run_suite.py demo --methods ft,ctd_ed --seeds 5
  tools/run_suite.py real_faces --data-root data/my_faces --source-data data/my_identities
  tools/run_suite.py real_faces --data-root data/my_faces --source vggface2_mobilenet
  tools/run_suite.py paper --data-root data/my_faces --source vggface2.pth --dry-run

  tools/run_suite.py demo --status

exit codes: 0 all runs are done; 1 some failed; 2 bad input; 130 stopped before the end"""


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = argparse.ArgumentParser(prog='tools/run_suite.py', epilog=EPILOG,
                                description='Plan a suite and execute its runs; repeating the command executes only '
                                            'what is missing.',
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('suite', help=f'a name ({", ".join(names("suites"))}) or a path')
    p.add_argument('--methods', help='only these methods, comma separated')
    p.add_argument('--seeds', type=int, help='number of seeds')
    p.add_argument('--out', type=Path, help='output folder (default: runs/SUITE)')
    p.add_argument('--data-root', help='a prepared data set to use for the target task (tools/prepare_data.py)')
    p.add_argument('--source-data', help='a folder of faces with index.csv to train the source network on')
    p.add_argument('--source', help="a known source by its name (tools/get_source.py --list), fetched once; a source "
                                        "checkpoint (tools/convert_source.py); 'random'; or 'train', on --source-data "
                                        "or the suite's own faces")
    p.add_argument('--executor', choices=tuple(EXECUTORS), default='local', help='where runs are executed')
    p.add_argument('--engine', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE',
                   help="options of the executor, such as partition=gpu time=4:00:00 (default: the suite's)")
    p.add_argument('--workers', type=int, help="runs at the same time; the cores are shared out (default: the suite's, "
                                               'or one for each place on a GPU)')
    p.add_argument('--gpus', help="GPUs to use, such as 0,1, or 'none' (default: all visible to CUDA)")
    p.add_argument('--per-gpu', type=int, default=1, help='parallel runs per GPU (default: 1)')
    p.add_argument('--retry-failed', action='store_true', help='also rerun runs that failed permanently')
    p.add_argument('--only', metavar='PATTERN', help="only runs whose id matches, such as 'ft/*' or '*seed0*'")
    p.add_argument('--status', action='store_true', help='show the state of the runs in the output folder')
    p.add_argument('--watch', action='store_true', help='the same, updated until all runs have ended')
    p.add_argument('--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE',
                   help='override config values of every run, such as train_cfg.max_epochs=5')
    p.add_argument('--dry-run', action='store_true', help='show what would run, without running it')
    p.add_argument('--progress', choices=('auto', 'plain', 'none'), default='auto',
                   help='bars on a terminal and lines elsewhere (auto, the default), lines, or nothing')
    return p


def adjust(suite: Suite, args: argparse.Namespace) -> Suite:
    """Applies the command line to a suite.

    Raises:
        SuiteError: An unknown method, or numbers that make no sense.
    """
    if args.seeds is not None:
        if args.seeds < 1:
            raise SuiteError(f'--seeds {args.seeds}: give 1 or more.')
        suite = changed(suite, seeds=list(range(args.seeds)))
    if args.workers is not None:
        if args.workers < 1:
            raise SuiteError(f'--workers {args.workers}: give 1 or more.')
        suite = changed(suite, workers=args.workers)
    if args.data_root:
        suite = changed(suite, data=PreparedData(root=args.data_root), data_replaced=True)
    if args.source_data:
        faces = IdentityFolder(root=args.source_data)
        trained = isinstance(suite.source, TrainedSource)
        suite = changed(suite, source=changed(suite.source, data=faces) if trained else TrainedSource(data=faces))
    if isinstance(suite.source, TrainedSource) and suite.source.known and (args.source_data or args.source):
        suite = changed(suite, source=changed(suite.source, known=None))
    own = [name for name, method in suite.methods.items() if method.source]
    if own and args.source:
        print(f'note: --source is that of the suite; {", ".join(own)} keep their own (methods.NAME.source)')
    if args.source == 'train':
        if not isinstance(suite.source, TrainedSource):
            raise SuiteError(f'--source train: {suite.name} trains no source. Name faces for it: --source-data FOLDER.')
    elif args.source:
        judge = suite.source.judge
        given = RandomSource(judge=judge) if args.source == 'random' else GivenSource(path=args.source, judge=judge)
        suite = changed(suite, source=given, source_replaced=True)
    if args.cfg_options:
        suite = changed(suite, overrides=args.cfg_options)
    return suite


def check_sections(suite: Suite) -> None:
    """Checks the page's sections now, so that a misspelt one does not show after the runs.

    Raises:
        SuiteError: A section that nobody registers, or a module that does not import.
    """
    if not suite.page:
        return
    from reports import sections  # Only where a suite asks: it draws in matplotlib.
    try:
        sections.load(suite.report.imports or (), suite.file.parent)
        sections.chosen(suite.report.sections)
    except sections.SectionError as error:
        raise SuiteError(f'{suite.file}: report: {error}.') from None


def chosen(suite: Suite, methods: str | None) -> list[str] | None:
    """The methods of ``--methods``.

    Raises:
        SuiteError: One that the suite does not have.
    """
    if methods is None:
        return None
    wanted = [m.strip() for m in methods.split(',') if m.strip()]
    if not wanted:
        raise SuiteError(f'--methods {methods!r}: names none. The suite {suite.name} has: {", ".join(suite.methods)}.')
    for method in wanted:
        if method not in suite.methods:
            raise SuiteError(f'--methods: the suite {suite.name} has no {method!r}. It has: '
                             f'{", ".join(suite.methods)}.')
    return wanted


#: What is made of results. Beside another plan it would pass for that one's.
MADE = ('results.parquet', 'analysis.json', 'report/index.html')


def outdate(out: Path) -> None:
    """Removes what is made of results, so that nothing old stands beside a new plan; all of it is made again."""
    for name in MADE:
        (out / name).unlink(missing_ok=True)


def keep_earlier(out: Path) -> None:
    """Moves away the table, analysis and report of a program with other numerics: this one can't make them again.

    They go with their plan and ledger of looks to ``earlier/numerics-<number>``, where ``tools/analyze.py`` and
    ``tools/report.py`` read them; its ``runs`` is a link to the runs, of which nothing is removed. The looks stay
    counted.
    """
    try:
        plan = json.loads((out / 'plan.json').read_text(encoding='utf-8'))
        numerics = plan.get('numerics', 0)
    except (OSError, ValueError, AttributeError):
        return
    made = (*MADE, LOOKS)
    if type(numerics) is not int or numerics == NUMERICS or not any((out / name).exists() for name in made):
        return
    name = f'numerics-{numerics}'
    places = (out / 'earlier' / (f'{name}-{number}' if number else name) for number in itertools.count())
    place = next(place for place in places if not place.exists())
    place.mkdir(parents=True)
    start_anew(out, str(plan.get('suite')), OTHER_NUMERICS, place / LOOKS)
    for name in ('plan.json', 'tuning.json', FILE, 'results.parquet', 'analysis.json', 'report'):
        if (out / name).exists():
            os.replace(out / name, place / name)
    # Not all file systems have links; without one the table can be analysed, and knows nothing of its runs.
    with contextlib.suppress(OSError):
        (place / 'runs').symlink_to(Path('..', '..', 'runs'), target_is_directory=True)
    print(f'table, analysis and report of an earlier version (numerics {numerics}) are moved to {place}')


def places(args: argparse.Namespace, suite: Suite) -> list[str | None]:
    """Where runs go: a GPU for each at the same time, or None for the CPU.

    Raises:
        SuiteError: Numbers that make no sense, or a GPU that is not there.
    """
    if args.per_gpu < 1:
        raise SuiteError(f'--per-gpu {args.per_gpu}: give 1 or more.')
    there = 0 if args.gpus == 'none' else gpus_here()
    if args.gpus in (None, 'none'):
        gpus = [str(number) for number in range(there)]
    else:
        gpus = [name.strip() for name in args.gpus.split(',') if name.strip()]
        if missing := [name for name in gpus if name.isdecimal() and int(name) >= there]:
            raise SuiteError(f"--gpus {args.gpus}: CUDA shows {there} GPUs here, so there is no {missing[0]}. Give "
                             "others, or 'none'.")
    return slots(args.workers or (None if gpus else suite.workers), gpus, args.per_gpu)


def set_threads(plan: Plan, args: argparse.Namespace, suite: Suite) -> None:
    """Decides the threads of runs and source: the suite's, else those of the plan there is, else a share of the cores.

    Elsewhere a run has as many as the engine's option ``cpus`` says. Here no more are used than there are cores, and
    than OMP_NUM_THREADS says, whatever the suite does.
    """
    execution, there = plan.content['execution'], threads()
    local = args.executor == 'local'
    share = share_of_cores(len(places(args, suite))) if local else int(args.engine.get('cpus', 1))
    try:
        before = json.loads((plan.out / 'plan.json').read_text(encoding='utf-8'))['execution']
        before = {key: before[key] for key in ('threads', 'source_threads')}
    except (OSError, ValueError, KeyError):
        before = {}
    for key, most in (('threads', share), ('source_threads', there if local else share)):
        if execution[key] is None:
            execution[key] = min(before.get(key) or most, most) if local else before.get(key) or most
        elif local and execution[key] > (limit := thread_limit() or execution[key]):
            print(f'note: {key}={execution[key]} of the suite is more than OMP_NUM_THREADS={limit}, which is used')
            execution[key] = limit


def store(plan: Plan) -> Work:
    """Writes the plan where it is another than the one there, and gives it as workers see it."""
    plan.out.mkdir(parents=True, exist_ok=True)
    try:
        # Somebody else may be storing the same plan just now.
        with contextlib.nullcontext() if same(plan) else FolderLock(plan.out, patience=2.0):
            if not same(plan):
                keep_earlier(plan.out)
                outdate(plan.out)
                write_json(plan.out / 'plan.json', plan.content)
    except Locked as error:
        if not same(plan):
            raise SuiteError(f'{error} It works on another plan there: wait for it, or give another --out.') from None
    return work_of(json.loads(json.dumps(plan.content)), plan.out)


def same(plan: Plan) -> bool:
    """Whether the output folder holds this plan, whoever wrote it and whatever has been found since."""
    def core(content: dict) -> dict:
        content = json.loads(json.dumps(content))
        content['source'].pop('val_accuracy')
        content['execution'].pop('code')
        return content
    try:
        return core(json.loads((plan.out / 'plan.json').read_text(encoding='utf-8'))) == core(plan.content)
    except (OSError, ValueError, KeyError):
        return False


def finish(plan: Plan, work: Work) -> None:
    """Writes into the plan what the source's training found."""
    if work.source and (record := work.source.status().record) and record.get('val_accuracy') is not None:
        plan.content['source']['val_accuracy'] = record['val_accuracy']
        write_json(plan.out / 'plan.json', plan.content)


def request(work: Work, plan: Plan, args: argparse.Namespace, suite: Suite) -> Request:
    """What the command line and the suite ask of the executor."""
    options = suite.execution.options(args.executor) | args.engine
    return Request(work, places(args, suite), options.get('workers') or args.workers, args.retry_failed,
                   lambda name: write_config(plan, name), options)


def run(plan: Plan, args: argparse.Namespace, suite: Suite, executor: Executor) -> int:
    """Does a plan's runs and collects their results.

    Returns:
        The exit code.
    """
    set_threads(plan, args, suite)
    work = store(plan)
    with FolderLock(plan.out, shared=True, patience=5.0):
        found = statuses(plan)
        todo = [task.id for task in work.runs if found[task.id].state is not State.DONE]
        if todo:
            outdate(plan.out)
            for line in (*reasons(plan, found), *earlier(plan, found)):
                print(line)
        for name in todo:
            write_config(plan, name)
        if work.source:
            write_config(plan, 'source')
        done = len(work.runs) - len(todo)
        asked = request(work, plan, args, suite)
        forecast = Forecast.of(work, asked.at_once(args.executor == 'local'), args.retry_failed)
        with Progress(args.progress, total=len(work.runs), done=done, forecast=forecast) as display:
            try:
                # What has ended elsewhere is collected here.
                handed = executor.HANDS_OVER and waiting(work, args.retry_failed)
                stopped = executor.run(asked, display) if handed or not executor.HANDS_OVER else False
            except ExecutorError as error:
                # What was done before the engine failed is collected like any other result.
                refuse(error)
                stopped = False
        finish(plan, work)
    if stopped:
        print('stopped; the same command resumes from here', file=sys.stderr)
        return 130
    if handed:
        return 0
    judge_source(plan.suite, plan, work)
    groups = tuned(work)
    table = collect(work, groups)
    left = [task for task in work.runs if task.status().state is not State.DONE]
    print(f'{len(plan.runs) - len(left)} of {len(plan.runs)} runs done ({done} before, {len(left)} failed); '
          + (f'results: {table}' if table else 'no results'))
    for task in left[:3]:
        print(f'  details of {task.id}: {task.folder / "record.json"}, and the log beside it')
    cut = [group for group in groups if len(group['tries']) < work.trials]
    if cut:
        print(f'  nothing is chosen in {len(cut)} of {len(groups)} searches, of which --only left out trials')
    # A trial that fails permanently is a result of the search: what counts is whether each seed could choose.
    unsettled = [group for group in groups if group['chosen'] is None and group not in cut]
    return 1 if unsettled or [run for run in left if 'trial' not in run.entry] else 0


@contextlib.contextmanager
def cut_short() -> Iterator[None]:
    """Lets whoever reads what is only shown, such as head, go when it has read enough; the rest goes nowhere."""
    try:
        yield
        print(end='', flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; see :func:`parser`."""
    args = parser().parse_args(argv)
    out = (args.out or Path('runs') / Path(args.suite).stem).resolve()
    try:
        if args.status or args.watch:
            with cut_short():
                (watch if args.watch else show)(read_work(out))
            return 0
        suite = load_suite(args.suite)
        check_sections(suite)
        suite = adjust(suite, args)
        check_judge(suite)
        executor = EXECUTORS[args.executor]()
        if not args.dry_run and not (out / 'plan.json').exists():
            # Else there may be nothing to do.
            executor.prepare()
        plan = make_plan(suite, out, chosen(suite, args.methods), args.only)
        check_methods(plan)
        asked = request(work_of(json.loads(json.dumps(plan.content)), out), plan, args, suite)
        if args.dry_run:
            with cut_short():
                describe(plan)
                print(executor.describe(asked), end='')
            return 0
        executor.check(asked)
        return run(plan, args, suite, executor)
    except (SuiteError, DataError, Locked, OSError) as error:
        return refuse(error, out)
    except (DiskFull, ExecutorError) as error:
        return refuse(error, code=1)
    except KeyboardInterrupt:
        print('stopped; the same command resumes from here', file=sys.stderr)
        return 130
