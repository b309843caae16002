"""What lies in a suite's output folder: the plan, the records of the runs and the results table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.program import PLAN_FORMAT, RECORD_FORMAT, too_late

from .across.tables import read_files, read_tables
from .averaging import read_ensembles
from .decodings import read_decodings
from .errors import TableError
from .foreign import Foreign
from .inputs import problem
from .measures import Score
from .reading import read_table
from .training import read_history
from .trust import read_validation

RESULTS = ('results.parquet', 'results.csv')
TUNING = 'tuning.json'
JUDGED = 'source_judged.json'
FORMATS = {'plan': PLAN_FORMAT, 'record': RECORD_FORMAT}


@dataclass(frozen=True)
class Suite:
    """The input of an analysis.

    Attributes:
        table: The validated results table.
        plan: The plan as written by the suite, with what was judged of its source, or an empty dict for a bare table;
            where methods are tuned, of each one's trials the chosen one, with all of them under ``tuning.groups``.
        records: The ``record.json`` of each run, in the order of their ids, with its ``history``,
            ``decodings`` and ``validation`` where it has them.
        ensembles: What its networks give together, see :mod:`.averaging`; None where none were averaged.
    """

    table: pd.DataFrame
    plan: dict[str, Any] = field(default_factory=dict)
    records: tuple[dict[str, Any], ...] = ()
    ensembles: dict[str, Any] | None = None


def read_suite(results: str | Path, plan: str | Path | None = None, missing_allowed: bool = False,
               scores: Sequence[Score] = (), foreign: Foreign | None = None) -> Suite:
    """Read a suite's folder, or a bare results table.

    Args:
        results: A folder with ``results.parquet`` (or ``results.csv``), or such a file itself.
        plan: A ``plan.json`` that goes before the folder's own.
        missing_allowed: An empty error is a missing prediction; also where the plan has a ``missing_cap``.
        scores: Columns of scores that take the place of ``error``, in a table that no suite has written.
        foreign: How such a table is written.

    Raises:
        TableError: Something is missing or not as it should be.
    """
    results = Path(results)
    if not results.is_dir():
        found = _plan(Path(plan)) if plan else {}
        return Suite(read_table(results, missing_allowed or _caps(found), scores, foreign), found)
    if scores:
        raise TableError(f'{results}: --score is for a table of others; a suite has errors: leave it out')
    if foreign is not None and foreign.declared:
        raise TableError(f'{results}: --columns, --ignore, --datasets, --wide, --na and --worksheet are for a table of '
                         "others, not for a suite's folder: leave them out")
    table = next((results / name for name in RESULTS if (results / name).is_file()), None)
    if table is None:
        raise TableError(
            f'{results}: no results.parquet in this folder; run the suite first, or name a table'
        )
    plan_file = Path(plan) if plan else results / 'plan.json'
    found = _plan(plan_file) if plan or plan_file.is_file() else {}
    tries = _json(results / TUNING, 'tuning', 'run the suite again') if (results / TUNING).is_file() else []
    found = _judged(found, results / JUDGED)
    found, records = _standing(found, read_records(results), tries)
    return Suite(read_table(table, missing_allowed or _caps(found)), found, tuple(records), read_ensembles(results))


def has_results(folder: Path) -> bool:
    """Whether a folder has a table of results."""
    return any((folder / name).is_file() for name in RESULTS)


def read_suites(paths: Sequence[Path], plan: str | Path | None = None, missing_allowed: bool = False,
                scores: Sequence[Score] = (), foreign: Foreign | None = None) -> dict[str, Suite]:
    """:func:`read_suite` of what may be several data sets: a table with a column ``dataset``, or several tables.

    Returns:
        Data set -> its table and the plan, of a bare table whose column ``dataset`` has several names or of several
        tables, by their files' names; else '' -> the suite.
    """
    if paths[0].is_dir():
        return {'': read_suite(paths[0], plan, missing_allowed, scores, foreign)}
    found = _plan(Path(plan)) if plan else {}
    if foreign is not None:
        foreign = replace(foreign, groups=(*foreign.groups, *(found.get('analysis', {}).get('groups') or ())))
    allowed = missing_allowed or _caps(found)
    tables = (read_tables(paths[0], allowed, scores, foreign) if len(paths) == 1 else
              read_files(paths, allowed, scores, foreign))
    return {name: Suite(table, found) for name, table in tables.items()}


def read_records(folder: str | Path) -> list[dict[str, Any]]:
    """The ``record.json`` files under ``folder/runs``, ordered by run id.

    Raises:
        TableError: A record is not JSON (runs write it atomically, so something else has changed it), or of a later
            version of the suite.
    """
    records = []
    for path in sorted(Path(folder).glob('runs/*/*/record.json')):
        record = _json(path, 'record', 'remove this run and let the suite run it again')
        records.append({**record, 'history': read_history(path.parent, record),
                        'decodings': read_decodings(path.parent, record),
                        'validation': read_validation(path.parent, record)})
    return sorted(records, key=lambda record: str(record.get('id', '')))


def _judged(plan: dict[str, Any], path: Path) -> dict[str, Any]:
    """The plan with what was judged of its sources; as it is where that is another source's.

    It stands under ``source.judged`` and, of sources that methods have of their own, ``source.methods.NAME.judged``.
    """
    source = plan.get('source')
    if not source or not path.is_file():
        return plan
    found = _json(path, 'judged', 'remove it, or run the suite again')
    if found['source'] != source.get('hash'):
        return plan
    source = {**source, 'judged': _block(found)}
    others = found.get('others', {})
    if own := source.get('methods'):
        source['methods'] = {method: {**about, **({'judged': _block(others[about['hash']])}
                                                  if about['hash'] in others else {})}
                             for method, about in own.items()}
    return {**plan, 'source': source}


def _block(found: dict[str, Any]) -> dict[str, Any]:
    return {'people': found['people'], 'reason': found['reason'], **(found['judged'] or {})}


def _standing(plan: dict[str, Any], records: list[dict[str, Any]],
              tries: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Plan and records with a run per method, condition and seed: of trials the chosen one (the first where none is).

    A training that stands for several conditions has a run and a record under each of them.
    """
    standing = {(group['chosen'] or group['tries'][0]['id'], group['condition']) for group in tries}
    tried = {one['id'] for group in tries for one in group['tries']}
    by_id = {record.get('id'): record for record in records}
    runs, kept = [], {name: record for name, record in by_id.items() if name not in tried}
    for run in plan.get('runs', []):
        owner = run.get('id')
        for condition, name in {run['condition']: owner, **run.get('also', {})}.items():
            if owner in tried and (owner, condition) not in standing:
                continue
            runs.append({**run, 'id': name, 'condition': condition})
            if owner in by_id:
                kept[name] = {**by_id[owner], 'id': name, 'condition': condition, 'shared': name != owner}
    plan = {**plan, 'runs': runs} if runs else plan
    return ({**plan, 'tuning': {**plan.get('tuning', {}), 'groups': tries}} if tries else plan,
            sorted(kept.values(), key=lambda record: str(record.get('id', ''))))


def _caps(plan: dict[str, Any]) -> bool:
    return plan.get('analysis', {}).get('missing_cap') is not None


def _plan(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = _json(path, 'plan', 'write the plan again')
    return content


def _json(path: Path, kind: str, remedy: str) -> Any:
    """A JSON file whose fields, where they are there, have the types of ``input_schema.json``."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except OSError as exc:
        raise TableError(f"{path}: can't be read ({exc.strerror}); check the path") from exc
    except ValueError as exc:
        raise TableError(f'{path}: not JSON ({exc}); {remedy}') from exc
    if isinstance(content, dict) and kind in FORMATS and (found := too_late(content, FORMATS[kind])):
        raise TableError(f'{path}: {found}; analyse it with that version')
    if found := problem(content, kind):
        raise TableError(f'{path}: {found}; {remedy}')
    return content
