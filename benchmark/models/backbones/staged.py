"""What the backbones of converted networks share: a stem, four stages at strides 4 to 32, and how they are frozen."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmpose.models.backbones.base_backbone import BaseBackbone
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

#: How such a network is drawn where it starts from nothing. By what comes in: what goes out of a depthwise layer is
#: counted as if each input reached all outputs, so that an untrained network in evaluation mode would give nothing.
INITIAL = [{'type': 'Kaiming', 'layer': 'Conv2d', 'mode': 'fan_in'},
           {'type': 'Constant', 'layer': '_BatchNorm', 'val': 1}]


def resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Images (N, C, H, W) of another height and width, bilinear, smoothed where they shrink."""
    if tuple(images.shape[-2:]) == size:
        return images
    return functional.interpolate(images, size, mode='bilinear', align_corners=False,
                                  antialias=images.shape[-2] > size[0] or images.shape[-1] > size[1])


class _Clamped(torch.autograd.Function):
    """ReLU6 in place, whose gradient is read off its output: torch's own keeps a copy of the input for it."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.mark_dirty(x.clamp_(0, 6))
        ctx.save_for_backward(x)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> Tensor:
        return torch.ops.aten.hardtanh_backward(gradient, *ctx.saved_tensors, 0, 6)


class ClampedReLU6(nn.ReLU6):
    """ReLU6 in place, to the bits of torch's, with less copying: behind a module whose gradient needs no output."""

    def __init__(self) -> None:
        super().__init__(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """A map of any shape, changed in place."""
        return _Clamped.apply(x) if torch.is_grad_enabled() and x.requires_grad else super().forward(x)


class _Framed(torch.autograd.Function):
    """Zeros around a map; the gradient is a view of what comes back, where torch's own is a copy."""

    @staticmethod
    def forward(ctx, x: Tensor, left: int, right: int, top: int, bottom: int) -> Tensor:
        ctx.inside = (..., slice(top, top + x.shape[-2]), slice(left, left + x.shape[-1]))
        return functional.pad(x, (left, right, top, bottom))

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        return gradient[ctx.inside], None, None, None, None


class SameConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow's 'SAME' does: of an odd number of zeros the last is at right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, h, w) -> (N, out_channels, ceil(h / stride), ceil(w / stride))."""
        low, high = zip(*(self._zeros(side) for side in x.shape[:-3:-1]))
        zeros = (low[0], high[0], low[1], high[1])
        if torch.is_grad_enabled() and x.requires_grad:
            return super().forward(_Framed.apply(x, *zeros))
        return super().forward(functional.pad(x, zeros))

    def _zeros(self, side: int) -> tuple[int, int]:
        """Zeros before and behind a side of so many pixels."""
        step, kernel = self.stride[0], self.kernel_size[0]
        total = max((-(-side // step) - 1) * step + kernel - side, 0)
        return total // 2, total - total // 2


def same_convolution(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1,
                     groups: int = 1) -> nn.Conv2d:
    """A convolution without bias, padded as TensorFlow's 'SAME': an ordinary one where its stride is 1.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Side of the kernel, odd.
        stride: Along both axes.
        groups: See :class:`torch.nn.Conv2d`.
    """
    if stride == 1:
        return nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, groups=groups, bias=False)
    return SameConv2d(in_channels, out_channels, kernel_size, stride, groups=groups, bias=False)


class StagedBackbone(BaseBackbone):
    """A stem and stages, with the attributes of MMPose's ResNet by which the engine knows one: what is frozen is
    computed once, what is trained may have a learning rate per stage.

    Args:
        stem: What comes before the first stage, but for its pooling.
        stages: The stages; ``layer1`` and so on.
        pooling: Between stem and first stage; None for none.
        feat_dim: Channels of the last stage.
        out_indices: Stages (0..3) whose maps are given.
        frozen_stages: -1 freezes nothing, 0 the stem, n the stem and the first n stages: their parameters, and their
            batch norms in evaluation mode.
        norm_eval: Keeps all batch norms in evaluation mode.
        init_cfg: MMEngine initialisation; None draws the weights as :data:`INITIAL` says.

    Raises:
        ValueError: A stage that is not there.
    """

    #: The engine runs ``stem`` and ``maxpool``, then the stages.
    deep_stem = True

    def __init__(self, stem: nn.Module, stages: Sequence[nn.Module], pooling: nn.Module | None, feat_dim: int,
                 out_indices: Sequence[int], frozen_stages: int, norm_eval: bool,
                 init_cfg: dict | list | None) -> None:
        super().__init__(INITIAL if init_cfg is None else init_cfg)
        name, count = type(self).__name__, len(stages)
        if not out_indices or any(one not in range(count) for one in out_indices):
            raise ValueError(f'{name}: out_indices={tuple(out_indices)} names no stages. Give some of 0 to '
                             f'{count - 1}.')
        if frozen_stages not in range(-1, count + 1):
            raise ValueError(f'{name}: frozen_stages={frozen_stages} is no number of stages. Give -1 to {count}.')
        self.stem, self.maxpool = stem, pooling or nn.Identity()
        self.res_layers = [f'layer{number}' for number in range(1, count + 1)]
        for layer, stage in zip(self.res_layers, stages):
            self.add_module(layer, stage)
        self.out_indices, self.feat_dim = tuple(out_indices), feat_dim
        self.frozen_stages, self.norm_eval = frozen_stages, norm_eval
        self._freeze()

    def _freeze(self) -> None:
        for name in ('stem', *self.res_layers)[:self.frozen_stages + 1]:
            getattr(self, name).eval().requires_grad_(False)

    def train(self, mode: bool = True) -> StagedBackbone:
        """Sets the mode; what is frozen stays in evaluation mode."""
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Normalised images (N, 3, H, W) -> the maps of the stages that ``out_indices`` names."""
        x, found = self.maxpool(self.stem(images)), []
        for number, name in enumerate(self.res_layers[:max(self.out_indices) + 1]):
            x = getattr(self, name)(x)
            if number in self.out_indices:
                found.append(x)
        return tuple(found)
