"""Shapes of landmarks: a data set's mean shape, how far each image lies from it, and which mirror image fits it.

Points are complex numbers x + iy. A similarity (shift, turn, scale) that takes shape m to points z is then z ~ a m + b
with complex a and b; least squares give a = <m, z> / <m, m> for centred m and z, and the full Procrustes distance
d = sqrt(1 - |<m, z>|^2 / (<m, m> <z, z>)) in [0, 1]: what is left after the fit, in units of the size of z, its root
mean square distance from its centre (Dryden and Mardia, Statistical Shape Analysis, 2016, chapter 8). Only points that
an image has take part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Fewest images for a mean shape, and fewest landmarks of an image that is compared with it.
MIN_IMAGES, MIN_LANDMARKS = 8, 3
#: Share of the images that must agree for a mean shape that is theirs.
BULK = 0.3
#: A normal distribution's standard deviation in units of its median absolute deviation, and of a plane one's radius.
FROM_MAD, FROM_RADIUS = 1.4826, 0.8493


@dataclass(frozen=True)
class Fit:
    """Images fitted with a shape.

    Attributes:
        distance: (N,) full Procrustes distance, NaN where too few landmarks are known.
        turn: (N,) the shape's turn in the image, in radians, clockwise as seen (y points down).
        residual: (N, K) complex: image minus fitted shape, turned back upright, in units of the image's size.
        scale: (N,) the fitted shape's scale, in the same units.
        aligned: (N, K) complex: the image in the shape's frame.
    """

    distance: np.ndarray
    turn: np.ndarray
    residual: np.ndarray
    scale: np.ndarray
    aligned: np.ndarray


@dataclass(frozen=True)
class MeanShape:
    """What the images of a data set have in common.

    Attributes:
        mean: (K,) complex, upright as most images are, centre 0 and size 1; NaN for a landmark that no image tells.
        fit: The images fitted with it.
        typical: Median of the distances.
        deviation: Their standard deviation, from the median absolute deviation.
        spread: (K,) each landmark's standard deviation along an axis, in units of the size, from its median.
    """

    mean: np.ndarray
    fit: Fit
    typical: float
    deviation: float
    spread: np.ndarray

    @property
    def upright(self) -> bool:
        """Whether most images stand upright, within about 15 degrees."""
        return self.leaning <= 15

    @property
    def leaning(self) -> float:
        """Standard deviation of the images' turns in degrees, from their first quartile, so that some do not matter."""
        return float(np.degrees(np.nanquantile(abs(self.fit.turn), 0.25)) / 0.3186)

    def far(self, times: float) -> float:
        """The distance ``times`` standard deviations beyond the typical one."""
        return self.typical + times * self.deviation


