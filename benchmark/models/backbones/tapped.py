"""Any MMPose backbone as an encoder of this suite: with named taps, frozen up to a tap, cut behind one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from mmpose.models.backbones import ResNet
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..stoch_norm import StochNorm

#: Sides of the blank images that a network is asked with, in pixels: the first one that it takes.
SIDES = (64, 224)


class TapError(ValueError):
    """Taps that a network does not have, or computes otherwise."""


class Enough(Exception):
    """The last tap is computed; what comes behind it is not."""


class Tapped:
    """What :func:`tapped_backbone` adds to a network's class; the names of its weights stay as they are.

    Attributes:
        tap_modules: Names of the modules that give the taps; empty where the taps are the network's outputs.
        tap_count: Number of taps.
        frozen_taps: Number of the first taps that never change.
    """

    tap_modules: tuple[str, ...] = ()
    tap_count: int = 0
    frozen_taps: int = 0
    #: Modules that stay in eval mode in training.
    _resting: tuple[str, ...] = ()

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Taps of images (B, 3, H, W), each (B, channels, h, w)."""
        return tuple(map(first_map, self.raw_taps(inputs)))

    def raw_taps(self, inputs: Tensor) -> list[Any]:
        """What the taps' modules give: maps, or lists of maps."""
        if not self.tap_modules:
            outputs = super().forward(inputs)
            return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
        found: list[Any] = []

        def keep(module: nn.Module, given: Any, output: Any) -> None:
            if module is not modules[len(found)]:
                raise TapError(f'taps={list(self.tap_modules)}: {type(self).__name__} computes them in another order.')
            found.append(output)
            if len(found) == len(self.tap_modules):
                raise Enough

        modules = [self.get_submodule(name) for name in self.tap_modules]
        handles = [module.register_forward_hook(keep) for module in modules]
        try:
            super().forward(inputs)
        except Enough:
            pass
        finally:
            for handle in handles:
                handle.remove()
        return found

    def train(self, mode: bool = True) -> Tapped:
        """Sets the mode; what is frozen stays in eval mode."""
        super().train(mode)
        for name in self._resting if mode else ():
            self.get_submodule(name).train(False)
        return self

    def init_weights(self) -> None:
        """Initialises as the network does. Given weights are loaded by their prefix, which some networks pass over."""
        if isinstance(self.init_cfg, dict) and self.init_cfg.get('type') == 'Pretrained':
            BaseModule.init_weights(self)
        else:
            super().init_weights()


@MODELS.register_module(name='TappedBackbone')
def tapped_backbone(network: dict, taps: Sequence[str] = (), frozen_stages: int = -1, norm_eval: bool = False,
                    norm_cfg: dict | None = None, **init) -> nn.Module:
    """Builds a backbone that is used as this suite uses a ResNet.

    Its outputs are taps ``stage1``, ``stage2`` and so on, the last one the encoder's; what comes behind it is not
    computed. The network keeps its class's name and its weights their names, so that its checkpoints are those of the
    plain network.

    A frozen tap means, for any network: every parameter that the tap depends on has no gradient, and modules with no
    other parameters are in eval mode, batch norm and dropout alike. Which ones these are is asked of autograd.

    Args:
        network: Config of an MMPose backbone, without options of its training.
        taps: Names of the modules that give the taps, in the order in which they are computed; of several maps that
            one gives the first is the tap. None: the taps are the network's own outputs.
        frozen_stages: Number of the first taps that are frozen; -1 for none.
        norm_eval: Whether all batch norms stay in eval mode.
        norm_cfg: How batch norms are trained: ``type`` BN or StochNorm, with its ``p``; ``requires_grad=False``
            freezes their weights. Momentum and eps stay the network's.
        init: ``init_cfg``, where it is given.

    Raises:
        ValueError: Taps or options that the network does not have; says which.
    """
    if frozen_stages == 0:
        raise ValueError('frozen_stages=0: the stem of a network with taps is part of its first stage. Give 1 or more, '
                         'or -1 for none.')
    built = MODELS.build({**network, **init})
    kind = type(built).__name__
    modules = dict(built.named_modules())
    if missing := [name for name in taps if name not in modules]:
        there = ', '.join(dict(built.named_children()))
        raise TapError(f'taps: {kind} has no module {missing[0]!r}. It has: {there}.')
    if norm_eval or norm_cfg:
        _train_norms(built, dict(norm_cfg or {}))
    built.__class__ = type(kind, (Tapped, type(built)), {})
    built.tap_modules = tuple(taps)
    depends = influences(built, max(1, frozen_stages) if taps else None)
    count = built.tap_count = len(depends)
    if frozen_stages > count:
        raise ValueError(f'frozen_stages={frozen_stages}: {kind} has {count} taps here. Give at most as many.')
    built.frozen_taps = max(0, frozen_stages)
    # What no tap depends on is computed for nobody.
    frozen = set(dict(built.named_parameters())).difference(*depends).union(*depends[:built.frozen_taps])
    for name, parameter in built.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and name not in frozen)
    resting = [''] if built.frozen_taps == count else _only_with(built, frozen)
    if norm_eval:
        resting += [name for name, module in built.named_modules() if isinstance(module, _BatchNorm)]
    built._resting = tuple(resting)
    built.train(built.training)
    return built


