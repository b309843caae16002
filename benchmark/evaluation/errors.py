"""Errors of predicted landmarks, in every unit; numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np


def landmark_errors(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Euclidean distance per landmark.

    Args:
        predicted: (K, 2), NaN where a prediction failed.
        truth: (K, 2), in the same unit.

    Returns:
        (K,) distances in that unit, NaN where the prediction is.
    """
    difference = np.asarray(predicted, np.float64) - np.asarray(truth, np.float64)
    return np.sqrt((difference ** 2).sum(axis=-1))


def annotator_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Which annotators are compared with each other.

    Args:
        names: The further annotators. One is compared with the reference annotation; of several every two are compared,
            and not with the reference, which may be a consensus of them.
    """
    return [*combinations(names if len(names) > 1 else ['reference', *names], 2)]


def summary(errors: list[np.ndarray], threshold: float = 1.2) -> dict[str, float]:
    """Means over images of the paper's section 3.2, for a log line.

    Args:
        errors: Per image the errors of its annotated landmarks, in heatmap pixels.
        threshold: Failure threshold, in heatmap pixels.

    Returns:
        ``ME`` (mean over images of the mean over landmarks, heatmap pixels), ``ME_printed`` (the printed formula:
        Frobenius norm over the number of landmarks), ``FR`` (share of images whose mean error is above the
        threshold) and ``AUC`` (area under the error distribution up to the threshold, over the threshold).
    """
    image = np.array([e.mean() for e in errors])
    printed = np.array([np.sqrt((e ** 2).sum()) / len(e) for e in errors])
    lost = ~np.isfinite(image)
    return dict(ME=float(image.mean()), ME_printed=float(printed.mean()),
                FR=float(np.mean(lost | (image > threshold))),
                AUC=float(np.mean(np.where(lost, 0, np.maximum(0, 1 - image / threshold)))))
