"""A suite that stops itself, with runs that train nothing and an analysis that decides by the number of seeds."""

import json
from dataclasses import fields
from pathlib import Path

import pandas

from benchmark.experiments.commands import run_suite
from benchmark.experiments.executors import Executor, waiting
from benchmark.experiments.state.records import write_record
from benchmark.experiments.state.tasks import Task
from benchmark.statistics import analyze_suite, looking, read_suite
from benchmark.statistics.ledger import read_ledger
from benchmark.statistics.sequential.records import Look, LookedContrast, plan_digest
from benchmark.utils.files import file_digest

ROOT = Path(__file__).parents[2]
SUITE = f"""
_base_ = {str(ROOT / 'mmconfigs/suites/smoke.py')!r}
methods = dict(_delete_=True, ft={{}}, fe={{}}, ftp={{}})
data = dict(train=6, val=2, test=3)
source = dict(_delete_=True, type='random')
settings = dict(iterations=2, batch_size=3, decoder_channels=16)
analysis = dict(proposed=None, reference='ft', draws=100)
"""
LOOKS_PLAN = "analysis.update(sequential=dict(max_seeds=6, first_look=2))\n"


def perform(task: Task, failing=()) -> None:
    """A run, done at once."""
    task.folder.mkdir(parents=True, exist_ok=True)
    method, seed = task.entry['method'], task.entry['seed']
    record = dict(task.entry, seconds=2.0, state='done')
    if (method, seed) in failing:
        record |= dict(state='failed', error=dict(type='E', message='no', may_pass=False))
    else:
        rows = [dict(method=method, seed=seed, image=f'i{n}', error=1.0 + n) for n in range(3)]
        pandas.DataFrame(rows).to_parquet(task.folder / 'predictions.parquet')
        record |= dict(result_sha256=file_digest(task.folder / 'predictions.parquet'))
    write_record(task.folder, record)


class Instant(Executor):
    """Does runs at once; stops, or is killed, where it is told to."""

    failing: set = set()
    stop_after: int | None = None
    calls: list = []

    def run(self, request, display) -> bool:
        type(self).calls.append(request.stage)
        for number, task in enumerate(waiting(request.work, request.retry_failed)):
            if self.stop_after is not None and number >= self.stop_after:
                return True
            perform(task, self.failing)
        return False


def contrast(a: str, b: str, decision: str, at: int | None) -> LookedContrast:
    known = dict(condition='all', endpoint='ME', a=a, b=b, primary=True, n_seeds=(2, 2), estimate=-0.25, low=-0.5,
                 high=0.1, chance=0.3, images_needed=60 if decision == 'futile' else None,
                 images_seeds=6 if decision == 'futile' else None, decision=decision,
                 settled=decision != 'open', settled_at=at)
    return LookedContrast(**{one.name: known.get(one.name, 0.1) for one in fields(LookedContrast)})


class World:
    """A suite's folder, and an analysis that decides by the number of seeds.

    Attributes:
        settles: Method -> seeds at which its contrast with ft is settled.
    """

    def __init__(self, folder: Path) -> None:
        self.path, self.out, self.settles = folder / 'mine.py', folder / 'out', dict(fe=2, ftp=4)
        self.decisions = dict(fe='superior', ftp='futile')
        self.write(LOOKS_PLAN)

    def write(self, text: str = '') -> None:
        self.path.write_text(SUITE + text)

    def analyze(self, table, plan, records, looks=(), **choices) -> dict:
        options = looking.read_options(plan['analysis'], **choices)
        seeds = {name: int(count) for name, count in table.groupby('method').seed.nunique().items()}
        if not options.sequential:
            return dict(alerts=[], notes=[])
        now = looks[-1] if looks and looks[-1].seeds == seeds else self.look(looks, seeds, options)
        return dict(alerts=[], notes=[], sequential=dict(looks=[one.to_json() for one in (*looks, now)]))

    def look(self, looks, seeds: dict, options) -> Look:
        number, found = len(looks) + 1, []
        there = [name for name in ('fe', 'ftp') if seeds.get(name) and seeds.get('ft')]
        for name in there:
            before = [one for look in looks for one in look.contrasts if one.a == name and one.settled]
            settled = min(seeds.get(name, 0), seeds.get('ft', 0)) >= self.settles[name]
            found.append(before[0] if before else contrast(name, 'ft', self.decisions[name] if settled else 'open',
                                                           number if settled else None))
        enough = min(seeds.get(name, 0) for name in ('ft', *(one.a for one in found if not one.settled)))
        lacking = tuple(('ME', name, 'ft') for name in ('fe', 'ftp') if name not in there)
        last = not lacking and (all(one.settled for one in found) or enough >= options.sequential.max_seeds)
        return Look(number, seeds, tuple(found), plan_digest(options, [('fe', 'ft'), ('ftp', 'ft')]), last, lacking)

    def run(self, *options: str) -> int:
        return run_suite.main([str(self.path), '--out', str(self.out), '--progress', 'none', *options])

    def until(self, *options: str) -> int:
        return self.run('--until', 'settled', *options)

    def seeds(self) -> dict:
        plan = json.loads((self.out / 'plan.json').read_text())
        return {name: [run['seed'] for run in plan['runs'] if run['method'] == name] for name in ('ft', 'fe', 'ftp')}

    def analysed(self) -> dict:
        """What tools/analyze.py does on the folder."""
        return analyze_suite(self.out, read_suite(self.out))

    @property
    def looks(self) -> list[dict]:
        ledger = read_ledger(self.out)
        return [*ledger.looks] if ledger else []


#: Seeds of each method once all is settled.
SETTLED = dict(ft=[0, 1, 2, 3], fe=[0, 1], ftp=[0, 1, 2, 3])
