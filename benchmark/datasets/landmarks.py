"""LandmarkDataset: a prepared set of landmarks as an MMPose data set."""

from __future__ import annotations

import functools
import math
import zlib

import cv2
import numpy as np
from mmengine.dataset import BaseDataset
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS

from .images import read_rgb, resized
from .labels import choose_subset
from .prepared import read_split
from .views import DrawView, numbered_views

#: How an image that has not the input's proportions gets them: stretched, or padded by repeating its edges.
RESIZES = ('squeeze', 'letterbox')
#: Most bytes of finished views that a data set keeps, unless it is told otherwise.
VIEW_BYTES = 256 << 20


@DATASETS.register_module()
class LandmarkDataset(BaseDataset):
    """Images with landmarks from a prepared folder (see :mod:`benchmark.datasets.metainfo`).

    Images are decoded once, brought to the size of the network's input and kept in memory as RGB. Discrete views of
    training images (:class:`benchmark.datasets.views.DrawView`) are made once too, up to ``view_bytes``, and shared
    between epochs: what is done to them is done out of place. Coordinates in the results are pixels of the prepared
    image, pixel centres (x = 0 is the centre of the first pixel).

    Args:
        data_root: The prepared folder.
        split: ``train``, ``val`` or ``test``.
        input_size: Width and height of the network's input, in pixels.
        num_labels: Number of labelled images to draw; None takes all.
        split_seed: Seed of that draw.
        view_seed: Seed of the augmentation; a view depends on it, the epoch and the image only.
        pipeline: Transforms; see :class:`benchmark.datasets.views.DrawView`.
        test_mode: As BaseDataset's.
        view_bytes: Most bytes of finished views that are kept in memory; 0 makes each anew. It changes no result.
        metainfo: As MMPose's tools read it off a config; what the data say is taken in its place.
        resize: ``squeeze`` stretches each image to the input size, with a scale of its own across and down;
            ``letterbox`` keeps its proportions, puts it in the middle and repeats its edges beyond it, as crops do.

    Raises:
        DataError: Bad data; names file, record and remedy.
        ValueError: Unknown ``resize``.
    """

    METAINFO: dict = dict()

    def __init__(self, data_root: str, split: str, input_size: tuple[int, int], num_labels: int | None = None,
                 split_seed: int = 0, view_seed: int = 0, pipeline=(), test_mode: bool = False,
                 view_bytes: int = VIEW_BYTES, resize: str = 'squeeze', metainfo: dict | None = None,
                 **kwargs) -> None:
        if resize not in RESIZES:
            raise ValueError(f'LandmarkDataset: resize={resize!r} is unknown. Choose one of {RESIZES}.')
        self.split = split
        self.resize = resize
        self.input_size = tuple(input_size)
        self.view_seed = view_seed
        self.epoch = 0
        content = read_split(data_root, split)
        self.landmark_meta = content.meta
        self._records = choose_subset(content.records, num_labels, split_seed)
        #: Images of the whole split; each has the same row whichever of them are drawn.
        self.total = len(content.records)
        self._rows = {record.file_name: row for row, record in enumerate(content.records)}
        self._images: dict[str, np.ndarray] = {}
        self._views: dict[tuple, dict] = {}
        self._room = view_bytes
        super().__init__(data_root=str(data_root), pipeline=list(pipeline), test_mode=test_mode, serialize_data=False,
                         metainfo=parse_pose_metainfo(content.meta.to_mmpose()), **kwargs)

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        """As it is: MMEngine takes a name that a file of the working folder has for that file's lines."""
        return cls.METAINFO | dict(metainfo or {})

    def load_data_list(self) -> list[dict]:
        """One entry per image, as MMPose's transforms expect it."""
        entries = []
        for index, record in enumerate(self._records):
            width, height = record.width, record.height
            centre, size, padding = geometry((width, height), self.input_size, self.resize)
            entries.append(dict(
                img_id=record.image_id, id=index, img_path=str(record.path), image=record.file_name,
                row=self._rows[record.file_name], channel_order='rgb',
                category_id=1, ori_shape=(height, width), input_size=self.input_size, input_center=centre,
                input_scale=size, padding=padding, flip=False, flip_indices=list(self.landmark_meta.flip_indices),
                flip_policy=self.landmark_meta.mirroring, keypoints=record.landmarks[None].astype(np.float32),
                keypoints_visible=record.visible[None].astype(np.float32), annotated=record.visible,
                bbox=np.array([[0, 0, width, height]], np.float32), bbox_score=np.ones(1, np.float32),
                subject=record.subject or '', groups=dict(record.groups), pixel_spacing=record.pixel_spacing,
                annotators=dict(record.annotators)))
        return entries

    def get_data_info(self, idx: int) -> dict:
        """A copy of entry ``idx`` with its image (H, W, 3), uint8, RGB, at the network's input size."""
        entry = super().get_data_info(idx)
        entry['img'] = self.image(entry['img_path'])
        entry['view_draw'] = self._view_draw(entry['image'])
        return entry

    def _view_draw(self, image: str) -> tuple[int, int, int]:
        """What the view of an image depends on in this epoch."""
        return self.view_seed, self.epoch, zlib.crc32(image.encode())

    @functools.cached_property
    def _draws(self) -> DrawView | None:
        return None if self.test_mode else numbered_views(self.pipeline)

    def prepare_data(self, idx: int) -> dict:
        """The packed view of image ``idx`` in this epoch."""
        if self._draws is None:
            packed = super().prepare_data(idx)
            if 'data_samples' in packed:
                # Something else may have touched it: its number does not say what it is.
                packed['data_samples'].set_metainfo(dict(view_row=None))
            return packed
        key = idx, *self._draws.draw(self._view_draw(self.data_list[idx]['image']))
        if (known := self._views.get(key)) is not None:
            return dict(known)
        packed = super().prepare_data(idx)
        self._room -= packed['inputs'].nbytes + sum(
            value.nbytes for value in packed['data_samples'].gt_fields.values())
        if self._room >= 0:
            self._views[key] = dict(packed)
        return packed

    def image(self, path: str) -> np.ndarray:
        """The decoded image at the network's input size, from memory after the first call.

        Raises:
            DataError: The file is missing or does not decode.
        """
        if path not in self._images:
            self._images[path] = fitted(read_rgb(path), self.input_size, self.resize)
        return self._images[path]


