"""``analysis.json`` as it stands on disk: the same content gives the same bytes."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.utils.files import write_text

#: Significant digits: more than a double keeps through sums of thousands of terms, whatever their order.
DIGITS = 12


def write_json(content: dict[str, Any], path: str | Path) -> Path:
    """Write JSON atomically; NaN and infinity become null. Lists of numbers take one line each."""
    text = json.dumps(plain(content), sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False)
    text = re.sub(r'\[\n\s+([^\[\]{}"]+?)\n\s+\]', lambda found: f'[{" ".join(found[1].split())}]', text) + '\n'
    write_text(path, text)
    return Path(path)


def plain(value: Any) -> Any:
    """Python objects only, numbers with twelve significant digits; what is not finite becomes None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(f'{value:.{DIGITS}g}') + 0.0 if math.isfinite(value) else None
    return value if value is None or isinstance(value, str) else str(value)
