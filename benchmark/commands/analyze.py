"""Analyse a suite's results, or any tidy CSV or Parquet table: analysis.json, and the table for other packages."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmark.command_line import Parser
from benchmark.statistics import (
    Suite,
    TableError,
    analyze,
    analyze_suite,
    has_runs,
    parse_margins,
    write_analysis,
)
from benchmark.statistics.across.suites import different, of_folders
from benchmark.statistics.elsewhere import write_elsewhere
from benchmark.statistics.folders import read_folders
from benchmark.statistics.foreign import Foreign, parse_columns
from benchmark.statistics.joined import joined, read_contrasts
from benchmark.statistics.measurements import declare
from benchmark.statistics.measures import declared_scores, own_cap, usually_higher
from benchmark.statistics.metric import ask
from benchmark.statistics.score_columns import SCORES
from benchmark.statistics.scores import Scores
from benchmark.statistics.sequential.plan import parse_sequential
from benchmark.statistics.suite import read_suites
from benchmark.utils.refusals import refuse

from .data_sets import add_options, are_tables, asked, chosen, folder_of, write_data_sets

#: What the numbers of a wide table are, where it is said that they are errors, and where nothing is said.
ERROR, UNNAMED = 'error', ''
#: Columns that other names can stand for, beside those of groups.
COLUMNS = ('method', 'seed', 'image', 'error', 'landmark', 'condition', 'subject', 'repetition', 'fold', 'look',
           'dataset')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(
        description=__doc__,
        epilog="What is not given here comes from the plan (the suite's analysis=dict(...)). Exit codes: 0 written, "
        '2 bad input (one line on stderr says what to do).')
    parser.add_argument(
        'results', type=Path, metavar='RESULTS', nargs='+',
        help="a suite's output folder (several of the same data: see --contrast; of other data each is a data set), or "
        'a tidy .csv, .parquet or .xlsx '
        'file with the columns method, seed, image, error (and, if there are any, dataset, landmark, subject, '
        'condition, repetition, fold, error_mm, group_... and between_... columns); of several such files each is a '
        'data set, named as its file')
    parser.add_argument('--out', type=Path, metavar='DIR',
                        help="folder for analysis.json (default: the suite's folder, or that of the table)")
    parser.add_argument('--contrast', action='append', default=[], metavar='FOLDER/METHOD:FOLDER/METHOD',
                        help="compare methods of several suites' folders with the same data, the first minus the "
                        'second, as in A/ft:B/ctd_ed; once for each contrast, the first is the primary one; '
                        'A/ft@CONDITION where the main condition is not meant (needs --out)')
    parser.add_argument('--plan', type=Path, metavar='FILE', help="a plan.json to use instead of the folder's own")
    parser.add_argument('--proposed', metavar='METHOD', help='proposed method: it is compared with every other method')
    parser.add_argument('--reference', metavar='METHOD',
                        help='reference method: every other method is compared with it, where none is proposed')
    parser.add_argument('--condition', metavar='NAME', help="main condition (default: the plan's first)")
    parser.add_argument('--threshold', type=float, metavar='T',
                        help="failure threshold in the unit of the errors (default: the plan's, else 1.2; of scores "
                        'none)')
    parser.add_argument('--unit', nargs='+', action='extend', metavar='UNIT',
                        help='name of the unit of the errors, for the report; of scores as in hd95=mm')
    parser.add_argument('--columns', nargs='+', action='extend', default=[], metavar='OURS=THEIRS',
                        help='names of columns in the table, as in method=model,image=case; image=clinic+case where '
                        'names of images are told apart by a second column')
    parser.add_argument('--ignore', nargs='+', action='extend', default=[], metavar='COLUMN',
                        help='columns of the table that mean nothing here: they are left out')
    parser.add_argument('--wide', nargs='?', const=UNNAMED, metavar='NAME',
                        help='the table has a row per image and a column per method; NAME: the score that its numbers '
                        'are (default: error, and it is asked where they look like overlaps)')
    parser.add_argument('--na', nargs='*', action='extend', metavar='WORD',
                        help='leave rows without a number out, as if they were not there, and count them: empty ones, '
                        'NA, n/a, nan, null, none, - and these words')
    parser.add_argument('--worksheet', metavar='NAME',
                        help='sheet of an Excel workbook (default: the first that is not empty)')
    parser.add_argument('--score', action='append', default=[], metavar='NAME',
                        help='a column of scores, in the place of error; the first is the primary one, others may '
                        'follow, each with --score of its own')
    parser.add_argument('--higher-is-better', action='append', default=[], metavar='NAME',
                        help='a column of scores of which more is better, such as Dice or accuracy')
    parser.add_argument('--lower-is-better', action='append', default=[], metavar='NAME',
                        help='a column of scores of which less is better (the default)')
    parser.add_argument('--one-family', action='store_true',
                        help='adjust p-values over all scores at once (default: each score is a family of its own)')
    parser.add_argument('--success', nargs='*', type=float, metavar='U',
                        help='thresholds of the success detection rates, in mm where the errors are known in mm, else '
                        'in their unit (default: 2 2.5 3 4 in mm, else none; without a number: none)')
    parser.add_argument('--margin', nargs='+', action='extend', metavar='ENDPOINT=X',
                        help='smallest difference that matters, declared before looking at the results; as in ME=0.05')
    parser.add_argument('--sequential', nargs='+', action='extend', metavar='FIELD=VALUE',
                        help='looks that were declared beforehand, as in max_seeds=20 spending=pocock; for a table '
                        'with a column look')
    parser.add_argument('--design', choices=('nested', 'paired'),
                        help='nested (default): each method has its own randomness in each seed; paired: seed s fixes '
                        'the split or the initialisation for all methods')
    parser.add_argument('--folds', type=int, metavar='K',
                        help='seeds are repetitions of a cross-validation of K folds that were put together, which a '
                        'table without a column fold does not show')
    parser.add_argument('--alpha', type=float, help='level of tests (default: 0.05)')
    parser.add_argument('--groups', nargs='+', action='extend', metavar='COLUMN',
                        help='columns whose strata are compared')
    parser.add_argument('--measure', action='append', metavar='NAME=A,B,...', default=[],
                        help='a measurement of landmarks beside those of the data set, once for each: a,b a distance; '
                        "a,b,c an angle; a,b,c,d,ratio; p,a,b,offset; last perhaps classes, as in "
                        "'ANB=S,N,A,-,S,N,B,III < 3.2 < I <= 5.7 < II'; see docs/data.md")
    parser.add_argument('--metric', action='append', type=Path, metavar='FILE', default=[],
                        help='a Python file with a metric of your own, which is tested beside the mean error '
                        '(docs/extending.md); it is executed')
    parser.add_argument('--missing-cap', nargs='+', action='extend', metavar='E',
                        help='count missing predictions (no row, or an empty error) as failures with this error; '
                        'without it an empty error is refused and images that a run lacks are left out; of scores as '
                        'in dice=0 hd95=50')
    parser.add_argument('--draws', type=int, help='bootstrap draws (default: 10000)')
    parser.add_argument('--seed', type=int, help='random seed of the bootstrap (default: 0)')
    add_options(parser)
    parser.add_argument('--start-anew', action='store_true',
                        help="begin a new ledger of looks (looks.json in the suite's folder); the present one is kept "
                        'in earlier/ and counted')
    return parser.parse_args(argv)


def read_several(args: argparse.Namespace, choices: dict[str, Any]) -> dict[str, Suite]:
    """The contrasts of several suites' folders, as one suite, or suites of different data as data sets.

    Args:
        args: The command line.
        choices: What goes before what the suites declare.

    Raises:
        TableError: An option that is for one input, or no --out; see :func:`read_contrasts`, :func:`joined` and
            :func:`of_folders`.
    """
    if tables := [path for path in args.results if path.is_file()]:
        raise TableError("--contrast: is for suites' folders; of tables name methods with --proposed and --reference"
                         if len(tables) == len(args.results) else
                         f"{tables[0]}: is no folder; give suites' folders alone, or tables alone, each of a data set, "
                         'as in a.csv b.csv')
    folders = read_folders(args.results, args.missing_cap is not None)
    apart = not args.contrast and different(folders)
    own = () if apart else ('proposed', 'reference', 'design', 'datasets')
    for option in (*own, 'plan', 'columns', 'ignore', 'wide', 'na', 'worksheet', 'score', 'higher_is_better',
                   'lower_is_better', 'one_family', 'sequential', 'start_anew'):
        if getattr(args, option) not in (None, [], False):
            raise TableError(f'--{option.replace("_", "-")}: is for one input; of several folders leave it out')
    contrasts = [] if apart else read_contrasts(args.contrast, folders, args.condition)
    if args.out is None or args.out.resolve() in [folder.path.resolve() for folder in folders]:
        what = 'all data sets' if apart else 'the contrasts'
        raise TableError(f"--out: name a folder for {what}; each suite's folder keeps its own analysis.json")
    if (args.out / 'plan.json').exists():
        raise TableError(f"--out: {args.out} is a suite's folder, which keeps its own analysis.json; name another one")
    given = {**choices, 'missing_cap': args.missing_cap}
    return of_folders(chosen(folders, args.datasets), given) if apart else {'': joined(folders, contrasts, given)}


def read(args: argparse.Namespace) -> dict[str, Suite]:
    """The table, with the scores that are named in it, or the suite's folder; several data sets by their names."""
    higher, lower = args.higher_is_better, args.lower_is_better
    named, kind = [*args.score], args.wide or (ERROR if args.wide == UNNAMED else None)
    if kind not in (None, ERROR, *named, *higher, *lower):  # what a wide table holds is named once
        named.append(kind)
    scores = declared_scores(named, higher, lower, args.unit or ()) if (*named, *higher, *lower) else ()
    wide = scores[0].name if kind == ERROR and len(scores) == 1 else kind
    doubted = args.wide == UNNAMED and not scores and (not args.unit or usually_higher(' '.join(args.unit)))
    missing = None if args.na is None else tuple(args.na)
    return read_suites(args.results, args.plan, own_cap(args.missing_cap, scores)[0] is not None, scores,
                       Foreign(parse_columns(args.columns, COLUMNS), wide, missing, args.worksheet, tuple(args.ignore),
                               tuple(args.groups or ()), bool(args.metric), tuple(args.datasets), doubted))


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_args(argv)
    kept: list[Scores] = []
    results = args.results[0]
    several = bool(args.contrast) or len(args.results) > 1 and not are_tables(args.results)
    choices: dict[str, Any] = dict(
        threshold=args.threshold, unit=' '.join(args.unit) if args.unit else None, design=args.design,
        proposed=args.proposed, reference=args.reference, alpha=args.alpha, groups=args.groups, draws=args.draws,
        seed=args.seed, success=args.success, folds=args.folds,
        condition=None if args.contrast else args.condition)  # of several folders each contrast has its own
    try:
        choices['margin'] = parse_margins(args.margin) if args.margin else None
        choices['sequential'] = parse_sequential(args.sequential) if args.sequential else None
        suites = read_several(args, choices) if several else read(args)
        suite = next(iter(suites.values()))
        for one in suites.values():
            if args.metric:
                ask(one.table, args.metric)
            if args.measure:
                declare(one.table, args.measure)
        choices['missing_cap'], caps = own_cap(args.missing_cap, suite.table.attrs.get(SCORES, ()))
        whole = not several and results.is_dir()
        out = args.out or (results if whole else folder_of(args.results))
        wanted = asked(args, len(suites) > 1)
        if len(suites) > 1:
            return told(*write_data_sets(out, suites, wanted, dict(choices, one_family=args.one_family, caps=caps)))
        if whole and has_runs(suite.plan):
            if args.one_family:
                raise TableError('--one-family: is for several scores of a table; leave it out')
            content = analyze_suite(results, suite, args.start_anew, kept, **choices)
        elif args.start_anew:
            raise TableError(f'{results}: --start-anew is for a suite\'s folder with its runs; leave it out')
        else:
            content = analyze(suite.table, suite.plan, suite.records, one_family=args.one_family, caps=caps,
                              ensembles=suite.ensembles, kept=kept, **choices)
        path = write_analysis(out / 'analysis.json', content)
        write_elsewhere(out, kept[0])
    except (TableError, OSError) as error:
        return refuse(error)
    if not suite.plan.get('analysis'):
        # What a suite declares and a bare table can't; a reader of the page alone would take it for meant.
        if content['proposed'] is None and content['reference'] is None:
            print('note: neither --proposed nor --reference was given: nothing is tested as planned', file=sys.stderr)
    return told(path, content['notes'])


def told(path: Path, notes: Iterable[str]) -> int:
    """Prints notes, and last the path; returns the exit code."""
    for note in notes:
        print(f'note: {note}', file=sys.stderr)
    print(path)
    return 0
