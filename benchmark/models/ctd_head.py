"""The heatmap head with cross-task regularisers."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection
from dataclasses import replace

import torch
from mmpose.models.heads import HeatmapHead
from mmpose.registry import MODELS
from torch import Tensor, nn

from .backbones.tapped import Tapped
from .source import FrozenSource, SourceError, stage_taps
from .transfer import TransferContext, TransferLoss
from .transfer.base import STAGES, Taps, UndeclaredTap

#: Factor of all weights, from the share of the training that is done.
SCHEDULES: dict[str, Callable[[float], float]] = {
    'constant': lambda progress: 1.0,
    'falling': lambda progress: 1.0 - progress,
    'rising': lambda progress: progress,
    'cosine': lambda progress: (1.0 + math.cos(math.pi * progress)) / 2,
}


@MODELS.register_module()
class CTDHead(HeatmapHead):
    """MMPose's HeatmapHead plus the target classifier g^t and named regularisers.

    The decoder is HeatmapHead's, built and initialised exactly as there. What training alone needs (g^t) is not part
    of the state dict, so that a checkpoint loads strictly into a HeatmapHead, and back.

    Args:
        transfer: Name -> config of a :class:`TransferLoss`.
        train_classifier: Whether g^t, which starts as a copy of the source's classifier, is trained.
        weight_schedule: Course of all regularisers' weights over the training, one of :data:`SCHEDULES`.
        kwargs: HeatmapHead's arguments.

    Raises:
        SourceError: Something that is no TransferLoss, a name with 'loss' in it, an unknown schedule.
    """

    def __init__(self, transfer: dict[str, dict] | None = None, train_classifier: bool = True,
                 weight_schedule: str = 'constant', **kwargs) -> None:
        super().__init__(**kwargs)
        if weight_schedule not in SCHEDULES:
            raise SourceError(f'head.weight_schedule={weight_schedule!r} is unknown. Choose one of: '
                              f'{", ".join(SCHEDULES)}.')
        self.weight_schedule = weight_schedule
        # Built with a generator state of their own: a regulariser with weights must not change the decoder's.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.transfer = nn.ModuleDict({name: MODELS.build(cfg) for name, cfg in (transfer or {}).items()})
        for name, loss in self.transfer.items():
            if 'loss' in name:
                raise SourceError(f'head.transfer.{name}: MMEngine adds up every logged value whose name contains '
                                  "'loss', the raw value and the gradient ratio too. Rename it.")
            if not isinstance(loss, TransferLoss):
                raise SourceError(f'head.transfer.{name}: {type(loss).__name__} is no TransferLoss. Subclass '
                                  'benchmark.models.transfer.TransferLoss.')
        self.train_classifier = train_classifier
        self.classifier: nn.Module | None = None

    @property
    def source_taps(self) -> tuple[str, ...]:
        """Taps of the source that some regulariser reads, sorted."""
        return tuple(sorted({tap for loss in self.transfer.values() for tap in loss.source_taps}))

    def attach(self, source: FrozenSource, backbone: nn.Module) -> None:
        """Checks that the taps are there, fits the regularisers and starts g^t as a copy of the source's classifier.

        Args:
            source: The source network.
            backbone: The target's backbone.

        Raises:
            SourceError: A regulariser needs a tap that the source or the target lacks; lists those there are.
        """
        stages = stage_taps(backbone)
        for name, loss in self.transfer.items():
            for tap in loss.source_taps:
                if tap not in source.taps:
                    raise SourceError(f'head.transfer.{name}: the source has no tap {tap!r}. It has: '
                                      f'{", ".join(source.taps)}. {_remedy(tap, "source.backbone", source.backbone)}')
            have = (*stages, 'pooled') + (('logits',) if source.classifier is not None else ())
            for tap in loss.target_taps:
                if tap not in have:
                    raise SourceError(f'head.transfer.{name}: the target has no tap {tap!r}. It has: '
                                      f'{", ".join(have)}. {_remedy(tap, "backbone", backbone)}')
        if any('logits' in loss.target_taps for loss in self.transfer.values()):
            width = source.classifier.weight.shape[1]
            if width != self.in_channels:
                raise SourceError(f'model.head: the target encoder gives {self.in_channels} channels, but the '
                                  f"source's classifier, copied as g^t, takes {width}. Use one backbone for both.")
            self.classifier = copy.deepcopy(source.classifier).requires_grad_(self.train_classifier)
        with torch.random.fork_rng(devices=[]):
            for loss in self.transfer.values():
                torch.manual_seed(0)
                loss.attach(source.backbone, backbone)

    def init_weights(self) -> None:
        """Initialises the decoder as HeatmapHead does; g^t and the regularisers keep their weights."""
        kept = {name: self._modules.pop(name) for name in ('classifier', 'transfer') if name in self._modules}
        try:
            super().init_weights()
        finally:
            self._modules.update(kept)

    def taps(self, features: tuple[Tensor, ...], stages: tuple[str, ...]) -> dict[str, Tensor]:
        """The target's taps.

        Args:
            features: Stage maps of the backbone, each (B, channels, h, w).
            stages: Their names.

        Returns:
            The stages, ``pooled`` (B, d) and, with g^t, ``logits`` (B, C).
        """
        taps = dict(zip(stages, features))
        taps['pooled'] = features[-1].mean(dim=(2, 3))
        if self.classifier is not None:
            taps['logits'] = self.classifier(taps['pooled'])
        return taps

    def regularise(self, context: TransferContext) -> dict[str, tuple[Tensor, Tensor]]:
        """Computes every regulariser, in float32 under autocast too.

        Returns:
            Name -> (raw value, weighted value), scalars.

        Raises:
            SourceError: The batch is smaller than a regulariser's ``min_batch``.
        """
        self.check_batch(context.heatmaps.shape[0])
        target_taps = {tap for loss in self.transfer.values() for tap in loss.target_taps}
        context = replace(context, source=_in_float32(context.source, self.source_taps),
                          target=_in_float32(context.target, target_taps))
        values = {}
        with torch.autocast(context.heatmaps.device.type, enabled=False):
            for name, loss in self.transfer.items():
                raw = self._value(name, loss, context)
                values[name] = (raw, raw * (loss.weight * SCHEDULES[self.weight_schedule](context.progress)))
        return values

    @staticmethod
    def _value(name: str, loss: TransferLoss, context: TransferContext) -> Tensor:
        try:
            return loss(context)
        except UndeclaredTap as error:
            raise SourceError(f'head.transfer.{name}: {type(loss).__name__} reads {error}, which is not among its taps '
                              f'(source_taps: {", ".join(loss.source_taps) or "none"}; target_taps: '
                              f'{", ".join(loss.target_taps) or "none"}). Name it there.') from error

    def check_batch(self, size: int) -> None:
        """Checks that every regulariser is defined for a batch of this many images.

        Raises:
            SourceError: It is smaller than a regulariser's ``min_batch``.
        """
        for name, loss in self.transfer.items():
            if size < loss.min_batch:
                raise SourceError(f'head.transfer.{name}: {type(loss).__name__} needs a batch of at least '
                                  f'{loss.min_batch} images; one has {size}. {loss.batch_remedy}')

    def heatmap_loss(self, heatmaps: Tensor, data_samples: list) -> Tensor:
        """Equation 1 on predicted heatmaps (B, K, H, W)."""
        truth = torch.stack([sample.gt_fields.heatmaps for sample in data_samples])
        weights = torch.cat([sample.gt_instance_labels.keypoint_weights for sample in data_samples])
        return self.loss_module(heatmaps, truth, weights)


def _in_float32(taps: dict[str, Tensor], wanted: Collection[str]) -> Taps:
    return Taps((name, value.float() if name in wanted else value) for name, value in taps.items())


def _remedy(tap: str, where: str, backbone: nn.Module) -> str:
    if tap in STAGES and isinstance(backbone, Tapped):
        return 'Let the loss read one of these, or take an encoder with more taps.'
    if tap in STAGES:
        return f'Add it with {where}.out_indices=(0, 1, 2, 3).'
    if tap == 'logits' and isinstance(backbone, Tapped):
        return ('A classifier stands on the last stage of the network that it was trained with: use a source with one, '
                "and leave settings.encoder_stride out; or let pooled features stand for it (source.logits='pooled').")
    if tap != 'logits':
        return 'Correct the name.'
    return ('Use a source checkpoint with a classifier (classifier.weight, classifier.bias), or let pooled features '
            "stand for it (source.logits='pooled').")
