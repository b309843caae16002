"""What a format provides."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.datasets.findings import Finding


@dataclass(frozen=True)
class Converter:
    """One format of ``tools/prepare_data.py``.

    Attributes:
        name: Name on the command line.
        summary: One line of help.
        description: What SRC looks like, with an example.
        add_arguments: Adds the format's options to a parser.
        convert: ``convert(src, out, args)`` writes a prepared set to the new folder ``out`` and returns
            notes and warnings; it raises DataError for bad input.
        recognise: SRC -> why it is of this format, or None; a cheap look.
    """

    name: str
    summary: str
    description: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    convert: Callable[[str, Path, argparse.Namespace], list[str | Finding]]
    recognise: Callable[[Path], str | None] = lambda src: None
