"""Which format a prepared set was made of; a file beside its ``metainfo.json``, no part of its fingerprint."""

from __future__ import annotations

import json
from pathlib import Path

#: Beside ``metainfo.json``.
CAME = 'format.json'


def write_format(root: Path, name: str) -> None:
    """Notes which format of ``tools/prepare_data.py`` a set was made of."""
    (root / CAME).write_text(json.dumps(dict(format=name)) + '\n', encoding='utf-8')


def read_format(root: str | Path) -> str | None:
    """The format that a prepared set came in; None where nothing is written of it, as in older sets."""
    try:
        found = json.loads((Path(root) / CAME).read_text(encoding='utf-8'))
        name = found['format']
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None
