"""From a method's config to a run's: data, source, size and seeds filled in."""

from __future__ import annotations

import ast
import copy
import difflib
import functools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from benchmark.datasets.metainfo import LandmarkMeta, choose_flip_policy, load_metainfo
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.suite.configs import CONFIGS, read_config
from benchmark.experiments.suite.fields import options_of
from benchmark.experiments.suite.kinds import whole
from benchmark.experiments.suite.model import Method, Settings
from benchmark.experiments.suite.overrides import (
    LIVE,
    OverrideError,
    copies,
    expanded,
    override,
    read_by_modules,
    standing,
)

from .decided import check_codec, check_keys
from .encoder import RANDOM, STRIDE, pretrained, set_landmarks, set_network

#: Helpers of the shipped configs whose names are near those of what a run reads.
HELPERS = {'codec', 'meta_keys', 'vis_backends'}
#: What a training view is under the setting ``augmentation='affine'``.
AFFINE = dict(scale_range=(0.8, 1.2), rotation=15.0, shift=0.06, views=16)
#: How alike two names are, of 1, that one is taken for the other misspelt.
NEAR = 0.88


def method_config(method: Method) -> Config:
    """A method's config as it stands in its file. A run imports the modules that it names; planning needs none of them.

    Raises:
        SuiteError: It does not load, lacks what a run needs, or has a name that nothing reads, so that another method
            would be trained under this one's name.
    """
    path = Path(method.config)
    cfg = read_config(path)
    own = {} if CONFIGS in path.parents else unread_names(path)
    for name in sorted((set(cfg) - LIVE - HELPERS) | set(own)):
        near = _meant(name)
        if (near is None and name not in own) or read_by_modules(cfg, name):
            continue
        where = f'{path}:{own[name]}' if name in own else path
        if near:
            raise SuiteError(f'{where}: nothing reads {name!r}. Is it {near!r}? Correct it, or give it another name.')
        raise SuiteError(f'{where}: nothing reads {name!r}{_remedy(name)}')
    _complete(path, cfg)
    return cfg


@functools.cache
def _meant(name: str) -> str | None:
    """The name that a run reads and that another one is nearly, or None."""
    for known in sorted(LIVE):
        if sorted(name) == sorted(known) or difflib.SequenceMatcher(None, name, known).ratio() > NEAR:
            return known
    return None


def _remedy(name: str) -> str:
    """What to write instead of a name that nothing reads, as the end of a sentence."""
    shipped = read_config(CONFIGS / 'methods' / 'ft.py')
    if name in shipped and (places := copies(shipped, name)):
        return (f' any more: its value was copied to {", ".join(places)}. Write there what differs, or write it as '
                f"cfg_options of the suite, where '{name}.*' reaches all of these.")
    return ('. Remove it, or write its value where it is used, such as model.backbone, optim_wrapper.optimizer or '
            'train_cfg.max_epochs.')


