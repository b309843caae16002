"""Suites of different data as several data sets: each folder is one, by its name."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..errors import TableError
from ..folders import Folder
from ..joined import agreed, left_looks
from ..suite import Suite
from ..table import NOTES

#: Declarations that say which contrasts are planned -> the option that settles them where suites disagree.
PLANNED = {'proposed': '--proposed', 'reference': '--reference', 'pairs': '--proposed'}


def different(folders: Sequence[Folder]) -> bool:
    """Whether each folder has data of its own, by their fingerprints; unknown ones may be the same."""
    prints = [(folder.plan.get('data') or {}).get('fingerprint') for folder in folders]
    return len(prints) > 1 and all(prints) and len({*prints}) == len(prints)


def of_folders(folders: Sequence[Folder], given: Mapping[str, Any]) -> dict[str, Suite]:
    """Data set -> its suite; what conclusions rest on is declared once for all.

    Args:
        folders: Of different data.
        given: Options of the command line, which go before what the suites declare.

    Raises:
        TableError: The suites declare different things of the analysis.
    """
    notes: list[str] = []
    shared = agreed(folders, given, notes) | agreed(folders, given, notes, _planned(folders, given))
    notes += left_looks(folders)
    told = [folder.name if folder.name == str(folder.path) else f'{folder.name} is {folder.path}' for folder in folders]
    notes.append(f'Data sets are suites: {", ".join(told)}.')
    found = {}
    for folder in folders:
        own = {key: value for key, value in (folder.plan.get('analysis') or {}).items() if key != 'sequential'}
        table = folder.suite.table.copy()
        table.attrs = {**folder.suite.table.attrs, NOTES: [*notes, *folder.suite.table.attrs.get(NOTES, [])]}
        found[folder.name] = Suite(table, {**folder.plan, 'analysis': own | shared}, folder.suite.records,
                                   folder.suite.ensembles)
    return found


def _planned(folders: Sequence[Folder], given: Mapping[str, Any]) -> dict[str, str]:
    """Those of :data:`PLANNED` that must agree: pairs count for nothing where the command line has a proposed method.

    Raises:
        TableError: One suite declares pairs, and another what all others are compared with.
    """
    if given.get('proposed') is not None:
        return {name: option for name, option in PLANNED.items() if name != 'pairs'}
    declared = {folder.name: folder.plan.get('analysis') or {} for folder in folders}
    paired = [name for name, one in declared.items() if one.get('pairs')]
    other = [name for name, one in declared.items() if one.get('proposed') and not one.get('pairs')]
    if paired and other:
        raise TableError(f'{paired[0]} declares analysis.pairs and {other[0]} analysis.proposed alone, which are other '
                         'contrasts; say what holds: --proposed')
    return PLANNED


def restricted(suite: Suite, methods: Collection[str]) -> Suite:
    """A data set with these methods alone."""
    def of(several: Sequence[dict[str, Any]], key: str = 'method') -> list[dict[str, Any]]:
        return [one for one in several if str(one.get(key)) in methods]

    table = suite.table[suite.table['method'].isin(methods)].reset_index(drop=True)
    table.attrs = suite.table.attrs
    plan = {**suite.plan}
    for name, key in (('methods', 'name'), ('runs', 'method')):
        if name in plan:
            plan[name] = of(plan[name], key)
    if 'groups' in plan.get('tuning', {}):
        plan['tuning'] = {**plan['tuning'], 'groups': of(plan['tuning']['groups'])}
    together = suite.ensembles
    if together is not None:
        rows = together['table']
        together = {**together, **{name: of(together[name]) for name in ('ensembles', 'left_out')},
                    'table': rows[rows['method'].isin(methods)]}
    return Suite(table, plan, tuple(of(suite.records)), together)


def programs_of(analyses: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Which programs made the runs of all data sets, each once with its number of runs."""
    runs: dict[str, dict[str, Any]] = {}
    for analysis in analyses:
        for one in analysis['program']['runs']:
            code = {key: value for key, value in one.items() if key != 'runs'}
            entry = runs.setdefault(json.dumps(code, sort_keys=True), {**code, 'runs': 0})
            entry['runs'] += one['runs']
    return {**analyses[0]['program'], 'runs': [*runs.values()]}
