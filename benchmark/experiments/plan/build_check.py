"""Builds methods before anything is trained, so that a misspelt class or argument is told at once.

A shipped method as it stands is known to be sound. One of the user's own, or one with changed values, is built once, in
a process of its own, and that is remembered, with the code that it was built from. So is one whose last batch has one
image, which not every network or regulariser can take, and one that starts from a checkpoint that does not say of which
network it is. What is built is given a blank image of the run's size.
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
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.state.records import in_words
from benchmark.experiments.suite.configs import CONFIGS
from benchmark.experiments.suite.overrides import standing
from benchmark.utils.files import cache_folder, digest
from benchmark.utils.packages import lacking
from benchmark.utils.signals import end_with_command

from .ask_network import on_one_thread
from .encoder import RANDOM, TAPPED, described_setting
from .identity import module_digest
from .runs import Plan, Run
from .sizes import fitting_batches, nearest, smallest_batch
from .source import SourcePlan
from .trial import around, check_taps, unfit

#: Of a source that is still to be trained; how many there are does not decide whether a method can be built.
CLASSES = 8
FORK = multiprocessing.get_context('fork')
#: What a misspelt name, argument or value raises; anything else may be due to this machine, and is only noted.
MISTAKES = (KeyError, TypeError, ValueError, AttributeError, NameError, ImportError, SyntaxError)
#: Where code lies that is not the user's.
FOREIGN = (Path(benchmark.__file__).parent, *(Path(sysconfig.get_path(name)) for name in ('purelib', 'stdlib')))
QUOTES = '\'"'
PARTS = ('model', 'optim_wrapper', 'param_scheduler', 'train_cfg', 'val_cfg', 'test_cfg', 'custom_hooks',
         'default_hooks', 'custom_imports', 'train_dataloader', 'val_dataloader', 'test_dataloader', 'val_evaluator',
         'test_evaluator', 'env_cfg', 'randomness', 'log_processor')
#: What MMEngine and MMPose read of dicts of which they read nothing else, and say nothing of the rest.
READ = {
    'env_cfg': {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'},
    'optim_wrapper.paramwise_cfg': {'custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult',
                                    'dwconv_decay_mult', 'dcn_offset_lr_mult', 'flat_decay_mult', 'bypass_duplicate'},
    'model.train_cfg': {'compute_acc'},
    'model.test_cfg': {'flip_test', 'flip_mode', 'shift_heatmap', 'output_heatmaps', 'output_keypoint_indices'}}
#: Config key of what :func:`build` must know of a run beside its config.
TRIED = 'tried'
#: Sides that inputs are tried to be divisible by, where a network can't take the size that was asked for.
UNITS = (4, 8, 16, 32, 64, 128)
#: What differs between runs of one method and never decides whether it can be built.
SEEDS = ('seed', 'view_seed', 'split_seed', 'num_labels', 'data_root')
#: What follows the number of labels: of these it counts only whether they are there.
LENGTHS = ('max_epochs', 'end', 'T_max', 'total_iters')


class PartError(RuntimeError):
    """A part of a config that cannot be built; names it."""


def is_mistake(error: BaseException | None) -> bool:
    """Whether what was raised is due to the config: assertions are, but for those on what this machine has."""
    return isinstance(error, MISTAKES) or (isinstance(error, AssertionError) and 'available' not in str(error))


def check_methods(plan: Plan) -> None:
    """Builds what each method that is not a shipped one as it stands is made of; what has passed before is not built.

    Raises:
        SuiteError: One cannot be built; names it and says why.
    """
    changed = [run for run in plan.runs
               if _origins(plan, run) or CONFIGS not in Path(plan.suite.methods[run.method].config).parents
               or _smallest(plan, run) == 1 or (run.source_hash and _unknown(run.source))]
    code = module_digest('benchmark') if changed else None
    asked: dict[Path, Run] = {}
    for run in changed:
        known = [code, _kinds(run.identity['config']), run.identity.get('code'), _smallest(plan, run)]
        mark = cache_folder() / 'built' / digest(known + ([run.source_hash] if run.source.job is None else []))
        if not mark.exists():
            asked.setdefault(mark, run)
    if not asked:
        return
    if len(asked) > 3:
        print(f'checking once that {len(asked)} changed methods can be built', flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for number, run in enumerate(asked.values()):
            (Path(folder) / f'{number}.py').write_text(_buildable(plan, run).pretty_text, encoding='utf-8')
        # Forked: where no checkpoint was read, and no source converted, the child alone imports torch.
        child = FORK.Process(target=_build_all, args=(folder,))
        child.start()
        child.join()
        for number, (mark, run) in enumerate(asked.items()):
            place = f'method {run.method} ({plan.suite.methods[run.method].config})'
            found = Path(folder) / f'{number}.json'
            answer = json.loads(found.read_text()) if found.exists() else dict(
                said='its process ended without a message', mistake=False)
            if answer['mistake']:
                origins = _origins(plan, run)
                values = f' with the values of {" and ".join(origins)}' if origins else ''
                raise SuiteError(f'{place} cannot be built{values}: {answer["said"]}')
            if answer['said']:
                print(f'note: {place} could not be checked beforehand, which may be due to this machine: '
                      f'{answer["said"]}')
                continue
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()


def _unknown(source: SourcePlan) -> bool:
    """Whether nothing says of what network a source is."""
    return source.kind == 'checkpoint' and not source.arch


def _origins(plan: Plan, run: Run) -> list[str]:
    """Where values of a run come from that are not in its method's file."""
    suite, condition = plan.suite, plan.suite.conditions[run.condition]
    settings = suite.settings_of(run.condition, run.method)
    chosen = run.config.model.backbone.type == TAPPED and described_setting(settings)
    places = {
        chosen or '': chosen, f'methods.{run.method}.cfg_options': suite.methods[run.method].cfg_options,
        'settings.cfg_options': suite.settings.cfg_options,
        f'conditions.{run.condition}': condition.options(run.method) or condition.cfg_options,
        f'tuning.axes.{run.method}': run.trial, '--cfg-options': suite.overrides}
    return [name for name, values in places.items() if values]


