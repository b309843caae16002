"""A look at a suite: what ``tools/analyze.py`` does on a suite's folder, recorded in its ledger (:mod:`.ledger`)."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .alerts import alert
from .analysis import analyze
from .errors import TableError
from .layout import some
from .ledger import ASKED, OTHER_RUNS, Ledger, as_put_away, locked, read_ledger, runs_before, start_anew
from .measures import ERRORS, Measures
from .metric import WANTED, measures_with
from .options import read_options
from .pairs import planned_pairs
from .scores import Scores
from .sequential.records import Look, declaration
from .suite import Suite


def has_runs(plan: Mapping[str, Any]) -> bool:
    """Whether a plan names runs with their hashes, as a suite's does: only these can be told from others."""
    runs = plan.get('runs') or []
    return bool(runs) and all('id' in run and 'hash' in run for run in runs)


def analyze_suite(folder: Path, suite: Suite, anew: bool = False, kept: list[Scores] | None = None,
                  **choices: Any) -> dict[str, Any]:
    """Analyses a suite's folder, and records the look where its runs were not looked at before.

    A look is recorded before anybody sees the analysis: killed at any moment, it counts once or was not taken.

    Args:
        folder: The suite's folder.
        suite: What lies in it.
        anew: Whether its earlier looks are put away first (:func:`.ledger.start_anew`).
        kept: The main condition's scores are appended.
        choices: What else :func:`.analysis.analyze` takes beside table, plan, records and looks.

    Returns:
        The content of ``analysis.json``.

    Raises:
        TableError: What ``analyze`` raises; or a ledger that can't be gone on with, with what has changed.
    """
    name = str(suite.plan.get('suite'))
    measures, seen = measures_with(suite.table.attrs.get(WANTED, ())), looked_at(suite)
    declared = declared_by(suite.plan, measures=measures, **choices)
    _check_beforehand(folder, declared, suite.plan)
    if anew:
        start_anew(folder, name)
    ledger = read_ledger(folder, name) or Ledger(folder, name)
    check_declared(ledger, declared)
    unwritten = None
    if declared['sequential'] is not None:
        _check_ended(folder, seen)
        check_kept(ledger, seen['runs'])
    elif _other_runs(ledger, seen):
        # What was seen of the former runs says nothing of these, but stays counted.
        try:
            start_anew(folder, name, OTHER_RUNS)
            ledger = read_ledger(folder, name) or ledger
        except OSError as error:
            unwritten, ledger = _refused(error), as_put_away(ledger, OTHER_RUNS)
    counts = {method: len(seeds) for method, seeds in seen['seeds'].items()}
    content = analyze(suite.table, suite.plan, suite.records, looks=_looks(ledger, counts, declared),
                      ensembles=suite.ensembles, kept=kept, **choices)
    now = content['sequential']['looks'][-1] if declared['sequential'] is not None else None
    if unwritten is None:
        try:
            ledger = _record(ledger, {**seen, 'plan': declared, 'look': now})
        except OSError as error:
            if declared['sequential'] is not None:
                raise
            unwritten = _refused(error)
    if unwritten is not None:
        content['notes'].append(f'This look is not in the ledger of the suite, {ledger.path}: {unwritten}.')
    _tell_before(ledger, seen['runs'], content)
    return content


def _refused(error: OSError) -> str:
    """Why a folder can't be written to; what else has gone wrong is raised again."""
    if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
        raise error
    return str(error.strerror)


