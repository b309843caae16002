"""ReadPhotograph: an image that comes from no data set, as a LandmarkDataset would give it."""

from __future__ import annotations

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from .images import read
from .landmarks import fitted, geometry


@TRANSFORMS.register_module()
class ReadPhotograph(BaseTransform):
    """First step of a test pipeline: lets MMPose's ``inference_topdown`` use it with a file, an array and a box.

    What comes from a :class:`.landmarks.LandmarkDataset` passes as it is. Anything else is read, cut out along its box
    (whole pixels; beyond the image its edge is repeated) and brought to the network's input, so that predictions come
    back in pixels of the photograph. An array is taken as MMPose's LoadImage gives it, BGR; the network gets RGB.

    Args:
        input_size: Width and height of the network's input, in pixels.
        resize: ``squeeze`` or ``letterbox``, as the data set's.
    """

    def __init__(self, input_size: tuple[int, int], resize: str = 'squeeze') -> None:
        self.input_size = tuple(input_size)
        self.resize = resize

    def transform(self, results: dict) -> dict:
        """Adds what the steps after it ask of a data set's entry.

        Args:
            results: ``img`` (H, W, 3) uint8 BGR or ``img_path``; ``bbox`` (1, 4), left, top, right and bottom in
                pixels, where it is not the whole image; ``flip_indices`` or ``num_keypoints`` of the landmark scheme.

        Raises:
            DataError: The file is missing or does not decode.
            ValueError: An array that is no image, or a box without extent.
        """
        if 'input_center' in results:
            return results
        image, stored = self._image(results)
        height, width = image.shape[:2]
        box = np.asarray(results.get('bbox', [[0, 0, width, height]]), np.float64).reshape(-1)[:4]
        if box.tolist() == [0, 0, *stored]:
            # MMPose asks PIL for the size of the whole image, which leaves an EXIF rotation out.
            box = np.array([0.0, 0.0, width, height])
        left, top, right, bottom = np.rint(box).astype(int).tolist()
        if right <= left or bottom <= top:
            raise ValueError(f'box {box.tolist()}: no extent. Give left, top, right and bottom in pixels.')
        image = _cut(image, left, top, right, bottom)
        centre, scale, padding = geometry((right - left, bottom - top), self.input_size, self.resize)
        count = len(results.get('flip_indices') or range(results.get('num_keypoints', 0)))
        found = dict(
            img=fitted(image, self.input_size, self.resize),
            channel_order='rgb', ori_shape=(height, width), input_size=self.input_size,
            input_center=centre + np.array([left, top], np.float32), input_scale=scale, padding=padding, flip=False,
            flip_indices=list(results.get('flip_indices') or range(count)), row=0,
            keypoints=np.zeros((1, count, 2), np.float32), keypoints_visible=np.zeros((1, count), np.float32),
            annotated=np.zeros(count, bool), bbox=np.asarray(box, np.float32)[None], category_id=1)
        return {**results, **found, 'bbox_score': results.get('bbox_score', np.ones(1, np.float32))}

    @staticmethod
    def _image(results: dict) -> tuple[np.ndarray, tuple[int, int]]:
        """RGB, and the width and height as they are stored."""
        image = results.get('img')
        if image is None:
            decoded = read(results['img_path'])
            return decoded.pixels[..., ::-1], decoded.stored
        image = np.asarray(image)
        if image.ndim == 2:
            image = np.repeat(image[..., None], 3, axis=2)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f'image of shape {image.shape} and type {image.dtype}: give (H, W, 3) in BGR, uint8.')
        return image[..., ::-1], image.shape[1::-1]


def _cut(image: np.ndarray, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """A part of an image, which may reach beyond it."""
    height, width = image.shape[:2]
    beyond = max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width)
    if any(beyond):
        image = cv2.copyMakeBorder(np.ascontiguousarray(image), *beyond, cv2.BORDER_REPLICATE)
        left, top, right, bottom = left + beyond[2], top + beyond[0], right + beyond[2], bottom + beyond[0]
    return np.ascontiguousarray(image[top:bottom, left:right])
