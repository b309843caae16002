"""Learning rates that fall from the head to the stem of an encoder."""

from __future__ import annotations

from mmengine.optim import DefaultOptimWrapperConstructor
from mmpose.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from benchmark.models.backbones.tapped import Tapped, influences


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class StageDecayOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    r"""One learning rate per stage of the encoder: discriminative fine-tuning.

    Howard, Ruder: *Universal Language Model Fine-tuning for Text Classification*, ACL 2018, section 3.2.

    .. math:: \eta_d = \eta \, q^d

    Symbols: eta: learning rate of the config; q: ``stage_decay``; d: distance from the head. The head, and whatever
    else is not in the backbone, has d = 0; of S stages the last has d = 1, the first d = S; the stem has d = S + 1.
    A parameter of a :func:`.tapped_backbone` belongs to the first tap that depends on it, so that the stem is part of
    the first stage.

    The parameters of one distance are one group of the optimiser, the head's first. With q = 1 the training is that
    with one learning rate.

    Args:
        optim_wrapper_cfg: As in MMEngine; ``optimizer.lr`` is eta.
        paramwise_cfg: ``stage_decay``: q in (0, 1].

    Raises:
        ValueError: ``paramwise_cfg`` has no ``stage_decay`` in (0, 1], or has something else; the backbone is neither
            a ResNet nor a tapped one.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        super().__init__(optim_wrapper_cfg, paramwise_cfg)
        name = f'{type(self).__name__}: optim_wrapper.paramwise_cfg'
        if others := sorted(set(self.paramwise_cfg) - {'stage_decay'}):
            raise ValueError(f'{name}.{others[0]} is unknown here. Give stage_decay only.')
        self.decay = self.paramwise_cfg.get('stage_decay')
        if self.decay is None or not 0 < self.decay <= 1:
            raise ValueError(f'{name}.stage_decay={self.decay} is no factor. Give one in (0, 1].')
        if self.base_lr is None:
            raise ValueError(f'{type(self).__name__}: optim_wrapper.optimizer.lr is missing. Give the head\'s.')

    def add_params(self, params: list[dict], module: nn.Module, **kwargs) -> None:
        """Adds one group per distance to ``params``; parameters that are frozen when it is built have none."""
        backbone = getattr(module, 'backbone', None)
        layers, depends = getattr(backbone, 'res_layers', None), []
        if isinstance(backbone, Tapped):
            depends = influences(backbone)
        elif not layers:
            raise ValueError(f'{type(self).__name__}: model.backbone has no residual stages (res_layers). Use a '
                             'ResNet, choose the encoder by settings.backbone, or remove optim_wrapper.constructor.')
        groups: dict[int, list[nn.Parameter]] = {}
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                place = tapped_distance(name, depends) if depends else distance(name, layers)
                groups.setdefault(place, []).append(parameter)
        params.extend(dict(params=groups[d], lr=self.base_lr * self.decay ** d) for d in sorted(groups))


def distance(name: str, layers: list[str]) -> int:
    """Distance of a parameter from the head.

    Args:
        name: The parameter's name in the model.
        layers: Names of the backbone's stages, the first one first.
    """
    module, _, rest = name.partition('.')
    if module != 'backbone':
        return 0
    stage = rest.partition('.')[0]
    return len(layers) - layers.index(stage) if stage in layers else len(layers) + 1


def tapped_distance(name: str, depends: list[set[str]]) -> int:
    """Distance of a parameter from the head, in a model whose encoder is a tapped backbone.

    Args:
        name: The parameter's name in the model.
        depends: Names of the encoder's parameters that each tap depends on, the first one's first.
    """
    module, _, rest = name.partition('.')
    if module != 'backbone':
        return 0
    return len(depends) - next(number for number, names in enumerate(depends) if rest in names)
