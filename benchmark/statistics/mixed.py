"""Two methods over seeds and images where some scores are missing: the crossed mixed model by REML.

The model is that of :mod:`.crossed`, with one variance of its kind for both methods, and in a paired design that of
the differences of those seeds and images that both methods have::

    nested: Y[m,s,i] = mu[m] + image[i] + method_image[m,i] + seed[m,s] + residual[m,s,i]
    paired: Y[a,s,i] - Y[b,s,i] = mu + image[i] + seed[s] + residual[s,i]

With complete scores, and no component at 0, estimate and standard error are those of the crossed analysis of variance.
The restricted likelihood is profiled over mu and the residual variance and minimised over the ratios of the other
variances to it, from several starts, with exact gradients (complex steps): a single start can end, converged, on an
edge that is no minimum. Images enter in closed form, seeds by Woodbury's identity; images that lack the same numbers of
seeds are summed beforehand, so that an evaluation costs as much for ten images as for ten thousand.

M: methods, 1 for differences; B: points at once; K: ratios of variances.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize

from .arrays import Floats, Masks
from .estimates import t_quantile
from .terms import PAIRED, Design

#: Ratios of variances from which the search begins: image, seed, method by image.
STARTS = ((1.0, 0.05, 0.3), (0.05, 0.5, 0.05), (10.0, 1.0, 3.0), (0.3, 0.0, 1.0))
STEP = 1e-30
#: A ratio below it is 0, on the edge.
EDGE = 1e-8
#: Largest ratio in the search. From a hundredth of it on the residual variance is none beside another, and the numbers
#: hang on the limit.
FAR_EDGE = 1e8
#: A standard deviation of this share of the largest score is rounding.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Mixed:
    """What the model says of mean(a) - mean(b).

    Attributes:
        estimate: The difference.
        se: Its standard error.
        df: Degrees of freedom by Satterthwaite (1946), as lmerTest has them.
        variances: ``image``, ``seed``, in a nested design ``method_by_image``, and ``residual``; in a paired one those
            of differences.
        deviance: -2 log restricted likelihood.
        n_images: Images that it rests on.
        n_scores: Scores, of both methods; in a paired design differences.
    """

    estimate: float
    se: float
    df: float
    variances: dict[str, float]
    deviance: float
    n_images: int
    n_scores: int

    def interval(self, level: float) -> tuple[float, float]:
        """Estimate -+ t times se."""
        half = float(t_quantile((1 - level) / 2, self.df)) * self.se
        return self.estimate - half, self.estimate + half


def mixed_contrast(a: Floats, b: Floats, design: Design) -> Mixed | None:
    """mean(a) - mean(b) over random seeds and images, from all scores that there are.

    Args:
        a: Scores, shape (S_a, N), NaN where there is none.
        b: Scores on the same images, shape (S_b, N); in a paired design in the same order of seeds.
        design: ``nested`` or ``paired``.

    Returns:
        None where it can't be fitted: not :func:`enough` seeds or images, or scores without a residual variance beyond
        rounding.
    """
    if not enough(a, b, design):
        return None
    tables = _tables(a, b, design)
    fit = _Fit(tables, [np.isfinite(values) for values in tables])
    least = (ROUNDING * max(float(np.nanmax(np.abs(values))) for values in (a, b)))**2
    if fit.spread <= least * fit.n_scores:
        return None
    try:
        with np.errstate(all='ignore'):
            found = fit.solve()
    except np.linalg.LinAlgError:
        return None
    residual = found.variances['residual']
    # The negation, so that NaN is no answer either.
    if not (residual > least and 0.01 * FAR_EDGE * residual > max(found.variances.values())):
        return None
    return found if np.isfinite([found.estimate, found.se, *found.interval(0.5)]).all() else None


def enough(a: Floats, b: Floats, design: Design) -> bool:
    """Whether there are two seeds and two images with scores of each method, in a paired design of both.

    Args:
        a: Scores, shape (S_a, N), NaN where there is none.
        b: As a, see :func:`mixed_contrast`.
        design: ``nested`` or ``paired``.
    """
    return all(int(np.isfinite(values).any(axis=axis).sum()) >= 2
               for values in _tables(a, b, design) for axis in (0, 1))


def _tables(a: Floats, b: Floats, design: Design) -> list[Floats]:
    """The scores that are fitted, without seeds that have none."""
    tables = [a - b] if design == PAIRED else [a, b]
    return [values[np.isfinite(values).any(axis=1)] for values in tables]


class _Fit:
    """The restricted likelihood of one or two tables of scores.

    Columns of what is summed: the tables' means, their seeds, the scores.

    Args:
        tables: Scores, shape (S_m, N) each.
        known: Where there are scores.
    """

    def __init__(self, tables: Sequence[Floats], known: Sequence[Masks]) -> None:
        self.methods, runs = len(tables), [len(values) for values in tables]
        size = self.methods + sum(runs) + 1
        scores = np.concatenate([values[mask] for values, mask in zip(tables, known, strict=True)])
        self.shift, self.n_scores = float(scores.mean()), len(scores)
        self.spread = float(((scores - self.shift) ** 2).sum())
        self.contrast = np.array([1.0, -1.0][:self.methods])
        self.names = ['image', 'seed', 'method_by_image'][:self.methods + 1]
        there = np.any([mask.any(axis=0) for mask in known], axis=0)
        self.n_images = int(there.sum())
        cells = np.zeros((self.methods, self.n_images, size))
        self.products = np.zeros((size, size))
        column = self.methods
        for number, (values, mask) in enumerate(zip(tables, known, strict=True)):
            for row, own in zip(values[:, there], mask[:, there], strict=True):
                rows = np.zeros((self.n_images, size))
                rows[own, number] = rows[own, column] = 1
                rows[own, -1] = row[own] - self.shift
                cells[number] += rows
                self.products += rows.T @ rows
                column += 1
        counts = np.stack([mask[:, there].sum(axis=0) for mask in known], axis=1)
        patterns, place, self.times = np.unique(counts, axis=0, return_inverse=True, return_counts=True)
        self.patterns = patterns.astype(np.float64)
        #: Sums over the images of a pattern of products of cells: pattern, method, method, column, column.
        self.sums = np.stack([np.einsum('lnc,mnd->lmcd', own, own, optimize=True)
                              for own in (cells[:, place.ravel() == number] for number in range(len(patterns)))])

    def pieces(self, ratios: Any) -> tuple[Any, Any]:
        """log|V|, and (X, y)' V^-1 (X, y) of shape (B, M + 1, M + 1), both over the residual variance.

        Args:
            ratios: Points (B, K), which may be complex.
        """
        image, seed = ratios[:, 0, None], ratios[:, 1]
        interaction = ratios[:, 2, None, None] if self.methods > 1 else np.zeros((len(ratios), 1, 1))
        shrunk = 1 / (1 + interaction * self.patterns)
        weight = 1 + image * (self.patterns * shrunk).sum(axis=-1)
        log = (self.times * (np.log(weight) - np.log(shrunk).sum(axis=-1))).sum(axis=-1)
        inner = np.einsum('bpl,bpm->bplm', shrunk, shrunk) * (image / weight)[..., None, None]
        inner = inner + (interaction * shrunk)[..., None] * np.eye(self.methods)
        products = self.products - np.tensordot(inner, self.sums, axes=([1, 2, 3], [0, 1, 2]))
        random, fixed = slice(self.methods, -1), [*range(self.methods), -1]
        system = np.eye(products.shape[-1] - len(fixed)) + products[:, random, random] * seed[:, None, None]
        sign, size = np.linalg.slogdet(system)
        beside = products[:, random][:, :, fixed]
        rest = products[:, fixed][:, :, fixed] - seed[:, None, None] * np.swapaxes(beside, 1, 2) @ np.linalg.solve(
            system, beside)
        return log + size + np.log(sign), rest

    def deviance(self, ratios: Any) -> Any:
        """-2 log restricted likelihood, profiled, at points (B, K)."""
        log, rest = self.pieces(ratios)
        residual, determinant = self.residual(rest)
        df = self.n_scores - self.methods
        return log + determinant + df * (1 + np.log(2 * np.pi * residual / df))

    def residual(self, rest: Any) -> tuple[Any, Any]:
        """Residual sum of squares and log|X' V^-1 X|, each of shape (B,)."""
        inner, beside = rest[:, :-1, :-1], rest[:, :-1, -1:]
        sign, size = np.linalg.slogdet(inner)
        return (rest[:, -1, -1] - (beside * np.linalg.solve(inner, beside)).sum(axis=(1, 2))), size + np.log(sign)

    def with_gradient(self, ratios: Floats) -> tuple[float, Floats]:
        """The deviance at one point, and its gradient by complex steps."""
        steps = ratios + 1j * STEP * np.eye(len(ratios) + 1, len(ratios))
        found = self.deviance(steps)
        return float(found[-1].real), found[:-1].imag / STEP

    def solve(self) -> Mixed:
        """The minimum of all starts, and the contrast there."""
        found = [optimize.minimize(self.with_gradient, start[:len(self.names)], jac=True, method='L-BFGS-B',
                                   bounds=[(0, FAR_EDGE)] * len(self.names), options=dict(ftol=1e-14, gtol=1e-8))
                 for start in STARTS]
        ratios = self.polished(min(found, key=lambda one: float(one.fun)).x)
        _, rest = self.pieces(ratios[None])
        residual = float(self.residual(rest)[0][0]) / (self.n_scores - self.methods)
        means = np.linalg.solve(rest[0, :-1, :-1], rest[0, :-1, -1])
        return Mixed(
            float(self.contrast @ (means + self.shift)), float(np.sqrt(residual * self.of_contrast(ratios[None])[0])),
            self.satterthwaite(ratios, residual),
            {**{name: float(ratio * residual) for name, ratio in zip(self.names, ratios, strict=True)},
             'residual': residual},
            self.with_gradient(ratios)[0], self.n_images, self.n_scores)

    def polished(self, ratios: Floats) -> Floats:
        """A few steps of Newton's method over the ratios that are not on the edge."""
        ratios = np.where(ratios < EDGE, 0.0, ratios)
        free = np.flatnonzero(ratios)

        def slopes(at: Floats) -> Floats:
            whole = ratios.copy()
            whole[free] = at
            return self.with_gradient(whole)[1][free]

        for _ in range(3 if len(free) else 0):
            curve = _curvature(slopes, ratios[free], ratios[free])
            if np.linalg.eigvalsh(curve).min() <= 0:
                break
            after = ratios.copy()
            after[free] -= np.linalg.solve(curve, slopes(ratios[free]))
            if (after[free] <= 0).any() or self.with_gradient(after)[0] > self.with_gradient(ratios)[0] + 1e-9:
                break
            ratios = after
        return ratios

    def of_contrast(self, ratios: Any) -> Any:
        """Variance of the contrast over the residual variance, at points (B, K)."""
        _, rest = self.pieces(ratios)
        return np.einsum('c,bcd,d->b', self.contrast, np.linalg.inv(rest[:, :-1, :-1]), self.contrast)

    def satterthwaite(self, ratios: Floats, residual: float) -> float:
        """2 f^2 / (g' A g): f the contrast's variance, g its gradient by the variances, A their covariance, which is
        twice the inverse of the deviance's second derivatives. Parameters: ratios off the edge, log residual variance.
        """
        free = np.flatnonzero(ratios)
        count = len(free)

        def slopes(point: Floats) -> Floats:
            """Of the deviance that is not profiled over the residual variance."""
            steps = point + 1j * STEP * np.eye(count + 1)
            at = np.repeat(ratios[None].astype(complex), count + 1, axis=0)
            at[:, free] = steps[:, :count]
            log, rest = self.pieces(at)
            total, determinant = self.residual(rest)
            size = steps[:, count]
            value = log + determinant + (self.n_scores - self.methods) * size + total / np.exp(size)
            found: Floats = value.imag / STEP
            return found

        curve = _curvature(slopes, np.append(ratios[free], np.log(residual)), np.append(ratios[free], 1.0))
        steps = np.repeat(ratios[None].astype(complex), count + 1, axis=0)
        steps[np.arange(count), free] += 1j * STEP
        found = self.of_contrast(steps)
        value = float(found[-1].real)
        change = np.append(found[:-1].imag / STEP, value)
        return float(value**2 / (change @ np.linalg.solve(curve, change)))


def _curvature(slopes: Callable[[Floats], Floats], at: Floats, sizes: Floats) -> Floats:
    """Second derivatives at a point, by differences of exact gradients; sizes: of the parameters."""
    rows = []
    for place, size in enumerate(1e-5 * sizes):
        step = np.zeros(len(at))
        step[place] = size
        rows.append((slopes(at + step) - slopes(at - step)) / (2 * size))
    both: Floats = np.array(rows)
    half: Floats = (both + both.T) / 2
    return half
