"""Convolutions with large weights on small maps, as matrix products on a CPU."""

from __future__ import annotations

import torch
from mmcv.cnn.bricks import wrappers
from mmengine.hooks import Hook
from mmpose.registry import HOOKS
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from benchmark.models.backbones.staged import StagedBackbone

from .unwrap import unwrapped

#: With so many weights and at most so many places in a batch, a convolution kernel spends its time on reordering
#: weights: an encoder's last stage and a decoder's first layer.
WEIGHTS, PLACES = 1 << 20, 128


class MatrixConvolution(nn.Conv2d):
    """A Conv2d that is one matrix product where its weights are large and its maps small.

    Mathematically the same sum, with the same parameters under the same names; the last bits may differ. On two cores,
    forward and backward, 0.5 to 0.7 of the kernel's time.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Computes the layer on maps (B, channels, h, w)."""
        height, width = ((length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
                         for length, padding, dilation, kernel, stride
                         in zip(input.shape[2:], self.padding, self.dilation, self.kernel_size, self.stride))
        if input.device.type != 'cpu' or input.shape[0] * height * width > PLACES:
            return super().forward(input)
        if self.kernel_size == (1, 1) and self.padding == (0, 0):
            columns = input[:, :, ::self.stride[0], ::self.stride[1]].flatten(2)
        else:
            columns = functional.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)
        output = (self.weight.flatten(1) @ columns).unflatten(2, (height, width))
        return output if self.bias is None else output + self.bias[:, None, None]


class MatrixDeconvolution(nn.ConvTranspose2d):
    """A ConvTranspose2d that is one matrix product, folded, where its weights are large and its maps small.

    As :class:`MatrixConvolution`; 0.4 to 0.5 of the kernel's time.
    """

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Computes the layer.

        Args:
            input: Maps (B, channels, h, w).
            output_size: As ConvTranspose2d's; where given, its own kernel is used.
        """
        if input.device.type != 'cpu' or output_size is not None or input[:, 0].numel() > PLACES:
            return super().forward(input, output_size)
        columns = self.weight.flatten(1).t() @ input.flatten(2)
        size = [(length - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
                for length, stride, padding, dilation, kernel, extra
                in zip(input.shape[2:], self.stride, self.padding, self.dilation, self.kernel_size,
                       self.output_padding)]
        output = functional.fold(columns, size, self.kernel_size, self.dilation, self.padding, self.stride)
        return output if self.bias is None else output + self.bias[:, None, None]


#: Kernel, stride, padding and dilation of a deconvolution that doubles a map, and channels from which products pay.
DOUBLING, WIDE = ((4, 4), (2, 2), (1, 1), (1, 1), (0, 0)), 64


class _Doubled(torch.autograd.Function):
    """A deconvolution of :data:`DOUBLING`, with the kernels' sums but for the weights' gradient: four products.

    Channels last, where a kernel gathers badly what such a gradient takes. Symbols: B: batch, C: channels of the input,
    O: of the output, h, w: height and width of the input.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return functional.conv_transpose2d(x, weight, stride=2, padding=1)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        back = functional.conv2d(gradient, weight, stride=2, padding=1) if ctx.needs_input_grad[0] else None
        return back, _weights_gradient(x, gradient) if ctx.needs_input_grad[1] else None


def _weights_gradient(x: Tensor, gradient: Tensor) -> Tensor:
    """(B, C, h, w) and (B, O, 2 h, 2 w) -> (C, O, 4, 4), channels last in memory."""
    batch, channels, height, width = x.shape
    places = x.permute(0, 2, 3, 1).reshape(-1, channels).t()
    framed = functional.pad(gradient.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).contiguous()
    image, row, column, _ = framed.stride()
    wide = 4 * gradient.shape[1]
    found = x.new_empty(channels, 4, wide)
    for number in range(4):
        # Behind each other, the four places of this row of the kernel that each place of the input reaches.
        reached = framed.as_strided((batch, height, width, wide), (image, 2 * row, 2 * column, 1), number * row)
        torch.mm(places, reached.reshape(-1, wide), out=found[:, number])
    return found.unflatten(2, (4, -1)).permute(0, 3, 1, 2)


class DoublingDeconvolution(MatrixDeconvolution):
    """A ConvTranspose2d that doubles a map, as its kernel does it, but with the weights' gradient as matrix products.

    0.6 to 0.9 of the time, forward and backward; the last bits of the gradient may differ.
    """

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """As MatrixDeconvolution's."""
        if input.device.type != 'cpu' or output_size is not None or input.dtype != self.weight.dtype \
                or torch.is_autocast_enabled('cpu'):
            return super().forward(input, output_size)
        output = _Doubled.apply(input, self.weight)
        return output if self.bias is None else output + self.bias[:, None, None]


KINDS = {nn.Conv2d: MatrixConvolution, wrappers.Conv2d: MatrixConvolution,
         nn.ConvTranspose2d: MatrixDeconvolution, wrappers.ConvTranspose2d: MatrixDeconvolution}


@HOOKS.register_module()
class MatrixConvolutionHook(Hook):
    """Lets convolutions with large weights be matrix products where a network trains on a CPU.

    Behind an encoder with narrow layers, a converted one, deconvolutions are most of a step: those that double a map
    are then :class:`DoublingDeconvolution`.
    """

    def before_train(self, runner) -> None:
        """Changes the layers; after ChannelsLastHook, since a product wants its weights in plain order."""
        model = unwrapped(runner.model)
        narrow = isinstance(getattr(model, 'backbone', None), StagedBackbone)
        for module in model.modules():
            kind = KINDS.get(type(module))
            if narrow and kind is MatrixDeconvolution and _doubles(module):
                module.__class__ = DoublingDeconvolution
            elif kind and module.groups == 1 and module.padding_mode == 'zeros' \
                    and not isinstance(module.padding, str) \
                    and module.weight.numel() >= WEIGHTS and module.weight.device.type == 'cpu':
                module.__class__ = kind
                module.weight.data = module.weight.data.contiguous()


def _doubles(module: nn.ConvTranspose2d) -> bool:
    """Whether a deconvolution is a wide one of :data:`DOUBLING`."""
    geometry = (module.kernel_size, module.stride, module.padding, module.dilation, module.output_padding)
    return geometry == DOUBLING and module.groups == 1 and module.in_channels >= WIDE and \
        module.weight.device.type == 'cpu'


def uses_matrix_products(model: nn.Module) -> bool:
    """Whether some layer of a network is one of these."""
    return any(isinstance(module, (MatrixConvolution, MatrixDeconvolution)) for module in model.modules())
