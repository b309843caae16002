"""The command line of ``tools/run_suite.py``, and what it changes of a suite."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.command_line import Parser
from benchmark.experiments.commands.stages import MOST
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.executors import EXECUTORS
from benchmark.experiments.suite.configs import titles
from benchmark.experiments.suite.fields import Mistake, changed
from benchmark.experiments.suite.inputs import GivenSource, IdentityFolder, PreparedData, RandomSource, TrainedSource
from benchmark.experiments.suite.key_values import KeyValues
from benchmark.experiments.suite.suite import Suite

EPILOG = """examples:
  tools/run_suite.py smoke
  tools/run_suite.py demo --methods ft,ctd_ed --seeds 5
  tools/run_suite.py demo --until settled --max-seeds 8
  tools/run_suite.py mine --data-root data/mine --short
  tools/run_suite.py real_faces --data-root data/my_faces --source-data data/my_identities
  tools/run_suite.py real_faces --data-root data/my_faces --source vggface2_mobilenet
  tools/run_suite.py paper --data-root data/my_faces --source vggface2.pth --dry-run

  tools/run_suite.py demo --status

exit codes: 0 all runs are done; 1 some failed; 2 bad input; 130 stopped before the end"""

#: Steps of each training of ``--short``.
SHORT = 30


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    shipped = titles('suites')
    suites = '\n'.join(f'  {name:<{max(map(len, shipped))}}  {title}' for name, title in shipped.items())
    p = Parser(prog='tools/run_suite.py', epilog=f'suites:\n{suites}\n\n{EPILOG}',
               description='Plan a suite and execute its runs; repeating the command executes only what is missing.',
               formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('suite', help='the name of a suite, as below, or a path')
    p.add_argument('--methods', help='only these methods, comma separated')
    p.add_argument('--seeds', type=int, help='number of seeds')
    p.add_argument('--folds', type=int, metavar='K', help='cross-validation: deal all images out to K folds, by person')
    p.add_argument('--repeats', type=int, metavar='R',
                   help='with --folds: how often they are dealt out anew (default: 1)')
    p.add_argument('--until', choices=('settled',),
                   help='run seeds in stages and look at the results after each, until every planned contrast is '
                        "settled (the suite's analysis.sequential)")
    p.add_argument('--max-seeds', type=int, metavar='N',
                   help=f"with --until settled: seeds at which it ends (default: the suite's, or {MOST})")
    p.add_argument('--start-anew', action='store_true',
                   help='begin a new ledger of looks; the present one is kept in earlier/ and counted')
    p.add_argument('--short', action='store_true',
                   help=f'a trial from command to page: one seed, the main condition, {SHORT} steps each, no tuning, '
                        'into runs/SUITE-short; its numbers mean nothing')
    p.add_argument('--out', type=Path, help='output folder (default: runs/SUITE, or runs/SUITE-short)')
    p.add_argument('--data-root', help='a prepared data set to use for the target task (tools/prepare_data.py)')
    p.add_argument('--source-data', help='a folder of faces with index.csv to train the source network on')
    p.add_argument('--source', help="a known source by its name (tools/get_source.py --list), fetched once; a source "
                                        "checkpoint (tools/convert_source.py); 'random'; or 'train', on --source-data "
                                        "or the suite's own faces")
    p.add_argument('--executor', metavar='NAME', default='local',
                   help=f'where runs are executed: {", ".join(EXECUTORS)}; or FILE.py:CLASS or MODULE:CLASS, an '
                        'executor of your own (default: local)')
    p.add_argument('--engine', nargs='+', action=KeyValues, default={}, metavar='KEY=VALUE',
                   help="options of the executor, such as partition=gpu time=4:00:00 (default: the suite's)")
    p.add_argument('--workers', type=int, help="runs at the same time; the cores are shared out (default: the suite's, "
                                               'or one for each place on a GPU)')
    p.add_argument('--gpus', help="GPUs to use, such as 0,1, or 'none' (default: all visible to CUDA)")
    p.add_argument('--per-gpu', type=int, default=1, help='parallel runs per GPU (default: 1)')
    p.add_argument('--retry-failed', action='store_true', help='also rerun runs that failed permanently')
    p.add_argument('--only', metavar='PATTERN', help="only runs whose id matches, such as 'ft/*' or '*seed0*'")
    p.add_argument('--status', action='store_true', help='show the state of the runs in the output folder')
    p.add_argument('--watch', action='store_true', help='the same, updated until all runs have ended')
    p.add_argument('--cfg-options', nargs='+', action=KeyValues, default={}, metavar='KEY=VALUE',
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
        own = {key: value for key, value in suite.data.given.items() if key in ('folds', 'repeats', 'by', 'balance')}
        suite = changed(suite, data=PreparedData(root=args.data_root, **own), data_replaced=True)
    suite = _cross_validated(suite, args)
    if args.short:
        suite = _shortened(suite, args)
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


def _cross_validated(suite: Suite, args: argparse.Namespace) -> Suite:
    """A suite with the folds of the command line."""
    if args.seeds is not None and (args.folds or suite.data.folds):
        raise SuiteError(f'--seeds {args.seeds}: in a cross-validation seeds are its repetitions. Give --repeats.')
    if args.folds is None and args.repeats is None:
        return suite
    for name, value, least in (('folds', args.folds, 2), ('repeats', args.repeats, 1)):
        if value is not None and value < least:
            raise SuiteError(f'--{name} {value}: give {least} or more.')
    if not (args.folds or suite.data.folds):
        raise SuiteError(f'--repeats {args.repeats}: the suite {suite.name} has no folds to repeat. Give --folds too.')
    repeats = args.repeats or suite.data.repeats or 1
    suite = changed(suite, data=changed(suite.data, folds=args.folds or suite.data.folds, repeats=repeats),
                    seeds=list(range(repeats)))
    try:
        suite.agree()
    except Mistake as error:
        raise SuiteError(f'--folds: {error}') from None
    return suite


def _shortened(suite: Suite, args: argparse.Namespace) -> Suite:
    """A suite of ``--short``: all of its methods, once, under its first condition and with a few steps each."""
    for name, value in (('until', args.until), ('seeds', args.seeds), ('repeats', args.repeats)):
        if value is not None:
            raise SuiteError(f'--{name} {value}: --short trains each method once. Leave one of the two out.')
    name, condition = next(iter(suite.conditions.items()))
    length = dict(epochs=None, iterations=SHORT)
    methods = {own: changed(method, settings=changed(method.settings, **length))
               for own, method in suite.methods.items()}
    folds = suite.data.folds
    return changed(
        suite, seeds=suite.seeds[:1], data=changed(suite.data, repeats=1) if folds else suite.data, methods=methods,
        conditions={name: condition}, tuning=None, analysis=changed(suite.analysis, sequential=None),
        title=f'{suite.title} (a trial)', caution=f'A trial (--short): each method was trained for {SHORT} steps only. '
        'This page shows that everything works on these data; its numbers mean nothing.')


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
