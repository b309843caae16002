"""Angles of landmarks: at the middle one of three, or between two lines of four."""

from __future__ import annotations

import numpy as np

from .arrays import Floats


def angle(points: Floats, signed: bool = False) -> Floats:
    """Angles in degrees.

    Args:
        points: a, b, c: the angle at b from a to c; or a, b, c, d: from the direction a to b to that of c to d. Shape
            (..., 3, 2) or (..., 4, 2): x to the right and y down, in units of one size.
        signed: Whether turning clockwise, as one sees the image, counts above 0 and the other way below.

    Returns:
        Shape (...): 0 to 180, signed above -180 and up to 180; NaN where two points of a direction coincide.
    """
    points = np.asarray(points, np.float64)
    if points.shape[-2] == 3:
        first, second = points[..., 0, :] - points[..., 1, :], points[..., 2, :] - points[..., 1, :]
    else:
        first, second = points[..., 1, :] - points[..., 0, :], points[..., 3, :] - points[..., 2, :]
    across = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    found = np.degrees(np.arctan2(across, (first * second).sum(-1)))
    # A turn by -180 is one by 180.
    found = np.where(found <= -180, 180.0, found) if signed else np.abs(found)
    known = (first != 0).any(-1) & (second != 0).any(-1)
    return np.where(known, found, np.nan)


def unwrapped(predicted: Floats, true: Floats) -> tuple[Floats, Floats]:
    """Signed angles without a jump: the true ones about their circular mean, each predicted one nearest to its own.

    So 179 and -179 differ by 2 degrees, and angles that lie around 180 have a mean there.

    Args:
        predicted, true: In degrees, of one shape.
    """
    turn = np.radians(true)
    middle = np.degrees(np.arctan2(np.sin(turn).mean(), np.cos(turn).mean()))
    around = middle + _nearest(true - middle)
    return around + _nearest(predicted - true), around


def _nearest(difference: Floats) -> Floats:
    """Differences of angles, above -180 and up to 180."""
    found: Floats = 180.0 - np.mod(180.0 - difference, 360.0)
    return found
