"""How a tool says that it can't go on: one line on standard error, and an exit code."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmark.utils.spoken import spoken


def refuse(error: Exception, place: str | Path | None = None, code: int = 2) -> int:
    """Prints ``error: ...`` in one line.

    Args:
        error: What was raised; what the system said of a file gets its name and a remedy.
        place: What to name where the system named no file.
        code: The exit code.

    Returns:
        ``code``.
    """
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f'{error.filename or place}: {error.strerror}. Check path, permissions and free space.'
    print('error: ' + spoken(' '.join(text.split())), file=sys.stderr)
    return code
