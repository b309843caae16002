"""The test's heatmaps in every decoding that their codec knows: what another decoding would have given, for free."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmpose.utils.tensor_utils import to_numpy

from .landmark_metric import LandmarkErrorMetric

#: How far a decoded landmark may lie from the prediction and still be the same, in pixels of the prepared image.
SAME = 1e-3
#: Significant digits of what is kept: the coordinates have no more.
DIGITS = 8
#: Endpoint -> the column of errors that it is the mean of.
COLUMNS = {'ME': 'error', 'ME_photo': 'error_photo', 'ME_input': 'error_input', 'ME_mm': 'error_mm'}


class OtherDecodings(BaseMetric):
    """Mean errors per image of the predicted heatmaps, decoded in each way that the codec knows.

    It stands behind the metric that makes the results, changes nothing of these and logs nothing. The heatmaps are
    those that the head has decoded, after a flip test too. Where they are not (the network gives none, its codec knows
    one decoding, or what the codec reads off them is not the prediction), it says why and keeps no numbers.

    Args:
        metric: The metric that makes the results; its unit, landmarks and annotations are used.
        decoder: The head's codec, or None.
    """

    default_prefix = 'decodings'

    def __init__(self, metric: BaseMetric, decoder: object | None) -> None:
        super().__init__()
        self.metric = metric
        self.used = getattr(decoder, 'decoding', None)
        self.codecs = decoder.decodings() if hasattr(decoder, 'decodings') else {}
        self.content: dict = {}

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Decodes the heatmaps of a batch of data samples with predictions."""
        self.results += map(self._image, data_samples)

    def compute_metrics(self, results: list) -> dict:
        """Fills :attr:`content`: ``used``, ``images`` and ``scores`` (decoding -> endpoint -> a number per image, None
        where it is not known), or a ``reason``."""
        reasons = [one for one in results if isinstance(one, str)]
        found = [one for one in results if isinstance(one, dict) and one['scores']]
        if reasons or not found:
            self.content = dict(reason=reasons[0] if reasons else 'no test image has an annotated landmark')
            return {}
        scores = {name: {endpoint: [one['scores'][name][endpoint] for one in found]
                         for endpoint in found[0]['scores'][name]} for name in self.codecs}
        self.content = dict(used=self.used, images=[one['image'] for one in found], scores={
            name: {endpoint: values for endpoint, values in own.items() if any(v is not None for v in values)}
            for name, own in scores.items()})
        return {}

    def _image(self, sample: dict) -> dict | str:
        """Image and scores by decoding, without any where nothing is annotated; or the reason why there are none."""
        if not isinstance(self.metric, LandmarkErrorMetric):
            return f'errors are computed by {type(self.metric).__name__}'
        if not self.codecs:
            return "the network's codec knows one decoding only"
        heatmaps = (sample.get('pred_fields') or {}).get('heatmaps')
        predicted = np.asarray(sample['pred_instances']['keypoints'])
        if heatmaps is None:
            return 'the network gives no heatmaps beside its predictions'
        heatmaps = to_numpy(heatmaps)
        if heatmaps.ndim != 3 or (1, len(heatmaps), 2) != predicted.shape:
            return 'the network gives something else than a heatmap for each landmark'
        scores, image = {}, ''
        for name, codec in self.codecs.items():
            keypoints, maxima = codec.decode(heatmaps)
            keypoints = in_image(keypoints, sample)
            if name == self.used and not np.allclose(keypoints, predicted, rtol=0, atol=SAME, equal_nan=True):
                return "the network's predictions are not what its codec reads off its heatmaps"
            one = self.metric.read(dict(sample, pred_fields=None, pred_instances=dict(
                keypoints=keypoints, keypoint_scores=maxima)))
            image, rows = one['image'], self.metric.rows_of(one)
            if rows:
                scores[name] = means(rows, self.metric.stride)
        return dict(image=image, scores=scores)


def in_image(keypoints: np.ndarray, sample: dict) -> np.ndarray:
    """Landmarks (1, K, 2) from pixels of the input to those of the prepared image, as MMPose brings them there."""
    size, scale, centre = (np.asarray(sample[name], np.float64) for name in ('input_size', 'input_scale',
                                                                             'input_center'))
    return (keypoints / size * scale + centre - 0.5 * scale).astype(np.float32)


def means(rows: list[dict], stride: float) -> dict[str, float | None]:
    """An image's mean errors by endpoint, as the results table gives them; None where one is not known.

    Args:
        rows: Of the image's landmarks; see :class:`.landmark_metric.LandmarkErrorMetric`.
        stride: Input pixels per heatmap pixel.
    """
    found = {endpoint: float(np.mean([row[column] for row in rows])) for endpoint, column in COLUMNS.items()}
    # Distances in the photograph over the normalising distance; ``error_input`` has one scale for both directions.
    found['NME'] = float(np.mean([row['error_input'] / stride / row['normalizer'] for row in rows]))
    return {endpoint: float(f'{value:.{DIGITS}g}') if np.isfinite(value) else None for endpoint, value in found.items()}
