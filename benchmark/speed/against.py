"""This checkout beside another one, such as that of a release: what their users wait for, in turn on one machine."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.utils.files import ROOT

from .table import Measurement

#: Where this module is imported from, whichever checkout is measured.
PACKAGE = ROOT
#: Scripts of a checkout that set it up first; here both use the environment that this program runs in.
SET_UP = 'tools/setup_env.sh'


@dataclass(frozen=True)
class Cost:
    """What a command took.

    Attributes:
        wall: Seconds.
        processor: Seconds of all its processes that were waited for, in user and kernel.
        memory: MiB of the largest of them.
    """

    wall: float
    processor: float
    memory: float


def measure(repeats: int, quick: bool, clock: Callable[[], float], checkout: Path, finished: Path | None = None,
            tests: bool = False) -> Iterator[Measurement]:
    """Ratios of this checkout to another one; below 1 this one is faster.

    Args:
        repeats: Calls of each command in each checkout.
        quick: Without targets.
        clock: Seconds since some moment.
        checkout: The other one.
        finished: Folder of a finished suite, such as runs/demo; None: the smoke suite that is made here.
        tests: Whether to run the tests of both too: the fast lane here, all that ``tools/run_tests.sh`` runs there.

    Raises:
        RuntimeError: A command failed; holds the end of what it said.
    """
    places = {'this': ROOT, 'other': checkout.resolve()}
    with tempfile.TemporaryDirectory() as hold:
        folder = Path(hold)
        smoke = {name: [] for name in places}
        for number in range(repeats):
            for name in _turn(number):
                place = folder / f'{name}-{number}'
                place.mkdir()
                smoke[name].append(_call(_without_set_up(places[name], 'run_all.sh', place), ['smoke'], place, clock))
        yield _ratio('run_all.sh smoke after set-up, wall time', smoke, 'wall', 0.70, quick)
        suite = finished or folder / 'other-0' / 'runs' / 'smoke'
        for tool, at_most in (('analyze', 0.60), ('report', 0.40)):
            costs = {name: [] for name in places}
            for number in range(repeats):
                for name in _turn(number):
                    place = folder / f'{tool}-{name}'
                    if not place.exists():
                        shutil.copytree(suite, place)
                    given = place if tool == 'analyze' else place / 'analysis.json'
                    costs[name].append(_call([sys.executable, str(places[name] / 'tools' / f'{tool}.py')], [str(given)],
                                             place, clock))
            yield _ratio(f'{tool}.py on {suite.name}, processor time', costs, 'processor', at_most, quick)
        if tests:
            costs = {name: [] for name in places}
            for name in _turn(0):
                script = _without_set_up(places[name], 'run_tests.sh', folder)
                costs[name].append(_call(script, [], places[name], clock))
            yield _ratio('run_tests.sh, wall time', costs, 'wall', 0.40, quick)
            yield _ratio('run_tests.sh, memory of its largest process', costs, 'memory', 0.40, quick)


def _turn(number: int) -> tuple[str, str]:
    """Nobody always comes first."""
    return ('this', 'other') if number % 2 else ('other', 'this')


def _ratio(what: str, costs: Mapping[str, list[Cost]], field: str, at_most: float, quick: bool) -> Measurement:
    """The ratios of neighbours; the medians of both stand in its name."""
    values = {name: [getattr(cost, field) for cost in found] for name, found in costs.items()}
    middle = {name: sorted(found)[len(found) // 2] for name, found in values.items()}
    unit = 'MiB' if field == 'memory' else 's'
    ratios = [this / other for this, other in zip(values['this'], values['other'], strict=True)]
    return Measurement.of(f'{what} ({middle["this"]:.3g} {unit} beside {middle["other"]:.3g} {unit})', ratios, 'x',
                          **({} if quick else dict(at_most=at_most)))


def _without_set_up(checkout: Path, script: str, place: Path) -> list[str]:
    """A checkout's script, less its set-up, as a command; it lies in ``place`` and means the checkout's files."""
    lines = (checkout / 'tools' / script).read_text(encoding='utf-8').splitlines()
    text = [f'root={json.dumps(str(checkout))}' if line.startswith('root=') else line for line in lines
            if not line.strip('"').endswith(SET_UP)]
    if len(text) == len(lines):
        raise RuntimeError(f'{checkout / "tools" / script}: no line ends with {SET_UP}; what is measured is unknown')
    path = place / f'{checkout.name}-{script}'
    path.write_text('\n'.join(text) + '\n')
    return ['bash', str(path)]


def _call(command: list[str], arguments: list[str], place: Path, clock: Callable[[], float]) -> Cost:
    """Runs a command in a folder, with a cache of its own there, and this environment."""
    environment = os.environ | dict(CTD_VENV=sys.prefix, CTD_CACHE=str(place / '.ctd-cache'))
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), clock()
    # In a process of its own, so that its children's largest is not that of an earlier call.
    done = subprocess.run([sys.executable, '-m', 'benchmark.speed.against', *command, *arguments], text=True, cwd=place,
                          capture_output=True, check=False, env=environment | dict(PYTHONPATH=str(PACKAGE)))
    wall = clock() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f'{" ".join([*command, *arguments])}: exit code {done.returncode}\n'
                           f'{(done.stdout + done.stderr)[-1500:]}')
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, processor, float(done.stdout.split()[-1]))


def main(command: list[str]) -> int:
    """Runs a command and prints the MiB of its largest process on the last line."""
    environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    code = subprocess.run(command, check=False, env=environment).returncode
    print(f'\n{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.1f}')
    return code


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
