"""Accuracy of the source task."""

from __future__ import annotations

import numpy as np
from mmengine.evaluator import BaseMetric
from mmpose.registry import METRICS


@METRICS.register_module()
class IdentityAccuracy(BaseMetric):
    """Share of validation faces whose identity is the classifier's first choice (top 1, in 0..1)."""

    default_prefix = 'source'

    def process(self, data_batch: dict, data_samples) -> None:
        """Collects hits from logits (B, C)."""
        for logits, label in zip(data_samples, data_batch['data_samples']):
            self.results.append(int(logits.argmax()) == int(label))

    def compute_metrics(self, results: list) -> dict:
        """The accuracy."""
        return dict(accuracy=float(np.mean(results)))
