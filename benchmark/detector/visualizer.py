"""LandmarkVisualizer: MMPose's drawing of landmarks where its own can't draw."""

from __future__ import annotations

import numpy as np
from mmpose.registry import VISUALIZERS
from mmpose.structures import PoseDataSample
from mmpose.visualization import PoseLocalVisualizer


@VISUALIZERS.register_module()
class LandmarkVisualizer(PoseLocalVisualizer):
    """PoseLocalVisualizer that draws with NumPy 2.4 too, and in the colours that images have.

    MMPose hands a radius over as an array of one number and asks for it as an integer, which newer NumPy refuses; and
    its ``browse_dataset.py`` takes what comes out of a pipeline for BGR, while here it is RGB.
    """

    def draw_circles(self, center: np.ndarray, radius: np.ndarray, *args, **kwargs) -> None:
        """Draws a point at ``center`` (2,), of a ``radius`` in pixels."""
        super().draw_circles(center, float(np.ravel(radius)[0]), *args, **kwargs)

    def add_datasample(self, name: str, image: np.ndarray, data_sample: PoseDataSample, *args,
                       **kwargs) -> np.ndarray:
        """Draws a sample on its image (H, W, 3), which is returned; what a pipeline of RGB has packed is turned back.

        ``browse_dataset.py`` asks its pipeline for ``transformed_keypoints``; nobody else does.
        """
        if data_sample.metainfo.get('channel_order') == 'rgb' and \
                'transformed_keypoints' in data_sample.get('gt_instances', {}):
            image = np.ascontiguousarray(image[..., ::-1])
        return super().add_datasample(name, image, data_sample, *args, **kwargs)
