"""Tests of two methods' results on the same images that others use, and the sensitivity table shows."""

from __future__ import annotations

import numpy as np
from scipy import stats

from .arrays import Floats, Integers


def mcnemar_exact(only_a: Integers | int, only_b: Integers | int) -> Floats:
    """Two-sided exact p of McNemar's test: binomial with 1/2 over the discordant images; 1 without any.

    Args:
        only_a: Images on which a alone fails, any shape.
        only_b: Images on which b alone fails, the same shape.
    """
    tail: Floats = stats.binom.cdf(np.minimum(only_a, only_b), np.add(only_a, only_b), 0.5)
    return np.minimum(1.0, 2 * tail)


def bayesian_signed_rank(differences: Floats, rope: float, draws: int,
                         rng: np.random.Generator) -> tuple[float, float, float]:
    """Shares of draws in which D's Walsh averages lie mostly below -rope, within, above it.

    Weights of images (and of one prior observation at 0) are Dirichlet; ties of two shares go to neither.

    Args:
        differences: D, shape (N,).
        rope: Half width of the region of practical equivalence.
        draws: Draws of the weights.
        rng: Their generator.
    """
    values = np.append(0.0, np.asarray(differences, np.float64))
    order = np.argsort(values, kind='stable')
    averages = (values[order][:, None] + values[order][None]) / 2
    weights = np.take(rng.dirichlet(np.ones(len(values)), size=draws), order, axis=1)
    # In this order a row's averages below a limit are its first ones, and those above one its last.
    reached = np.concatenate([np.zeros((draws, 1)), np.cumsum(weights, axis=1)], axis=1)
    first, last = (averages < -rope).sum(axis=1), len(values) - (averages > rope).sum(axis=1)
    below = np.einsum('bi,bi->b', np.take(reached, first, axis=1), weights)
    above = np.einsum('bi,bi->b', reached[:, -1:] - np.take(reached, last, axis=1), weights)
    within = 1 - below - above
    winner = np.stack([below, within, above]).argmax(axis=0)
    below, within, above = (float((winner == place).mean()) for place in range(3))
    return below, within, above
