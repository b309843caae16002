"""LandmarkErrorMetric: a row per image and landmark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmpose.registry import METRICS

from .errors import annotator_pairs, landmark_errors, summary
from .heatmaps import mirror_width, mirrored, pack, place, strongest


@METRICS.register_module()
class LandmarkErrorMetric(BaseMetric):
    """Errors per image and landmark: in the photograph (the prepared image), in its units, and in heatmap pixels.

    With p - q the difference between prediction and truth in pixels of the photograph, s_x and s_y input pixels per
    pixel of it, r the stride and m millimetres per pixel, a row has

    - ``error_photo`` = |p - q| in pixels of the photograph, ``error_mm`` = m |p - q|,
    - ``error_input`` = sqrt(s_x s_y) |p - q|: one scale for both directions,
    - ``error`` = |((p - q)_x s_x, (p - q)_y s_y)| / r in heatmap pixels, the paper's protocol,
    - ``normalizer`` = sqrt(s_x s_y) / r times the inter-ocular distance in the photograph,
    - ``scale_x`` = s_x / r and ``scale_y`` = s_y / r, heatmap pixels per pixel of the photograph.

    Where an image keeps its proportions s_x = s_y, and ``error_input`` = r ``error``; where it is squeezed, ``error``
    counts a pixel down s_y / s_x times as much as one across.

    Landmarks without annotation give no row. A prediction that is not finite keeps its row with a NaN error. Further
    annotators give columns with their distances from each other, ``between_<a>-<b>`` in heatmap pixels and
    ``between_mm_<a>-<b>``, and where wanted with their positions, ``x_by_<a>`` and ``y_by_<a>``; NaN where one has not
    annotated. Where the network gives its heatmaps too (``model.test_cfg.output_heatmaps``), their maximum over
    landmarks is kept.

    Args:
        landmarks: Names of the K landmarks; None numbers them.
        stride: Input pixels per heatmap pixel.
        threshold: Failure threshold of the logged FR and AUC, in heatmap pixels.
        interocular: Indices of the two landmarks whose distance normalises the NME, or None.
        annotators: Names of the further annotators; see :func:`.errors.annotator_pairs`.
        positions: Whether their positions are kept too.
    """

    default_prefix = 'landmark'

    def __init__(self, landmarks: list[str] | None = None, stride: float = 4.0, threshold: float = 1.2,
                 interocular: tuple[int, int] | None = None, annotators: Sequence[str] = (), positions: bool = False,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        self.landmarks = landmarks
        self.stride = stride
        self.threshold = threshold
        self.interocular = interocular
        self.positions_of = tuple(annotators) if positions else ()
        self.annotator_pairs = annotator_pairs(annotators) if annotators else []
        self.rows: list[dict] = []
        self.heatmaps: bytes | None = None

    def process(self, data_batch: dict, data_samples: list[dict]) -> None:
        """Collects a batch of MMPose data samples with predictions, in pixels of the prepared image."""
        self.results += map(self.read, data_samples)

    def read(self, sample: dict) -> dict:
        """What is kept of a data sample: truth, prediction and what :meth:`rows_of` needs, turned back if mirrored."""
        predicted = np.asarray(sample['pred_instances']['keypoints'][0], np.float64)
        scores = np.asarray(sample['pred_instances']['keypoint_scores'][0], np.float64)
        truth = np.asarray(sample['gt_instances']['keypoints'][0], np.float64)
        heatmap = self._heatmap(sample)
        if sample.get('flip'):
            order = np.asarray(sample['flip_indices'])
            predicted = predicted[order].copy()
            width = mirror_width(sample)
            predicted[:, 0] = width - 1 - predicted[:, 0]
            scores = scores[order]
            heatmap = heatmap and mirrored(*heatmap, width)
        return dict(
            heatmap=heatmap,
            image=sample.get('image', str(sample.get('img_id'))), subject=sample.get('subject', ''),
            groups=sample.get('groups', {}), pixel_spacing=sample.get('pixel_spacing'),
            to_input=np.asarray(sample['input_size'], np.float64) / np.asarray(sample['input_scale'], np.float64),
            annotated=np.asarray(sample.get('annotated', np.ones(len(truth))), bool),
            annotators=sample.get('annotators', {}),
            predicted=predicted, truth=truth, scores=scores)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Fills :attr:`rows` and :attr:`heatmaps` (None where one is lacking); returns the summary for the log."""
        self.rows = [row for result in results for row in self.rows_of(result)]
        kept = [result['heatmap'] for result in results]
        self.heatmaps = None
        if kept and None not in kept and len({heatmap.shape for heatmap, _ in kept}) == 1:
            self.heatmaps = pack([result['image'] for result in results], *zip(*kept))
        per_image: dict[str, list[float]] = {}
        for row in self.rows:
            per_image.setdefault(row['image'], []).append(row['error'])
        return summary([np.array(e) for e in per_image.values()], self.threshold)

    @staticmethod
    def _heatmap(sample: dict) -> tuple[np.ndarray, tuple[float, ...]] | None:
        """The maximum over landmarks and its place in the image, where the sample has predicted heatmaps."""
        fields = sample.get('pred_fields') or {}
        if 'heatmaps' not in fields:
            return None
        heatmap = strongest(fields['heatmaps'])
        return heatmap, place(sample, heatmap.shape)

    def rows_of(self, result: dict) -> list[dict]:
        """A row per annotated landmark of what :meth:`read` has kept."""
        to_input = result['to_input']
        squeezed = landmark_errors(result['predicted'] * to_input, result['truth'] * to_input)
        in_image = landmark_errors(result['predicted'], result['truth'])
        one_scale = to_input if to_input[0] == to_input[1] else np.sqrt(to_input.prod())
        in_input = squeezed if one_scale is to_input else in_image * one_scale
        spacing, annotated = result['pixel_spacing'], result['annotated']
        normaliser = float('nan')
        if self.interocular is not None and annotated[list(self.interocular)].all():
            ends = result['truth'][list(self.interocular)] * one_scale / self.stride
            normaliser = float(np.linalg.norm(ends[0] - ends[1]))
        across, down = map(float, to_input / self.stride)
        between = self._between(result)
        names = self.landmarks or [str(k) for k in range(len(annotated))]
        return [dict(image=result['image'], subject=result['subject'], landmark=names[k],
                     error=float(squeezed[k] / self.stride), error_input=float(in_input[k]),
                     error_mm=float(in_image[k] * spacing) if spacing else float('nan'), normalizer=normaliser,
                     error_photo=float(in_image[k]), scale_x=across, scale_y=down,
                     x=float(result['predicted'][k, 0]), y=float(result['predicted'][k, 1]),
                     x_true=float(result['truth'][k, 0]), y_true=float(result['truth'][k, 1]),
                     score=float(result['scores'][k]), **{f'group_{g}': v for g, v in result['groups'].items()},
                     **{column: float(distances[k]) for column, distances in between.items()})
                for k in np.flatnonzero(annotated)]

    def _between(self, result: dict) -> dict[str, np.ndarray]:
        """Column -> distances (K,) between the annotators of a pair and positions, NaN where one has not annotated."""
        unknown = np.full_like(result['truth'], np.nan)
        points = {'reference': result['truth'], **result['annotators']}
        spacing, columns = result['pixel_spacing'] or float('nan'), {}
        for pair in self.annotator_pairs:
            first, second = (np.asarray(points.get(name, unknown), np.float64) for name in pair)
            name = '-'.join(pair)
            in_input = landmark_errors(first * result['to_input'], second * result['to_input'])
            columns[f'between_{name}'] = in_input / self.stride
            columns[f'between_mm_{name}'] = landmark_errors(first, second) * spacing
        for name in self.positions_of:
            points_of = np.asarray(points.get(name, unknown), np.float64)
            columns |= {f'{axis}_by_{name}': points_of[:, place] for place, axis in enumerate('xy')}
        return columns
