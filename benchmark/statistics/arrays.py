"""Arrays by what they hold, for annotations; their shapes stand in docstrings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Which of something.
Masks = NDArray[np.bool_]
#: Places, codes and counts.
Integers = NDArray[np.integer]
#: Names.
Objects = NDArray[np.object_]
