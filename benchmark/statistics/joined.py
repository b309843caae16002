"""Contrasts of methods that were trained in several suites of the same data: one table, one plan.

Whether seeds are paired follows from the numbers that the plans drew: seed s of two methods is one draw where some
purpose (initialisation, order, augmentation, split) has the same number in both, and another one in each seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import Any

import pandas as pd

from .errors import TableError
from .folders import Folder, unlike
from .layout import some
from .sides import Term, data_of, described_of, ensembles_of, settings_of, source_of, tuning_of
from .suite import Suite
from .table import NOTES, of_annotators, validate
from .terms import NESTED, PAIRED, Design

FORM = '--contrast A/ft:B/ctd_ed'
#: Declarations that conclusions rest on -> the option that settles them where two suites disagree.
DECLARED = {'threshold': '--threshold', 'margin': '--margin', 'alpha': '--alpha', 'success': '--success',
            'missing_cap': '--missing-cap', 'unit': '--unit', 'folds': '--folds'}
#: Declarations of which the first folder's holds.
FIRST = ('draws', 'seed', 'value_label')
#: Seeds in common below which pairs would leave next to nothing.
FEWEST = 2

#: What every comparison of finished suites begins with.
LATE = ('The methods are of several suites and were set against each other when these had been run: unless the '
        'contrast was declared before, it is exploratory, whatever it is called here.')


def read_contrasts(texts: Sequence[str], folders: Sequence[Folder],
                   condition: str | None = None) -> list[tuple[Term, Term]]:
    """Contrasts as they are named, ``A/ft:B/ctd_ed``, the first minus the second.

    Args:
        texts: FOLDER/METHOD:FOLDER/METHOD, ``@CONDITION`` after a method that is not meant under the main condition.
        folders: What is known; a folder's name or path may be written.
        condition: The main condition, instead of each folder's first.

    Raises:
        TableError: None is named, or a text names no folder, method or condition that is there; says what is there.
    """
    there = '; '.join(folder.said() for folder in folders)
    if not texts:
        raise TableError(f'{" ".join(str(folder.path) for folder in folders)}: several folders, not all of different '
                         f'data, and nothing that is compared; name it, as in {FORM}. {there}')
    main = {folder.name: _main(folder, condition) for folder in folders}
    found: list[tuple[Term, Term]] = []
    for text in texts:
        sides = _sides(text, folders)
        if sides is None:
            raise TableError(f'--contrast {text}: not of the form FOLDER/METHOD:FOLDER/METHOD, as in {FORM}. {there}')
        a, b = (_term(side.strip(), text, folders, main) for side in sides)
        if a.name == b.name:
            raise TableError(f'--contrast {text}: both sides are {a.name}; name two')
        if any({a.name, b.name} == {one.name, other.name} for one, other in found):
            raise TableError(f'--contrast {text}: {a.name} and {b.name} are compared already; name each pair once')
        found.append((a, b))
    return found


def _sides(text: str, folders: Sequence[Folder]) -> tuple[str, str] | None:
    """What stands on both sides of the colon, or of that of several before which a known folder's method stands."""
    found = [(text[:place], text[place + 1:]) for place, sign in enumerate(text) if sign == ':']
    found = [sides for sides in found if all('/' in side for side in sides)]
    known = [sides for sides in found if all(_folder(side, folders) for side in sides)]
    return next(iter(known or found), None)


def _folder(side: str, folders: Sequence[Folder]) -> Folder | None:
    place = side.strip().rpartition('/')[0].rstrip('/')
    return next((one for one in folders if place in (one.name, str(one.path).rstrip('/'))), None)


def _main(folder: Folder, condition: str | None) -> str:
    if condition is None:
        return next(iter(folder.conditions), str(folder.plan['runs'][0]['condition']))
    if condition not in folder.conditions:
        raise TableError(f'condition: {folder.name} has no condition {condition}; there are '
                         f'{some([*folder.conditions], 99)}. A contrast may name its own: A/ft@{condition}:B/ft')
    return condition


def _term(side: str, text: str, folders: Sequence[Folder], main: Mapping[str, str]) -> Term:
    place, _, method = side.rpartition('/')
    folder = _folder(side, folders)
    if folder is None:
        raise TableError(f'--contrast {text}: no folder {place} is given; there are '
                         f'{some([one.name for one in folders], 99)}')
    method, at, condition = method.partition('@')
    if method not in folder.methods:
        raise TableError(f'--contrast {text}: {folder.name} has no method {method}; {folder.said()}')
    if at and condition not in folder.conditions:
        raise TableError(f'--contrast {text}: {folder.name} has no condition {condition}; there are '
                         f'{some([*folder.conditions], 99)}')
    term = Term(folder, method, condition if at else main[folder.name], main[folder.name])
    if term.rows.empty:
        raise TableError(f'--contrast {text}: {folder.path}: no run of {method} under {term.under} is done; run the '
                         'suite to its end first')
    return term


