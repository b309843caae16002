"""What happens to a batch before the network sees it, without what images of one size do not need."""

from __future__ import annotations

import torch
from mmpose.models.data_preprocessors import PoseDataPreprocessor
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor

from benchmark.utils.gpu_memory import room_on

#: What an image of another pipeline, such as MMPose's own, is met with.
UNKNOWN_ORDER = (
    'the images do not say that they are RGB, as this network takes them; MMPose\'s LoadImage gives BGR. Use the test '
    "pipeline of the run's config (ReadPhotograph, DrawView, ...); or, with a pipeline of BGR images, "
    "model.data_preprocessor.bgr_to_rgb=True; or put channel_order='rgb' into the results and 'channel_order' into the "
    'meta_keys of PackPoseInputs.')


@MODELS.register_module()
class LandmarkDataPreprocessor(PoseDataPreprocessor):
    """PoseDataPreprocessor that stacks a batch first and normalises it at once, to the same bits.

    PoseDataPreprocessor copies every sample, with all that is known of it, at every step. Here, on a CPU, samples are
    passed on as they are; on a GPU the training's numbered views stay there after their first use, so that later steps
    copy nothing to it. Batches that need padding, another channel order or batch augmentations go
    PoseDataPreprocessor's way.

    Args:
        resident_gib: Most GiB of views that stay on a GPU; never more than an eighth of its free memory.
        channel_order: ``rgb``, that of the images that the network takes. MMPose's LoadImage gives BGR and does not say
            so; every landmark would be wrong without a word.
        kwargs: PoseDataPreprocessor's arguments.
    """

    def __init__(self, resident_gib: float = 8.0, channel_order: str = 'rgb', **kwargs) -> None:
        super().__init__(**kwargs)
        if channel_order != 'rgb':
            raise ValueError(f'LandmarkDataPreprocessor: channel_order={channel_order!r}: data and sources are RGB.')
        self._resident: dict[tuple, tuple[Tensor, PoseDataSample]] = {}
        self._most = int(resident_gib * 2**30)
        self._room: int | None = None

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepares a batch.

        Args:
            data: ``inputs``: a list of images (3, H, W) in 0..255; ``data_samples``: their samples.
            training: Whether batch augmentations apply.

        Returns:
            ``inputs`` (B, 3, H, W), normalised, on the network's device, and the samples.

        Raises:
            ValueError: Images of a pipeline that does not say their channel order.
        """
        images, samples = data['inputs'], data.get('data_samples')
        for sample in samples or ():
            # What passes through a pipeline is RGB and says so, or is BGR and is turned.
            if 'input_center' in sample and (sample.get('channel_order') == 'rgb') == self._channel_conversion:
                raise ValueError(UNKNOWN_ORDER)
        plain = isinstance(images, (list, tuple)) and samples and self.batch_augments is None and \
            not self._channel_conversion and self.pad_size_divisor == 1 and len({image.shape for image in images}) == 1
        if not plain:
            return super().forward(data, training)
        if self.device.type != 'cpu':
            images, samples = zip(*map(self._placed if training else self._moved, images, samples))
        inputs = torch.stack(list(images)).float()
        if self._enable_normalize:
            inputs = (inputs - self.mean) / self.std
        size = tuple(inputs.shape[-2:])
        for sample in samples:
            if sample.metainfo.get('batch_input_shape') != size:
                sample.set_metainfo(dict(batch_input_shape=size, pad_shape=size))
        return dict(inputs=inputs, data_samples=list(samples))

    def _moved(self, image: Tensor, sample: PoseDataSample) -> tuple[Tensor, PoseDataSample]:
        return self.cast_data(image), self.cast_data(sample)

    def _placed(self, image: Tensor, sample: PoseDataSample) -> tuple[Tensor, PoseDataSample]:
        """A view on the network's device, copied there once if it has a number."""
        row, path = sample.metainfo.get('view_row'), sample.metainfo.get('img_path')
        if (path, row) in self._resident:
            return self._resident[path, row]
        placed = self._moved(image, sample)
        self._room = room_on(self.device, self._most) if self._room is None else self._room
        size = image.nbytes + sum(value.nbytes for value in sample.gt_fields.values())
        if row is not None and size <= self._room:
            self._room -= size
            self._resident[path, row] = placed
        return placed
