"""Predicted heatmaps, small enough to keep: one byte per heatmap pixel and image, the maximum over landmarks."""

from __future__ import annotations

import io

import numpy as np

#: The peak of a true heatmap, 1.0, as a byte, and the step between two bytes: finer ones are noise and pack badly.
FULL, STEP = 255, 5


def strongest(heatmaps) -> np.ndarray:
    """The maximum over landmarks, as bytes.

    Args:
        heatmaps: (K, H, W), a tensor on any device or an array. What is below 0 or not finite counts as 0, what is
            above 1 as 1.

    Returns:
        (H, W) uint8, 255 for 1, in steps of 5.
    """
    highest = heatmaps.max(0)
    highest = highest.values.detach().cpu().float().numpy() if hasattr(highest, 'values') else highest
    highest = np.clip(np.nan_to_num(highest, nan=0.0, posinf=1.0, neginf=0.0), 0, 1)
    return (np.rint(highest * (FULL / STEP)) * STEP).astype(np.uint8)


def place(sample: dict, shape: tuple[int, int]) -> tuple[float, float, float, float]:
    """Where a heatmap lies in the prepared image: the outer edges of its first and last pixels.

    A heatmap pixel u is the input pixel u * input size / heatmap size (the codec's convention: pixel centres).

    Args:
        sample: A data sample's fields, with ``input_center`` and ``input_scale`` in pixels of the prepared image.
        shape: Height and width of the heatmap.

    Returns:
        left, top, width, height in pixels of the prepared image, whose first pixel's centre is 0.
    """
    scale = np.asarray(sample['input_scale'], np.float64)
    corner = np.asarray(sample['input_center'], np.float64) - 0.5 * scale - 0.5 * scale / np.array(shape[::-1])
    return (*map(float, corner), *map(float, scale))


def mirror_width(sample: dict) -> int:
    """The width w, in pixels of the prepared image, for which a mirrored view shows pixel x where w - 1 - x was.

    It is the image's own where the image fills the input. In a padded input the mirror stands in the middle of the
    input: u' = W - 1 - u with u = (x - c) W / S + W / 2, for MMPose's centre c and scale S, gives w - 1 = 2 c - S / W.
    """
    if 'input_center' not in sample:
        return sample['ori_shape'][1]
    centre, scale = float(sample['input_center'][0]), float(sample['input_scale'][0])
    return round(2 * centre - scale / sample['input_size'][0]) + 1


def mirrored(heatmap: np.ndarray, box: tuple[float, ...], width: int) -> tuple[np.ndarray, tuple[float, ...]]:
    """A heatmap of the mirrored image, and its place, in the image as it is.

    Args:
        heatmap: (H, W).
        box: From :func:`place`.
        width: From :func:`mirror_width`.
    """
    left, top, across, down = box
    return heatmap[:, ::-1], (width - 1 - (left + across), top, across, down)


def pack(images: list[str], heatmaps: list[np.ndarray], boxes: list[tuple[float, ...]]) -> bytes:
    """The content of ``heatmaps.npz``; the same heatmaps give the same bytes.

    Args:
        images: N names of test images.
        heatmaps: N arrays (H, W) uint8, from :func:`strongest`.
        boxes: N places, from :func:`place`.

    Returns:
        A compressed NPZ file with ``images`` (N,), ``heatmaps`` (N, H, W) and ``boxes`` (N, 4). It holds no pickled
        objects.
    """
    content = io.BytesIO()
    np.savez_compressed(content, images=np.array(images, dtype=str), heatmaps=np.stack(heatmaps),
                        boxes=np.array(boxes, np.float32))
    return content.getvalue()
