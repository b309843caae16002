"""How large a heatmap pixel is in the photograph."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .arrays import Floats

#: Heatmap pixels per pixel of the photograph, across and down.
SCALES = ('scale_x', 'scale_y')


def one_scale(table: pd.DataFrame) -> Floats:
    """s = sqrt(s_x s_y) of each row (rows,), NaN where it is not known; the table has :data:`SCALES`."""
    across, down = (table[name].to_numpy(np.float64) for name in SCALES)
    scale: Floats = np.sqrt(across * down)
    return scale
