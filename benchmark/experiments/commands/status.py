"""What a suite's runs are up to (``--status``), and what a call would do and why (``--dry-run``)."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from benchmark.experiments.commands.averaged_seeds import in_words as averaged
from benchmark.experiments.plan.forecast import Forecast, duration
from benchmark.experiments.plan.runs import Plan, Run
from benchmark.experiments.plan.sizes import network_bytes, validation_bytes
from benchmark.experiments.state.locks import holder
from benchmark.experiments.state.records import State, Status, epochs
from benchmark.experiments.state.tasks import Work
from benchmark.numerics import NUMERICS, deciding_digest
from benchmark.program import described, program
from benchmark.statistics.pairs import remarks

ORDER = (State.RUNNING, State.FAILED, State.DAMAGED, State.INTERRUPTED, State.MISSING, State.DONE)


def rows(work: Work) -> list[dict[str, Any]]:
    """One row per run: ``id``, ``state``, ``epoch``, ``left`` (seconds, or None) and ``reason``.

    What is left of a run is estimated from the finished runs: see :class:`.forecast.Forecast`.
    """
    found, forecast = [(task, task.status()) for task in work.runs], Forecast(work.runs, 1)
    for task, status in found:
        if status.state is State.DONE:
            forecast.close(task.id, status.record['seconds'])
    result = []
    for task, status in found:
        seen = epochs(task.folder) if status.state in (State.RUNNING, State.INTERRUPTED) else None
        whole = forecast.seconds(task.id)
        part = 1 - seen[0] / seen[1] if seen else 1.0
        open_ = status.state in (State.RUNNING, State.INTERRUPTED, State.MISSING, State.DAMAGED)
        reason = f'by {holder(task.folder)}' if status.state is State.RUNNING else status.reason
        result.append(dict(id=task.id, state=status.state.value, epoch=f'{seen[0]}/{seen[1]}' if seen else '',
                           left=whole * part if whole is not None and open_ else None, reason=reason))
    return result


def summary(found: list[dict]) -> str:
    """How many runs are in which state, and the time left at the present number of running ones."""
    counts = Counter(row['state'] for row in found)
    text = ', '.join(f'{counts[s.value]} {s.value}' for s in ORDER if counts[s.value])
    left = [row['left'] for row in found if row['left'] is not None]
    if left and (running := counts[State.RUNNING.value]):
        text += f'; about {duration(max(sum(left) / running, max(left) if len(left) <= running else 0))} left'
    return f'{len(found)} runs: {text}'


def table(work: Work, all_rows: bool) -> Table:
    """The table of ``--status``; finished and waiting runs are counted only, unless asked for."""
    found = rows(work)
    result = Table(title=summary(found), title_justify='left', box=None)
    for column in ('run', 'state', 'epoch', 'left', ''):
        result.add_column(column, overflow='fold')
    for row in sorted(found, key=lambda row: ORDER.index(State(row['state']))):
        if all_rows or row['state'] not in (State.DONE.value, State.MISSING.value):
            result.add_row(row['id'], row['state'], row['epoch'], duration(row['left']), row['reason'])
    return result


def show(work: Work) -> None:
    """Prints the state of every run: a table on a terminal, plain lines elsewhere."""
    if sys.stdout.isatty():
        Console().print(table(work, all_rows=True))
        return
    found = rows(work)
    for row in found:
        print('  '.join(str(part) for part in (f'{row["state"]:11}', row['id'], row['epoch'],
                                               f'{duration(row["left"])} left' if row['left'] else '', row['reason'])
                        if part))
    print(summary(found))


def watch(work: Work, interval: float = 2.0) -> None:
    """Shows the runs' states until all have ended: a live table on a terminal, elsewhere a line when they change."""
    live = Live(console=Console(), auto_refresh=False) if sys.stdout.isatty() else None
    spoken = ''
    with live or open(Path('/dev/null')):
        while True:
            if live:
                live.update(table(work, all_rows=False), refresh=True)
            elif (line := summary(rows(work))) != spoken:
                print(spoken := line, flush=True)
            if all(row['state'] in ('done', 'failed') for row in rows(work)):
                return
            time.sleep(interval)


