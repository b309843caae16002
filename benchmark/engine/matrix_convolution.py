"""Convolutions with large weights on small maps, as matrix products on a CPU."""

from __future__ import annotations

from mmcv.cnn.bricks import wrappers
from mmengine.hooks import Hook
from mmpose.registry import HOOKS
from torch import Tensor, nn
from torch.nn import functional

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


KINDS = {nn.Conv2d: MatrixConvolution, wrappers.Conv2d: MatrixConvolution,
         nn.ConvTranspose2d: MatrixDeconvolution, wrappers.ConvTranspose2d: MatrixDeconvolution}


@HOOKS.register_module()
class MatrixConvolutionHook(Hook):
    """Lets convolutions with large weights be matrix products where a network trains on a CPU."""

    def before_train(self, runner) -> None:
        """Changes the layers; after ChannelsLastHook, since a product wants its weights in plain order."""
        model = unwrapped(runner.model)
        for module in model.modules():
            kind = KINDS.get(type(module))
            if kind and module.groups == 1 and module.padding_mode == 'zeros' and not isinstance(module.padding, str) \
                    and module.weight.numel() >= WEIGHTS and module.weight.device.type == 'cpu':
                module.__class__ = kind
                module.weight.data = module.weight.data.contiguous()


def uses_matrix_products(model: nn.Module) -> bool:
    """Whether some layer of a network is one of these."""
    return any(isinstance(module, (MatrixConvolution, MatrixDeconvolution)) for module in model.modules())
