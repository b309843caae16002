"""Straight lines from a name to what it names, cut by arithmetic: matplotlib halves curves until it finds the cut."""

from __future__ import annotations

import numpy as np
from matplotlib.patches import Patch
from matplotlib.path import Path


def straight(start: tuple[float, float], end: tuple[float, float], shrinkA: float = 0, shrinkB: float = 0,
             patchA: Patch | None = None, patchB: Patch | None = None) -> Path:
    """The line of ``connectionstyle`` in ``arrowprops``; takes what matplotlib's own styles are given.

    Args:
        start: In the middle of the name, in pixels, as ``end`` and what follows.
        end: What is named.
        shrinkA: From the name's box to the line.
        shrinkB: From the line to ``end``.
        patchA: The name's box, upright.
        patchB: A box around ``end``, which names have none of.

    Raises:
        ValueError: There is a ``patchB``.
    """
    if patchB is not None:
        raise ValueError('a pointer ends at a point: leave patchB out of arrowprops')
    one, two = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    if patchA is not None:
        box = patchA.get_path().get_extents(patchA.get_transform())
        step = two - one
        with np.errstate(divide='ignore', invalid='ignore'):
            out = np.where(step > 0, box.max - one, box.min - one) / step
        leaves = out[step != 0].min(initial=np.inf)
        if 0 < leaves < 1:
            one = one + leaves * step
    for shrink, forward in ((shrinkA, True), (shrinkB, False)):
        length = np.hypot(*(two - one))
        if 0 < shrink < length:
            piece = (two - one) * (shrink / length)
            one, two = (one + piece, two) if forward else (one, two - piece)
    return Path([one, two], [Path.MOVETO, Path.LINETO])
