"""Whether a network has learnt to find landmarks, by the validation images that its file tells of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from .loaded import Network
from .validated import Validated, read_validated

#: Fewest validation subjects of which something is said.
FEWEST = 3
#: Of the one-sided test of a network against the mean shape.
LEVEL = 0.05


class Beside(NamedTuple):
    """Mean errors on validation images, in pixels of the input, a subject counting once.

    Attributes:
        images: How many.
        failed: Subjects without a finite prediction, which the means leave out.
        network: Of a network; infinite where fewer than three subjects are left.
        mean_shape: Of their mean shape.
        better: Whether the network's is visibly less: paired t test over subjects, one-sided, 5 %; never where half of
            them failed.
    """

    images: int
    failed: int
    network: float
    mean_shape: float
    better: bool


def not_learnt(networks: Sequence[Network]) -> str:
    """A warning where a network is not visibly better than the mean shape; empty where all are, or it is not known.

    Args:
        networks: One, or an ensemble's.
    """
    poor = []
    for network in networks:
        found = None if network.validation is None else beside_mean_shape(
            network.validation, network.scheme.landmarks, network.untrained)
        if found is not None and not found.better:
            poor.append((network, found))
    if not poor:
        return ''
    network, worst = max(poor, key=lambda one: one[1].network - one[1].mean_shape)
    which = 'this network' if len(networks) == 1 else f'the network of seed {network.meta["run"].get("seed")}'
    many = '' if len(poor) < 2 else f' Of {len(networks)} networks {len(poor)} are like that.'
    if not np.isfinite(worst.network):
        return (f'On its {worst.images} validation images {which} finds no finite place for landmarks of '
                f'{worst.failed} subjects.{many} Train it again, with shorter steps.')
    failed = f' ({worst.failed} without a finite prediction left out)' if worst.failed else ''
    return (f'On its {worst.images} validation images{failed} {which} is off by {worst.network:.3g} px of its input. '
            'The mean place of each landmark in the other images, without looking, is off by '
            f'{worst.mean_shape:.3g}: the network is not visibly better than that.{many} Train it longer, or '
            'take another one.')


def beside_mean_shape(kept: dict[str, Any], landmarks: Sequence[str],
                      left_out: set[str]) -> Beside | None:
    """A network's error on its validation images beside that of their mean shape.

    The mean shape of an image is the mean of the landmarks of the other subjects' images, in the frame of the input.

    Args:
        kept: What its file keeps (:func:`.validated.validate`).
        landmarks: K names.
        left_out: Those that count for nothing.

    Returns:
        None with fewer than three subjects, or where images were mirrored.
    """
    if any(place.get('flip') or not {'input_size', 'input_center', 'input_scale'} <= {*place}
           for place in kept['places']):
        return None
    found = read_validated(kept)
    counted = np.array([name not in left_out for name in landmarks])
    own, base = (_by_subject(errors[:, counted], found.subjects) for errors in (found.errors, _of_mean(found, kept)))
    known = ~np.isnan(own) & ~np.isnan(base)
    own, base = own[known], base[known]
    if len(own) < FEWEST:
        return None
    finite = np.isfinite(own)  # A failed prediction is infinitely far off.
    failed = int((~finite).sum())
    if len(own) - failed < FEWEST:
        return Beside(len(found.images), failed, float('inf'), float(base.mean()), False)
    own, base = own[finite], base[finite]
    difference = own - base
    limit = difference.mean() + stats.t.ppf(1 - LEVEL, len(own) - 1) * stats.sem(difference)
    return Beside(len(found.images), failed, float(own.mean()), float(base.mean()),
                  bool(limit < 0) and failed < len(own))


def _of_mean(found: Validated, kept: dict[str, Any]) -> np.ndarray:
    """(V, K): distances of the others' mean place from the truth, in pixels of the input; NaN where not known."""
    size, centre, scale = (np.array([place[name] for place in kept['places']], np.float64)[:, None]
                           for name in ('input_size', 'input_center', 'input_scale'))
    shares = (found.truth - centre) / scale
    subjects = np.array(found.subjects)
    others = np.full_like(shares, np.nan)
    for row, subject in enumerate(subjects):
        rest = shares[subjects != subject]
        there = np.isfinite(rest).all(-1)
        count = there.sum(0)
        total = np.where(there[..., None], rest, 0).sum(0)
        others[row] = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan)
    return np.linalg.norm((others * scale + centre) - found.truth, axis=-1) * found.per_pixel[:, None]


def _by_subject(errors: np.ndarray, subjects: Sequence[str]) -> np.ndarray:
    """Mean error of each subject: over landmarks, then over images; NaN where nothing is known."""
    with np.errstate(invalid='ignore'):
        known = ~np.isnan(errors)
        images = np.where(known, errors, 0).sum(1) / np.where(known.any(1), known.sum(1), np.nan)
    names = np.array(subjects)
    means = [images[(names == name) & ~np.isnan(images)] for name in dict.fromkeys(subjects)]
    return np.array([one.mean() if len(one) else np.nan for one in means])
