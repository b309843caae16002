"""Builds methods before anything is trained, so that a misspelt class or argument is told at once.

A shipped method as it stands is known to be sound. One of the user's own, or one with changed values, is built once, in
a process of its own, and that is remembered, with the code that it was built from.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import inspect
import json
import multiprocessing
import os
import sysconfig
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

import benchmark
from benchmark.files import cache_folder, digest

from .child import end_with_command
from .configure import RANDOM, module_digest
from .plan import Plan, Run
from .suite import CONFIGS, SuiteError

#: Of a source that is still to be trained; how many there are does not decide whether a method can be built.
CLASSES = 8
FORK = multiprocessing.get_context('fork')
#: What a misspelt name, argument or value raises; anything else may be due to this machine, and is only noted.
MISTAKES = (KeyError, TypeError, ValueError, AttributeError, NameError, ImportError, SyntaxError)
#: Where code lies that is not the user's.
FOREIGN = (Path(benchmark.__file__).parent, *(Path(sysconfig.get_path(name)) for name in ('purelib', 'stdlib')))
QUOTES = '\'"'
PARTS = ('model', 'optim_wrapper', 'param_scheduler', 'train_cfg', 'custom_hooks', 'default_hooks', 'custom_imports',
         'train_dataloader', 'test_dataloader', 'test_evaluator')
#: What differs between runs of one method and never decides whether it can be built.
SEEDS = ('seed', 'view_seed', 'split_seed', 'data_root')


class PartError(RuntimeError):
    """A part of a config that cannot be built; names it."""


def check_methods(plan: Plan) -> None:
    """Builds what each method that is not a shipped one as it stands is made of; what has passed before is not built.

    Raises:
        SuiteError: One cannot be built; names it and says why.
    """
    changed = [run for run in plan.runs
               if _origins(plan, run) or CONFIGS not in Path(plan.suite.methods[run.method]['config']).parents]
    code = module_digest('benchmark') if changed else None
    asked: dict[Path, Run] = {}
    for run in changed:
        mark = cache_folder() / 'built' / digest([code, _kinds(run.identity['config']), run.identity.get('code')])
        if not mark.exists():
            asked.setdefault(mark, run)
    if not asked:
        return
    if len(asked) > 3:
        print(f'seeing once whether {len(asked)} changed methods can be built', flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for number, run in enumerate(asked.values()):
            (Path(folder) / f'{number}.py').write_text(_buildable(plan, run).pretty_text, encoding='utf-8')
        # Forked: this process has computed nothing, and where no checkpoint was read the child alone imports torch.
        child = FORK.Process(target=_build_all, args=(folder,))
        child.start()
        child.join()
        for number, (mark, run) in enumerate(asked.items()):
            place = f'method {run.method} ({plan.suite.methods[run.method]["config"]})'
            found = Path(folder) / f'{number}.json'
            answer = json.loads(found.read_text()) if found.exists() else dict(
                said='its process ended without a word', mistake=False)
            if answer['mistake']:
                origins = _origins(plan, run)
                values = f' with the values of {" and ".join(origins)}' if origins else ''
                raise SuiteError(f'{place} cannot be built{values}: {answer["said"]}')
            if answer['said']:
                print(f'note: {place} could not be tried beforehand, which may be due to this machine: '
                      f'{answer["said"]}')
                continue
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()


def _origins(plan: Plan, run: Run) -> list[str]:
    """Where values of a run come from that are not in its method's file."""
    suite, condition = plan.suite, plan.suite.conditions[run.condition]
    places = {
        f'methods.{run.method}.cfg_options': suite.methods[run.method]['cfg_options'],
        'settings.cfg_options': suite.settings.get('cfg_options'),
        f'conditions.{run.condition}': condition.get('method_options', {}).get(run.method)
        or condition.get('cfg_options'),
        f'tuning.axes.{run.method}': run.trial, '--cfg-options': suite.overrides}
    return [name for name, values in places.items() if values]


def _kinds(config: dict) -> Any:
    """What decides whether a run can be built: its config without seeds and with a word for numbers with a point."""
    def kinds(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: kinds(value) for key, value in node.items() if key not in SEEDS}
        if isinstance(node, list):
            return [kinds(value) for value in node]
        return 'float' if isinstance(node, float) else node
    return kinds({key: config.get(key) for key in PARTS})


def _buildable(plan: Plan, run: Run) -> Config:
    """A run's config whose source need not have been trained yet."""
    cfg = copy.deepcopy(run.config)
    source = cfg.model.get('source')
    if source and source.get('checkpoint') != RANDOM and plan.source.job:
        source.update(checkpoint=RANDOM, num_classes=CLASSES)
    return cfg


