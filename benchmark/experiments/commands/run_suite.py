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

from benchmark.datasets.metainfo import DataError
from benchmark.experiments.commands.arguments import adjust, check_sections, chosen, parser
from benchmark.experiments.commands.averaged_seeds import average_seeds
from benchmark.experiments.commands.judged_source import FILE, check_judge, judge_source
from benchmark.experiments.commands.results import collect, tuned
from benchmark.experiments.commands.stages import Stages, declared, tell
from benchmark.experiments.commands.status import (
    cross_validation,
    describe,
    earlier,
    expected,
    networks,
    reasons,
    seeds_of,
    show,
    statuses,
    watch,
)
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.executors import EXECUTORS, Executor, ExecutorError, Request, choose, waiting
from benchmark.experiments.plan.build_check import check_methods
from benchmark.experiments.plan.forecast import Forecast
from benchmark.experiments.plan.plan import make_plan, write_config
from benchmark.experiments.plan.runs import Plan
from benchmark.experiments.run.pool import DiskFull, share_of_cores, slots
from benchmark.experiments.run.progress import Progress
from benchmark.experiments.state.locks import FolderLock, Locked
from benchmark.experiments.state.records import State
from benchmark.experiments.state.tasks import Work, read_work, work_of
from benchmark.experiments.suite.suite import Suite, load_suite
from benchmark.numerics import NUMERICS
from benchmark.statistics.errors import TableError
from benchmark.statistics.ledger import LOOKS, OTHER_NUMERICS, read_ledger, start_anew
from benchmark.utils.files import write_json
from benchmark.utils.machine import gpus_here, thread_limit, threads
from benchmark.utils.refusals import refuse

#: What is made of results. Beside another plan it would pass for that one's.
MADE = ('results.parquet', 'analysis.json', 'report/index.html')


def outdate(out: Path) -> None:
    """Removes what is made of results, so that nothing old stands beside a new plan; all of it is made again."""
    for name in MADE:
        (out / name).unlink(missing_ok=True)


def _other_numerics(out: Path) -> dict | None:
    """The folder's plan where it is of a program with other numerics; None where it is not, or there is none."""
    try:
        plan = json.loads((out / 'plan.json').read_text(encoding='utf-8'))
        numerics = plan.get('numerics', 0)
    except (OSError, ValueError, AttributeError):
        return None
    return plan if type(numerics) is int and numerics != NUMERICS else None


def keep_earlier(out: Path) -> None:
    """Moves away the table, analysis and report of a program with other numerics: this one can't make them again.

    They go with their plan and ledger of looks to ``earlier/numerics-<number>``, where ``tools/analyze.py`` and
    ``tools/report.py`` read them; its ``runs`` is a link to the runs, of which nothing is removed. The looks stay
    counted.
    """
    plan, made = _other_numerics(out), (*MADE, LOOKS)
    if not plan or not any((out / name).exists() for name in made):
        return
    numerics = plan.get('numerics', 0)
    name = f'numerics-{numerics}'
    places = (out / 'earlier' / (f'{name}-{number}' if number else name) for number in itertools.count())
    place = next(place for place in places if not place.exists())
    place.mkdir(parents=True)
    start_anew(out, str(plan.get('suite')), OTHER_NUMERICS, place / LOOKS)
    for name in ('plan.json', 'tuning.json', FILE, 'results.parquet', 'analysis.json', 'report', 'ensembles.json',
                 'ensembles.parquet'):
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


def request(work: Work, plan: Plan, args: argparse.Namespace, suite: Suite, stage: str = '') -> Request:
    """What the command line and the suite ask of the executor."""
    options = suite.execution.options(args.executor) | args.engine
    return Request(work, places(args, suite), options.get('workers') or args.workers, args.retry_failed,
                   lambda name: write_config(plan, name), options, stage)


