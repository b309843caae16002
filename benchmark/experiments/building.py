"""Builds methods before anything is trained, so that a misspelt class or argument is told at once.

A shipped method as it stands is known to be sound; one of the user's own, or one with changed values, is built once, in
a process of its own, and remembered with the code that it was built from.
"""

from __future__ import annotations

import contextlib
import copy
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

import benchmark
from benchmark.files import cache_folder, digest

from .configure import RANDOM
from .plan import Plan, Run
from .suite import CONFIGS, SuiteError

#: Of a source that is still to be trained; how many there are does not decide whether a method can be built.
CLASSES = 8


def check_methods(plan: Plan) -> None:
    """Builds network, losses, optimiser and hooks of each method that is not a shipped one as it stands.

    Runs that differ in numbers only count as one; what has passed before is not built again.

    Raises:
        SuiteError: One cannot be built; names it and says why.
    """
    asked: dict[Path, Run] = {}
    for run in plan.runs:
        if _changed(plan, run):
            asked.setdefault(cache_folder() / 'built' / digest(_shape(run.identity['config'], run.identity)), run)
    asked = {mark: run for mark, run in asked.items() if not mark.exists()}
    if not asked:
        return
    with tempfile.TemporaryDirectory() as folder:
        for number, run in enumerate(asked.values()):
            (Path(folder) / f'{number}.py').write_text(_buildable(run.config).pretty_text, encoding='utf-8')
        (Path(folder) / 'path.json').write_text(json.dumps(sys.path))
        done = subprocess.run([sys.executable, '-m', 'benchmark.experiments.building', folder], text=True, check=False,
                              capture_output=True, cwd=Path(benchmark.__file__).parents[1])
        found = Path(folder) / 'found.json'
        if not found.exists():
            raise SuiteError(f'the methods could not be built: {done.stderr.strip()[-800:]}')
        for (mark, run), error in zip(asked.items(), json.loads(found.read_text())):
            if error:
                raise SuiteError(f'method {run.method} ({plan.suite.methods[run.method]["config"]}) cannot be built: '
                                 f'{error}')
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()


def _changed(plan: Plan, run: Run) -> bool:
    """Whether a run's method is other than one that is shipped."""
    suite, method = plan.suite, plan.suite.methods[run.method]
    condition = suite.conditions[run.condition]
    return bool(CONFIGS not in Path(method['config']).parents or method['cfg_options'] or suite.overrides or run.trial
                or condition.get('method_options', {}).get(run.method)
                or suite.settings.get('cfg_options') or condition.get('cfg_options'))


def _shape(config: dict, identity: dict) -> list:
    """What decides whether a run can be built: its config with kinds for numbers, and the user's code."""
    def kinds(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: kinds(value) for key, value in node.items()}
        if isinstance(node, list):
            return [kinds(value) for value in node]
        return type(node).__name__ if isinstance(node, (int, float)) and not isinstance(node, bool) else node
    parts = ('model', 'optim_wrapper', 'custom_hooks', 'custom_imports')
    return [benchmark.__version__, kinds({key: config.get(key) for key in parts}), identity.get('code')]


def _buildable(cfg: Config) -> Config:
    """A run's config whose source need not be there yet."""
    cfg = copy.deepcopy(cfg)
    source = cfg.model.get('source')
    if source and source.get('checkpoint') != RANDOM and not Path(source.checkpoint).is_file():
        source.update(checkpoint=RANDOM, num_classes=CLASSES)
    return cfg


def build(cfg: Config) -> None:
    """Builds a run's network, optimiser and hooks.

    Args:
        cfg: Its config; the modules that it names are imported.

    Raises:
        ValueError: One of them cannot be built; names the part of the config, and says what the part itself said.
    """
    from mmengine.optim import build_optim_wrapper
    from mmpose.registry import HOOKS, MODELS
    with _named('model'):
        model = MODELS.build(cfg.model)
    with _named('optim_wrapper'):
        build_optim_wrapper(model, cfg.optim_wrapper)
    for hook in cfg.custom_hooks:
        with _named(f'custom_hooks.{hook["type"]}'):
            HOOKS.build({key: value for key, value in hook.items() if key != 'priority'})


@contextlib.contextmanager
def _named(part: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise ValueError(f'{part}: {type(error).__name__}: {error}') from error


def main(folder: str) -> None:
    """Builds every config of a folder and writes ``found.json``: why each could not be built, or null."""
    sys.path[:] = json.loads((Path(folder) / 'path.json').read_text())
    benchmark.register()
    from mmengine.registry import init_default_scope
    init_default_scope('mmpose')
    found: list[str | None] = []
    for path in sorted(Path(folder).glob('*.py'), key=lambda path: int(path.stem)):
        try:
            with _named('custom_imports'):
                cfg = Config.fromfile(path)
            build(cfg)
            found.append(None)
        except Exception as error:
            found.append(' '.join(str(error).split())[:600])
    (Path(folder) / 'found.json').write_text(json.dumps(found))


if __name__ == '__main__':
    main(sys.argv[1])
