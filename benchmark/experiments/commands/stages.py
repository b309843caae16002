"""A suite that stops itself (``--until settled``): seeds, a look at the results, more seeds where something is open.

What is next is read off the disk: the plan says how many seeds have been asked for, the ledger of looks how many were
looked at and what is open (:mod:`benchmark.statistics.ledger`). So whatever stops the command, the same one goes on.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmark.experiments.errors import SuiteError
from benchmark.experiments.executors import waiting
from benchmark.experiments.plan.forecast import Forecast, duration
from benchmark.experiments.state.records import RECORD
from benchmark.experiments.state.tasks import Work, read_work
from benchmark.experiments.suite.fields import Mistake, changed
from benchmark.experiments.suite.model import Analysis
from benchmark.experiments.suite.suite import Suite
from benchmark.statistics.ledger import Ledger, read_ledger, start_anew
from benchmark.statistics.terms import OPEN

#: Seeds at which a suite ends that declares no looks of its own.
MOST = 10


@dataclass(frozen=True)
class Stage:
    """The seeds until the next look.

    Attributes:
        suite: The suite with as many seeds as the stage has.
        numbers: Method -> how many of them it has.
        name: The stage's name, another one for each.
    """

    suite: Suite
    numbers: dict[str, int]
    name: str


def declared(suite: Suite, max_seeds: int | None) -> Suite:
    """A suite with the looks that ``--until settled`` asks for: its own, or the defaults up to :data:`MOST` seeds.

    Args:
        suite: The suite.
        max_seeds: Seeds at which it ends, where the command line says.

    Raises:
        SuiteError: The numbers make no sense.
    """
    analysis = suite.analysis
    said = dict(analysis.given.get('sequential') or {})
    if max_seeds is not None:
        said['max_seeds'] = max_seeds
    try:
        new = Analysis.read(analysis.given | dict(sequential=said or dict(max_seeds=MOST)), 'analysis')
        assert new.sequential is not None
        whole = analysis.given | dict(sequential=said if analysis.sequential else asdict(new.sequential))
        return changed(suite, analysis=Analysis.read(whole, 'analysis'))
    except Mistake as error:
        where = suite.file if max_seeds is None else f'--max-seeds {max_seeds}'
        raise SuiteError(f'{where}: {error}') from None


class Stages:
    """The stages of a suite in its output folder.

    Args:
        suite: The suite, from :func:`declared`.
        out: Its output folder.
        methods: The methods that the command line asks for; None: all.
        anew: Whether to begin again although there are results: see :func:`benchmark.statistics.ledger.start_anew`.

    Raises:
        SuiteError: Nothing is planned that could be settled; there are results under a plan without looks, or more
            seeds than the maximum.
    """

    def __init__(self, suite: Suite, out: Path, methods: Sequence[str] | None, anew: bool = False) -> None:
        assert suite.analysis.sequential is not None
        self.suite, self.out, self.plan = suite, out, suite.analysis.sequential
        self.methods = [name for name in suite.methods if methods is None or name in methods]
        self.looked: dict[str, int] = {}
        self.anew = anew
        asked, last = self._asked(), self._last()
        if not self._planned():
            raise SuiteError(f'{suite.file}: --until settled: no contrast is planned between the methods. Name '
                             'analysis.proposed, analysis.reference or analysis.pairs.')
        for name, count in [*asked.items(), *(last['planned'].items() if last else ())]:
            if count > self.plan.max_seeds:
                raise SuiteError(f'max_seeds={self.plan.max_seeds} (--max-seeds, or analysis.sequential) is below the '
                                 f'{count} seeds of {name} that are in {out} already. Give {count} or more, or another '
                                 '--out.')

    def ledger(self) -> Ledger | None:
        """The suite's looks; none where they are about to be put away."""
        return None if self.anew else read_ledger(self.out, self.suite.name)

    def _last(self) -> dict[str, Any] | None:
        """The last look, of those that were declared."""
        ledger = self.ledger()
        return ledger.looks[-1] if ledger and ledger.looks and ledger.looks[-1]['look'] else None

    def start_anew(self) -> None:
        """Puts the looks away, where that is asked for."""
        if self.anew:
            start_anew(self.out, self.suite.name)
            self.anew = False

    def present(self) -> Stage:
        """The seeds of the last look: what of them has been lost or damaged is done again."""
        last = self._last()
        assert last
        return self._stage({name: last['planned'].get(name, 0) for name in self.methods}, 0)

    def next(self) -> Stage | None:
        """The seeds until the next look; None where all is settled, or the maximum reached."""
        asked, last = self._asked(), self._last()
        if not last:
            numbers = {name: max(self.plan.first_look, asked.get(name, 0)) for name in self.methods}
            return self._stage(numbers, max(numbers.values()))
        done = {name: max(last['planned'].get(name, 0), self.looked.get(name, 0)) for name in self.methods}
        begun = {name: max(count, asked.get(name, 0)) for name, count in done.items()}
        if begun != done:
            return self._stage(begun, max(begun[name] for name in begun if begun[name] > done[name]))
        grow = [name for name in self.open() if done[name] < self.plan.max_seeds]
        if not grow:
            return None
        least = min(done[name] for name in grow)
        number = next(count for count in self.plan.schedule() if count > least)
        return self._stage(done | {name: max(done[name], number) for name in grow}, number)

    def open(self) -> list[str]:
        """Methods with a contrast that is open; before the first look those of planned contrasts."""
        from benchmark.statistics.sequential.records import Look, open_methods
        if last := self._last():
            return [name for name in open_methods(Look.from_json(last['look'])) if name in self.methods]
        return self._planned()

    def _planned(self) -> list[str]:
        """Methods of planned contrasts."""
        from benchmark.statistics.pairs import planned_pairs
        wanted = {name for pair in planned_pairs(self.methods, self.suite.analysis) for name in pair}
        return [name for name in self.methods if name in wanted]

    def look(self, stage: Stage) -> bool:
        """Looks at a stage's results, once all of its runs have ended; says what is settled and what is open.

        Returns:
            Whether it could look: else runs are going on elsewhere, or there is no result.

        Raises:
            TableError: The analysis refuses the results, or the ledger.
        """
        from benchmark.statistics import analyze_suite, read_suite, write_analysis
        if left := waiting(read_work(self.out)):
            print(f'the look waits for {len(left)} of the runs, such as {left[0].id}; the same command goes on')
            return False
        if not (self.out / 'results.parquet').exists():
            return False
        write_analysis(self.out / 'analysis.json', analyze_suite(self.out, read_suite(self.out)))
        self.looked = stage.numbers
        for line in tell(self.ledger()):
            print(line)
        return True

    def describe(self, stage: Stage, work: Work, at_once: int) -> list[str]:
        """What a stage and those after it may cost, in lines.

        Args:
            stage: The stage.
            work: Its runs.
            at_once: How many go at the same time.
        """
        counts = {name: sum(task.entry['method'] == name for task in work.runs) for name in stage.numbers}
        per_seed = {name: counts[name] / number for name, number in stage.numbers.items()}
        more = {name: (self.plan.max_seeds - stage.numbers[name]) * per_seed[name] for name in self.open()}
        todo = waiting(work)
        forecast = Forecast.of(work, at_once)
        one = {task.entry['method']: forecast.seconds(task.id) for task in work.runs}
        seconds = [one[task.entry['method']] for task in todo] + [
            seconds * more[name] if (seconds := one[name]) is not None else None for name in more]
        took = f', {duration(sum(seconds) / at_once)}' if seconds and None not in seconds else ''
        numbers = ', '.join(map(str, self.plan.schedule()))
        return [f'looks at {numbers} seeds; a method whose contrasts are settled gets no more',
                f'until the next look: {in_words(stage.numbers)}; {len(todo)} of {len(work.runs)} runs to do',
                f'at most {len(todo) + round(sum(more.values()))} runs are left, where nothing is settled before '
                f'{self.plan.max_seeds} seeds{took}']

    def end(self) -> str:
        """Why nothing is next, in words."""
        last, runs = self._last(), read_work(self.out).runs
        found = [one for one in last['look']['contrasts'] if one['primary']] if last else []
        lacking = last['look'].get('lacking', []) if last else []
        left, many = [one for one in found if not one['settled']], len(found) + len(lacking)
        if last and lacking:
            start = (f'the maximum of {self.plan.max_seeds} seeds leaves {len(left)} of {many} planned contrasts open'
                     if left else f'{len(found)} of {many} planned contrasts are settled after look {last["number"]}')
            return (f'{start}; {_without(lacking, last["seeds"])}: {len(runs)} trainings. Mend what fails and give '
                    '--retry-failed')
        if not left:
            return f'no planned contrast is open after look {last["number"] if last else 0}: {len(runs)} trainings'
        return (f'the maximum of {self.plan.max_seeds} seeds leaves {len(left)} of {many} planned contrasts '
                f'open: {len(runs)} trainings')

    def _stage(self, numbers: dict[str, int], number: int) -> Stage:
        seeds = seeds_for(self.suite.seeds, max(numbers.values()))
        return Stage(changed(self.suite, seeds=seeds), numbers, f'seeds{number}')

    def _asked(self) -> dict[str, int]:
        """How many seeds of each method the folder's plan has; none where it is another plan, with no result.

        Raises:
            SuiteError: There are results, no look was declared, and nobody asks to begin anew.
        """
        try:
            plan = json.loads((self.out / 'plan.json').read_text(encoding='utf-8'))
            runs = [run for run in plan['runs'] if run['method'] in self.methods]
            looks = (plan.get('analysis') or {}).get('sequential')
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return {}
        if not looks:
            runs = [run for run in runs if (self.out / run['folder'] / RECORD).exists()]
            if runs and not self.anew:
                raise SuiteError(f'{self.out}: there are results of a plan without looks (analysis.sequential), such '
                                 f'as {runs[0]["id"]}: looks are declared before there are results. Give another '
                                 '--out, or --start-anew, which the report tells.')
        found: dict[str, set[int]] = {}
        for run in runs:
            found.setdefault(run['method'], set()).add(run['seed'])
        return {name: len(seeds) for name, seeds in found.items()}