def joined(folders: Sequence[Folder], contrasts: Sequence[tuple[Term, Term]],
           given: Mapping[str, Any] | None = None) -> Suite:
    """One suite of the methods that are contrasted, each named ``FOLDER/METHOD``, under one condition.

    Args:
        folders: All of them; those of no contrast add nothing.
        contrasts: From :func:`read_contrasts`, the primary one first.
        given: Options of the command line, which go before what the suites declare.

    Returns:
        Table, plan, records and averaged networks; the plan's ``analysis`` holds the contrasts as its pairs.

    Raises:
        TableError: The data differ, or the suites declare different things of the analysis.
    """
    terms = [*{term.name: term for pair in contrasts for term in pair}.values()]
    used = [folder for folder in folders if any(term.folder is folder for term in terms)]
    for one, other in combinations(used, 2):
        if what := unlike(one, other, (given or {}).get('missing_cap') is not None):
            raise TableError(f'{one.path} and {other.path}: not the same data ({what}): errors on unlike images can\'t '
                             'be set against each other; run one of the suites on the data of the other (--data-root), '
                             'or analyse each by itself')
    under = [*dict.fromkeys(term.under for term in terms)]
    label = under[0] if len(under) == 1 else ', '.join(f'{term.under} of {term.name}' for term in terms)
    notes: list[str] = []
    design = _design(terms, notes)
    notes.append(f'{", ".join(f"{folder.name} is {folder.path}" for folder in used)}.')
    analysis = _declared(used, dict(given or {}), notes)
    pairs = [(a.name, b.name) for a, b in contrasts]
    notes += _same_runs(terms) + _others(used, terms)
    table = _table(terms, used, label, notes)
    first, second = contrasts[0]
    plan = {
        'suite': ' + '.join(folder.name for folder in used),
        'title': f'{first.label} against {second.label}',
        'question': f'Is {first.label} better than {second.label}?',
        'caution': ' '.join(dict.fromkeys([LATE, *(text for folder in used if (text := folder.plan.get('caution')))])),
        'methods': [{'name': term.name, 'label': term.label, 'reported': None, 'description': described_of(term)}
                    for term in terms],
        'conditions': [{'name': label, 'label': label, 'value': None}],
        'runs': [{**{key: value for key, value in run.items() if key not in ('also', 'folder')},
                  'id': f'{term.folder.name}/{run["id"]}', 'method': term.name, 'condition': label}
                 for term in terms for run in term.runs],
        'analysis': {**analysis, 'design': design, 'pairs': [list(pair) for pair in pairs], 'proposed': pairs[0][0],
                     'reference': pairs[0][1]},
        'data': data_of(used), 'source': source_of(terms), 'settings': settings_of(terms), **tuning_of(terms, label),
    }
    records = tuple({**record, 'id': f'{term.folder.name}/{record["id"]}', 'method': term.name, 'condition': label}
                    for term in terms for record in term.folder.suite.records
                    if record.get('id') in {run['id'] for run in term.runs})
    return Suite(table, plan, records, ensembles_of(used, terms, label))