def residual_stages(backbone: nn.Module) -> list[str]:
    """Names of the stages of a ResNet, or of what is built like one, up to the last tap; empty for other networks, and
    where taps are no stages.

    They follow one another behind a stem (``stem`` where ``deep_stem`` is set, else ``conv1``, ``norm1`` and ``relu``)
    and ``maxpool``, so that a part of the network can be computed by itself.
    """
    kind, layers = type(backbone), list(getattr(backbone, 'res_layers', ()))
    if isinstance(backbone, Tapped):
        kind, layers = kind.__mro__[2], layers[:backbone.tap_count]
        if list(backbone.tap_modules) != layers:
            return []
    if issubclass(kind, ResNet) and kind.forward is not ResNet.forward:
        return []
    return layers


def first_map(output: Any) -> Tensor:
    """A module's output, of several the first."""
    return output[0] if isinstance(output, (tuple, list)) else output


def influences(backbone: nn.Module, first: int | None = None) -> list[set[str]]:
    """Names of the parameters that each tap depends on, by the graph of a blank image: values make no difference.

    Args:
        backbone: A network that :func:`tapped_backbone` made. Modes, gradients and random numbers stay as they are.
        first: Asks of so many of the first taps and of the last one only; of the others nothing is found.

    Raises:
        ValueError: Its taps are not computed in the order in which they are named, or not at all.
    """
    parameters = dict(backbone.named_parameters())
    asked = {name: value.requires_grad for name, value in parameters.items()}
    found: list[set[str]] = []
    with _at_rest(backbone), torch.enable_grad():
        try:
            for value in parameters.values():
                value.requires_grad_(True)
            taps = blank_taps(backbone)
            for number, tap in enumerate(taps):
                gradients = [None] * len(parameters)
                if first is None or number < first or number == len(taps) - 1:
                    total = sum(one.sum() for one in (tap if isinstance(tap, (tuple, list)) else (tap,)))
                    gradients = torch.autograd.grad(total, list(parameters.values()), retain_graph=True,
                                                    allow_unused=True)
                found.append({name for name, gradient in zip(parameters, gradients) if gradient is not None})
        finally:
            for name, value in parameters.items():
                value.requires_grad_(asked[name])
    given = [names for names in found if names]
    if backbone.tap_modules and (len(found) < len(backbone.tap_modules) or any(
            not one <= other for one, other in zip(given, given[1:]))):
        raise TapError(f'taps={list(backbone.tap_modules)}: {type(backbone).__name__} does not compute them one after '
                       'the other. Name modules each of which is computed from the one before.')
    return found


def blank_taps(backbone: nn.Module) -> list[Any]:
    """Taps of a blank image, as the network gives them.

    Raises:
        ValueError: It takes none of the sizes that are tried.
    """
    for side in SIDES:
        try:
            device = next(backbone.parameters()).device
            return backbone.raw_taps(torch.zeros(1, 3, side, side, device=device))
        except TapError:
            raise
        except (RuntimeError, ValueError, AssertionError, IndexError) as error:
            reason = ' '.join(str(error).split())[:200]
    raise ValueError(f'{type(backbone).__name__} takes no image of {" or ".join(map(str, SIDES))} pixels: {reason}')


def last_convolution(backbone: nn.Module) -> str:
    """Name of the last convolution that is computed on the way to the last tap; '' where there is none."""
    seen = ['']
    names = {module: name for name, module in backbone.named_modules() if isinstance(module, nn.Conv2d)}
    handles = [module.register_forward_hook(lambda one, *_: seen.append(names[one])) for module in names]
    try:
        with _at_rest(backbone), torch.no_grad():
            blank_taps(backbone)
    finally:
        for handle in handles:
            handle.remove()
    return seen[-1]


@contextlib.contextmanager
def _at_rest(backbone: nn.Module) -> Iterator[None]:
    """Eval mode for as long as the block runs, without a random number drawn."""
    modes = {module: module.training for module in backbone.modules()}
    with torch.random.fork_rng(devices=[]):
        try:
            for module in modes:
                module.training = False
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode


def _only_with(backbone: nn.Module, frozen: set[str]) -> list[str]:
    """Names of the outermost modules that have parameters, all of which are frozen."""
    found: list[str] = []
    for name, module in backbone.named_modules():
        own = [f'{name}.{key}' if name else key for key, _ in module.named_parameters()]
        inside = any(name.startswith(f'{outer}.') for outer in found)
        if own and not inside and frozen.issuperset(own):
            found.append(name)
    return found


def _train_norms(network: nn.Module, norm_cfg: dict) -> None:
    """Makes a network's batch norms what a method asks for; their weights and statistics keep their names.

    Raises:
        ValueError: It has none, or another kind is asked for.
    """
    norms = {name: module for name, module in network.named_modules() if isinstance(module, _BatchNorm)}
    kind = norm_cfg.get('type', 'BN')
    if not norms:
        raise ValueError(f'norm_eval, norm_cfg: {type(network).__name__} has no batch norm, so that the method would '
                         'be another one under its name. Leave this method out, or take a backbone with batch norm.')
    if kind not in ('BN', 'BN2d', 'StochNorm'):
        raise ValueError(f'norm_cfg.type={kind!r}: this changes the network itself. Write it into the config of the '
                         'backbone (settings.backbone).')
    for name, norm in norms.items():
        if kind == 'StochNorm':
            parent, _, own = name.rpartition('.')
            options = {key: value for key, value in norm_cfg.items() if key not in ('type', 'requires_grad')}
            norm = StochNorm(norm.num_features, **dict(eps=norm.eps, momentum=norm.momentum, affine=norm.affine)
                             | options)
            setattr(network.get_submodule(parent), own, norm)
        elif others := sorted(set(norm_cfg) - {'type', 'requires_grad', 'eps', 'momentum'}):
            raise ValueError(f'norm_cfg.{others[0]} is unknown. It may have type and requires_grad.')
        norm.requires_grad_(norm_cfg.get('requires_grad', True))