def seeds_for(seeds: Sequence[int], number: int) -> list[int]:
    """So many seeds: the suite's, and after its last one the whole numbers from its largest on."""
    more = itertools.count(max(seeds) + 1)
    return [*seeds[:number], *itertools.islice(more, max(0, number - len(seeds)))]


def in_words(numbers: Mapping[str, int]) -> str:
    """Numbers of seeds: '3 seeds of each method', or '4 seeds of ft, hg, 3 of fe'."""
    if len(set(numbers.values())) == 1:
        return f'{next(iter(numbers.values()))} seeds of each method'
    groups: dict[int, list[str]] = {}
    for name, number in numbers.items():
        groups.setdefault(number, []).append(name)
    parts = [f'{number} of {", ".join(names)}' for number, names in sorted(groups.items(), reverse=True)]
    return 'seeds: ' + '; '.join(parts)


def tell(ledger: Ledger | None) -> list[str]:
    """What the last look has settled, and what is open, in lines; how many looks there were where none is declared."""
    if ledger is None or not ledger.looks:
        return []
    last = ledger.looks[-1]
    numbers = in_words({name: len(last['seeds'].get(name, ())) for name in {**last['planned'], **last['seeds']}})
    failed = sum(map(len, last['failed'].values()))
    head = f'look {last["number"]}, {numbers}' + (f'; {failed} runs failed' if failed else '')
    if last['look'] is None:
        return [f'{head}; no looks are declared (analysis.sequential)']
    found = [one for one in last['look']['contrasts'] if one['primary']]
    most = last['plan']['sequential']['max_seeds']
    settled, lacking = [one for one in found if one['settled']], last['look'].get('lacking', [])
    return [f'{head}: {len(settled)} of {len(found) + len(lacking)} planned contrasts are settled',
            *(f'  {_contrast(one, most)}' for one in sorted(found, key=lambda one: not one['settled'])),
            *(f'  {OPEN:13} {endpoint} of {a} - {b}: {_without([(endpoint, a, b)], last["seeds"])}'
              for endpoint, a, b in lacking)]


def _without(lacking: Sequence[Sequence[str]], seeds: Mapping[str, Any]) -> str:
    """Of which methods contrasts lack results: 'no results of ftp'."""
    names = [*dict.fromkeys(name for _, *pair in lacking for name in pair if not seeds.get(name))]
    return f'no results of {", ".join(names)}'


def _contrast(one: Mapping[str, Any], most: int) -> str:
    """A line of a look on one contrast, where ``most`` is the maximum of seeds."""
    text = f'{one["decision"]:13} {one["endpoint"]} of {one["a"]} - {one["b"]}'
    if one['estimate'] is not None:
        text += f': {one["estimate"]:.3g}'
    if one['low'] is not None:
        text += f' [{one["low"]:.3g}, {one["high"]:.3g}]'
    if one['settled']:
        text += f', at look {one["settled_at"]}'
    if one['images_needed'] is not None:
        seeds = one.get('images_seeds') or most
        text += f'; {one["images_needed"]} test images with {seeds} seeds of each method would settle it'
    elif not one['settled'] and one['chance'] is not None:
        text += f'; {most} seeds (the maximum) would settle it with a chance of {100 * one["chance"]:.0f} %'
    return text