def _declared(used: Sequence[Folder], given: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """What the suites declare of the analysis, but for what is compared with what."""
    found = agreed(used, given, notes)
    first = used[0].plan.get('analysis') or {}
    found |= {field: first[field] for field in FIRST if field in first}
    found['groups'] = [*dict.fromkeys(name for folder in used
                                      for name in (folder.plan.get('analysis') or {}).get('groups') or ())]
    notes += left_looks(used)
    return found


def agreed(used: Sequence[Folder], given: Mapping[str, Any], notes: list[str],
           fields: Mapping[str, str] = MappingProxyType(DECLARED)) -> dict[str, Any]:
    """What all suites declare of the analysis that declare it.

    Args:
        used: Their folders.
        given: Options of the command line; what they say is passed over.
        notes: Gets a sentence on what one suite alone declares.
        fields: Field of ``analysis`` -> the option that settles it.

    Raises:
        TableError: Two suites declare different things.
    """
    found: dict[str, Any] = {}
    for field, option in fields.items():
        said = {folder.name: value for folder in used
                if (value := (folder.plan.get('analysis') or {}).get(field)) not in (None, {})}
        if given.get(field) is not None or not said:
            continue
        values = [*said.values()]
        if any(value != values[0] for value in values):
            told = ' and '.join(f'{_written(value)} ({name})' for name, value in said.items())
            raise TableError(f'{" and ".join(str(folder.path) for folder in used)}: the suites declare different '
                             f'things of analysis.{field}: {told}; say what holds: {option}')
        if len(said) < len(used) and field != 'folds':
            notes.append(f'Only {", ".join(said)} declares {field}: {_written(values[0])}; it holds here too ({option} '
                         'gives another).')
        found[field] = values[0]
    return found


def left_looks(used: Sequence[Folder]) -> list[str]:
    """A note on declared looks, which are left out here."""
    looking = [folder.name for folder in used if (folder.plan.get('analysis') or {}).get('sequential')]
    return [f'{" and ".join(looking)} declare{"" if len(looking) > 1 else "s"} looks (analysis.sequential). They hold '
            'for the contrasts of that suite; here each contrast is tested once, with the seeds that are there, and no '
            'ledger counts it.'] if looking else []


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return ' '.join(f'{name}={number:g}' for name, number in value.items())
    return ' '.join(map(str, value)) or 'none' if isinstance(value, (list, tuple)) else str(value)


def _design(terms: Sequence[Term], notes: list[str]) -> Design:
    """Paired where seed s is one draw for all methods, else nested; says which, and why."""
    if any('fold' in run for term in terms for run in term.runs):
        return NESTED  # a cross-validation has a design of its own
    apart = {(one.name, other.name): why for one, other in combinations(terms, 2) if (why := _unpaired(one, other))}
    if not apart:
        notes.append(f'Seeds are paired: in the plans seed s is one draw for {some([term.name for term in terms], 9)}.')
        return PAIRED
    (one, other), why = next(iter(apart.items()))
    alike = [f'{a.name} and {b.name}' for a, b in combinations(terms, 2) if (a.name, b.name) not in apart]
    notes.append(f'Seeds are not paired: {why} ({one}, {other})' + (
        f'. {some(alike)} share their seeds, and that is not used in a table that also has others.' if alike else '.'))
    return NESTED


def _unpaired(one: Term, other: Term) -> str | None:
    """Why seeds of two terms are not the same draw; None where they are."""
    if one.folder is other.folder and one.condition == other.condition:
        declared = (one.folder.plan.get('analysis') or {}).get('design')
        return None if declared == PAIRED else f'{one.folder.name} declares the design {declared or NESTED}'
    first, second = ({run['seed']: run.get('seeds') or {} for run in term.runs} for term in (one, other))
    common = sorted(set(one.rows['seed']) & set(other.rows['seed']) & first.keys() & second.keys())
    if len(common) < FEWEST:
        return f'there {"is one seed" if common else "is no seed"} in common'
    for purpose in first[common[0]].keys() & second[common[0]].keys():
        drawn = [(first[seed].get(purpose), second[seed].get(purpose)) for seed in common]
        if all(a == b is not None for a, b in drawn) and len({a for a, _ in drawn}) > 1:
            return None
    return 'the plans draw others for each, whatever their numbers'


def _same_runs(terms: Sequence[Term]) -> list[str]:
    """A note for each two terms that are the same trainings."""
    found = []
    for one, other in combinations(terms, 2):
        first, second = ({(run['seed'], run.get('fold')): run['hash'] for run in term.runs} for term in (one, other))
        if same := sorted({seed for seed, fold in first.keys() & second.keys()
                           if first[seed, fold] == second[seed, fold]}):
            found.append(f'{one.name} and {other.name} are the same training (method, data and hash) in seed'
                         f'{"s" if len(same) > 1 else ""} {some([*map(str, same)])}: both sides hold it.')
    return found


def _others(used: Sequence[Folder], terms: Sequence[Term]) -> list[str]:
    """What of the folders is not in the table."""
    found = []
    for folder in used:
        if left := [name for name in folder.methods if not any(term.folder is folder and term.method == name
                                                               for term in terms)]:
            found.append(f'{folder.name}: {some(left)} {"are" if len(left) > 1 else "is"} in no contrast and left out.')
        part = folder.plan.get('part') or {}
        if 'only' in part:
            found.append(f'{folder.name}: {part["runs"]} of its {part["of_runs"]} trainings were asked for (--only '
                         f'{part["only"]}), and its table holds no others.')
    return found


def _table(terms: Sequence[Term], used: Sequence[Folder], label: str, notes: Sequence[str]) -> pd.DataFrame:
    """All rows, with notes on how each table was read."""
    parts = _annotated([term.rows.assign(method=term.name, condition=label) for term in terms])
    for part in parts:
        if any('trained' in other.columns for other in parts) and 'trained' not in part.columns:
            part['trained'] = True
    table = validate(pd.concat(parts, ignore_index=True), 'the joined table', missing_allowed=True)
    read = [f'{folder.name}: {note}' for folder in used for note in folder.suite.table.attrs.get(NOTES, [])]
    table.attrs[NOTES] = [*notes, *read, *table.attrs.get(NOTES, [])]
    return table


def _annotated(parts: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Tables that all have the columns of annotators that one of them has: annotations are the data's, not a run's."""
    every = [*dict.fromkeys(name for part in parts for name in of_annotators(part.columns))]
    for name in every:
        keys = ['image', *(['landmark'] if all('landmark' in part.columns for part in parts) else [])]
        known = next(part for part in parts if name in part.columns)
        known = known.groupby(keys, as_index=False, observed=True)[name].first()
        parts = [part if name in part.columns else part.merge(known, how='left', on=keys) for part in parts]
    return parts