def unread_names(path: Path) -> dict[str, int]:
    """Names at the top of a config file that neither a run nor the file itself reads, with their lines."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    given = {node.id: node.lineno for statement in tree.body if isinstance(statement, (ast.Assign, ast.AnnAssign))
             for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return {name: line for name, line in given.items()
            if name not in used and name not in LIVE and not name.startswith('_')}


#: What the planning of a run reads and writes of a method's config; what ends in [] is a list.
PARTS = ('model.backbone.type', 'model.head.type', 'model.data_preprocessor.type', 'train_dataloader.batch_size',
         'train_dataloader.sampler.type', 'optim_wrapper.optimizer.type', 'train_cfg.max_epochs', 'param_scheduler[]',
         'custom_hooks[]', 'default_hooks.checkpoint.type', 'default_hooks.logger.interval', 'randomness.seed',
         'val_evaluator.type', 'test_evaluator.type',
         *(f'{split}_dataloader.dataset.{part}' for split in ('train', 'val', 'test')
           for part in ('data_root', 'input_size', 'pipeline[]')))


def _complete(path: Path, cfg: Config) -> None:
    """Checks that a method's config has the parts that a suite fills in.

    Raises:
        SuiteError: One is missing or of another form: a config of another program, such as a stock one of MMPose.
    """
    for part in PARTS:
        found = standing(cfg, part.removesuffix('[]'))
        if found in (..., None) or (part.endswith('[]') and not isinstance(found, (list, tuple))):
            kind = ', a list,' if part.endswith('[]') else ''
            raise SuiteError(f"{path}: has no {part.removesuffix('[]')}{kind} which a suite fills in. A method's "
                             f"config builds on a shipped one (_base_ = '{CONFIGS / 'methods' / 'ft.py'}') and says "
                             'what differs.')
    for loader in ('train', 'val', 'test'):
        if (split := cfg[f'{loader}_dataloader'].dataset.get('split', loader)) != loader:
            raise SuiteError(f'{path}: {loader}_dataloader.dataset.split is {split!r}: a suite trains on the split '
                             'train, chooses on val and tests on test. Remove it.')
    starts = {'backbone.init_cfg': cfg.model.backbone.get('init_cfg') if pretrained(cfg.model.backbone) else None,
              'source': cfg.model.get('source')}
    for part, start in starts.items():
        if start and start.get('checkpoint') not in (None, '', RANDOM, cfg.get('source_checkpoint')):
            raise SuiteError(f"{path}: model.{part}.checkpoint={start['checkpoint']!r}: the suite's source goes there. "
                             "Write checkpoint='', and give this file as the suite's source (tools/convert_source.py "
                             'makes one of a public checkpoint).')
    if starts['backbone.init_cfg'] and starts['backbone.init_cfg'].get('prefix') != 'backbone.':
        raise SuiteError(f"{path}: model.backbone.init_cfg has no prefix='backbone.', under which a source holds its "
                         'network, so that nothing would be loaded. Add it.')
    if given := next((name for name in ('load_from', 'resume') if cfg.get(name)), None):
        raise SuiteError(f"{path}: {given}={cfg[given]!r}: a run starts from the suite's source, whose content is part "
                         'of its hash. Remove it, and name the checkpoint as the source of the suite.')


def run_config(method: Method, settings: Settings, meta: LandmarkMeta, seeds: dict[str, int], num_labels: int | None,
               threshold: float, num_images: int, overrides: dict | None = None,
               base: Config | None = None) -> Config:
    """The config of a run, with the paths of data and source left open (see :func:`fill_paths`).

    Args:
        method: The method; its ``config`` is a path.
        settings: The suite's and the condition's settings.
        meta: The landmark scheme: it sets the number of heatmaps, and whether images may be mirrored.
        seeds: Named seeds; see :func:`benchmark.experiments.suite.seeds.derive_seeds`.
        num_labels: Number of labelled training images; None takes all.
        threshold: Failure threshold of the logged FR and AUC, in heatmap pixels.
        num_images: Number of training images there are; with ``settings.iterations`` it sets the epochs.
        overrides: Config values by dotted key that go before everything else (the command line's).
        base: What :func:`method_config` has read of the method before; it stays as it is.

    Raises:
        OverrideError: A dotted key that names nothing in the config.
        SuiteError: The method's config does not load.
    """
    cfg = method_config(method) if base is None else copy.deepcopy(base)
    options = asked(cfg, settings, method, overrides)
    check_keys(*options)
    size = tuple(settings.input_size or cfg.train_dataloader.dataset.input_size)
    _resize(cfg, size, settings.decoding)
    if (resize := settings.resize) not in (None, 'squeeze'):
        # Said only where it is not what a data set does anyway.
        for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
            loader.dataset.resize = resize
            for step in loader.dataset.pipeline:
                if step.type == 'ReadPhotograph':
                    step.resize = resize
    set_network(cfg.model, settings, len(meta.landmarks), _imports(cfg, options))
    train = cfg.train_dataloader
    train.batch_size = settings.batch_size or train.batch_size
    if settings.drop_last and train.batch_size <= (num_labels or num_images):
        train.drop_last = True
    if settings.augmentation == 'affine':
        _augment(train.dataset.pipeline)
    train.sampler.seed = seeds['order']
    train.dataset.update(view_seed=seeds['augmentation'], split_seed=seeds['split'], num_labels=num_labels)
    cfg.randomness.seed = seeds['init']
    if settings.iterations:
        _iterations(cfg, settings.iterations, num_labels or num_images)
    elif settings.epochs:
        _epochs(cfg, settings.epochs)
    if settings.lr:
        cfg.optim_wrapper.optimizer.lr = settings.lr
    if settings.power:
        decays = [scheduler for scheduler in cfg.param_scheduler if 'power' in scheduler]
        if not decays:
            raise OverrideError(f"settings.power={settings.power}: no schedule of the method has a power. Set it to "
                                'None.')
        for scheduler in decays:
            scheduler.power = settings.power
    if settings.channels_last:
        cfg.custom_hooks.append(ConfigDict(type='ChannelsLastHook'))
    if settings.precision == 'bfloat16':
        cfg.optim_wrapper.type = 'AutocastOptimWrapper'
    if settings.cuda_graphs:
        cfg.train_cfg.recorded = True
    for hook in cfg.custom_hooks:
        if hook.type == 'FeatureCacheHook':
            hook.update(options_of(settings.feature_cache))
    best = settings.selection == 'best_val'
    cfg.train_cfg.val_interval = settings.val_interval or (1 if best else 10 ** 6)
    if best:
        cfg.default_hooks.checkpoint.update(save_best='landmark/ME', rule='less')
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        evaluator.update(landmarks=list(meta.landmarks), stride=float(STRIDE), threshold=threshold,
                         interocular=meta.interocular_indices)
    if meta.annotators:
        _annotators(cfg, list(meta.annotators))
    length = cfg.train_cfg.max_epochs
    for one in options:
        override(cfg, one)
    for key in ('train_cfg.max_epochs', 'train_dataloader.batch_size'):
        if not whole(1).fits(value := standing(cfg, key)):
            raise OverrideError(f'{key!r}: is {value!r}; give {whole(1).words}.')
    if settings.iterations and cfg.train_cfg.max_epochs == length:
        # The batch may be another now.
        _iterations(cfg, settings.iterations, num_labels or num_images)
    follow_length(cfg, length)
    for name in [name for name in cfg if name not in LIVE and not read_by_modules(cfg, name)]:
        # Copied to where it is used, and no part of what the run is.
        cfg.pop(name)
    check_codec(cfg)
    if cfg.train_cfg.get('recorded'):
        cfg.train_cfg.read_every = cfg.default_hooks.logger.interval
    _settle_flips(cfg, meta)
    return cfg


def _augment(pipeline: list[dict[str, Any]]) -> None:
    """Makes the training views those of the setting ``augmentation='affine'``.

    Raises:
        OverrideError: The method draws its views otherwise.
    """
    views = [step for step in pipeline if step.type == 'DrawView']
    if not views:
        raise OverrideError("settings.augmentation='affine': the method's training pipeline has no DrawView. Leave the "
                            'setting out, or give the pipeline one.')
    for step in views:
        step.update(AFFINE)


def _imports(cfg: Config, options: list[dict[str, Any]]) -> list[str]:
    """Modules that a run imports, as far as the method and the values that are asked for name them."""
    found = cfg.get('custom_imports', {}).get('imports', ())
    for one in options:
        found = one.get('custom_imports.imports') or one.get('custom_imports', {}).get('imports') or found
    return [*found]


def _annotators(cfg: Config, names: list[str]) -> None:
    """Brings the further annotators of the test split into the results; other data's configs stay as they are."""
    pack = next(step for step in cfg.test_dataloader.dataset.pipeline if step.type == 'PackPoseInputs')
    pack.meta_keys = (*pack.meta_keys, 'annotators')
    cfg.test_evaluator.update(annotators=names, positions=True)


def fit_data(cfg: Config, split: str, size: tuple[int, int] | None = None, landmarks: bool = True) -> None:
    """Fits the config of a single run to its data set, as a suite does: heatmaps, mirroring and, if wanted, the size.

    Args:
        cfg: The config; changed in place.
        split: ``train`` or ``test``: whose data set counts, a prepared one.
        size: Width and height of the input, in pixels; None keeps the config's.
        landmarks: Whether the number of heatmaps follows the data set.

    Raises:
        DataError: There is no such data set.
        SuiteError: A size that the network can't have.
    """
    if size is not None:
        unit = 64 if cfg.model.backbone.type == 'StackedHourglass' else 32
        if any(side <= 0 or side % unit for side in size):
            raise SuiteError(f'--input-size {size[0]} {size[1]}: give numbers divisible by {unit}.')
        _resize(cfg, size, None)
    meta = load_metainfo(cfg[f'{split}_dataloader'].dataset.data_root)
    if landmarks:
        set_landmarks(cfg.model, len(meta.landmarks))
    if split == 'train':
        _settle_flips(cfg, meta)


def follow_length(cfg: Config, before: int) -> None:
    """Ends with the training what ended with it before its length was changed; a warm-up keeps its own end.

    Args:
        cfg: A config whose values were overridden.
        before: Its number of epochs before that.
    """
    if cfg.train_cfg.max_epochs != before:
        _follow(cfg, lambda end: end == before)


def _follow(cfg: Config, follows: Callable[[int], bool]) -> None:
    """Moves the ends of schedules by epoch that follow the training's to its last epoch."""
    for scheduler in cfg.param_scheduler:
        for name in ('end', 'T_max', 'total_iters'):
            if name in scheduler and scheduler.get('by_epoch', True) and follows(scheduler[name]):
                scheduler[name] = cfg.train_cfg.max_epochs


def idle_schedules(cfg: Config) -> list[str]:
    """Schedules by epoch that never act, because the training ends before they begin; in words."""
    last, found = cfg.train_cfg.max_epochs, []
    for number, scheduler in enumerate(cfg.param_scheduler):
        first = min(scheduler.get('milestones') or [scheduler.get('begin', 0)])
        if scheduler.get('by_epoch', True) and first >= last:
            found.append(f'param_scheduler.{number} ({scheduler.type}) begins to act after epoch {first}, the training '
                         f'has {last}')
    return found


def fill_paths(cfg: Config, data_root: str, source: str) -> Config:
    """Writes the places of the data and of the source checkpoint into a run's config."""
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        if loader is not None:
            loader.dataset.data_root = data_root
    cfg.pop('data_root', None)
    cfg.pop('source_checkpoint', None)
    if pretrained(cfg.model.backbone):
        cfg.model.backbone.init_cfg.checkpoint = source
    if 'source' in cfg.model and cfg.model.source.get('checkpoint') != RANDOM:
        cfg.model.source.checkpoint = source
    return cfg


def _dicts(node: Any) -> Iterator[dict]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _dicts(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _dicts(value)


def asked(base: Config, settings: Settings, method: Method, overrides: dict | None) -> list[dict[str, Any]]:
    """The config values of suite and condition, of the method and of the command line, by keys that a run reads.

    Args:
        base: The method's config as it stands in its file, so that what is given to a helper reaches its copies.
    """
    return [expanded(base, one or {}) for one in (settings.cfg_options, method.cfg_options, overrides)]


def _iterations(cfg: Config, iterations: int, images: int) -> None:
    """Sets the training's length to whole epochs of at least so many steps."""
    train = cfg.train_dataloader
    steps = images // train.batch_size if train.get('drop_last') else math.ceil(images / train.batch_size)
    _epochs(cfg, math.ceil(iterations / max(1, steps)))


def _epochs(cfg: Config, epochs: int) -> None:
    """Sets the training's length, and with it the decays of the learning rate that ended with it or later."""
    before, cfg.train_cfg.max_epochs = cfg.train_cfg.max_epochs, epochs
    _follow(cfg, lambda end: end >= before)


def _settle_flips(cfg: Config, meta: LandmarkMeta) -> None:
    """Takes the flips that the data set's policy does not draw out of the training view, so that the config says so."""
    for step in cfg.train_dataloader.dataset.pipeline:
        if step.type == 'DrawView' and choose_flip_policy(step.get('flip_policy'), meta.mirroring) in ('canonical',
                                                                                                       'never'):
            step.flip = 0.0


def _resize(cfg: Config, size: tuple[int, int], decoding: str | None) -> None:
    """Sets the input size wherever it stands: data sets, and every copy of the codec."""
    for node in _dicts(cfg._cfg_dict):
        if 'input_size' in node:
            node['input_size'] = size
        if 'heatmap_size' in node:
            node['heatmap_size'] = tuple(s // STRIDE for s in size)
        if decoding and node.get('type') == 'ArgmaxHeatmap':
            node['decoding'] = decoding
