"""The stacked hourglass network of Newell, Yang and Deng, 2016.

Source: *Stacked Hourglass Networks for Human Pose Estimation*, arXiv 1603.06937.
"""

from __future__ import annotations

from mmengine.model import BaseModule
from mmpose.models.backbones.base_backbone import BaseBackbone
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional

#: Input pixels per heatmap pixel, along each axis.
STRIDE = 4


class PreActivationBottleneck(BaseModule):
    r"""A residual block with normalisation and activation before each convolution.

    .. math:: y = S(x) + W_3 \sigma(W_2 * \sigma(W_1 \sigma(x)))

    where :math:`\sigma` is batch norm and ReLU, :math:`W_1` and :math:`W_3` are 1x1, :math:`W_2` is 3x3 and S
    is the identity, or a 1x1 convolution where the number of channels changes (He et al., *Identity Mappings
    in Deep Residual Networks*, 2016). No convolution has a bias: every path from here to a loss passes a
    batch norm that takes it out.

    Symbols: N: batch, h, w: height and width of the map.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output, even; the 3x3 convolution has half of them.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        middle = out_channels // 2
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, middle, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, out_channels, 1, bias=False)
        self.shortcut = (nn.Identity() if in_channels == out_channels
                         else nn.Conv2d(in_channels, out_channels, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, h, w) -> (N, out_channels, h, w)."""
        y = self.conv1(self.norm1(x).relu())
        y = self.conv2(self.norm2(y).relu())
        return self.shortcut(x) + self.conv3(self.norm3(y).relu())


def residuals(channels: int, count: int) -> nn.Sequential:
    """``count`` residual blocks that keep ``channels``."""
    return nn.Sequential(*(PreActivationBottleneck(channels, channels) for _ in range(count)))