def _check_beforehand(folder: Path, declared: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    """Checks that the looks are those of the suite's plan: who has its results can't declare any.

    Raises:
        TableError: They are not.
    """
    said = read_options(plan.get('analysis', {})).sequential
    if declared['sequential'] != (said and asdict(said)):
        has = 'declares others' if said else 'declares none'
        raise TableError(f'{folder}: --sequential: looks are declared before there are results, and the plan of this '
                         f'suite {has}; leave the option out, or declare analysis.sequential in a suite with another '
                         '--out')


def declared_by(plan: Mapping[str, Any], condition: str | None = None, measures: Measures = ERRORS,
                **choices: Any) -> dict[str, Any]:
    """What a suite's plan, and what goes before it, declare of the tests: what must not change between two looks.

    Args:
        plan: The plan.
        condition: The main condition, instead of the plan's first.
        measures: The endpoints.
        choices: Fields of :class:`.options.Options` that go before the plan's ``analysis``.

    Returns:
        The :func:`.sequential.records.declaration` and the main condition.

    Raises:
        TableError: A choice that can't be meant.
    """
    options = read_options(plan.get('analysis', {}), measures, **choices)
    pairs = planned_pairs([one['name'] for one in plan.get('methods', [])], options)
    main = condition or next((one['name'] for one in plan.get('conditions', [])), None)
    content: dict[str, Any] = json.loads(json.dumps({**declaration(options, pairs), 'condition': main}))
    return content


def check_declared(ledger: Ledger, declared: Mapping[str, Any]) -> None:
    """Checks that nothing has changed since the last look, where then or now looks are declared.

    Raises:
        TableError: Something has: names it.
    """
    if not ledger.looks:
        return
    before, number = ledger.looks[-1]['plan'], ledger.looks[-1]['number']
    if before['sequential'] is None and declared['sequential'] is None:
        return
    if changes := [*_changes(before, declared)]:
        raise TableError(f'{ledger.path}: the analysis plan has changed since look {number}: {some(changes, 3)}. Looks '
                         'hold under the plan that they were taken under: put it back, or begin again with '
                         '--start-anew, which keeps the ledger in earlier/ and counts it')


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], where: str = '') -> list[str]:
    """What differs of two plans: ``sequential.max_seeds 10 -> 12``."""
    found = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += _changes(old, new, f'{where}{name}.')
        elif old != new:
            found.append(f'{where}{name} {_short(old)} -> {_short(new)}')
    return found


def _short(value: Any) -> str:
    text = 'none' if value is None else json.dumps(value)
    return text if len(text) <= 60 else f'{text[:57]}...'


def looked_at(suite: Suite) -> dict[str, Any]:
    """With which runs a look is taken, all under the suite's main condition.

    Returns:
        ``seeds``, method -> its seeds that are in the results; ``planned``, method -> how many were asked for;
        ``failed``, method -> seeds that failed; ``runs``, id -> hash of those in the results.
    """
    plan = suite.plan
    main = next((one['name'] for one in plan.get('conditions', [])), plan['runs'][0]['condition'])
    runs = [run for run in plan['runs'] if run['condition'] == main]
    rows = suite.table[suite.table['condition'] == main][['method', 'seed']].drop_duplicates()
    there = {(str(method), int(seed)) for method, seed in rows.itertuples(index=False)}
    failed = {record.get('id') for record in suite.records if record.get('state') == 'failed'}
    # Of a tuned method a seed has failed where its trials have ended and none could be chosen.
    ended = {'done', 'failed', 'open'}
    given_up = {(group['method'], group['seed']) for group in plan.get('tuning', {}).get('groups', ())
                if group['condition'] == main and group['chosen'] is None
                and {one['state'] for one in group['tries']} <= ended}
    content: dict[str, Any] = {'seeds': {}, 'planned': {}, 'failed': {}, 'runs': {}}
    for run in runs:
        method, seed = run['method'], run['seed']
        content['planned'][method] = content['planned'].get(method, 0) + 1
        if (method, seed) in there:
            content['seeds'].setdefault(method, []).append(seed)
            content['runs'][run['id']] = run['hash']
        elif run['id'] in failed or (method, seed) in given_up:
            content['failed'].setdefault(method, []).append(seed)
    content['seeds'] = {method: sorted(seeds) for method, seeds in content['seeds'].items()}
    return content


def _check_ended(folder: Path, seen: Mapping[str, Any]) -> None:
    """Checks that all runs of the plan are in the results or have failed: a look waits for the others.

    Raises:
        TableError: Some are neither.
    """
    for method, planned in seen['planned'].items():
        there, failed = len(seen['seeds'].get(method, ())), len(seen['failed'].get(method, ()))
        if there + failed < planned:
            raise TableError(f'{folder}: {planned - there - failed} of the {planned} runs of {method} have not ended, '
                             'and a look that was declared (analysis.sequential) waits for all of them; run the suite '
                             'to its end first')


