"""IdentityDataset: faces with identities, the source task's data."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmpose.registry import DATASETS

from .images import read_rgb
from .metainfo import DataError
from .prepared import read_identities


@DATASETS.register_module()
class IdentityDataset(BaseDataset):
    """Faces with identity labels from a folder with ``index.csv``; decoded once and kept in memory.

    Args:
        data_root: The folder.
        split: ``train`` or ``val``.
        input_size: Width and height of the network's input, in pixels.
        augment: Whether to flip, shift, scale and relight at random; draws depend on seed, epoch and image alone.
        view_seed: Seed of the augmentation.

    Raises:
        DataError: Bad data; names file, record and remedy.
    """

    METAINFO: dict = dict()

    def __init__(self, data_root: str, split: str, input_size: tuple[int, int], augment: bool = False,
                 view_seed: int = 0, **kwargs) -> None:
        self.split = split
        self.input_size = tuple(input_size)
        self.augment = augment
        self.view_seed = view_seed
        self.epoch = 0
        self._records = [(p, label) for p, label, s in read_identities(data_root) if s == split]
        if not self._records:
            raise DataError(f'{data_root}/index.csv: no row with split {split!r}. Add some, or change the split.')
        self._images: dict[str, np.ndarray] = {}
        super().__init__(data_root=str(data_root), pipeline=[], serialize_data=False, **kwargs)

    def load_data_list(self) -> list[dict]:
        """One entry per image."""
        return [dict(img_path=str(path), label=label, index=i) for i, (path, label) in enumerate(self._records)]

    def __getitem__(self, idx: int) -> dict:
        """``inputs`` (3, H, W) uint8 RGB and ``data_samples``, the identity as a scalar."""
        entry = self.get_data_info(idx)
        path = entry['img_path']
        if path not in self._images:
            self._images[path] = read_rgb(path, self.input_size)
        image = self._images[path]
        if self.augment:
            image = _augment(image, np.random.default_rng([self.view_seed, self.epoch, entry['index']]))
        return dict(inputs=torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))),
                    data_samples=torch.tensor(entry['label']))


def _augment(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flip, a scale of 0.8 to 1.15 with a shift of up to 6 %, gain and offset of the grey values."""

    height, width = image.shape[:2]
    if rng.random() < 0.5:
        image = image[:, ::-1]
    scale, shift = rng.uniform(0.8, 1.15), rng.uniform(-0.06, 0.06, 2) * (width, height)
    angle = np.deg2rad(rng.uniform(-8, 8))
    rotation = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix = np.concatenate([rotation, (middle - rotation @ middle + shift)[:, None]], axis=1)
    image = cv2.warpAffine(np.ascontiguousarray(image), matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    image = image.astype(np.float32) * rng.uniform(0.75, 1.25) + rng.uniform(-20, 20)
    if rng.random() < 0.15:
        image = image.mean(axis=2, keepdims=True).repeat(3, axis=2)
    return np.clip(image, 0, 255).astype(np.uint8)