def _kinds(config: dict) -> Any:
    """What decides whether a run can be built: its config without seeds and labels, and with a word for lengths and for
    numbers with a point."""
    def kinds(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: type(value).__name__ if key in LENGTHS else kinds(value)
                    for key, value in node.items() if key not in SEEDS}
        if isinstance(node, list):
            return [kinds(value) for value in node]
        return 'float' if isinstance(node, float) else node
    return kinds({key: config.get(key) for key in PARTS})


def _buildable(plan: Plan, run: Run) -> Config:
    """A run's config whose source need not have been trained yet."""
    cfg = copy.deepcopy(run.config)
    source = cfg.model.get('source')
    if source and source.get('checkpoint') != RANDOM and run.source.job:
        source.update(checkpoint=RANDOM, num_classes=CLASSES)
    cfg[TRIED] = dict(images=_labelled(plan, run), smallest=_smallest(plan, run))
    return cfg


def _labelled(plan: Plan, run: Run) -> int:
    """Training images of a run."""
    images = plan.content['data']['splits']['train']['images']
    return min(run.config.train_dataloader.dataset.get('num_labels') or images, images)


def _smallest(plan: Plan, run: Run) -> int:
    """Images in a run's smallest batch."""
    train = run.config.train_dataloader
    return smallest_batch(_labelled(plan, run), train.batch_size, train.get('drop_last', False))


def build(cfg: Config) -> None:
    """Builds a run's network, optimiser, schedule, hooks, data sets and metric, and reads the arguments of its loop.

    Args:
        cfg: Its config.

    Raises:
        PartError: One of them cannot be built; its cause is what that raised.
    """
    from mmengine.optim import build_optim_wrapper
    from mmengine.runner import set_random_seed
    from mmpose.registry import (
        DATA_SAMPLERS,
        DATASETS,
        HOOKS,
        LOG_PROCESSORS,
        LOOPS,
        METRICS,
        MODELS,
        PARAM_SCHEDULERS,
        VISUALIZERS,
    )
    from torch.utils.data import DataLoader
    with _named('model'):
        model = MODELS.build(cfg.model)
    _read_whole(cfg, model)
    _start_fits(cfg, model)
    with _named('optim_wrapper'):
        optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    for number, scheduler in enumerate(cfg.param_scheduler or ()):
        with _named(f'param_scheduler.{number}'):
            PARAM_SCHEDULERS.build(scheduler, default_args=dict(optimizer=optimizer, epoch_length=2))
    for name in ('train_cfg', 'val_cfg', 'test_cfg'):
        with _named(name):
            loop = {key: value for key, value in (cfg.get(name) or {}).items() if key not in ('type', 'by_epoch')}
            kind = (cfg.get(name) or {}).get('type') or dict(val_cfg='ValLoop', test_cfg='TestLoop').get(name)
            if kind:
                inspect.signature(LOOPS.get(kind)).bind_partial(**loop)
    with _named('randomness'):
        inspect.signature(set_random_seed).bind_partial(**cfg.randomness)
    with _named('log_processor'):
        LOG_PROCESSORS.build(dict(type='LogProcessor') | (cfg.get('log_processor') or {}))
    with _named('visualizer'):
        # Hooks may ask for it.
        VISUALIZERS.build(cfg.visualizer | dict(name='tried', vis_backends=None))
    hooks = {f'default_hooks.{name}': hook for name, hook in cfg.default_hooks.items() if hook is not None}
    hooks |= {f'custom_hooks.{number}': hook for number, hook in enumerate(cfg.custom_hooks or ())}
    for name, hook in hooks.items():
        with _named(name):
            built = HOOKS.build({key: value for key, value in hook.items() if key != 'priority'})
            if hasattr(built, 'check_model'):
                built.check_model(model)
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if not cfg.get(name):
            continue
        with _named(name):
            known = {*inspect.signature(DataLoader).parameters, 'num_batch_per_epoch'}
            if stray := sorted(set(cfg[name]) - known):
                raise TypeError(f'DataLoader has no argument {stray[0]!r}')
            DATASETS.build(cfg[name].dataset | dict(lazy_init=True))
        with _named(f'{name}.sampler'):
            sampler = dict(cfg[name].sampler)
            inspect.signature(DATA_SAMPLERS.get(sampler.pop('type'))).bind_partial(**sampler)
    for name in ('val_evaluator', 'test_evaluator'):
        with _named(name):
            for one in cfg[name] if isinstance(cfg.get(name), (list, tuple)) else [cfg.get(name)]:
                if one:
                    METRICS.build(one)
    _takes_its_input(cfg, model)


