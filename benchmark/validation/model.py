"""The simulated model of errors, and the exact mean of every endpoint under it.

The error of method m, seed s, image i is ``mu[m] + image[i] + method_image[m,i] + seed[m,s] + residual[m,s,i]`` with
normal terms (``normal`` errors), or the exponential of such a sum (``skewed``: log-normal errors).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmark.statistics.arrays import Floats
from benchmark.statistics.endpoints import auc_scores, failures
from benchmark.statistics.terms import NESTED, PAIRED, Design

#: Standard deviations, in the unit of the errors (heatmap px); for skewed errors over MEAN, on the log scale.
IMAGE, METHOD_IMAGE, RESIDUAL = 0.40, 0.10, 0.15
#: Mean error of a method, the threshold of FR and AUC, and the true difference for coverage, in heatmap px.
MEAN, THRESHOLD, SHIFT = 0.85, 1.2, 0.05
#: Paired design: share of the seed variance that all methods have in common.
COMMON = 0.5
ENDPOINTS = ('ME', 'FR', 'AUC')
ERRORS = ('normal', 'skewed')


@dataclass(frozen=True)
class Cell:
    """One simulated situation.

    Attributes:
        errors: ``normal`` or ``skewed``.
        design: ``nested`` or ``paired``.
        seed_sd: Standard deviation of the seed effects, in heatmap px.
        seeds: S.
        images: N.
        threshold: Of FR and AUC, in heatmap px.
    """

    errors: str
    design: Design
    seed_sd: float
    seeds: int
    images: int
    threshold: float = THRESHOLD

    @property
    def unit(self) -> float:
        """What standard deviations are divided by: 1, or the mean where they act on the log scale (skewed errors)."""
        return 1.0 if self.errors == 'normal' else MEAN

    @property
    def image_variance(self) -> float:
        """Variance of the linear predictor for a given network."""
        return (IMAGE**2 + METHOD_IMAGE**2 + RESIDUAL**2) / self.unit**2

    @property
    def variance(self) -> float:
        """Variance of the linear predictor over seeds and images."""
        return self.image_variance + (self.seed_sd / self.unit) ** 2

    @property
    def location(self) -> float:
        """Mean of the linear predictor, such that the mean error over seeds and images is MEAN."""
        return MEAN if self.errors == 'normal' else math.log(MEAN) - self.variance / 2

    def seed_effects(self, rng: np.random.Generator, count: int, methods: int = 2) -> Floats:
        """Seed effects, shape (count, methods, S)."""
        own = rng.standard_normal((count, methods, self.seeds))
        if self.design == PAIRED:
            own *= math.sqrt(1 - COMMON)
            own += math.sqrt(COMMON) * rng.standard_normal((count, 1, self.seeds))
        return self.seed_sd / self.unit * own

    def predictor(self, rng: np.random.Generator, seed_effects: Floats) -> Floats:
        """Linear predictor of every image by every network.

        Args:
            rng: Draws images and residuals.
            seed_effects: Shape (count, methods, S).

        Returns:
            Shape (count, methods, S, N).
        """
        count, methods, _ = seed_effects.shape
        values = rng.standard_normal((*seed_effects.shape, self.images))
        values *= RESIDUAL / self.unit
        images = IMAGE * rng.standard_normal((count, 1, self.images))
        images = images + METHOD_IMAGE * rng.standard_normal((count, methods, self.images))
        values += (images / self.unit + self.location)[:, :, None, :]
        values += seed_effects[..., None]
        return values

    def score(self, endpoint: str, predictor: Floats) -> Floats:
        """Scores of an endpoint, of the predictor's shape."""
        errors = predictor if self.errors == 'normal' else np.exp(predictor)
        if endpoint == 'ME':
            return errors
        return (failures if endpoint == 'FR' else auc_scores)(errors, self.threshold)

    def truth(self, endpoint: str, location: float | Floats, variance: float) -> Floats:
        """Exact mean of an endpoint's score.

        Args:
            endpoint: ME, FR or AUC.
            location: Mean of the linear predictor.
            variance: Its variance.
        """
        sd, t = math.sqrt(variance), self.threshold
        if self.errors == 'normal':
            z, mean = np.asarray(t - location) / sd, np.asarray(location, np.float64)
            area = ((t - location) * stats.norm.cdf(z) + sd * stats.norm.pdf(z)) / t
        else:
            z, mean = np.asarray(math.log(t) - location) / sd, np.exp(np.asarray(location) + variance / 2)
            area = stats.norm.cdf(z) - mean / t * stats.norm.cdf(z - sd)
        exact: dict[str, Floats] = {'ME': mean, 'FR': stats.norm.sf(z), 'AUC': area}
        return exact[endpoint]

    def procedure_truth(self, endpoint: str, shift: float = 0.0) -> float:
        """Mean over seeds and images; ``shift`` is added to the location, in heatmap px (over MEAN where skewed)."""
        return float(self.truth(endpoint, self.location + shift / self.unit, self.variance))

    def networks_truth(self, endpoint: str, seed_effects: Floats, shift: float = 0.0) -> Floats:
        """Mean over images and the given networks; seed effects of shape (..., S)."""
        location = self.location + shift / self.unit + seed_effects
        over_networks: Floats = self.truth(endpoint, location, self.image_variance).mean(axis=-1)
        return over_networks

    def better_truth(self, shift: float, seed_effects: Floats | None = None) -> float | Floats:
        """P(error of A < error of B on an image), A being ``shift`` worse, over all pairs of a seed of A and one of B.

        Args:
            shift: In heatmap px.
            seed_effects: Those of the networks, shape (..., 2, S); None: random ones. In the paired design 1 of S pairs
                shares a seed.
        """
        images = 2 * (METHOD_IMAGE**2 + RESIDUAL**2)
        if seed_effects is not None:
            gap = self.unit * (seed_effects[..., 0, :, None] - seed_effects[..., 1, None, :])
            share: Floats = stats.norm.cdf(-(shift + gap) / math.sqrt(images)).mean(axis=(-2, -1))
            return share
        apart = stats.norm.cdf(-shift / math.sqrt(images + 2 * self.seed_sd**2))
        if self.design == NESTED:
            return float(apart)
        together = stats.norm.cdf(-shift / math.sqrt(images + 2 * (1 - COMMON) * self.seed_sd**2))
        return float(together / self.seeds + (1 - 1 / self.seeds) * apart)


def rare_threshold(errors: str, share: float) -> float:
    """The threshold that a share of the errors is above, in heatmap px."""
    cell = Cell(errors, NESTED, 0.02, 1, 1)
    value = cell.location + math.sqrt(cell.variance) * float(stats.norm.isf(share))
    return value if errors == 'normal' else math.exp(value)
