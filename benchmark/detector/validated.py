"""What a network says of its validation images: with it, regions of predictions are calibrated on any machine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmark.evaluation.decodings import in_image
from benchmark.evaluation.landmark_metric import LandmarkErrorMetric

#: Most bytes of heatmaps that a network's file keeps; an ensemble is calibrated on the images that have theirs there.
MOST_BYTES = 8 * 2**20
#: Of a sample: how its input lies in its image.
PLACE = ('input_size', 'input_scale', 'input_center', 'flip', 'flip_indices', 'ori_shape')
#: Significant digits of what a run's folder keeps.
DIGITS = 6


@dataclass(frozen=True)
class Validated:
    """Predictions of V validation images with K landmarks.

    Attributes:
        images: Their names.
        subjects: Whose they are; an image's own name where nobody knows.
        points: (V, K, 2), predictions in pixels of the prepared image.
        truth: (V, K, 2), NaN where a landmark is not annotated.
        scores: (V, K).
        per_pixel: (V,), pixels of the input per pixel of the prepared image: one scale for both directions.
        spread: (V, K), of an ensemble, in pixels of the input; None of one network.
    """

    images: list[str]
    subjects: list[str]
    points: np.ndarray
    truth: np.ndarray
    scores: np.ndarray
    per_pixel: np.ndarray
    spread: np.ndarray | None = None

    @property
    def errors(self) -> np.ndarray:
        """(V, K), in pixels of the input; NaN where not annotated, infinite where a prediction failed."""
        known = np.isfinite(self.truth).all(-1)
        found = np.linalg.norm(self.points - self.truth, axis=-1) * self.per_pixel[:, None]
        return np.where(known, np.where(np.isfinite(found), found, np.inf), np.nan)


class Maps:
    """Heatmaps of images: all that fit into ``MOST_BYTES``, drawn by the images' names.

    Attributes:
        kept: Place of an image -> its heatmaps (K, H, W); none once a network gives none for each landmark.
    """

    def __init__(self) -> None:
        self.kept: dict[int, torch.Tensor] = {}
        self._names: list[str] = []
        self._lacking = False

    def add(self, image: str, heatmaps: torch.Tensor | None, landmarks: int) -> None:
        """Takes the next image's; the one that is drawn last goes where they have become too many."""
        self._names.append(hashlib.sha256(image.encode()).hexdigest())
        self._lacking |= heatmaps is None or heatmaps.ndim != 3 or len(heatmaps) != landmarks
        if self._lacking:
            self.kept = {}
            return
        self.kept[len(self._names) - 1] = heatmaps.detach().cpu().float()
        if sum(one.nbytes for one in self.kept.values()) > MOST_BYTES:
            del self.kept[max(self.kept, key=self._names.__getitem__)]


def validate(model: torch.nn.Module, batches: Iterable[dict]) -> dict[str, Any]:
    """Predicts validation images.

    Args:
        model: MMPose's model with the weights that are tested, which gives its heatmaps.
        batches: Batches of validation images, as its test takes them.

    Returns:
        What a network's file keeps: names, plain data and tensors. ``heatmaps`` are of the images ``mapped``, drawn by
        their names where not all fit into ``MOST_BYTES``; none where the network gives none.
    """
    reader, samples, read, maps = LandmarkErrorMetric(), [], [], Maps()
    model.eval()
    with torch.inference_mode():
        for batch in batches:
            for sample in model.test_step(batch):
                fields = sample.to_dict()
                heatmaps = (fields.get('pred_fields') or {}).get('heatmaps')
                fields = _arrays(fields)
                read.append(reader.read(fields))
                samples.append(fields)
                maps.add(read[-1]['image'], heatmaps, len(read[-1]['annotated']))
    images = [one['image'] for one in read]
    truth = [np.where(one['annotated'][:, None], one['truth'], np.nan) for one in read]
    kept = sorted(maps.kept)
    return dict(images=images, subjects=[str(one['subject'] or one['image']) for one in read],
                points=_tensor([one['predicted'] for one in read]), truth=_tensor(truth),
                scores=_tensor([one['scores'] for one in read]),
                per_pixel=_tensor([math.sqrt(one['to_input'].prod()) for one in read]),
                places=[{name: _plain(sample[name]) for name in PLACE if name in sample} for sample in samples],
                mapped=kept, heatmaps=torch.stack([maps.kept[place] for place in kept]) if kept else None)


def _arrays(fields: dict[str, Any]) -> dict[str, Any]:
    """A sample without its heatmaps, its tensors as arrays."""
    for name in ('pred_instances', 'gt_instances'):
        fields[name] = {key: value.cpu().numpy() if hasattr(value, 'cpu') else value
                        for key, value in fields[name].items()}
    return fields | dict(pred_fields=None)


def _tensor(values: Sequence[Any]) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, np.float64))


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else \
        list(value) if isinstance(value, tuple) else value


def for_analysis(kept: dict[str, Any], landmarks: Sequence[str] | None) -> dict[str, Any]:
    """What a run's folder keeps for the report: errors in pixels of the input and scores, None where not annotated.

    Args:
        kept: From :func:`validate`.
        landmarks: Names of the landmarks; None numbers them.
    """
    def rows(values: np.ndarray) -> list:
        return [[float(f'{value:.{DIGITS}g}') if np.isfinite(value) else None for value in row] for row in values]

    found = read_validated(kept)
    names = list(landmarks or map(str, range(found.scores.shape[1])))
    return dict(images=found.images, subjects=found.subjects, landmarks=names, errors=rows(found.errors),
                scores=rows(found.scores))


def read_validated(kept: dict[str, Any]) -> Validated:
    """Predictions of one network, from what its file keeps."""
    arrays = {name: kept[name].numpy() for name in ('points', 'truth', 'scores', 'per_pixel')}
    return Validated(list(kept['images']), list(kept['subjects']), **arrays)


def validated_together(each: Sequence[dict[str, Any]], decoder: Any) -> Validated | None:
    """Predictions of an ensemble, the mean of the heatmaps that its networks' files keep.

    Args:
        each: What each network's file keeps, of the same images.
        decoder: The codec that reads heatmaps.

    Returns:
        Of the images with heatmaps; None where a network has kept none.
    """
    first, reader = each[0], LandmarkErrorMetric()
    if any(one['heatmaps'] is None or one['mapped'] != first['mapped'] for one in each):
        return None
    alone, points, scores = read_validated(first), [], []
    for row, place in enumerate(first['mapped']):
        mean = torch.stack([one['heatmaps'][row] for one in each]).mean(0).numpy()
        keypoints, peaks = decoder.decode(mean)
        sample = dict(first['places'][place], pred_fields=None, gt_instances=dict(keypoints=alone.truth[place][None]))
        read = reader.read(sample | dict(pred_instances=dict(keypoints=in_image(keypoints, sample),
                                                             keypoint_scores=peaks)))
        points.append(read['predicted'])
        scores.append(read['scores'])
    kept = list(first['mapped'])
    middle = np.array(points)
    apart = np.stack([one['points'].numpy()[kept] - middle for one in each])
    per_pixel = alone.per_pixel[kept]
    return Validated([alone.images[place] for place in kept], [alone.subjects[place] for place in kept], middle,
                     alone.truth[kept], np.array(scores), per_pixel,
                     np.sqrt((apart ** 2).sum(-1).mean(0)) * per_pixel[:, None])