def _overview(plan: Plan) -> str:
    """What the plan is made of, before the list of its runs."""
    suite, shared = plan.suite, sum(bool(run.also) for run in plan.runs)
    methods = list(dict.fromkeys(run.method for run in plan.runs))
    labels = [condition.label for condition in suite.conditions.values()]
    lines = [f'{suite.title}: {suite.question}'.removesuffix(': '),
             f'methods ({len(methods)}): {", ".join(methods)}',
             f'conditions ({len(labels)}): {", ".join(labels)}' + ('; the first is the main one' if labels[1:] else ''),
             cross_validation(plan) or f'seeds: {_seeds_in_words(plan)}' + (
                 f'; trials of each: {suite.tuning.trials}' if suite.tuning else '')]
    if shared:
        lines.append(f'trainings that stand for several conditions, which change nothing of them: {shared}')
    return '\n'.join(lines) + '\n'


def cross_validation(plan: Plan) -> str:
    """What a cross-validation is made of, and how many trainings it takes; nothing of other plans."""
    if not (block := plan.content.get('folds')):
        return ''
    each = block['drawn'][0]['images']
    words = dict(train='train', val='validate', test='test')
    sizes = ', '.join(f'{each[split]} {word}' for split, word in words.items() if split in each)
    repeats = block['repeats']
    return (f'cross-validation: {repeats} repetition{"s" if repeats > 1 else ""} of {block["folds"]} folds by '
            f'{block["by"]} (of the images of the first fold {sizes}): {len(plan.runs)} trainings')


def expected(work: Work, places: int) -> str:
    """How long the rest of a cross-validation takes, by what its trainings have taken; else when that will be known."""
    left = Forecast.of(work, places).left({})
    return ('expected time: known when the first training is done, and shown from then on' if left is None else
            f'expected time: {duration(left)}')


def seeds_of(plan: Plan) -> dict[str, int]:
    """Method -> how many seeds of it are planned."""
    return {name: len({run.seed for run in plan.runs if run.method == name})
            for name in dict.fromkeys(run.method for run in plan.runs)}


def _seeds_in_words(plan: Plan) -> str:
    """How many seeds the methods have: a number, or that of each where they differ."""
    counts = seeds_of(plan)
    if len(set(counts.values())) == 1:
        return str(len(plan.suite.seeds))
    return ', '.join(f'{name} {count}' for name, count in counts.items())


def describe(plan: Plan) -> None:
    """Prints what a call would do, and why."""
    print(_overview(plan))
    todo, found = 0, statuses(plan)
    for run in plan.runs:
        task, status = plan.task(run), found[run.id]
        if status.state is State.DONE:
            print(f'done    {run.id}')
            continue
        left_alone = status.state is State.FAILED and not status.transient
        todo += not left_alone
        why = status.reason
        if status.state is State.MISSING:
            why = _changes(plan, run)
        elif status.state is State.RUNNING:
            why = f'running, by {holder(task.folder)}'
        elif status.state is State.FAILED:
            why = f'failed before: {why}' + (' (permanent; --retry-failed runs it again)' if left_alone else '')
        print(f'{"failed" if left_alone else "to run":7} {run.id}  ({why})')
    for line in earlier(plan, found):
        print(line)
    print(f'{todo} of {len(plan.runs)} runs to do; source: {plan.source.description}; data: {plan.data_root}')
    for said in filter(None, (networks(plan), averaged(plan))):
        print(said)
    for said in dict.fromkeys(source.description for source in plan.sources.values()):
        names = [name for name, source in plan.sources.items() if source.description == said]
        print(f'source of {", ".join(names)}: {said}')
    for said in remarks(plan.content):
        print(f'note: {said}')


def networks(plan: Plan) -> str:
    """What the networks that a plan's runs keep take on the disk; nothing where they keep none."""
    if not plan.content['execution']['keep_checkpoints']:
        return ''
    images = plan.content['data']['splits'].get('val', {}).get('images') or 0
    known = [size + validation_bytes(run.config, images) for run in plan.runs if (size := network_bytes(run.config))]
    rest = len(plan.runs) - len(known)
    size = f'about {sum(known) / 2**20:,.0f} MiB of {len(known)} networks' if known else ''
    others = f'{rest} networks of a size that is known when they are there' if rest else ''
    return f'kept: {", and ".join(filter(None, [size, others]))} (execution.keep_checkpoints=False keeps none)'


