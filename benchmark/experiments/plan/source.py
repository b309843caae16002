"""The source network of a suite: given, random, or trained here and kept by the hash of what made it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config, ConfigDict

from benchmark.datasets.prepared import identity_fingerprint, read_identities
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.suite.configs import CONFIGS, read_config
from benchmark.experiments.suite.inputs import GivenSource, RandomSource, TrainedSource
from benchmark.experiments.suite.model import Settings
from benchmark.experiments.suite.suite import Suite
from benchmark.numerics import NUMERICS
from benchmark.utils.files import digest, file_digest

from .encoder import RESNETS, TAPPED, encoder
from .given_source import where_said
from .identity import module_digest, other_networks, plugins_as_ever
from .network import Wanted, architecture, described, fits


@dataclass(frozen=True)
class SourcePlan:
    """Where a suite's source comes from.

    Attributes:
        kind: ``train``, ``checkpoint`` or ``random``.
        hash: Identity of the source: of its file, or of what it is made from.
        path: The checkpoint.
        arch: What makes its network, see :func:`.network.architecture`; empty where the checkpoint does not say.
        normalisation: ``mean`` and ``std`` per RGB channel in 0..255; empty where the checkpoint does not say.
        job: Folder in which it is made, or None.
        config: How it is made, or None.
        description: One line for the report.
        data: Fingerprint of the faces that it is trained on, or None.
        logits: What losses on class scores read of a given source; None where it is made here.
    """

    kind: str
    hash: str
    path: Path
    arch: dict
    normalisation: dict
    job: Path | None = None
    config: Config | None = None
    description: str = ''
    data: str | None = None
    logits: str | None = None


def plan_sources(suite: Suite, identities: Path | None, cache: Path, wanted: dict[str, Wanted],
                 said: dict[str, dict], own: dict[str, GivenSource]) -> tuple[SourcePlan, dict[str, SourcePlan]]:
    """The suite's source, and those of methods that have their own.

    Args:
        suite: The suite.
        identities: The folder of the source task's faces, for a source that is trained and that somebody takes.
        cache: Folder of the sources kept.
        wanted: What methods ask of their source, by its path; under '' what those ask that have the suite's.
        said: What checkpoints that are given say of themselves, by path.
        own: The source of each method that has its own.

    Raises:
        SuiteError: A checkpoint of another network than a method's; methods of several networks with one source.
    """
    given = said.get(suite.source.path) if isinstance(suite.source, GivenSource) else None
    made: dict[str, SourcePlan] = {}
    for method, source in own.items():
        if source.path not in made:
            made[source.path] = _given(source, said[source.path], wanted.get(source.path) or Wanted(),
                                       where_said(suite, method))
    return (plan_source(suite, identities, cache, wanted.get(''), given),
            {method: made[source.path] for method, source in own.items()})


def plan_source(suite: Suite, identities: Path | None, cache: Path, wanted: Wanted | None = None,
                given: dict | None = None) -> SourcePlan:
    """Finds out which source a suite uses; trains nothing.

    Args:
        suite: The suite.
        identities: The folder of the source task's faces, for a source that is trained and that somebody takes.
        cache: Folder of the sources kept.
        wanted: What the methods ask of it; None takes the shipped methods' ResNet.
        given: What a checkpoint that is given says of itself, see :func:`.given_source.with_given_sources`.

    Raises:
        SuiteError: A checkpoint of another network than a method's; methods of several networks.
    """
    wanted = wanted or Wanted()
    if isinstance(suite.source, GivenSource):
        return _given(suite.source, given or {}, wanted, where_said(suite))
    cfg = _config(suite.source, suite.settings, identities, wanted.network(), wanted.normalisation())
    cfg.custom_imports.imports += wanted.imports
    content = cfg.to_dict()
    for loader in ('train_dataloader', 'val_dataloader'):
        content[loader]['dataset'].pop('data_root')
    plugins_as_ever(content)
    # Of networks that the user's own modules register.
    code = dict(code={name: module_digest(name) for name in wanted.imports}) if wanted.imports else {}
    code |= other_networks(content['model'])
    network = described(backbone_arch(cfg.model.backbone))
    data = identity_fingerprint(identities) if identities else None
    if identities is None:
        identity = digest(dict(numerics=NUMERICS, random=content['model'], seed=cfg.randomness.seed, **code))
        description = f'random weights of a {network}, never trained (a control)'
    else:
        identity = digest(dict(numerics=NUMERICS, config=content, data=data, **code))
        description = (f'recognition of the {cfg.model.num_classes} identities of {identities.name}: {network}, '
                       f'{cfg.train_cfg.max_epochs} epochs')
    job = cache / identity[:16]
    return SourcePlan(suite.source.type, identity, job / 'source.pth', backbone_arch(cfg.model.backbone),
                      backbone_normalisation(cfg.model.data_preprocessor), job, cfg, description, data)


def backbone_arch(backbone: dict) -> dict:
    """What makes a source's network: of a ResNet type and depth, its width and the rest where they are not usual."""
    return architecture(backbone)


