"""How much of the level is spent by when (Lan and DeMets 1983)."""

from __future__ import annotations

import numpy as np
from scipy import special

from ..arrays import Floats
from .plan import HSD, OBRIEN_FLEMING, POCOCK, SPENDINGS


def spent(level: Floats | float, time: Floats | float, spending: str) -> Floats:
    """Level of a two-sided test that is spent until a time; half of it on either side.

    ``obrien_fleming``: 4 (1 - Phi(z[level/4] / sqrt(t))); ``pocock``: level * log(1 + (e - 1) t); ``hsd:<gamma>``:
    level * (1 - exp(-gamma t)) / (1 - exp(-gamma)), level * t for gamma 0. All spend the whole level at t = 1.

    Args:
        level: Of the two-sided test, in (0, 1).
        time: In (0, 1], of a shape that goes with the level's.
        spending: One of :data:`.plan.SPENDINGS`.

    Raises:
        ValueError: Another one.
    """
    level, time = np.asarray(level, np.float64), np.asarray(time, np.float64)
    found: Floats
    if spending == OBRIEN_FLEMING:
        found = 4 * special.ndtr(special.ndtri(level / 4) / np.sqrt(time))
    elif spending == POCOCK:
        found = level * np.log1p((np.e - 1) * time)
    elif spending.startswith(HSD):
        gamma = float(spending[len(HSD):])
        found = level * (np.expm1(-gamma * time) / np.expm1(-gamma) if gamma else time)
    else:
        raise ValueError(f'spending {spending!r} is not one of {", ".join(SPENDINGS)}')
    return np.minimum(found, level)