def statuses(plan: Plan) -> dict[str, Status]:
    """The state of each run, by its id; reading one takes the checksums of all that the run has left."""
    return {run.id: plan.task(run).status() for run in plan.runs}


def earlier(plan: Plan, found: Mapping[str, Status]) -> list[str]:
    """What a plan's runs owe to other programs than this one: which are done again, and which count as done.

    Args:
        plan: The plan.
        found: From :func:`statuses`.
    """
    again, kept = Counter(), Counter()
    for run in plan.runs:
        status = found[run.id]
        if status.state is State.DONE:
            code = status.record.get('code') or {}
            kept[described(code)] += not _computes_alike(code)
        elif (before := _before(plan, run)) and (number := before[1].get('numerics', 0)) != NUMERICS:
            again[number] += 1
    lines = [f'{count} of {len(plan.runs)} runs were made by an earlier version (numerics {number}; this one has '
             f'{NUMERICS}) and are repeated; nothing is removed from {plan.out / "runs"}'
             for number, count in again.items()]
    return lines + [f'{count} of {len(plan.runs)} runs are done, by a version whose code that decides results differs '
                    f'from this one\'s ({name}): they count, and the report says so. For one version give another --out'
                    for name, count in kept.items() if count]


def _computes_alike(code: dict[str, Any]) -> bool:
    """Whether a record's program gives the same results as this one."""
    here = program()
    # The digest takes a while; a clean checkout's commit says as much.
    if code.get('commit') and code.get('changed') == here['changed'] == 0 and code['commit'] == here['commit']:
        return True
    return code.get('deciding') == deciding_digest()


def reasons(plan: Plan, found: Mapping[str, Status]) -> list[str]:
    """What has changed since there were results, one line for each change, with the number of runs that it touches.

    Args:
        plan: The plan.
        found: From :func:`statuses`.
    """
    changes = Counter(changed[1] for run in plan.runs
                      if found[run.id].state is State.MISSING and (changed := _changed(plan, run)))
    return [f'{number} of {len(plan.runs)} runs start again, because what decides them has changed: {why}'
            for why, number in changes.items()]


def _changes(plan: Plan, run) -> str:
    changed = _changed(plan, run)
    return f'changed since {changed[0]}: {changed[1]}' if changed else 'no result yet'


def _changed(plan: Plan, run: Run) -> tuple[str, str] | None:
    """What decides a run's result and has changed since there was one; None where there was none."""
    if (found := _before(plan, run)) is None:
        return None
    name, old = found
    changes = [f'{path} {before} -> {after}' for path, before, after in differences(old, run.identity)]
    if (number := old.get('numerics', 0)) != run.identity['numerics']:
        # First, since it changes the hashes of sources too.
        changes = [f'numerics of the suite {number} -> {run.identity["numerics"]}',
                   *(one for one in changes if not one.startswith('numerics '))]
    more = f' and {len(changes) - 3} more' if len(changes) > 3 else ''
    return name, '; '.join(changes[:3]) + more


def _before(plan: Plan, run: Run) -> tuple[str, dict] | None:
    """The latest result of the same method, condition, seed and trial under another hash: folder name and identity."""
    folder = plan.folder(run)
    kin = f'{folder.name.rpartition("-")[0]}-????????'
    for other in sorted(folder.parent.glob(f'{kin}/identity.json'),
                        key=lambda path: path.stat().st_mtime, reverse=True):
        if other.parent != folder and (other.parent / 'record.json').exists():
            try:
                old = json.loads(other.read_text())
            except (OSError, ValueError):
                continue
            if isinstance(old, dict):
                return other.parent.name, old
    return None


def differences(old: Any, new: Any, path: str = '') -> list[tuple[str, Any, Any]]:
    """Where two JSON contents differ: dotted path, old and new value, shortened."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [row for key in sorted(set(old) | set(new), key=str)
                for row in differences(old.get(key), new.get(key), f'{path}.{key}'.lstrip('.'))]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [row for number, (a, b) in enumerate(zip(old, new))
                for row in differences(a, b, f'{path}[{number}]')]
    if old == new:
        return []
    name = path.removeprefix('config.')
    return [(name, *(text if len(text := str(value)) < 20 else f'{text[:12]}...' for value in (old, new)))]
