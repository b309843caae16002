"""A detector as one graph of tensors: photographs of any size in, landmarks in their pixels out. For export."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import torch
from mmpose.models.heads import HeatmapHead
from mmpose.models.pose_estimators import TopdownPoseEstimator
from torch import Tensor, nn
from torch.nn import functional

from benchmark.codecs.argmax_heatmap import ArgmaxHeatmap

from .loaded import PACKING, DetectorError, Network, untrained_by_any

#: DARK's least heatmap value before the logarithm is taken.
LEAST = 1e-10


class Detector(nn.Module):
    """Resizing, normalisation, the mean of the networks' heatmaps, decoding, and the way back to photographs.

    Symbols: B: photographs of one size, K: landmarks, h, w: height and width of a photograph, H, W: those of a heatmap.

    Args:
        networks: Of one scheme and one input, loaded without a layout of their weights.

    Raises:
        DetectorError: A network does something that is not repeated here; names its file and what it is.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        super().__init__()
        for network in networks:
            if (what := _unlike(network)) is not None:
                raise DetectorError(f'{network.path}: {what}, so that it can\'t be exported. Use tools/predict.py.')
        first = networks[0]
        self.models = nn.ModuleList(network.model for network in networks)
        self.input_size, self.resize = first.input_size, first.resize
        self.codec = first.model.head.decoder
        untrained = untrained_by_any(networks)
        self.register_buffer('unknown', torch.tensor([name in untrained for name in first.scheme.landmarks]))
        kernel = cv2.getGaussianKernel(self.codec.blur_kernel_size, 0).astype('float32').ravel()
        self.register_buffer('kernel', torch.from_numpy(kernel))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predicts.

        Args:
            images: (B, h, w, 3) uint8, RGB, as viewers show them.

        Returns:
            Landmarks (B, K, 2) in pixels of the photographs, x = 0 at the centre of the first pixel, NaN where a
            landmark was never learnt; their scores (B, K); and the mean heatmaps (B, K, H, W).
        """
        inputs, frame, before = self.inputs(images)
        heatmaps = torch.stack([_heatmaps(model, inputs) for model in self.models]).mean(0)
        points, scores = self.decoded(heatmaps)
        placed = [(points[..., axis] + 0.5) * (frame[axis] / self.input_size[axis]) - 0.5 - before[axis]
                  for axis in (0, 1)]
        placed = torch.stack(placed, -1).masked_fill(self.unknown[:, None], math.nan)
        return placed.float(), scores, heatmaps

    def inputs(self, images: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Photographs at the input's size: (B, 3, height, width), whole numbers of 0..255; and :meth:`_frame`'s."""
        size = [torch.ones((), dtype=torch.float64) * images.shape[axis] for axis in (2, 1)]
        frame, before = self._frame(size)
        shrinks = frame[0] > self.input_size[0]
        both = (frame[0] >= self.input_size[0]) & (frame[1] >= self.input_size[1])
        across, down = (_weights(images.shape[2 - axis], size[axis], self.input_size[axis], frame[axis], before[axis],
                                 shrinks, both) for axis in (0, 1))
        pixels = images.permute(0, 3, 1, 2).float()
        return torch.round(down @ (pixels @ across.T)).clamp(0, 255), frame, before

    def _frame(self, size: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Width and height of what is resized, and its pixels left of the photograph and above it."""
        if self.resize == 'squeeze':
            return list(size), [torch.zeros((), dtype=torch.float64)] * 2
        divisor = math.gcd(*self.input_size)
        parts = [side // divisor for side in self.input_size]
        times = torch.maximum(*(torch.ceil(side / part) for side, part in zip(size, parts, strict=True)))
        frame = [part * times for part in parts]
        return frame, [torch.floor((whole - side) / 2) for whole, side in zip(frame, size, strict=True)]

    def decoded(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """What the codec's ``decode`` gives.

        Args:
            heatmaps: (B, K, H, W).

        Returns:
            Landmarks (B, K, 2) in input pixels, float64, and the heatmaps' maxima (B, K).
        """
        batch, count, height, width = heatmaps.shape
        flat = heatmaps.reshape(batch, count, height * width)
        scores, best = flat.max(-1).values, flat.argmax(-1)
        x, y = best % width, best // width
        offset = torch.zeros((batch, count, 2), dtype=torch.float64)
        if self.codec.decoding != 'argmax':
            offset = (self._quarter if self.codec.decoding == 'quarter' else self._dark)(heatmaps, x, y)
        scale = torch.tensor(self.codec.scale_factor.tolist(), dtype=torch.float64)
        points = (torch.stack([x, y], -1).double() + offset) * scale
        return points.masked_fill(~torch.isfinite(flat).all(-1, keepdim=True), math.nan), scores

    @staticmethod
    def _quarter(heatmaps: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """(B, K, 2): a quarter of a heatmap pixel towards the higher neighbour."""
        height, width = heatmaps.shape[-2:]
        at = _Neighbours(heatmaps, x, y)
        across = torch.sign(at(1, 0) - at(-1, 0)) * ((x > 1) & (x < width - 1) & (y > 0))
        down = torch.sign(at(0, 1) - at(0, -1)) * ((y > 1) & (y < height - 1) & (x > 0))
        return 0.25 * torch.stack([across, down], -1)

    def _dark(self, heatmaps: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """(B, K, 2): to the maximum of the second-order expansion of the blurred heatmap's logarithm."""
        batch, count, height, width = heatmaps.shape
        reach = len(self.kernel) // 2
        maps = heatmaps.reshape(batch * count, 1, height, width)
        blurred = functional.conv2d(maps, self.kernel[None, None, None], padding=(0, reach))
        blurred = functional.conv2d(blurred, self.kernel[None, None, :, None], padding=(reach, 0))
        blurred = blurred * (maps.amax((2, 3), keepdim=True) / blurred.amax((2, 3), keepdim=True))
        at = _Neighbours(torch.log(blurred.clamp(min=LEAST)).reshape(heatmaps.shape), x, y)
        dx, dy = 0.5 * (at(1, 0) - at(-1, 0)), 0.5 * (at(0, 1) - at(0, -1))
        dxx, dyy = (0.25 * (at(2 * a, 2 * b) - 2 * at(0, 0) + at(-2 * a, -2 * b)) for a, b in ((1, 0), (0, 1)))
        dxy = 0.25 * (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1))
        determinant = dxx * dyy - dxy * dxy
        usable = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2) & (determinant != 0)
        safe = torch.where(usable, determinant, 1.0)
        found = torch.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], -1) / safe[..., None]
        return torch.where(usable[..., None], found, 0.0)


