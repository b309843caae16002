"""Readers of annotation files: one registered class a file; a user's own are loaded by :func:`load`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

from benchmark.datasets.metainfo import DataError

from . import (  # noqa: F401  (registers the readers)
    cvat,
    deeplabcut,
    dlib_xml,
    imagej,
    labelme,
    labelstudio,
    sleap,
    slicer,
    tps,
    yolo,
)
from .base import PIXEL_ORIGINS, READERS, Annotated, Landmarks, Reader, has_keys, peek, register

__all__ = ['ENTRY_POINTS', 'PIXEL_ORIGINS', 'READERS', 'Annotated', 'Landmarks', 'Reader', 'has_keys', 'load',
           'load_installed', 'peek', 'register']
#: Group of the entry points that installed packages name their readers' modules in.
ENTRY_POINTS = 'landmark_benchmark.readers'


def load(path: str | Path) -> list[str]:
    """Executes a user's file, which registers readers.

    Returns:
        Their names.

    Raises:
        DataError: No such file, one that fails, or one that registers none.
    """
    path, before = Path(path), set(READERS)
    if not path.is_file():
        raise DataError(f'--reader: {path}: no such file. Give a Python file with a class that @register registers.')
    spec = importlib.util.spec_from_file_location(f'reader_{path.stem}', path)
    assert spec is not None and spec.loader is not None
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except Exception as error:
        raise DataError(f'--reader: {path}: {type(error).__name__}: {error}') from error
    added = [name for name in READERS if name not in before]
    if not added:
        raise DataError(f'--reader: {path}: no reader is registered there. Write @register above its class.')
    return added


def load_installed() -> None:
    """Imports the modules that installed packages name in the group ``ENTRY_POINTS``.

    Raises:
        DataError: One of them fails.
    """
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            entry.load()
        except Exception as error:
            raise DataError(f'reader {entry.name} of an installed package ({entry.value}): {type(error).__name__}: '
                            f'{error}. Repair or uninstall the package.') from error