def _read_whole(cfg: Config, model: Any) -> None:
    """Checks that of dicts whose unknown keys nobody reads, and nobody tells, none has any."""
    from mmpose.models.heads import HeatmapHead
    usual = isinstance(model.head, HeatmapHead) and type(model.head).__module__.partition('.')[0] in ('mmpose',
                                                                                                     'benchmark')
    for part, known in READ.items():
        if part.startswith('model.') and not usual or part.startswith('optim') and 'constructor' in cfg.optim_wrapper:
            continue
        with _named(part):
            given = standing(cfg, part)
            if stray := sorted(set(given) - known) if isinstance(given, dict) else []:
                raise TypeError(f'nothing reads {stray[0]!r}. It may have: {", ".join(sorted(known))}')
    with _named('default_hooks.checkpoint'):
        from mmengine.hooks import CheckpointHook
        hook = cfg.default_hooks.checkpoint
        known = {*inspect.signature(CheckpointHook).parameters, 'type', 'priority', 'create_symlink'}
        if hook.get('type') == 'CheckpointHook' and (stray := sorted(set(hook) - known)):
            raise TypeError(f'CheckpointHook has no argument {stray[0]!r}')


def _start_fits(cfg: Config, model: Any) -> None:
    """Checks that the source that an encoder starts from is of its network, where it is there already."""
    from benchmark.models.source import backbone_weights, load_source_checkpoint
    init = cfg.model.backbone.get('init_cfg') or {}
    if init.get('type') == 'Pretrained' and init.get('prefix') == 'backbone.' and Path(init['checkpoint']).is_file():
        with _named('model.backbone'):
            state = load_source_checkpoint(init['checkpoint'])['state_dict']
            backbone_weights(state, model.backbone, init['checkpoint'])


def _takes_its_input(cfg: Config, model: Any) -> None:
    """Checks that a network takes a blank image of the run's size, one image in training where a batch has no more, and
    that its heatmaps are as large as the targets."""
    size, tried = tuple(cfg.train_dataloader.dataset.input_size), cfg.get(TRIED) or {}
    if not hasattr(model, 'extract_feat') or not hasattr(model, 'head'):
        return
    with _named('settings.input_size'):
        if problem := unfit(model, size):
            # The least step of which the multiples around the size work.
            near = [(step, nearest(size, step)) for step in UNITS
                    if all(unfit(model, one) is None for one in around(size, step))]
            raise ValueError(f'{size[0]} x {size[1]} pixels: {problem}. ' + (
                f'Width and height must be divisible by {near[0][0]}: set input_size={near[0][1]}, for example.' if near
                else 'No size near it works: heatmaps must be a quarter of the input, which the head decides.'))
    with _named('settings'):
        check_taps(model, size)
    smallest, images, batch = tried.get('smallest'), tried.get('images'), cfg.train_dataloader.batch_size
    if not smallest:
        return
    with _named('settings.batch_size'):
        head, words = model.head, f'{images} training images in batches of {batch} leave one of {smallest}'
        if hasattr(head, 'check_batch'):
            try:
                head.check_batch(smallest)
            except ValueError as error:
                raise ValueError(f'{words}: {error}') from None
        if smallest == 1 and (problem := unfit(model, size, training=True)):
            others = ', '.join(map(str, fitting_batches(images, batch, 2)[:3]))
            raise ValueError(f'{words}: {problem}. ' + (f'Set batch_size to {others}' if others else
                                                        'Label at least two images') + ', or enlarge input_size.')


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
        said = in_words(error)
        if isinstance(error, KeyError) and isinstance(kind, str) and (needed := lacking(dict(type=kind))):
            said = needed.partition(': ')[2]
        elif isinstance(error, KeyError) and 'registry' in said:
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
        return dict(said=' '.join(str(error).split())[:600], mistake=is_mistake(error.__cause__))
    return dict(said=None, mistake=False)


def _answer(path: Path) -> None:
    end_with_command()
    path.with_suffix('.json').write_text(json.dumps(attempt(path)))


def _build_all(folder: str) -> None:
    """Builds every config of a folder, each in a process of its own, and writes each one's answer beside it."""
    end_with_command()
    on_one_thread()
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
