"""How large a heatmap pixel is in the photograph."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .arrays import Floats

#: Heatmap pixels per pixel of the photograph, across and down.
SCALES = ('scale_x', 'scale_y')
#: What a table must have for distances in the photograph; foreign ones that lack it are taken as they are.
COLUMNS = ('error_photo', *SCALES)


def one_scale(table: pd.DataFrame) -> Floats:
    """s = sqrt(s_x s_y) of each row (rows,), NaN where it is not known; the table has :data:`SCALES`."""
    across, down = (table[name].to_numpy(np.float64) for name in SCALES)
    scale: Floats = np.sqrt(across * down)
    return scale


def isotropic(table: pd.DataFrame) -> Floats:
    """Errors in heatmap pixels as distances in the photograph: s |p - q|.

    Args:
        table: A results table.

    Returns:
        (rows,) ``error`` itself where both scales are the same or none is known.
    """
    error: Floats = table['error'].to_numpy(np.float64)
    if not set(COLUMNS) <= set(table.columns):
        return error
    unequal = (table['scale_x'] != table['scale_y']).to_numpy()
    if not unequal.any():
        return error
    scale = one_scale(table)
    found: Floats = np.where(unequal & np.isfinite(scale), table['error_photo'].to_numpy(np.float64) * scale, error)
    return found