def geometry(size: tuple[int, int], input_size: tuple[int, int],
             resize: str = 'squeeze') -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How an image lies in the network's input, as MMPose writes it.

    Pixel centres: u = (x + padding + 0.5) * input / scale - 0.5.

    Args:
        size: Width and height of the image, in pixels.
        input_size: Width and height of the input, in pixels.
        resize: ``squeeze`` or ``letterbox``.

    Returns:
        ``input_center``, ``input_scale`` (the frame's width and height) and the padding left and above, each (2,)
        float32 in pixels of the image.
    """
    left, top, *framed = (0, 0, *size) if resize == 'squeeze' else letterbox(size, input_size)
    scale, padding = np.array(framed, np.float32), np.array([left, top], np.float32)
    return scale / 2 + 0.5 * scale / np.array(input_size, np.float32) - 0.5 - padding, scale, padding


def letterbox(size: tuple[int, int], input_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The smallest frame of whole pixels around an image that has exactly the input's proportions.

    With g the greatest common divisor of the input's sides, W = a g and H = b g, the frame is a n x b n pixels with
    n = max(ceil(w / a), ceil(h / b)), so that both directions have the same scale, g / n.

    Args:
        size: Width w and height h of the image, in pixels.
        input_size: Width W and height H of the network's input, in pixels.

    Returns:
        Pixels of the frame left of the image and above it (half of what is added, rounded down), and its width and
        height.
    """
    divisor = math.gcd(*input_size)
    parts = [side // divisor for side in input_size]
    times = max(-(-side // part) for side, part in zip(size, parts))
    width, height = (part * times for part in parts)
    return (width - size[0]) // 2, (height - size[1]) // 2, width, height


def fitted(image: np.ndarray, input_size: tuple[int, int], resize: str = 'squeeze') -> np.ndarray:
    """An image (H, W, 3) at the input's size: squeezed, or in its middle with its edges repeated up to the border.

    :func:`geometry` says where it lies then.
    """
    if resize == 'squeeze':
        return resized(image, input_size)
    height, width = image.shape[:2]
    left, top, across, down = letterbox((width, height), input_size)
    image = cv2.copyMakeBorder(image, top, down - height - top, left, across - width - left, cv2.BORDER_REPLICATE)
    return resized(image, input_size)
