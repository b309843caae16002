"""The rooms of the house: what may import what (``docs/architecture.md``), imports within functions included."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: From the ground up: a room imports from those above it here and from itself. Rooms of one line don't import
#: each other.
FLOORS = (
    ('benchmark.utils',),
    ('benchmark.compat', 'benchmark.numerics'),
    ('benchmark.program',),
    ('benchmark.command_line',),
    ('benchmark.bootstrap',),
    ('benchmark.statistics', 'benchmark.datasets'),
    ('benchmark.codecs',),
    ('benchmark.models',),
    ('benchmark.engine', 'benchmark.evaluation', 'benchmark.judging'),
    ('benchmark.detector',),
    ('benchmark.plugins',),
    ('benchmark.experiments.errors',),
    ('benchmark.experiments.state',),
    ('benchmark.experiments.suite',),
    ('benchmark.experiments.plan',),
    ('benchmark.experiments.run',),
    ('benchmark.experiments.executors',),
    ('benchmark.validation', 'reports'),
    ('benchmark.experiments.commands',),
    ('benchmark.commands',),
    ('benchmark.speed', 'benchmark.reference'),
)
#: The package itself has a version and ``register()``, which imports the plug-ins when it is called.
FACE = 'benchmark'


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


MODULES = {name_of(path): path for folder in ('benchmark', 'reports') for path in (ROOT / folder).rglob('*.py')}


def imported(name: str) -> set[str]:
    """The house's own modules that a module imports, wherever in it."""
    package = name if MODULES[name].name == '__init__.py' else name.rpartition('.')[0]
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split('.')[:len(package.split('.')) - node.level + 1] if node.level else []
            base = '.'.join([*base, *(node.module.split('.') if node.module else [])])
            inner = {f'{base}.{alias.name}' for alias in node.names} & MODULES.keys()
            # ``from package import module`` asks nothing of the package but the module.
            found |= inner if len(inner) == len(node.names) else inner | {base}
    return {one for one in found & MODULES.keys() if one != name}


def floor(name: str) -> tuple[int, str]:
    """The room's height and name."""
    return next((height, room) for height, rooms in enumerate(FLOORS) for room in rooms
                if name == room or name.startswith(f'{room}.'))


def test_the_architecture_shows_these_rooms():
    page = (ROOT / 'docs/architecture.md').read_text(encoding='utf-8')
    rows = page.partition('\n## Rooms')[2].partition('\n## ')[0].splitlines()
    cells = [row.split('|')[1] for row in rows if row.startswith('| `')]
    shown = [tuple(re.findall(r'`([\w/]+?)(?:/|\.py)`', cell)) for cell in cells]
    assert [tuple(room.replace('/', '.') for room in line) for line in shown] == list(FLOORS)


def test_every_module_is_in_a_room():
    homeless = {name for name in MODULES if not any(
        name == room or name.startswith(f'{room}.') for rooms in FLOORS for room in rooms)}
    assert homeless == {FACE, 'benchmark.experiments'}


@pytest.mark.parametrize('name', sorted(MODULES.keys() - {FACE, 'benchmark.experiments'}))
def test_no_import_runs_upward(name):
    height, room = floor(name)
    upward = {other: floor(other)[1] for other in imported(name) - {FACE}
              if (floor(other)[0], floor(other)[1] != room) > (height, False)}
    assert not upward, f'{name} ({room}) imports {upward}'


def test_no_modules_import_each_other():
    """Packages that list what is in them, such as the sections of the page, are no part of a circle."""
    graph = {name: {other for other in imported(name) if MODULES[other].name != '__init__.py'} for name in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f'a circle: {" imports ".join(reversed(error.args[1]))}')
