"""Which test images the report shows, and the points drawn on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from .table import COORDINATES

PER_KIND = 2


def sample_images(rows: pd.DataFrame, methods: Sequence[str]) -> list[dict[str, Any]]:
    """Worst, median and best images by the error averaged over methods, and all their points.

    Each method's points are those of its lowest seed; the choice of images uses all seeds.

    Args:
        rows: Rows of the main condition, on images that every run has.
        methods: Methods in the order of the plan.

    Returns:
        At most six images; none where the table has no landmarks or no coordinates. Ties go by name.
    """
    if 'landmark' not in rows.columns or not set(COORDINATES) <= set(rows.columns):
        return []
    errors = rows.groupby(['image', 'method', 'seed'], sort=True)['error'].mean()
    errors = (
        errors.groupby(level=['image', 'method'], sort=True).mean().groupby(level='image', sort=True).mean()
    )
    ranked = sorted(errors.index, key=lambda image: (-errors[image], image))
    lowest = rows.groupby('method')['seed'].transform('min')
    shown = rows[rows['seed'] == lowest]
    return [
        _sample(shown[shown['image'] == image], image, why, float(errors[image]), methods)
        for image, why in _choose(ranked)
    ]


def _choose(ranked: list[str]) -> list[tuple[str, str]]:
    """(image, 'worst' | 'median' | 'best') from images ordered from worst to best."""
    if len(ranked) <= 3 * PER_KIND:
        kinds = ['worst'] + ['between'] * (len(ranked) - 2) + ['best'] * (len(ranked) > 1)
        return [*zip(ranked, kinds)]
    middle = (len(ranked) - PER_KIND) // 2
    parts = (
        ('worst', slice(0, PER_KIND)),
        ('median', slice(middle, middle + PER_KIND)),
        ('best', slice(-PER_KIND, None)),
    )
    return [(image, kind) for kind, part in parts for image in ranked[part]]


def _sample(rows: pd.DataFrame, image: str, why: str, error: float, methods: Sequence[str]) -> dict[str, Any]:
    predictions = {}
    for method in methods:
        own = rows[rows['method'] == method]
        if len(own):
            predictions[method] = {
                'seed': int(own['seed'].iloc[0]),
                'error': float(own['error'].mean()),
                'points': own[['x', 'y']].to_numpy().tolist(),
            }
    first = rows[rows['method'] == next(iter(predictions))]
    return {
        'image': image,
        'why': why,
        'error': error,
        'landmarks': first['landmark'].tolist(),
        'truth': first[['x_true', 'y_true']].to_numpy().tolist(),
        'predictions': predictions,
    }
