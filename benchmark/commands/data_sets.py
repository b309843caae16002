"""The part of ``analyze.py`` that is about several data sets."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.statistics.across import FILE
from benchmark.statistics.across.analysis import Asked, analyze_data_sets
from benchmark.statistics.across.contrasts import DIFFERENCE, WAYS
from benchmark.statistics.across.tables import folders
from benchmark.statistics.elsewhere import write_elsewhere
from benchmark.statistics.errors import TableError
from benchmark.statistics.folders import Folder
from benchmark.statistics.layout import some
from benchmark.statistics.options import parse_margins
from benchmark.statistics.output import write_analysis
from benchmark.statistics.scores import Scores
from benchmark.statistics.suite import Suite, has_results


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what is asked of several data sets together."""
    group = parser.add_argument_group('several data sets (a table with a column dataset, several tables, or folders of '
                                      'different data)')
    group.add_argument('--combine', choices=WAYS,
                       help='what is combined over data sets: differences in the unit of the endpoint (the default), '
                       'or ratios of means, where units differ between data sets')
    group.add_argument('--relative-margin', nargs='+', action='extend', metavar='ENDPOINT=X',
                       help='smallest relative difference that matters, with --combine ratio; as in ME=0.05 for 5 %%')
    group.add_argument('--common-methods', action='store_true',
                       help='leave methods out that a data set lacks (default: refuse them)')
    group.add_argument('--datasets', nargs='+', action='extend', default=[], metavar='NAME',
                       help='analyse these data sets alone, in this order (default: all)')


def asked(args: argparse.Namespace, several: bool = True) -> Asked:
    """What the command line asks of several data sets together.

    Args:
        args: The command line.
        several: Whether there are several.

    Raises:
        TableError: It asks something and there is one data set, or what it asks can't be meant.
    """
    options = {'--combine': args.combine, '--relative-margin': args.relative_margin,
               '--common-methods': args.common_methods}
    if not several and (given := [name for name, value in options.items() if value]):
        raise TableError(f'{given[0]}: is for several data sets (names in a column dataset, several tables, or '
                         'folders of other data); leave it out')
    if several and args.start_anew:
        raise TableError('--start-anew: is for a suite\'s folder with its runs; leave it out')
    margin = parse_margins(args.relative_margin) if args.relative_margin else None
    return Asked(args.combine or DIFFERENCE, margin, args.common_methods)


def chosen(folders: Sequence[Folder], names: Sequence[str]) -> list[Folder]:
    """The folders of these names, in their order; all where none is given.

    Raises:
        TableError: One is not there, or there is one alone.
    """
    known = {folder.name: folder for folder in folders}
    if lost := [name for name in names if name not in known]:
        raise TableError(f'--datasets: no data set {lost[0]}; there are {", ".join(known)}')
    found = [known[name] for name in dict.fromkeys(names or known)]
    if len(found) < 2:
        raise TableError(f'--datasets: {found[0].name} alone is one suite; give its folder and no other')
    return found


def are_tables(paths: Sequence[Path]) -> bool:
    """Whether several inputs are tables, each of a data set."""
    return len(paths) > 1 and all(path.suffix and not path.is_dir() for path in paths)


def folder_of(paths: Sequence[Path]) -> Path:
    """The folder in which all tables lie.

    Raises:
        TableError: They lie in several.
    """
    places = {path.resolve().parent: path.parent for path in paths}
    if len(places) > 1:
        raise TableError('--out: the tables lie in several folders; name one for the analysis of all')
    return next(iter(places.values()))


def _check_free(out: Path, names: Iterable[str]) -> None:
    """Checks that nothing else lies where several data sets are written; what they wrote before is replaced.

    Raises:
        TableError: ``out`` has an analysis of its own, or a data set's folder is a suite's or of another analysis.
    """
    if (out / 'analysis.json').exists():
        raise TableError(f'--out: {out} has an analysis.json, of one analysis; name another folder for several '
                         'data sets')
    for folder in names:
        place = out / folder
        if has_results(place) or (place / 'plan.json').exists():
            raise TableError(f"--out: {place}, where the data set {folder} goes, is a suite's folder, which keeps its "
                             'own analysis.json; name another folder')
        if (place / 'analysis.json').exists() and not (out / FILE).exists():
            raise TableError(f'--out: {place}, where the data set {folder} goes, has another analysis; name another '
                             'folder')


def write_data_sets(out: Path, suites: Mapping[str, Suite], what: Asked,
                    choices: Mapping[str, Any]) -> tuple[Path, Iterator[str]]:
    """Writes ``datasets.json``, and ``analysis.json`` and ``elsewhere/`` of each data set in a folder of its own.

    Args:
        out: The folder.
        suites: Data set -> its table and plan.
        what: What is asked of all together.
        choices: Of each.

    Returns:
        The file's path, and notes.

    Raises:
        TableError: Something else lies there; nothing is written then.
    """
    _check_free(out, folders(suites).values())
    kept: dict[str, Scores] = {}
    content, analyses = analyze_data_sets(suites, what, kept, **choices)
    for (folder, analysis), scores in zip(analyses.items(), kept.values(), strict=True):
        write_analysis(out / folder / 'analysis.json', analysis)
        write_elsewhere(out / folder, scores)
    path = write_analysis(out / FILE, content)
    unplanned = [] if content['contrasts'] else [
        'No contrast was planned, so none is combined: add --proposed NAME (it against each other method) or '
        f'--reference NAME (each other one against it), with one of {some(content["order"]["methods"], 12)}.']
    return path, (note for notes in (content['notes'], unplanned, *(
        [f'{one["name"]}: {note}' for note in one['notes']] for one in content['data_sets'])) for note in notes)