class Hourglass(BaseModule):
    r"""One hourglass: pools ``depth`` times and comes back, with a residual path at each resolution.

    .. math:: G_d(x) = R_u(x) + U(R_o(G_{d-1}(R_i(P(x))))), \qquad G_0(x) = R_b(x)

    with P the 2x2 max-pool, U the nearest-neighbour upsampling and each R a sequence of residual blocks.

    Symbols: N: batch, h, w: height and width of the map.

    Args:
        depth: Number of poolings, at least 1.
        channels: Channels, the same everywhere.
        num_blocks: Residual blocks in each R.
    """

    def __init__(self, depth: int, channels: int, num_blocks: int) -> None:
        super().__init__()
        self.upper = residuals(channels, num_blocks)
        self.entry = residuals(channels, num_blocks)
        self.inner = (Hourglass(depth - 1, channels, num_blocks) if depth > 1
                      else residuals(channels, num_blocks))
        self.exit = residuals(channels, num_blocks)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) -> the same shape; h and w divisible by ``2 ** depth``."""
        lower = self.exit(self.inner(self.entry(functional.max_pool2d(x, 2))))
        return self.upper(x) + functional.interpolate(lower, scale_factor=2, mode='nearest')


@MODELS.register_module()
class StackedHourglass(BaseBackbone):
    r"""Stacked hourglasses with re-injection; gives every stack's heatmaps, for intermediate supervision.

    With x_1 the stem's output, stack s computes

    .. math:: f_s = \sigma(W_s R_s(G_s(x_s))), \quad h_s = P_s f_s, \quad x_{s+1} = x_s + A_s f_s + B_s h_s

    where G is an :class:`Hourglass`, R residual blocks, :math:`\sigma` batch norm and ReLU, and W, P (to
    heatmaps), A and B are 1x1 convolutions; the last stack has no A and B. The stem is a 7x7 convolution of
    stride 2, a residual block, a 2x2 max-pool and two residual blocks. With 256 channels, one block and 16
    landmarks there are 6.7 M parameters in two stacks and 25.5 M in eight.

    Initialised with Kaiming's normal distribution (fan out, ReLU) and batch norm at 1 and 0; the predictions
    P start at a standard deviation of 0.001 and a bias of 0, as MMPose's ``HeatmapHead`` does, so that the
    first heatmaps are near the almost empty targets.

    Symbols: N: batch, K: landmarks, H, W: height and width of the image in pixels.

    Args:
        out_channels: Landmarks K.
        num_stacks: Number of hourglasses.
        num_blocks: Residual blocks in each place.
        channels: Channels of the hourglasses, divisible by 8.
        depth: Poolings per hourglass. H and W must be divisible by ``4 * 2 ** depth``.
        in_channels: Channels of the image.
        init_cfg: MMEngine initialisation; None takes the one above.

    Raises:
        ValueError: An option is out of its range, or an image's size does not fit ``depth``.
    """

    def __init__(self, out_channels: int, num_stacks: int = 2, num_blocks: int = 1, channels: int = 256,
                 depth: int = 4, in_channels: int = 3, init_cfg: dict | list | None = None) -> None:
        if init_cfg is None:
            init_cfg = [
                {'type': 'Kaiming', 'layer': 'Conv2d', 'mode': 'fan_out', 'nonlinearity': 'relu',
                 'override': {'type': 'Normal', 'name': 'predict', 'std': 0.001}},
                {'type': 'Constant', 'layer': 'BatchNorm2d', 'val': 1},
            ]
        super().__init__(init_cfg)
        sizes = {'out_channels': out_channels, 'num_stacks': num_stacks, 'num_blocks': num_blocks,
                 'channels': channels, 'depth': depth, 'in_channels': in_channels}
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(f'StackedHourglass: {name}={value} must be at least 1.')
        if channels % 8:
            raise ValueError(f'StackedHourglass: channels={channels} must be divisible by 8.')
        self.depth = depth
        self.num_stacks = num_stacks
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, channels // 4, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(channels // 4),
            nn.ReLU(inplace=True),
            PreActivationBottleneck(channels // 4, channels // 2),
            nn.MaxPool2d(2),
            PreActivationBottleneck(channels // 2, channels),
            PreActivationBottleneck(channels, channels),
        )
        stacks, between = range(num_stacks), range(num_stacks - 1)
        self.hourglasses = nn.ModuleList(
            nn.Sequential(Hourglass(depth, channels, num_blocks), residuals(channels, num_blocks))
            for _ in stacks)
        self.features = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())
            for _ in stacks)
        self.predict = nn.ModuleList(nn.Conv2d(channels, out_channels, 1) for _ in stacks)
        self.inject_features = nn.ModuleList(nn.Conv2d(channels, channels, 1, bias=False) for _ in between)
        self.inject_heatmaps = nn.ModuleList(
            nn.Conv2d(out_channels, channels, 1, bias=False) for _ in between)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Computes the heatmaps of every stack.

        Args:
            images: Normalised images (N, 3, H, W).

        Returns:
            ``num_stacks`` heatmaps (N, K, H/4, W/4), first stack first.

        Raises:
            ValueError: H or W is not divisible by ``4 * 2 ** depth``, or training on a single image whose
                innermost map is one pixel, of which batch norm knows no variance.
        """
        unit = STRIDE * 2 ** self.depth
        height, width = images.shape[-2:]
        if height % unit or width % unit:
            raise ValueError(f'StackedHourglass: an image of {height}x{width} cannot be pooled {self.depth} '
                             f'times after the stem. Use a height and width divisible by {unit}, or lower '
                             'depth.')
        if self.training and len(images) == 1 and height == width == unit:
            raise ValueError(f'StackedHourglass: cannot train on one image of {height}x{width} at depth '
                             f'{self.depth}. Use a larger batch or image, or lower depth.')
        x = self.stem(images)
        heatmaps: list[Tensor] = []
        for stack in range(self.num_stacks):
            features = self.features[stack](self.hourglasses[stack](x))
            heatmaps.append(self.predict[stack](features))
            if stack + 1 < self.num_stacks:
                x = x + self.inject_features[stack](features) + self.inject_heatmaps[stack](heatmaps[stack])
        return tuple(heatmaps)

    def train(self, mode: bool = True) -> StackedHourglass:
        """Sets the mode and returns the module (MMPose's base class returns None)."""
        super().train(mode)
        return self