def run(plan: Plan, args: argparse.Namespace, suite: Suite, executor: Executor, stage: str = '',
        judge: bool = True) -> int:
    """Does a plan's runs and collects their results.

    Args:
        plan: The plan.
        args: The command line.
        suite: The suite.
        executor: Who does them.
        stage: See :class:`.executors.Request`.
        judge: Whether its sources are judged.

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
            told = [cross_validation(plan), networks(plan)]
            if told[0]:
                told.insert(1, expected(work, len(places(args, suite))))
            for line in (*reasons(plan, found), *earlier(plan, found), *filter(None, told)):
                print(line)
        for name in todo:
            write_config(plan, name)
        if work.source:
            write_config(plan, 'source')
        done = len(work.runs) - len(todo)
        asked = request(work, plan, args, suite, stage)
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
    if judge:
        judge_source(plan.suite, plan, work)
    groups = tuned(work)
    table = collect(work, groups)
    average_seeds(plan.suite, plan, work, groups)
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


def staged(suite: Suite, args: argparse.Namespace, out: Path) -> Stages | None:
    """The stages of ``--until settled``; None without it.

    Raises:
        SuiteError: Options that don't go together, or what :class:`.stages.Stages` raises.
    """
    if not args.until:
        if args.max_seeds is not None:
            raise SuiteError(f'--max-seeds {args.max_seeds} goes with --until settled. Give that too, or --seeds.')
        return None
    for name, value in (('seeds', args.seeds), ('only', args.only)):
        if value is not None:
            raise SuiteError(f'--{name} {value}: with --until settled the looks decide which seeds are run. Leave it '
                             'out; --max-seeds says where to end.')
    return Stages(declared(suite, args.max_seeds), out, chosen(suite, args.methods), args.start_anew)


def check_looks(plan: Plan, anew: bool) -> None:
    """Checks before anything is trained that the ledger of looks can be gone on with.

    Args:
        plan: The plan.
        anew: Whether a new one is begun.

    Raises:
        TableError: It was cut or edited, or looks were declared and the analysis plan or the runs have changed; or a
            method has more seeds than the maximum that is declared.
    """
    ledger = None if anew or _other_numerics(plan.out) else read_ledger(plan.out, plan.suite.name)
    if ledger and ledger.looks and (plan.suite.analysis.sequential or ledger.looks[-1]['plan']['sequential']):
        from benchmark.statistics.looking import check_declared, check_kept, declared_by  # All of the statistics.
        check_declared(ledger, declared_by(json.loads(json.dumps(plan.content))))
        check_kept(ledger, {run.id: run.hash for run in plan.runs})
    if plan.suite.analysis.sequential:
        plan.suite.analysis.sequential.check_counts(seeds_of(plan))


def work_off(suite: Suite, args: argparse.Namespace, out: Path, executor: Executor, stages: Stages | None) -> int:
    """Plans a suite and does its runs; where it stops itself, stage after stage.

    Returns:
        The exit code.
    """
    code, first = 0, True
    while True:
        stage = more = stages.next() if stages else None
        if stages and not more:
            if not first:
                print(stages.end())
                return code
            stage = stages.present()
        now, numbers, name = (stage.suite, stage.numbers, stage.name) if stage else (suite, None, '')
        plan = make_plan(now, out, chosen(suite, args.methods), args.only, numbers)
        if first:
            check_methods(plan)
        check_looks(plan, args.start_anew)
        work = work_of(json.loads(json.dumps(plan.content)), out)
        asked = request(work, plan, args, now, name)
        if args.dry_run:
            with cut_short():
                describe(plan)
                if stages and stage:
                    print(*stages.describe(stage, work, asked.at_once(args.executor == 'local')) if more
                          else [stages.end()], sep='\n')
                print(executor.describe(asked), end='')
            return 0
        executor.check(asked)
        if stages:
            stages.start_anew()
        elif args.start_anew:
            start_anew(out, suite.name)
        code = run(plan, args, now, executor, name, judge=first)
        if code > 1 or not (stages and stage and stages.look(stage)):
            return code
        args.retry_failed = args.start_anew = first = False


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; see :func:`parser`."""
    args = parser().parse_args(argv)
    out = (args.out or Path('runs') / f"{Path(args.suite).stem}{'-short' if args.short else ''}").resolve()
    try:
        if args.status or args.watch:
            with cut_short():
                (watch if args.watch else show)(read_work(out))
                for line in tell(read_ledger(out)):
                    print(line)
            return 0
        suite = load_suite(args.suite)
        check_sections(suite)
        suite = adjust(suite, args)
        check_judge(suite)
        stages = staged(suite, args, out)
        executor = choose(args.executor, EXECUTORS)()
        if not args.dry_run and not (out / 'plan.json').exists():
            # Else there may be nothing to do.
            executor.prepare()
        return work_off(stages.suite if stages else suite, args, out, executor, stages)
    except (SuiteError, DataError, Locked, TableError, OSError) as error:
        return refuse(error, out)
    except (DiskFull, ExecutorError) as error:
        return refuse(error, code=1)
    except KeyboardInterrupt:
        print('stopped; the same command resumes from here', file=sys.stderr)
        return 130