def to_complex(points: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Points (..., K, 2) in pixels as complex numbers (..., K), NaN where not visible (..., K)."""
    return np.where(visible, points[..., 0] + 1j * points[..., 1], complex(np.nan, np.nan))


def fit_shape(z: np.ndarray, mean: np.ndarray, weights: np.ndarray | None = None) -> Fit:
    """Fits images with a shape by similarities.

    Args:
        z: (N, K) complex, NaN where not visible.
        mean: (K,) complex, NaN where not known.
        weights: (N, K) weights of the points in the fit; the distance does not use them.
    """
    known = np.isfinite(z) & np.isfinite(mean)
    weight = known.astype(float) if weights is None else np.where(known, weights, 0.0)
    z0, m0 = np.where(known, z, 0), np.where(np.isfinite(mean), mean, 0)
    enough = known.sum(1) >= MIN_LANDMARKS
    with np.errstate(all='ignore'):
        total = weight.sum(1, keepdims=True)
        middle, centre = (weight * z0).sum(1, keepdims=True) / total, (weight @ m0)[:, None] / total
        zc, mc = np.where(known, z0 - middle, 0), np.where(known, m0 - centre, 0)
        factor = ((weight * mc.conj() * zc).sum(1) / (weight * abs(mc) ** 2).sum(1))[:, None]
        if weights is None:
            plain_z, plain_m = zc, mc
        else:
            count = known.sum(1, keepdims=True)
            plain_z = np.where(known, zc - zc.sum(1, keepdims=True) / count, 0)
            plain_m = np.where(known, mc - mc.sum(1, keepdims=True) / count, 0)
        power = (abs(plain_z) ** 2).sum(1) * (abs(plain_m) ** 2).sum(1)
        inner = abs((plain_m.conj() * plain_z).sum(1)) ** 2 / power
        size = np.sqrt((abs(plain_z) ** 2).sum(1) / known.sum(1))[:, None]
        upright = (abs(factor) / factor) / size
        nothing = complex(np.nan, np.nan)
        fine = (enough & np.isfinite(inner))[:, None]
        residual = np.where(known & fine, (zc - factor * mc) * upright, nothing)
        scale = abs(factor[:, 0]) / size[:, 0]
        aligned = np.where(np.isfinite(z) & fine, (z - middle) / factor + centre, nothing)
        distance = np.where(fine[:, 0], np.sqrt(np.clip(1 - inner, 0, 1)), np.nan)
    return Fit(distance, np.where(fine[:, 0], np.angle(factor[:, 0]), np.nan), residual, scale, aligned)


def mean_shape(z: np.ndarray, start: np.ndarray | None = None) -> MeanShape | None:
    """The robust mean shape of images: generalised Procrustes analysis with medians.

    It starts from the image to which the nearest third of the others is nearest, and averages those near by only, so
    that images in another order, mirrored or wrong do not move it, where those in one order are the most.

    Args:
        z: (N, K) complex, NaN where not visible.
        start: (K,) complex, a shape to start from instead.

    Returns:
        None with fewer than 8 images that share three landmarks.
    """
    if z.shape[1] < MIN_LANDMARKS or len(z) < MIN_IMAGES:
        return None
    mean = _central(z) if start is None else start
    if mean is None:
        return None
    for _ in range(8):
        fit = fit_shape(z, mean)
        counted = np.isfinite(fit.distance)
        if counted.sum() < MIN_IMAGES:
            return None
        near = counted & (fit.distance <= max(2 * np.quantile(fit.distance[counted], BULK), 1e-9))
        before, mean = mean, _standard(_median(fit.aligned[near]))
        if np.nan_to_num(abs(mean - before), nan=1).max() < 1e-3:
            break
    mean = mean * np.exp(1j * _middle_angle(fit_shape(z[near], mean).turn))
    fit = fit_shape(z, mean)
    for _ in range(3):
        spread = _spread(fit, near)
        fit = fit_shape(z, mean, 1 / (1 + np.nan_to_num(abs(fit.residual) / (3 * spread)) ** 2))
    distance = fit.distance[np.isfinite(fit.distance)]
    typical = float(np.median(distance))
    if typical > 3 * np.median(fit.distance[near]):
        # Two kinds of images: the smaller distances are those of the kind that the mean shape is of.
        distance = fit.distance[near]
        typical = float(np.median(distance))
    # Rounding to whole pixels alone must not make an outlier: no set is taken to be tighter than one percent.
    deviation = max(float(np.median(abs(distance - typical))) * FROM_MAD, 0.1 * typical, 0.01)
    return MeanShape(mean, fit, typical, deviation, _spread(fit, near))


def find_order(points: np.ndarray, shape: MeanShape) -> np.ndarray | None:
    """The order of names in which an image's points fit the mean shape best, or None where it is the given one.

    Fit and assignment alternate (as in iterative closest points) from upright and, where that fails, from eleven other
    turns. Centre and size do not depend on the order.

    Args:
        points: (K,) complex, NaN where not visible. Landmarks that are not there stay so.
        shape: The mean shape.

    Returns:
        (K,) ``order``: the point under name k is that of landmark ``order[k]``.
    """
    from scipy.optimize import linear_sum_assignment

    there = np.flatnonzero(np.isfinite(points) & np.isfinite(shape.mean))
    if len(there) < MIN_LANDMARKS:
        return None
    z, m = _standard(points[there]), _standard(shape.mean[there])
    best, least = None, np.inf
    for turn in range(12):
        factor, order = np.exp(2j * np.pi * turn / 12), None
        for _ in range(20):
            found = linear_sum_assignment(abs(z[:, None] - factor * m) ** 2)[1]
            if order is not None and (found == order).all():
                break
            order = found
            inner = (m[order].conj() * z).sum()
            factor = inner / abs(inner) if abs(inner) else factor
        distance = np.sqrt(max(0.0, 1 - abs((m[order].conj() * z).mean()) ** 2))
        if distance < least - 1e-9:
            best, least = order, distance
        if least <= shape.far(3):
            break
    order = np.arange(len(points))
    order[there] = there[best]
    return None if (order == np.arange(len(points))).all() else order


def reversed_pairs(shape: MeanShape) -> np.ndarray:
    """Which images of a mean shape have two landmarks that seem exchanged.

    With u the way from landmark i to j in the fitted shape and v that in the image, v u / |u|^2 is 1 in the mean shape
    and -1 where the two are exchanged. Below -0.5, with both points nearer to each other's place by a factor of two,
    and with |u| beyond six standard deviations of either, they are.

    Returns:
        (N,) bool.
    """
    residual = shape.fit.residual
    found = np.zeros(len(residual), bool)
    with np.errstate(invalid='ignore'):
        # Of two that are exchanged one lies 0.75 |u| off at least.
        rows = np.flatnonzero((abs(residual) > 4.5 * shape.spread).any(1))
        residual, scale = residual[rows], shape.fit.scale[rows, None]
        for i in range(residual.shape[1] - 1):
            way = (shape.mean[i + 1:] - shape.mean[i]) * scale
            off = residual[:, [i]], residual[:, i + 1:]
            length = abs(way) ** 2
            along = ((way + off[1] - off[0]) * way.conj()).real / length
            before = abs(off[0]) ** 2 + abs(off[1]) ** 2
            after = abs(off[0] - way) ** 2 + abs(off[1] + way) ** 2
            clear = abs(way) > 6 * np.maximum(shape.spread[i], shape.spread[i + 1:])
            found[rows] |= ((along < -0.5) & (after < before / 4) & clear).any(1)
    return found


def mirror(mean: np.ndarray, indices: np.ndarray) -> float:
    """Full Procrustes distance of a shape from its mirror image, whose landmarks change places by flip indices (K)."""
    mirrored = -mean.conj()[indices]
    return float(fit_shape(mirrored[None], mean).distance[0])


def propose_flips(mean: np.ndarray, upright: bool = True) -> tuple[np.ndarray, float] | None:
    """The flip indices under which a shape equals its mirror image best: an assignment problem.

    Args:
        mean: (K,) complex, NaN where not known.
        upright: Whether it stands as the images do, so that its axis is the images' own but for a few degrees;
            otherwise any axis is tried.

    Returns:
        Flip indices (K), an involution, and the distance that is left (0: the shape is symmetric); None where fewer
        than three landmarks are known or all lie on a line, which is symmetric in too many ways.
    """
    from scipy.optimize import linear_sum_assignment

    there = np.flatnonzero(np.isfinite(mean))
    if len(there) < MIN_LANDMARKS:
        return None
    m = _standard(mean[there])
    if np.linalg.svd(np.stack([m.real, m.imag]), compute_uv=False).min() < 0.05 * np.sqrt(len(m)):
        return None
    best, least = None, np.inf
    # The images' own horizontal flip first; a shape that lies askew needs another axis.
    for degrees in (0, 8, -8, 16, -16, 24, -24, *(() if upright else range(32, 330, 8))):
        factor, order = np.exp(1j * np.radians(degrees)), None
        for _ in range(20):
            placed = -factor * m.conj()
            found = _involution(abs(m[:, None] - placed) ** 2, linear_sum_assignment)
            if order is not None and (found == order).all():
                break
            order = found
            inner = ((-m.conj()[order]).conj() * m).sum()
            factor = inner / abs(inner) if abs(inner) else factor
        distance = np.sqrt(max(0.0, 1 - abs(((-m.conj()[order]).conj() * m).mean()) ** 2))
        if distance < 0.7 * least:
            best, least = order, distance
    indices = np.arange(len(mean))
    indices[there] = there[best]
    return indices, float(least)


def same_shapes(z: np.ndarray, shape: MeanShape | None) -> list[tuple[int, int]]:
    """Pairs of images with the same points: equal in pixels, or up to a similarity (another crop) to 1e-6 of the size.

    Args:
        z: (N, K) complex, NaN where not visible; images with fewer than five landmarks or a size below 15 pixels are
            left out.
        shape: Their mean shape, or None: only equal pixels are found.

    Returns:
        (i, j) with i < j, j once at most.
    """
    # Fewer may agree by chance, in whole pixels at least.
    rows = np.flatnonzero(np.isfinite(z).sum(1) >= 5)
    rows = rows[np.nanstd(z[rows], axis=1) >= 15] if len(rows) else rows
    first: dict[bytes, int] = {}
    found = {}
    for row in rows.tolist():
        other = first.setdefault(z[row].tobytes(), row)
        if other != row:
            found[row] = other
    if shape is None:
        return sorted((i, j) for j, i in found.items())
    rows = rows[np.isfinite(shape.fit.distance[rows])]
    aligned = np.nan_to_num(shape.fit.aligned[rows])
    rng = np.random.default_rng(0)
    line = aligned.real @ rng.standard_normal(z.shape[1]) + aligned.imag @ rng.standard_normal(z.shape[1])
    order = np.argsort(line, kind='stable')
    for step in (1, 2):
        left, right = order[:-step], order[step:]
        close = abs(line[left] - line[right]) < 1e-5
        for a, b in zip(left[close].tolist(), right[close].tolist(), strict=True):
            same_gaps = (np.isfinite(z[rows[a]]) == np.isfinite(z[rows[b]])).all()
            if same_gaps and abs(aligned[a] - aligned[b]).max() < 1e-6:
                i, j = sorted((int(rows[a]), int(rows[b])))
                found.setdefault(j, i)
    return sorted((i, j) for j, i in found.items())


def _central(z: np.ndarray) -> np.ndarray | None:
    """The image to which the nearest others are nearest, of up to 64 that have the most landmarks."""
    seen = np.isfinite(z)
    count = seen.sum(1)
    rows = np.argsort(-count, kind='stable')
    rows = rows[count[rows] >= max(MIN_LANDMARKS, 0.9 * count.max())]
    rows = rows[np.linspace(0, len(rows) - 1, min(64, len(rows))).round().astype(int)]
    if not len(rows):
        return None
    others = np.linspace(0, len(z) - 1, min(512, len(z))).round().astype(int)
    values = []
    for row in rows:
        distance = fit_shape(z[others], z[row]).distance
        distance = distance[np.isfinite(distance)]
        values.append(np.quantile(distance, BULK) if len(distance) >= MIN_IMAGES else np.inf)
    best = int(np.argmin(values))
    return _standard(z[rows[best]]) if np.isfinite(values[best]) else None


def _median(aligned: np.ndarray) -> np.ndarray:
    """The median of each landmark (K,) over images (N, K), NaN where none has it."""
    known = np.isfinite(aligned).any(0)
    mean = np.full(aligned.shape[1], complex(np.nan, np.nan))
    mean[known] = np.nanmedian(aligned[:, known].real, axis=0) + 1j * np.nanmedian(aligned[:, known].imag, axis=0)
    return mean


def _standard(shape: np.ndarray) -> np.ndarray:
    """A shape with its centre at 0 and of size 1."""
    known = np.isfinite(shape)
    centred = shape - shape[known].mean()
    size = np.sqrt((abs(centred[known]) ** 2).mean())
    return centred / size if size > 0 else centred


def _middle_angle(turns: np.ndarray) -> float:
    """The circular median's stand-in: the mean direction, refined by the median of what is left."""
    turns = turns[np.isfinite(turns)]
    middle = np.angle(np.exp(1j * turns).mean())
    for _ in range(3):
        middle += np.median(np.angle(np.exp(1j * (turns - middle))))
    return float(middle)


def _spread(fit: Fit, near: np.ndarray) -> np.ndarray:
    """Each landmark's standard deviation along an axis (K,), from the median length of the residuals of images (N,)."""
    residual = fit.residual[near]
    known = np.isfinite(residual).any(0)
    spread = np.full(residual.shape[1], np.inf)
    spread[known] = np.maximum(FROM_RADIUS * np.nanmedian(abs(residual[:, known]), axis=0), 0.01)
    return spread


def _involution(cost: np.ndarray, assign) -> np.ndarray:
    """The cheapest assignment in which partners agree: that of the symmetric cost, its longer cycles cut greedily."""
    both = cost + cost.T
    order = assign(both)[1]
    loose = {int(k) for k in np.flatnonzero(order[order] != np.arange(len(order)))}
    for _, i, j in sorted((both[i, j], i, j) for i in loose for j in loose if i <= j):
        if i in loose and j in loose:
            order[i], order[j] = j, i
            loose -= {i, j}
    return order
