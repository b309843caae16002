"""The source network of a suite: given, random, or trained here and kept by the hash of what made it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from benchmark.datasets.prepared import identity_fingerprint, read_identities

from .configure import encoder
from .files import digest, file_digest
from .suite import CONFIGS, Suite, SuiteError

NORMALISATION = dict(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))


@dataclass(frozen=True)
class SourcePlan:
    """Where a suite's source comes from.

    Attributes:
        kind: ``train``, ``checkpoint`` or ``random``.
        hash: Identity of the source: of its file, or of what it is made from.
        path: The checkpoint; None for a random source.
        job: Folder in which it is trained, or None.
        config: The training's config, or None.
        description: One line for the report.
    """

    kind: str
    hash: str
    path: Path | None
    job: Path | None = None
    config: Config | None = None
    description: str = ''

    @property
    def checkpoint(self) -> str:
        """What a run's config takes for its checkpoint."""
        return 'random' if self.path is None else str(self.path)


def plan_source(suite: Suite, identities: Path | None, cache: Path) -> SourcePlan:
    """Finds out which source a suite uses; trains nothing.

    Args:
        suite: The suite.
        identities: The folder of the source task's faces, for a source that is trained.
        cache: Folder of the sources kept.

    Raises:
        SuiteError: A checkpoint that is not there.
    """
    source = suite.source
    if source['type'] == 'random':
        return SourcePlan('random', digest(source), None, description='random weights, never trained (a control)')
    if source['type'] == 'checkpoint':
        path = Path(source['path']).expanduser()
        if not path.is_file():
            raise SuiteError(f'source.path: {path}: no such file. Convert a network with tools/convert_source.py.')
        return SourcePlan('checkpoint', file_digest(path), path.resolve(), description=f'checkpoint {path.name}')
    cfg = _training_config(suite, identities)
    content = cfg.to_dict()
    for loader in ('train_dataloader', 'val_dataloader'):
        content[loader]['dataset'].pop('data_root')
    identity = digest(dict(config=content, data=identity_fingerprint(identities)))
    job = cache / identity[:16]
    width = f' of width {suite.settings["width"]}' if 'width' in suite.settings else ''
    return SourcePlan('train', identity, job / 'source.pth', job, cfg,
                      f'face recognition on {identities.name}: ResNet-{cfg.model.backbone.depth}{width}, '
                      f'{cfg.model.num_classes} identities, {cfg.train_cfg.max_epochs} epochs')


def _training_config(suite: Suite, identities: Path) -> Config:
    source, settings = suite.source, suite.settings
    cfg = Config.fromfile(CONFIGS / '_base_' / 'sources' / 'identity_classifier.py')
    size = tuple(settings.get('input_size', (256, 256)))
    options, cfg.model.in_channels = encoder(settings, cfg.model.backbone.depth)
    cfg.model.backbone.update(options)
    records = read_identities(identities)
    cfg.model.num_classes = len({label for _, label, _ in records})
    for name in ('label_smoothing', 'dropout'):
        if name in source:
            cfg.model[name] = source[name]
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.update(data_root=str(identities), input_size=size)
        loader.batch_size = source.get('batch_size', loader.batch_size)
    cfg.train_dataloader.batch_size = min(cfg.train_dataloader.batch_size,
                                          sum(split == 'train' for _, _, split in records))
    epochs = source.get('epochs', cfg.train_cfg.max_epochs)
    cfg.train_cfg.max_epochs = epochs
    for scheduler in cfg.param_scheduler:
        scheduler.T_max = scheduler.end = epochs
    cfg.optim_wrapper.optimizer.lr = source.get('lr', cfg.optim_wrapper.optimizer.lr)
    cfg.optim_wrapper.optimizer.weight_decay = source.get('weight_decay', cfg.optim_wrapper.optimizer.weight_decay)
    seed = source.get('seed', 0)
    cfg.randomness.seed = seed
    cfg.train_dataloader.sampler.seed = seed
    cfg.train_dataloader.dataset.view_seed = seed
    if settings.get('channels_last'):
        cfg.custom_hooks.append(dict(type='ChannelsLastHook'))
    return cfg
