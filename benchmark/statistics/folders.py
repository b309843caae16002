"""Several suites' folders read at once: how each is named, and in what their data differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import TableError
from .layout import some
from .looking import has_runs
from .suite import Suite, has_results, read_suite

#: Signs of a fingerprint that a message shows.
SHOWN = 8


@dataclass(frozen=True)
class Folder:
    """A suite's folder.

    Attributes:
        name: The last part of its path, or as many of the last as tell it from the others.
        path: As it was given.
        suite: What lies in it.
    """

    name: str
    path: Path
    suite: Suite

    @property
    def plan(self) -> dict[str, Any]:
        """The suite's plan."""
        return self.suite.plan

    @property
    def methods(self) -> dict[str, dict[str, Any]]:
        """Planned methods by name."""
        return {str(one['name']): one for one in self.plan.get('methods', [])}

    @property
    def conditions(self) -> dict[str, dict[str, Any]]:
        """Conditions by name, the main one first."""
        return {str(one['name']): one for one in self.plan.get('conditions', [])}

    def said(self) -> str:
        """``A has ft, ctd_ed``."""
        return f'{self.name} has {some([*self.methods], 99)}'


def read_folders(paths: Sequence[Path], missing_allowed: bool = False) -> list[Folder]:
    """Reads suites' folders.

    Args:
        paths: At least one.
        missing_allowed: An empty error is a missing prediction, see :func:`.suite.read_suite`.

    Raises:
        TableError: A folder is given twice, or one is no suite's, with its runs and results.
    """
    places = [path.resolve() for path in paths]
    if twice := [path for path, place in zip(paths, places, strict=True) if places.count(place) > 1]:
        raise TableError(f'{twice[0]}: the same folder is given twice; give each one once')
    found = []
    for path, name in zip(paths, names(places), strict=True):
        if not path.is_dir():
            raise TableError(f"{path}: {'is no' if path.exists() else 'no such'} folder; several inputs are suites' "
                             'output folders, with plan.json and results.parquet')
        if not has_results(path) and any((path / name).is_file() for name in ('analysis.json', 'datasets.json')):
            raise TableError(f'{path}: an analysis without its table (no results.parquet), and several inputs are '
                             "suites' output folders; give tables of several data sets without folders, as in a.csv "
                             'b.csv, and not with --contrast')
        suite = read_suite(path, None, missing_allowed)
        if not has_runs(suite.plan):
            raise TableError(f"{path}: no suite's folder: it has no plan.json that names runs and their hashes; give "
                             "the folder that tools/run_suite.py --out has written")
        found.append(Folder(name, path, suite))
    return found


def names(places: Sequence[Path]) -> list[str]:
    """The shortest last parts of distinct paths that tell them apart."""
    for count in range(1, max(len(place.parts) for place in places) + 1):
        found = ['/'.join(place.parts[-count:]) for place in places]
        if len(set(found)) == len(found):
            break
    return found


def unlike(first: Folder, second: Folder, missing_allowed: bool = False) -> str | None:
    """In what the data of two folders differ, as ``fingerprints 1a2b3c4d and 5e6f7a8b``; None where they are the same.

    The fingerprint is over images, annotations and the scheme of landmarks; what the tables hold is looked at too.

    Args:
        first: One.
        second: The other.
        missing_allowed: Images that no run of a folder has are missing predictions.
    """
    one, other = (folder.plan.get('data') or {} for folder in (first, second))
    prints = [str(data.get('fingerprint') or 'none') for data in (one, other)]
    if 'none' in prints or prints[0] != prints[1]:
        return f'fingerprints {" and ".join(text[:SHOWN] for text in prints)}'
    for field, what in (('landmarks', 'unlike landmarks'), ('interocular', 'unlike normalising distances')):
        if one.get(field) != other.get(field):
            return what
    for field, what, cause in (('image', 'unlike test images', ', perhaps without predictions in the other: '
                                '--missing-cap counts them as failures'), ('landmark', 'unlike tested landmarks', '')):
        apart = sorted(_names(first, field) ^ _names(second, field))
        if apart and not (missing_allowed and field == 'image'):
            return f'{what}: {some(apart, 3)} in one only{cause}'
    return None if _folds(first) == _folds(second) else 'unlike folds of a cross-validation'


def _names(folder: Folder, column: str) -> set[str]:
    table = folder.suite.table
    return set(table[column]) if column in table.columns else set()


def _folds(folder: Folder) -> Any:
    """How persons were dealt out; None where there is no cross-validation."""
    drawn = {(run['seed'], run['fold'], run.get('data')) for run in folder.plan['runs'] if 'fold' in run}
    return (folder.plan.get('folds'), drawn) if drawn else None
