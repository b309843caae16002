"""Landmarks of photographs: one network, or the mean of the heatmaps of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from benchmark.evaluation.decodings import in_image

from .loaded import DetectorError, Network
from .photographs import Photograph
from .regions import Circles

#: What a sample says of its image.
SAID = ('img_path', 'ori_shape', 'input_size', 'input_center', 'input_scale', 'flip', 'channel_order')


@dataclass(frozen=True)
class Prediction:
    """Landmarks of a photograph.

    Attributes:
        points: (K, 2), x and y in pixels of the photograph; x = 0 is the centre of the first pixel.
        scores: (K,), the maximum of each landmark's heatmap: 1 where the networks are sure and agree.
        spread: (K,), root mean square distance of each network's point from ``points``, in pixels; None of one network.
        radius, radius_all: K radii of the landmarks' own regions and of those that hold together, in pixels, square
            ones; None where there are none.
    """

    points: np.ndarray
    scores: np.ndarray
    spread: np.ndarray | None
    radius: list[float | None] | None = None
    radius_all: list[float | None] | None = None

    @property
    def doubt(self) -> float:
        """1 less the mean of the scores, at least 0."""
        return max(0.0, 1.0 - float(self.scores.mean()))


class Members(NamedTuple):
    """What S networks find in a photograph, in its pixels.

    Attributes:
        each: (S, K, 2), one network at a time.
        whole: (K, 2), of the mean of all heatmaps.
        without: (S, K, 2), of the mean without one network at a time; empty of one network.
    """

    each: np.ndarray
    whole: np.ndarray
    without: np.ndarray


class Predictor:
    """Predicts batches of photographs.

    Args:
        networks: Of one scheme and one input; see :func:`.loaded.load_networks`.
        regions: Regions of what they predict, or None.
    """

    def __init__(self, networks: Sequence[Network], regions: Circles | None = None) -> None:
        self.networks = list(networks)
        self.regions = regions
        self.scheme = networks[0].scheme
        self.flip_indices = list(self.scheme.flip_indices)

    @torch.inference_mode()
    def predict(self, photographs: Sequence[Photograph]) -> list[Prediction]:
        """Landmarks of each photograph.

        Raises:
            DetectorError: Several networks, and one gives no heatmap for each landmark.
        """
        found = [self._samples(network, photographs) for network in self.networks]
        return [self._with_regions(self._prediction([samples[i] for samples in found], photograph), photograph)
                for i, photograph in enumerate(photographs)]

    @torch.inference_mode()
    def members(self, photographs: Sequence[Photograph]) -> list[Members]:
        """The landmarks of each network, of all of them together and of all but one, of each photograph.

        Raises:
            DetectorError: As :meth:`predict`.
        """
        found = [self._samples(network, photographs) for network in self.networks]
        several = []
        for i, photograph in enumerate(photographs):
            samples = [own[i] for own in found]
            maps, total = self._heatmaps(samples), len(samples)
            without = [self._decoded(maps[[k for k in range(total) if k != out]].mean(0), samples[0], photograph)[0]
                       for out in range(total)] if total > 1 else []
            several.append(Members(self._each(samples, photograph),
                                   self._decoded(maps.mean(0), samples[0], photograph)[0], np.array(without)))
        return several

    def _with_regions(self, prediction: Prediction, photograph: Photograph) -> Prediction:
        if self.regions is None:
            return prediction
        each, together = self.regions.radii(prediction.scores, prediction.spread, photograph.per_input)
        return replace(prediction, radius=each, radius_all=together)

    def _samples(self, network: Network, photographs: Sequence[Photograph]) -> list:
        """MMPose's data samples with what a network has predicted."""
        if network.packs:
            samples = [self._packed(photograph) for photograph in photographs]
            images = [torch.from_numpy(np.ascontiguousarray(photograph.entry['img'].transpose(2, 0, 1)))
                      for photograph in photographs]
            return network.model.test_step(dict(inputs=images, data_samples=samples))
        count, flips = len(self.scheme.landmarks), list(self.scheme.flip_indices)
        known = dict(flip_indices=flips, flip_policy=self.scheme.mirroring,
                     keypoints=np.zeros((1, count, 2), np.float32), annotated=np.zeros(count, bool),
                     keypoints_visible=np.zeros((1, count), np.float32))
        entries = [network.pipeline({**photograph.entry, **known}) for photograph in photographs]
        return network.model.test_step(pseudo_collate(entries))

    def _packed(self, photograph: Photograph) -> PoseDataSample:
        """What a network asks of a sample, at a tenth of the time of PackPoseInputs."""
        entry = photograph.entry
        sample = PoseDataSample()
        # Not as metainfo of the constructor, which copies each deeply.
        for name, value in dict({name: entry[name] for name in SAID}, flip_indices=self.flip_indices).items():
            sample.set_field(value, name, field_type='metainfo')
        sample.gt_instances = InstanceData(bboxes=entry['bbox'], bbox_scores=entry['bbox_score'])
        return sample

    def _prediction(self, samples: list, photograph: Photograph) -> Prediction:
        each = self._each(samples, photograph)
        if len(samples) == 1:
            return Prediction(each[0], np.asarray(samples[0].pred_instances.keypoint_scores[0], np.float64), None)
        middle, scores = self._decoded(self._heatmaps(samples).mean(0), samples[0], photograph)
        return Prediction(middle, scores, np.sqrt(((each - middle) ** 2).sum(-1).mean(0)))

    @staticmethod
    def _each(samples: list, photograph: Photograph) -> np.ndarray:
        """(S, K, 2): the networks' own landmarks."""
        return np.stack([photograph.back(np.asarray(sample.pred_instances.keypoints[0], np.float64))
                         for sample in samples])

    def _heatmaps(self, samples: list) -> torch.Tensor:
        """(S, K, h, w): the networks' heatmaps."""
        maps = [getattr(sample.get('pred_fields'), 'heatmaps', None) for sample in samples]
        for heatmaps, network, sample in zip(maps, self.networks, samples, strict=True):
            if heatmaps is None or len(heatmaps) != sample.pred_instances.keypoints.shape[1]:
                raise DetectorError(f'{network.path}: its network gives no heatmap for each landmark, so that it is '
                                    'part of no ensemble. Choose one with --seeds.')
        return torch.stack([heatmaps.float() for heatmaps in maps])

    def _decoded(self, heatmaps: torch.Tensor, sample: PoseDataSample,
                 photograph: Photograph) -> tuple[np.ndarray, np.ndarray]:
        """Landmarks (K, 2) of heatmaps (K, h, w), and their scores."""
        keypoints, scores = self.networks[0].model.head.decoder.decode(heatmaps.cpu().numpy())
        points = photograph.back(in_image(keypoints, sample.metainfo)[0].astype(np.float64))
        return points, np.asarray(scores[0], np.float64)
