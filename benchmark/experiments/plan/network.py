"""The network of a suite's source: that of the methods which start from it or are held to it, whatever it is.

A source that is trained or drawn here is made of the methods' own network. One that is given must be of it; MMPose's
``ResNet`` of the shipped methods takes the depth, the width and the kind of ResNet that the checkpoint was made with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mmengine.config import Config

from benchmark.experiments.errors import SuiteError
from benchmark.experiments.suite.backbones import WORDS
from benchmark.experiments.suite.overrides import plain

from .encoder import RESNETS, TAPPED, WIDTH, borrowers, network_of

#: Options of a backbone that change how it is trained and started, not what it computes or the names of its weights.
TRAINING = ('init_cfg', 'frozen_stages', 'norm_eval', 'with_cp')
#: Normalisations with one set of weights and statistics; what differs is how they are trained.
BATCH_NORMS = ('BN', 'SyncBN', 'StochNorm')
#: What makes an ordinary ResNet.
ARCH = ('type', 'depth', 'stem_channels', 'base_channels')

#: Options of a ResNet that change what it computes and no weight's shape, with their usual values.
GEOMETRY = {'style': 'pytorch', 'strides': [1, 2, 2, 2], 'dilations': [1, 1, 1, 1]}


def architecture(backbone: dict) -> dict[str, Any]:
    """What makes a backbone's network: its options but for those of its training; of a ResNet not the maps it gives.
    ``taps`` are the modules of a network with taps, the last of which is its end."""
    arch = {key: plain(value) for key, value in network_of(backbone).items() if key not in TRAINING}
    norm = arch.pop('norm_cfg', None) or {}
    if norm.get('type', 'BN') not in BATCH_NORMS:
        arch['norm_cfg'] = {key: value for key, value in norm.items() if key != 'requires_grad'}
    if backbone['type'] == TAPPED and backbone.get('taps'):
        arch['taps'] = plain(backbone['taps'])
    if arch['type'] in RESNETS:
        arch.pop('out_indices', None)
        if all(arch.get(key, WIDTH) == WIDTH for key in ('stem_channels', 'base_channels')):
            arch = {key: value for key, value in arch.items() if key not in ('stem_channels', 'base_channels')}
    return arch


def described(arch: dict) -> str:
    """A network in a few words: ``ResNet-18 of width 32``."""
    text = f'{arch["type"]}-{arch["depth"]}' if 'depth' in arch else str(arch['type'])
    if 'base_channels' in arch:
        text += f' of width {arch["base_channels"]}'
    usual = (*ARCH, 'taps', *(set(arch) if _word(arch) else ()))
    more = [f'{key}={value}' for key, value in arch.items() if key not in usual]
    if taps := arch.get('taps'):
        more.append(f'up to {taps[-1]}')
    return text + (f' ({", ".join(more)})' if more else '')


def _word(arch: dict) -> str | None:
    """The word for a network."""
    bare = {key: value for key, value in arch.items() if key != 'taps'}
    return next((word for word, one in WORDS.items() if plain(one.network) == bare), None)


@dataclass
class Wanted:
    """What the methods of a suite ask of its source.

    Attributes:
        networks: Architecture -> ``(method, condition)`` of those that take its weights, by its text.
        normalisations: Mean and standard deviation of their images, the same way.
        imports: Modules of the user's own that their configs import, which may register the network.
    """

    networks: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    normalisations: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    imports: list[str] = field(default_factory=list)

    def add(self, cfg: Config, method: str, condition: str) -> None:
        """Notes what a run asks for."""
        taking = borrowers(cfg)
        for backbone in taking:
            self.networks.setdefault(json.dumps(architecture(backbone)), []).append((method, condition))
        if any(one['type'] == TAPPED and not _word(architecture(one)) for one in taking):
            modules = cfg.get('custom_imports', {}).get('imports', ())
            self.imports += [name for name in modules
                             if name.partition('.')[0] != 'benchmark' and name not in self.imports]
        if taking:
            given = cfg.model.data_preprocessor
            values = {key: plain(given[key]) for key in ('mean', 'std') if given.get(key)}
            self.normalisations.setdefault(json.dumps(values), []).append((method, condition))

    def network(self) -> dict[str, Any] | None:
        """The one network; None where no method needs a source.

        Raises:
            SuiteError: There are several: a suite has one source.
        """
        return self._one(self.networks, lambda text: described(json.loads(text)), 'start from', 'network')

    def normalisation(self) -> dict[str, list]:
        """The one normalisation; empty where no method needs a source or they do not say.

        Raises:
            SuiteError: There are several.
        """
        return self._one(self.normalisations, str, 'normalise images by', 'normalisation') or {}

    def _one(self, found: dict[str, list[tuple[str, str]]], words, verb: str, kind: str) -> Any:
        if len(found) > 1:
            each = '; '.join(f'{_places(places, others)} {verb} {words(text)}' for text, places in found.items()
                             for others in [[p for one, p in found.items() if one != text]])
            raise SuiteError(f'a suite has one source, but {each}. Give all methods and conditions one {kind}, plan a '
                             'suite for each, or do one part with --methods and an --out of its own.')
        return json.loads(next(iter(found))) if found else None


def _places(places: list[tuple[str, str]], others: Iterable[list[tuple[str, str]]]) -> str:
    """Names of methods, and of conditions where a method stands in several lists."""
    elsewhere = {method for one in others for method, _ in one}
    names = dict.fromkeys(f'{method} under {condition}' if method in elsewhere else method
                          for method, condition in places)
    return ', '.join([*names][:4]) + (f' and {len(names) - 4} more' if len(names) > 4 else '')


def fits(backbone: dict, arch: dict) -> str | None:
    """Why a given source's weights are not a backbone's, in words; None where nothing says so.

    Args:
        backbone: The config of a network that takes them.
        arch: What the checkpoint says of its network; empty where it says nothing.
    """
    if 'type' not in arch:
        return None
    own, given = architecture(backbone), architecture(arch)
    keys = ['type', *sorted((own.keys() & given.keys()) - {'type', 'out_indices', 'taps'})]
    if own['type'] == 'ResNet' and given['type'] in RESNETS:
        # Type, depth and width become those of the source; of the rest, what no weight's shape gives away must agree.
        keys = [key for key in GEOMETRY if key in own]
    for key in keys:
        if own[key] != given.get(key, GEOMETRY.get(key)):
            return (f'is of a network with {key}={given.get(key, GEOMETRY.get(key))!r}, not of the encoder with '
                    f'{key}={own[key]!r}')
    return None