class _Neighbours:
    """Values (B, K), in float64, of heatmaps (B, K, H, W) beside one place of each; beyond a border those at it."""

    def __init__(self, heatmaps: Tensor, x: Tensor, y: Tensor) -> None:
        self.flat, (self.height, self.width) = heatmaps.flatten(2), heatmaps.shape[-2:]
        self.x, self.y = x, y

    def __call__(self, across: int, down: int) -> Tensor:
        place = (self.y + down).clamp(0, self.height - 1) * self.width + (self.x + across).clamp(0, self.width - 1)
        return self.flat.gather(-1, place[..., None])[..., 0].double()


def _weights(count: int, size: Tensor, target: int, frame: Tensor, before: Tensor, shrinks: Tensor,
             both: Tensor) -> Tensor:
    """OpenCV's resizing of one direction as a matrix (target, count).

    Args:
        count: Pixels of the photograph; ``size`` is the same as a tensor.
        target: Pixels of the input.
        frame: Pixels of what is resized, the photograph with its edges repeated.
        before: How many of these lie before the photograph.
        shrinks: Whether the width shrinks: by area then, linearly otherwise.
        both: Whether neither direction is enlarged. OpenCV's INTER_AREA is something of its own where one is.
    """
    number = torch.arange(target, dtype=torch.float64)[:, None]
    place = torch.arange(count, dtype=torch.float64)[None]
    scale = frame / target
    # By area: the share of each pixel. The first and the last one reach to the frame's ends.
    starts = torch.where(place == 0, 0.0, place + before)
    ends = torch.where(place == size - 1, frame, place + before + 1)
    low, high = number * scale, (number + 1) * scale
    area = (torch.minimum(high, ends) - torch.maximum(low, starts)).clamp(min=0) / scale
    # Linearly, between pixel centres.
    centre = ((number + 0.5) * scale - 0.5 - before).minimum(size - 1).clamp(min=0)
    linear = (1 - (centre - place).abs()).clamp(min=0)
    # By area as OpenCV enlarges: linear within a strip around each border between two pixels.
    first = torch.floor(low)
    share = number + 1 - (first + 1) / scale
    share = torch.where(share <= 0, 0.0, share - torch.floor(share))
    one, two = ((first + step - before).minimum(size - 1).clamp(min=0) for step in (0, 1))
    strips = (place == one) * (1 - share) + (place == two) * share
    return torch.where(shrinks, torch.where(both, area, strips), linear).float()


def _heatmaps(model: TopdownPoseEstimator, inputs: Tensor) -> Tensor:
    """(B, K, H, W) of one network, from its input (B, 3, height, width) in 0..255, RGB."""
    preprocessor = model.data_preprocessor
    if preprocessor._enable_normalize:
        inputs = (inputs - preprocessor.mean) / preprocessor.std
    return model.head.forward(model.extract_feat(inputs)).float()


def _unlike(network: Network) -> str | None:
    """What a network does beyond what :class:`Detector` repeats, or None."""
    model, head = network.model, network.model.head
    if type(model).predict is not TopdownPoseEstimator.predict:
        return f'{type(model).__name__} predicts in a way of its own'
    if not isinstance(head, HeatmapHead) or type(head).predict is not HeatmapHead.predict:
        return f'{type(head).__name__} predicts in a way of its own'
    if type(head.decoder) is not ArgmaxHeatmap:
        return f'its codec is {type(head.decoder).__name__}, not ArgmaxHeatmap'
    if (model.test_cfg or {}).get('flip_test'):
        return 'it is tested on mirrored images too (flip_test)'
    if model.data_preprocessor._channel_conversion:
        return 'its preprocessor turns the order of channels'
    steps = {step['type'] for step in network.meta['dataset']['pipeline']} - {*PACKING, 'GenerateTarget'}
    if steps:
        return f'its test pipeline has {min(steps)}, too'
    return None