def backbone_normalisation(preprocessor: dict) -> dict:
    """Mean and standard deviation that a source's images were normalised with."""
    return {key: list(preprocessor[key]) for key in ('mean', 'std')}


def _given(source: GivenSource, meta: dict, wanted: Wanted, where: str) -> SourcePlan:
    path = Path(source.path)
    for text, places in wanted.networks.items():
        if reason := fits(json.loads(text), meta.get('arch') or {}):
            raise SuiteError(f'{where}: {path}: {reason}, with which method {places[0][0]} would start from it. '
                             'Give a source of that network, or a method of this one.')
    return SourcePlan('checkpoint', file_digest(path), path.resolve(), meta.get('arch') or {},
                      meta.get('normalisation') or {}, description=_said(path, meta, source.logits),
                      logits=source.logits)


def _said(path: Path, meta: dict, logits: str | None) -> str:
    """A given source in a few words: what it is called and was trained on, as far as it says, and its class scores."""
    about = [f'trained on {meta["trained_on"]}'] if meta.get('trained_on') else []
    scores = ['its pooled features stand for class scores'] if logits == 'pooled' else []
    return '; '.join([meta.get('name') or f'checkpoint {path.name}', *about, *scores])


def _config(source: TrainedSource | RandomSource, settings: Settings, identities: Path | None, network: dict | None,
            normalisation: dict) -> Config:
    """The config of the source's training; of one that is not trained, only its model and seed count.

    Args:
        source: What the suite says of it.
        settings: The suite's settings.
        identities: The faces that it is trained on, or None.
        network: What makes its network; None for the shipped methods' ResNet.
        normalisation: ``mean`` and ``std`` of its images; empty for the usual ones.
    """
    cfg = read_config(CONFIGS / '_base_' / 'sources' / 'identity_classifier.py')
    if network is None:
        options, cfg.model.in_channels = encoder(settings, cfg.model.backbone)
        cfg.model.backbone.update(options)
    elif 'taps' in network:
        bare = {key: value for key, value in network.items() if key != 'taps'}
        cfg.model.backbone, cfg.model.in_channels = ConfigDict(type=TAPPED, network=bare, taps=network['taps']), None
    elif network['type'] in RESNETS:
        cfg.model.backbone = ConfigDict(network, out_indices=(0, 1, 2, 3))
        _, cfg.model.in_channels = encoder(Settings(), cfg.model.backbone)
    else:
        # Of a network of the user's own it is asked how many channels it gives.
        cfg.model.backbone, cfg.model.in_channels = ConfigDict(network), None
    cfg.model.data_preprocessor.update(normalisation)
    cfg.randomness.seed = seed = source.seed
    if isinstance(source, RandomSource):
        cfg.model.num_classes = source.num_classes
    if identities is None:
        return cfg
    size = settings.input_size or (256, 256)
    records = read_identities(identities)
    cfg.model.num_classes = len({label for _, label, _ in records})
    for name in ('label_smoothing', 'dropout'):
        if (value := getattr(source, name)) is not None:
            cfg.model[name] = value
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.update(data_root=str(identities), input_size=size)
        loader.batch_size = source.batch_size or loader.batch_size
    cfg.train_dataloader.batch_size = min(cfg.train_dataloader.batch_size,
                                          sum(split == 'train' for _, _, split in records))
    epochs = source.epochs or cfg.train_cfg.max_epochs
    cfg.train_cfg.max_epochs = epochs
    for scheduler in cfg.param_scheduler:
        scheduler.T_max = scheduler.end = epochs
    for name in ('lr', 'weight_decay'):
        if (value := getattr(source, name)) is not None:
            cfg.optim_wrapper.optimizer[name] = value
    cfg.train_dataloader.sampler.seed = seed
    cfg.train_dataloader.dataset.view_seed = seed
    if settings.channels_last:
        cfg.custom_hooks.append(dict(type='ChannelsLastHook'))
    return cfg
