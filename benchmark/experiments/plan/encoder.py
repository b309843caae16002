"""The encoder of a run: what the settings and the source say of it, in its model's config."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mmengine.config import Config, ConfigDict

from benchmark.experiments.errors import SuiteError
from benchmark.experiments.suite.backbones import LAYERS, WORDS, Backbone
from benchmark.experiments.suite.fields import options_of
from benchmark.experiments.suite.model import Settings
from benchmark.experiments.suite.overrides import plain

from .ask_network import ask_network

ENCODER_CHANNELS = {18: 512, 34: 512, 50: 2048, 101: 2048, 152: 2048}
#: Networks whose depth and width the settings set; any other one is used as its config has it.
RESNETS = ('ResNet', 'VGGFace2ResNet')
#: What makes any other network an encoder: see :func:`benchmark.models.backbones.tapped.tapped_backbone`.
TAPPED = 'TappedBackbone'
#: Heads that have three deconvolutions unless they are told otherwise.
DECODERS = ('HeatmapHead', 'CTDHead')
DECONVOLUTIONS = (256,) * 3
WIDTH = 64
#: Pixels of the input per pixel of the heatmaps.
STRIDE = 4
#: A source that is random whatever the encoder starts from.
RANDOM = 'random'
#: Options of a ResNet that say how a method trains it, and that hold for any network.
KEPT = ('init_cfg', 'norm_eval', 'norm_cfg')
#: The last stage of a ResNet, and the losses that read it, or all stages, where their configs name none: argument, all.
LAST = 'stage4'
READ = {'EncoderCosineLoss': ('stage', False), 'ChannelWiseLoss': ('stage', False), 'PearsonLoss': ('stage', False),
        'CKALoss': ('tap', False), 'RelationalDistillationLoss': ('tap', False),
        'SimilarityPreservingLoss': ('stages', False), 'AttentionTransferLoss': ('stages', True),
        'DeltaLoss': ('stages', True), 'SpatialAttentionLoss': ('stages', False),
        'ChannelAttentionLoss': ('stages', False)}


def encoder(settings: Settings, backbone: dict) -> tuple[dict, int]:
    """A ResNet's options and the channels of its last stage, from the settings ``depth`` and ``width``.

    Args:
        settings: A suite's settings.
        backbone: The network's config, for what the settings do not name.
    """
    options = dict(depth=settings.depth or backbone['depth'])
    width = settings.width or backbone.get('base_channels', WIDTH)
    if width != WIDTH:
        options.update(stem_channels=width, base_channels=width)
    return options, ENCODER_CHANNELS[options['depth']] * width // WIDTH


def network_of(backbone: dict) -> dict:
    """The config of a backbone's network itself, without its taps and its training where these stand beside it."""
    return backbone['network'] if backbone['type'] == TAPPED else backbone


def set_landmarks(model: ConfigDict, landmarks: int) -> None:
    """Sets the number of heatmaps wherever a model has it."""
    model.head.out_channels = landmarks
    if model.backbone.type == 'StackedHourglass':
        model.backbone.out_channels = landmarks


def set_network(model: ConfigDict, settings: Settings, landmarks: int, imports: Sequence[str] = ()) -> None:
    """Sets encoder, source, decoder and the number of heatmaps.

    Args:
        model: A run's model; changed in place.
        settings: The settings of its condition.
        landmarks: Number of heatmaps.
        imports: Modules that register a backbone of the user's own.

    Raises:
        SuiteError: The settings name a network that can't be an encoder, or not this method's.
    """
    set_landmarks(model, landmarks)
    if model.backbone.type == 'StackedHourglass':
        model.backbone.update(options_of(settings.hourglass))
        return
    if model.backbone.type in RESNETS:
        named = settings.backbone
        network = dict(WORDS[named].network) if isinstance(named, str) else dict(named or {})
        taken = [model.backbone]
        if 'source' in model and model.source.backbone.type in RESNETS:
            taken.append(model.source.backbone)
        if named is None or network['type'] in RESNETS and 'taps' not in network:
            _set_resnet(model, settings, taken, network)
            if settings.encoder_stride == 16:
                _set_tapped(model, taken, _cut_resnet(model), settings)
        elif isinstance(named, str):
            _set_tapped(model, taken, WORDS[named], settings)
        else:
            _set_tapped(model, taken, ask_network(network, imports), settings)
    deconvolutions = model.head.get('deconv_out_channels', DECONVOLUTIONS if model.head.type in DECODERS else None)
    if (channels := settings.decoder_channels) and deconvolutions:
        model.head.deconv_out_channels = (channels,) * len(deconvolutions)


def _set_resnet(model: ConfigDict, settings: Settings, taken: list[ConfigDict], network: dict[str, Any]) -> None:
    """Makes the networks ResNets of what the settings say, if anything."""
    if not (network or settings.depth or settings.width):
        return
    for backbone in taken:
        backbone.update(network)
    options, model.head.in_channels = encoder(settings, model.backbone)
    for backbone in taken:
        backbone.update(options)


def _cut_resnet(model: ConfigDict) -> Backbone:
    """The ResNet of a model as a network with taps."""
    network = {key: value for key, value in model.backbone.items()
               if key not in (*KEPT, 'frozen_stages', 'out_indices')}
    channels = tuple(model.head.in_channels >> (len(LAYERS) - number) for number in range(1, len(LAYERS) + 1))
    return Backbone(network, LAYERS, channels)


