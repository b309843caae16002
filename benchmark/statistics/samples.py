"""Which test images the report shows, why, and the points drawn on them; chosen by rule and not by taste."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .table import has_positions

PER_KIND = 2
LIMIT = 24
#: Decimals of coordinates (pixels) and of errors: a picture shows no more.
DECIMALS = 3
Reason = dict[str, str | None]


def sample_images(rows: pd.DataFrame, methods: Sequence[str], proposed: str | None = None,
                  reference: str | None = None) -> list[dict[str, Any]]:
    """Images that show something, with why they were chosen and all their points.

    By the error averaged over seeds: the worst, median and best two over all methods; those on which the proposed and
    the reference method differ most, either way; each method's worst; each landmark's worst; each method's best. What
    finds no room among the 24 is left out in this order. Each method's points are those of its lowest seed.

    Args:
        rows: Rows of the main condition, on images that every run has.
        methods: Methods in the order of the plan.
        proposed: The proposed method, or None.
        reference: The reference method, or None.

    Returns:
        At most 24 images: those chosen over all methods first, from worst to best, then the others likewise; none
        where the table has no landmarks or no coordinates. Ties go by name.
    """
    if not has_positions(rows):
        return []
    errors = rows.groupby(['image', 'method', 'seed', 'landmark'], sort=True, observed=True)['error'].mean()
    landmarks = errors.groupby(level=['image', 'method', 'landmark'], sort=True, observed=True).mean()
    images = errors.groupby(level=['image', 'method', 'seed'], sort=True, observed=True).mean()
    images = images.groupby(level=['image', 'method'], sort=True, observed=True).mean().unstack()
    ranked = _ranked(images.mean(axis=1))
    there = [name for name in methods if name in images.columns]
    overall = dict(_choose(ranked))
    reasons: dict[str, list[Reason]] = {image: [_reason(kind)] for image, kind in overall.items()}
    first = [name for name in (proposed, reference) if name in there]
    for image, reason in _others(images, landmarks, [*first, *(m for m in there if m not in first)], proposed,
                                 reference):
        if image in reasons or len(reasons) < LIMIT:
            reasons.setdefault(image, []).append(reason)
    order = [*overall, *(image for image in ranked if image in reasons and image not in overall)]
    lowest = rows.groupby('method', observed=True)['seed'].transform('min')
    shown = {key: own for key, own in rows[(rows['seed'] == lowest) & rows['image'].isin(order)].groupby(
        ['image', 'method'], sort=False, observed=True)}
    return [{'image': image, 'why': overall.get(image), 'reasons': reasons[image],
             'error': float(images.loc[image].mean()),
             **_points({method: shown[image, method] for method in there if (image, method) in shown})}
            for image in order]


def _ranked(errors: pd.Series) -> list[str]:
    """Images from worst to best."""
    return sorted(errors.index, key=lambda image: (-errors[image], image))


def _reason(kind: str, method: str | None = None, landmark: str | None = None) -> Reason:
    return {'kind': kind, 'method': method, 'landmark': landmark}


def _choose(ranked: list[str]) -> list[tuple[str, str]]:
    """(image, 'worst' | 'median' | 'best') from images ordered from worst to best."""
    if len(ranked) <= 3 * PER_KIND:
        kinds = ['worst'] + ['between'] * (len(ranked) - 2) + ['best'] * (len(ranked) > 1)
        return [*zip(ranked, kinds, strict=True)]
    middle = (len(ranked) - PER_KIND) // 2
    parts = (
        ('worst', slice(0, PER_KIND)),
        ('median', slice(middle, middle + PER_KIND)),
        ('best', slice(-PER_KIND, None)),
    )
    return [(image, kind) for kind, part in parts for image in ranked[part]]


def _others(images: pd.DataFrame, landmarks: pd.Series, methods: Sequence[str], proposed: str | None,
            reference: str | None) -> Iterator[tuple[str, Reason]]:
    """What else is shown, the most important first.

    Args:
        images: Errors, images x methods, averaged over seeds.
        landmarks: Errors by image, method and landmark, averaged over seeds.
        methods: Those that have results.
        proposed: The proposed method, or None.
        reference: The reference method, or None.
    """
    if proposed in methods and reference in methods:
        lead = images[proposed] - images[reference]
        for kind, method, sign in (('proposed better', proposed, -1), ('reference better', reference, 1)):
            image = _ranked(sign * lead)[0]
            if sign * lead[image] > 0:
                yield image, _reason(kind, method)
    if len(methods) > 1:
        yield from ((_ranked(images[method].dropna())[0], _reason('method worst', method)) for method in methods)
    means = landmarks.groupby(level=['landmark', 'image'], sort=True, observed=True).mean()
    for name in means.index.unique('landmark'):
        yield _ranked(means[name])[0], _reason('landmark worst', landmark=name)
    if len(methods) > 1:
        yield from ((_ranked(images[method].dropna())[-1], _reason('method best', method)) for method in methods)


def _points(rows: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Landmarks, true and predicted positions of an image, and the errors, of each method's network.

    Args:
        rows: Method -> the rows of the image.
    """
    first = next(iter(rows.values()))
    return {
        'landmarks': first['landmark'].tolist(),
        'truth': _rounded(first, 'x_true', 'y_true'),
        'predictions': {method: {'seed': int(own['seed'].iloc[0]), 'error': float(own['error'].mean()),
                                 'points': _rounded(own, 'x', 'y'),
                                 'errors': own['error'].to_numpy().round(DECIMALS).tolist()}
                        for method, own in rows.items()},
    }


def _rounded(rows: pd.DataFrame, *columns: str) -> list[list[float]]:
    values = np.stack([rows[column].to_numpy() for column in columns], axis=1)
    points: list[list[float]] = values.round(DECIMALS).tolist()
    return points
