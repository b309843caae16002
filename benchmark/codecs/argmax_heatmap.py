"""The paper's heatmap codec: a continuous, untruncated Gaussian, decoded by plain argmax."""

from __future__ import annotations

import copy

import numpy as np
from mmpose.codecs.base import BaseKeypointCodec
from mmpose.codecs.utils.refinement import refine_keypoints, refine_keypoints_dark
from mmpose.registry import KEYPOINT_CODECS

DECODINGS = ('argmax', 'quarter', 'dark')


@KEYPOINT_CODECS.register_module()
class ArgmaxHeatmap(BaseKeypointCodec):
    r"""Gaussian heatmaps with a continuous centre, and argmax decoding (section 2.1 of the paper).

    .. math:: g_k(a, b) = \exp\left(-\frac{(a - x_k)^2 + (b - y_k)^2}{2\sigma^2}\right)

    with :math:`(x_k, y_k)` in heatmap pixels, that is the input coordinate divided by the stride (4). Neither the
    centre is rounded nor the Gaussian cut off, so landmarks near a border lose nothing.

    Symbols: K: landmarks, H, W: height and width of the heatmap.

    Args:
        input_size: Width and height of the network's input, in pixels.
        heatmap_size: Width and height of the heatmap, in pixels.
        sigma: Width of the Gaussian, in heatmap pixels.
        decoding: ``argmax`` (the paper's), ``quarter`` (a quarter-pixel shift to the higher neighbour; Newell et al.
            2016) or ``dark`` (Taylor expansion of the blurred log heatmap; Zhang et al. 2020).
        blur_kernel_size: Kernel of DARK's blur, in heatmap pixels; 7 fits sigma 1.5.

    Raises:
        ValueError: Unknown ``decoding``, or a ``sigma`` that is not above 0.
    """

    label_mapping_table = dict(keypoint_weights='keypoint_weights')
    field_mapping_table = dict(heatmaps='heatmaps')

    def __init__(self, input_size: tuple[int, int], heatmap_size: tuple[int, int], sigma: float = 1.5,
                 decoding: str = 'argmax', blur_kernel_size: int = 7) -> None:
        super().__init__()
        if decoding not in DECODINGS:
            raise ValueError(f'ArgmaxHeatmap: decoding={decoding!r} is unknown. Choose one of {DECODINGS}.')
        if not sigma > 0:
            raise ValueError(f'ArgmaxHeatmap: sigma={sigma!r} must be above 0.')
        self.input_size = tuple(input_size)
        self.heatmap_size = tuple(heatmap_size)
        self.sigma = float(sigma)
        self.decoding = decoding
        self.blur_kernel_size = blur_kernel_size
        self.scale_factor = np.array(self.input_size, np.float32) / np.array(self.heatmap_size, np.float32)

    def encode(self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None) -> dict:
        """Draws the heatmaps.

        Args:
            keypoints: Landmarks (1, K, 2) as x, y in input pixels.
            keypoints_visible: (1, K); 0 where a landmark is not annotated or outside of the view.

        Returns:
            ``heatmaps`` (K, H, W) float32 and ``keypoint_weights`` (1, K) float32.

        Raises:
            ValueError: More than one instance in ``keypoints``.
        """
        if keypoints.shape[0] != 1:
            raise ValueError(f'ArgmaxHeatmap encodes one instance per image; got {keypoints.shape[0]}.')
        if keypoints_visible is None:
            keypoints_visible = np.ones(keypoints.shape[:2], np.float32)
        width, height = self.heatmap_size
        centre = keypoints[0] / self.scale_factor
        dx = np.exp(-0.5 * ((np.arange(width) - centre[:, :1]) / self.sigma) ** 2)
        dy = np.exp(-0.5 * ((np.arange(height) - centre[:, 1:]) / self.sigma) ** 2)
        weights = (keypoints_visible > 0).astype(np.float32)
        heatmaps = (dy[:, :, None] * dx[:, None, :] * weights[0][:, None, None]).astype(np.float32)
        return dict(heatmaps=heatmaps, keypoint_weights=weights)

    def decode(self, encoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Finds each heatmap's maximum.

        Args:
            encoded: Heatmaps (K, H, W). The first of equal maxima in row order counts. A map whose maximum is not
                finite gives NaN coordinates: a failed prediction is never made to look like a corner.

        Returns:
            Landmarks (1, K, 2) in input pixels and the heatmaps' maxima (1, K).
        """
        heatmaps = np.asarray(encoded, np.float32)
        count, _, width = heatmaps.shape
        flat = heatmaps.reshape(count, -1)
        best = np.argmax(flat, axis=1)
        scores = flat[np.arange(count), best]
        keypoints = np.stack([best % width, best // width], axis=1).astype(np.float32)[None]
        finite = np.isfinite(flat).all(axis=1)
        if self.decoding == 'quarter':
            keypoints = refine_keypoints(keypoints, heatmaps)
        elif self.decoding == 'dark':
            keypoints = refine_keypoints_dark(keypoints, heatmaps.copy(), self.blur_kernel_size)
        keypoints[:, ~finite] = np.nan
        return keypoints * self.scale_factor, scores[None]

    def decodings(self) -> dict[str, ArgmaxHeatmap]:
        """The codec with each decoding in turn, by the decoding's name."""
        found = {name: copy.copy(self) for name in DECODINGS}
        for name, codec in found.items():
            codec.decoding = name
        return found