def _set_tapped(model: ConfigDict, taken: list[ConfigDict], found: Backbone, settings: Settings) -> None:
    """Puts a network with taps in the place of the ResNets, and makes decoder and losses those of its taps."""
    name = described_setting(settings)
    count = len(found.strides)
    if (wanted := settings.encoder_stride) is not None:
        if wanted not in found.strides:
            raise SuiteError(f'{name}: has no map of this stride; its taps have strides '
                             f'{", ".join(map(str, found.strides))}. Leave encoder_stride out, or give one of these.')
        count = len(found.strides) - found.strides[::-1].index(wanted)
    doublings = math.log2(found.strides[count - 1] / STRIDE)
    if doublings < 0 or doublings != int(doublings):
        raise SuiteError(f'{name}: the encoder ends at stride {found.strides[count - 1]}, from which no deconvolutions '
                         f'that double lead to heatmaps of a quarter of the input. Name other taps.')
    frozen = model.backbone.get('frozen_stages', -1)
    if frozen >= 0 and (frozen := count - len(LAYERS) + frozen) < 1:
        raise SuiteError(f'{name}: the encoder has {count} {"stage" if count == 1 else "stages"}, too few for a method '
                         f'that trains the last {count - frozen} and freezes what is before them, such as FTP. Leave '
                         'this method out, or name more modules as taps of the network.')
    network = {key: value for key, value in found.network.items() if key != 'taps'}
    if not found.taps and 'out_indices' in network:
        network['out_indices'] = list(network['out_indices'])[:count]
    for backbone in taken:
        kept = {key: backbone[key] for key in KEPT if key in backbone}
        backbone.clear()
        backbone.update(type=TAPPED, network=network, taps=found.taps[:count], **kept)
    if frozen > 0:
        model.backbone.frozen_stages = frozen
    head = model.head
    head.in_channels = found.channels[count - 1]
    channels = head.get('deconv_out_channels', DECONVOLUTIONS)
    head.deconv_out_channels = tuple(channels[:1]) * int(doublings)
    head.deconv_kernel_sizes = tuple(head.get('deconv_kernel_sizes', (4,))[:1]) * int(doublings)
    if count != len(LAYERS):
        _read_stages(head.get('transfer') or {}, count)


def _read_stages(losses: dict, count: int) -> None:
    """Makes losses that read the last of a ResNet's stages, or all of them, read those of an encoder of as many."""
    stages = [f'stage{number}' for number in range(1, count + 1)]
    for loss in losses.values():
        name, every = READ.get(loss.type, ('stage', False))
        if name in loss:
            if loss[name] == LAST:
                loss[name] = stages[-1]
        elif loss.type in READ:
            loss[name] = stages if every else stages[-1:] if name == 'stages' else stages[-1]


def described_setting(settings: Settings) -> str:
    """The settings that choose an encoder, as a suite writes them."""
    parts = {name: value for name in ('backbone', 'encoder_stride') if (value := getattr(settings, name)) is not None}
    return ', '.join(f'settings.{name}={value!r}' for name, value in parts.items())


def fit_source(cfg: Config, arch: dict, normalisation: dict) -> None:
    """Makes a method's encoder and its images' normalisation those of the source.

    MMPose's ResNet becomes the ResNet of the source. Methods with it differ in how they train it: one that starts from
    random weights gets the network of the others. Any other network stays as its config has it.

    Args:
        cfg: A run's config; HG's, which has another network and starts from no source, stays as it is.
        arch: Options of the source's backbone; empty leaves the config's.
        normalisation: ``mean`` and ``std`` of the source; empty leaves the config's.
    """
    model = cfg.model
    if arch.get('type') in RESNETS:
        options = {key: value for key, value in arch.items() if key != 'taps'}
        for backbone in (model.backbone, *([model.source.backbone] if 'source' in model else [])):
            network = network_of(backbone)
            if network['type'] in ('ResNet', arch['type']):
                for key in ('stem_channels', 'base_channels'):
                    network.pop(key, None)
                network.update(options)
        taps = tuple(model.backbone.get('taps', LAYERS))
        if network_of(model.backbone)['type'] == arch['type'] and taps == LAYERS[:len(taps)]:
            _, channels = encoder(Settings(), network_of(model.backbone))
            model.head.in_channels = channels >> (len(LAYERS) - len(taps))
    if uses_source(cfg) or model.backbone.type in (*RESNETS, TAPPED):
        model.data_preprocessor.update(normalisation)


def borrowers(cfg: Config) -> list[ConfigDict]:
    """The networks of a run that take the source's weights: its encoder, the frozen source beside it, both or none."""
    model = cfg.model
    found = [model.backbone] if pretrained(model.backbone) else []
    if 'source' in model and model.source.get('checkpoint') != RANDOM:
        found.append(model.source.backbone)
    return found


def uses_source(cfg: Config) -> bool:
    """Whether a run starts from the source or is regularised by it."""
    return 'source' in cfg.model or pretrained(cfg.model.backbone)


def pretrained(backbone: dict) -> bool:
    """Whether a network starts from given weights."""
    init = backbone.get('init_cfg')
    return isinstance(init, dict) and init.get('type') == 'Pretrained'


def as_asked(backbone: dict, settings: Settings) -> str | None:
    """What of the network that a suite names is another one now, because the source decides it; None where nothing is.

    Args:
        backbone: The encoder's config of a run.
        settings: The settings of its condition.
    """
    named, network = settings.backbone, network_of(backbone)
    if named is None or network['type'] not in RESNETS:
        return None
    asked = WORDS[named].network if isinstance(named, str) else named
    return next((f'{key}={plain(network.get(key))!r}' for key, value in asked.items()
                 if key != 'taps' and plain(network.get(key)) != plain(value)), None)
