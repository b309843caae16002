"""Batch norms of networks that came without: folded scales and offsets, and statistics measured on face crops."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from benchmark.datasets.images import read_rgb, resized
from benchmark.datasets.metainfo import DataError

from .errors import ConversionError

#: In the place of a folder of face crops: the suite's own drawn faces, or nothing.
SYNTHETIC, NONE = 'synthetic', 'none'
#: What drawn faces are called.
DRAWN = 'drawn faces'
#: Images that statistics are taken from, at most, and that many synthetic ones; how many at a time.
IMAGES, BATCH = 64, 16
ENDINGS = ('.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff')


def as_norm(scale: np.ndarray | float, offset: np.ndarray | float, channels: int,
            statistics: tuple[np.ndarray, np.ndarray, float] | None, eps: float) -> dict[str, Tensor]:
    """A batch norm that computes ``scale * x + offset`` in evaluation mode.

    Args:
        scale: Per channel (channels,), or one number.
        offset: The same.
        channels: Number of channels.
        statistics: Mean, variance and eps that the file has; None makes them 0 and 1, as nothing is known of them.
        eps: That of the batch norm.

    Returns:
        Its ``weight``, ``bias``, ``running_mean``, ``running_var`` and ``num_batches_tracked``.
    """
    one = np.ones(channels)
    mean, var = (one * 0, one - eps) if statistics is None else (statistics[0], statistics[1] + statistics[2] - eps)
    weight = scale * one * np.sqrt(var + eps)
    values = {'weight': weight, 'bias': offset + scale * mean, 'running_mean': mean, 'running_var': var}
    return {**{key: torch.tensor(value, dtype=torch.float32) for key, value in values.items()},
            'num_batches_tracked': torch.tensor(0)}


@torch.no_grad()
def take_statistics(parts: list[nn.Module], images: Iterator[Tensor]) -> int:
    """Gives batch norms the mean and variance of what they see, and scales and offsets by which they compute the same.

    In training mode a batch norm subtracts the mean of its batch and divides by its deviation: only with statistics
    like those of the images that it is trained on does it then start near the network that it came from.

    Args:
        parts: The backbone and what follows it, one after the other; the last output of each is the next one's input.
        images: Normalised batches (B, 3, H, W).

    Returns:
        Number of images.
    """
    norms = [module for part in parts for module in part.modules() if isinstance(module, _BatchNorm)]
    sums = {norm: [0, torch.zeros(norm.num_features, dtype=torch.float64),
                   torch.zeros(norm.num_features, dtype=torch.float64)] for norm in norms}

    def look(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double()
        total = sums[norm]
        total[0] += x.numel() // x.shape[1]
        total[1] += x.sum((0, 2, 3))
        total[2] += x.square().sum((0, 2, 3))

    handles = [norm.register_forward_pre_hook(look) for norm in norms]
    count = 0
    for part in parts:
        part.eval()
    for batch in images:
        count += len(batch)
        x: Tensor | tuple = batch
        for part in parts:
            x = part(x)
            x = x[-1] if isinstance(x, (tuple, list)) else x
    for handle in handles:
        handle.remove()
    for norm, (number, first, second) in sums.items():
        mean = first / number
        var = (second / number - mean.square()).clamp(min=0) * (number / max(1, number - 1))
        scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        offset = norm.bias.double() - scale * norm.running_mean.double()
        # What is kept is rounded, so scale and offset are made for the rounded statistics.
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)
        norm.weight.copy_(scale * (norm.running_var.double() + norm.eps).sqrt())
        norm.bias.copy_(offset + scale * norm.running_mean.double())
    return count


def face_images(faces: str | Path, size: tuple[int, int]) -> tuple[list[np.ndarray], str]:
    """Face crops, and what they are.

    Args:
        faces: A folder of images, or :data:`SYNTHETIC`.
        size: Width and height in pixels.

    Returns:
        At most :data:`IMAGES` images (H, W, 3) uint8 RGB, spread over the folder, and a few words.

    Raises:
        ConversionError: The folder is not there, has no images, or one of them cannot be read.
    """
    if str(faces) == SYNTHETIC:
        from benchmark.datasets.synthetic.faces import FaceGenerator
        generator = FaceGenerator(256, seed=0)
        return [resized(generator.render(number, 0).image, size) for number in range(IMAGES)], f'{IMAGES} {DRAWN}'
    folder = Path(faces)
    if not folder.is_dir():
        raise ConversionError(f'{folder}: is no folder of face crops. Correct the path, or give {SYNTHETIC}.')
    found = sorted(path for path in folder.rglob('*') if path.suffix.lower() in ENDINGS)
    if len(found) < 2:
        raise ConversionError(f'{folder}: has {len(found)} images ({", ".join(ENDINGS)}). Give some dozens of face '
                              'crops.')
    found = found[::math.ceil(len(found) / IMAGES)]
    try:
        return [read_rgb(path, size) for path in found], f'{len(found)} images of {folder.name}'
    except DataError as error:
        raise ConversionError(str(error)) from None


def batches(images: list[np.ndarray], normalisation: dict[str, list[float]]) -> Iterator[Tensor]:
    """Normalised batches (B, 3, H, W) of images (H, W, 3)."""
    mean, std = (torch.tensor(normalisation[key]).view(1, 3, 1, 1) for key in ('mean', 'std'))
    for start in range(0, len(images), BATCH):
        stack = torch.from_numpy(np.stack(images[start:start + BATCH]).transpose(0, 3, 1, 2).astype(np.float32))
        yield (stack - mean) / std