def check_kept(ledger: Ledger, runs: Mapping[str, str]) -> None:
    """Checks that what the last look saw, where looks are declared, is among a plan's runs or the results.

    Args:
        ledger: The ledger.
        runs: Id -> hash.

    Raises:
        TableError: It is not; names a run.
    """
    if not ledger.looks or ledger.looks[-1]['plan']['sequential'] is None:
        return
    last = ledger.looks[-1]
    if gone := [name for name, value in last['runs'].items() if runs.get(name) != value]:
        raise TableError(f'{ledger.path}: look {last["number"]} was taken with {some(gone, 2)}, which are not '
                         'among the runs now: run the suite as it was then, or begin again with --start-anew, which '
                         'keeps the ledger in earlier/ and counts it')


def _other_runs(ledger: Ledger, seen: Mapping[str, Any]) -> bool:
    """Whether a method and seed that were looked at are another run now."""
    def by_place(runs: Mapping[str, str]) -> dict[str, str]:
        # An id is method/condition-seed-hash.
        return {name.rpartition('-')[0]: value for name, value in runs.items()}
    now = by_place(seen['runs'])
    return any(now.get(place, value) != value for one in ledger.looks for place, value in by_place(one['runs']).items())


def known_look(ledger: Ledger, seeds: Mapping[str, list[int]]) -> dict[str, Any] | None:
    """The look that saw these seeds of these methods, and perhaps others' too; None where there is none."""
    return next((one for one in ledger.looks
                 if all(one['seeds'].get(name) == own for name, own in seeds.items())), None)


def _record(ledger: Ledger, look: dict[str, Any]) -> Ledger:
    """Adds a look to the ledger, where it is another one than those that are there.

    Raises:
        TableError: Somebody else has added one in the meantime.
        OSError: The ledger can't be written.
    """
    if known_look(ledger, look['seeds']) or look['look'] and look['look']['number'] <= len(ledger.looks):
        return ledger
    with locked(ledger.folder):
        now = read_ledger(ledger.folder, ledger.suite) or Ledger(ledger.folder, ledger.suite)
        if known_look(now, look['seeds']):
            return now
        if [one['digest'] for one in now.looks] != [one['digest'] for one in ledger.looks]:
            raise TableError(f'{ledger.path}: somebody else has looked at other seeds just now; run the command again')
        more = ledger.with_look(look)
        more.write()
        return more


def _looks(ledger: Ledger, counts: Mapping[str, int], declared: Mapping[str, Any]) -> list[Look]:
    """A ledger's looks as the analysis takes them: where none are declared those at no more seeds than now."""
    if declared['sequential'] is not None:
        return [Look.from_json(one['look']) for one in ledger.looks]
    found = [(one, {method: len(seeds) for method, seeds in one['seeds'].items()}) for one in ledger.looks]
    return [Look(one['number'], seeds, (), one['digest'], False) for one, seeds in found
            if all(count <= counts.get(method, 0) for method, count in seeds.items())]


def _tell_before(ledger: Ledger, runs: Mapping[str, str], content: dict[str, Any]) -> None:
    """Says how many looks an earlier ledger tells of: in an alert where somebody asked for a new one, else a note."""
    if not ledger.before:
        return
    again = sum(value in runs_before(ledger) for value in runs.values())
    files = some([one['file'] for one in ledger.earlier], 3)
    text = (f'The ledger of looks was begun anew on {ledger.begun[:10]}: {ledger.before} earlier '
            f'look{"" if ledger.before == 1 else "s"} ({files}) '
            + (f'saw {again} of the {len(runs)} runs that are analysed here, and no error rate counts that.' if again
               else 'saw other runs than those that are analysed here.'))
    if any(one['why'] == ASKED for one in ledger.earlier):
        content['alerts'].append(alert('looks begun anew', text))
    else:
        content['notes'].append(text)