def build(cfg: Config) -> None:
    """Builds a run's network, optimiser, schedule, hooks, data sets and metric, and reads the arguments of its loop.

    Args:
        cfg: Its config.

    Raises:
        PartError: One of them cannot be built; its cause is what that raised.
    """
    from mmengine.optim import build_optim_wrapper
    from mmpose.registry import DATASETS, HOOKS, LOOPS, METRICS, MODELS, PARAM_SCHEDULERS, VISUALIZERS
    from torch.utils.data import DataLoader
    with _named('model'):
        model = MODELS.build(cfg.model)
    with _named('optim_wrapper'):
        optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    for number, scheduler in enumerate(cfg.param_scheduler or ()):
        with _named(f'param_scheduler.{number}'):
            PARAM_SCHEDULERS.build(scheduler, default_args=dict(optimizer=optimizer, epoch_length=2))
    with _named('train_cfg'):
        loop = {key: value for key, value in cfg.train_cfg.items() if key not in ('type', 'by_epoch')}
        if 'type' in cfg.train_cfg:
            inspect.signature(LOOPS.get(cfg.train_cfg.type)).bind_partial(**loop)
    with _named('visualizer'):
        # Hooks may ask for it.
        VISUALIZERS.build(cfg.visualizer | dict(name='tried', vis_backends=None))
    hooks = {f'default_hooks.{name}': hook for name, hook in cfg.default_hooks.items() if hook is not None}
    hooks |= {f'custom_hooks.{number}': hook for number, hook in enumerate(cfg.custom_hooks or ())}
    for name, hook in hooks.items():
        with _named(name):
            HOOKS.build({key: value for key, value in hook.items() if key != 'priority'})
    for name in ('train_dataloader', 'test_dataloader'):
        with _named(name):
            known = {*inspect.signature(DataLoader).parameters, 'num_batch_per_epoch'}
            if stray := sorted(set(cfg[name]) - known):
                raise TypeError(f'DataLoader has no argument {stray[0]!r}')
            DATASETS.build(cfg[name].dataset | dict(lazy_init=True))
    with _named('test_evaluator'):
        evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, (list, tuple)) else [cfg.test_evaluator]
        for one in evaluators:
            METRICS.build(one)


@contextlib.contextmanager
def _named(part: str) -> Iterator[None]:
    """Says in which part of the config something was raised, of which class, and in which line of the user's."""
    try:
        yield
    except Exception as error:
        frames = [*traceback.walk_tb(error.__traceback__)]
        built = [frame.f_locals.get('cfg') for frame, _ in frames if frame.f_code.co_name == 'build_from_cfg']
        kind = built[-1].get('type') if built and isinstance(built[-1], dict) else None
        frame, line = frames[-1]
        path = Path(frame.f_code.co_filename)
        own = path.is_file() and not any(place in path.parents for place in FOREIGN)
        said = str(error)
        if isinstance(error, KeyError) and 'registry' in said:
            said = f"{said.partition('. Please check')[0].strip(QUOTES)}. Correct the name, or name the module that " \
                   'registers it in custom_imports.'
        where = ', '.join([part, *([kind] if isinstance(kind, str) else []), *([f'{path.name}:{line}'] if own else [])])
        raise PartError(f'{where}: {type(error).__name__}: {said}') from error


def attempt(path: Path) -> dict[str, Any]:
    """Reads and builds one config.

    Args:
        path: The file.

    Returns:
        ``said``: what went wrong, in one line that begins with the part of the config; None if nothing did.
        ``mistake``: whether the config is to blame.
    """
    try:
        with _named('config'):
            cfg = Config.fromfile(path, import_custom_modules=False)
        with _named('custom_imports'):
            for name in cfg.get('custom_imports', {}).get('imports', ()):
                try:
                    importlib.import_module(name)
                except ModuleNotFoundError as error:
                    if error.name != name:
                        raise
                    raise ImportError(f"there is no module {name!r}. It lies beside the method's config or on the "
                                      'Python path.') from None
        build(cfg)
    except PartError as error:
        return dict(said=' '.join(str(error).split())[:600], mistake=isinstance(error.__cause__, MISTAKES))
    return dict(said=None, mistake=False)


def _answer(path: Path) -> None:
    end_with_command()
    path.with_suffix('.json').write_text(json.dumps(attempt(path)))


def _build_all(folder: str) -> None:
    """Builds every config of a folder, each in a process of its own, and writes each one's answer beside it."""
    end_with_command()
    log = os.open(Path(folder) / 'log', os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    benchmark.register()
    from mmengine.registry import init_default_scope
    init_default_scope('mmpose')
    # What one registers is not known to the next, and nothing heavy is imported twice.
    for path in sorted(Path(folder).glob('*.py')):
        child = FORK.Process(target=_answer, args=(path,))
        child.start()
        child.join()
