"""Which format SRC is of."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.metainfo import IMAGE_ENDINGS, DataError
from benchmark.datasets.readers.base import FEW

_COCO_KEYS = ('images', 'annotations', 'categories')
_EDGE = 32768


def recognise(src: str, dst: str, formats: Mapping[str, Converter]) -> tuple[str, str]:
    """The one format that SRC is of, and why.

    Args:
        src: A file or folder.
        dst: What is to be made, for the commands in messages.
        formats: The formats by name.

    Raises:
        DataError: SRC does not exist, no format fits, or several do.
    """
    path = Path(src)
    if not path.exists():
        near = difflib.get_close_matches(src, formats, 1)
        raise DataError(f'{src}: no such file or folder, and no FORMAT. {f"Did you mean {near[0]}? " if near else ""}'
                        f'FORMAT is one of: {", ".join(formats)}.')
    fits = {name: reason for name, form in formats.items() if (reason := form.recognise(path))}
    if not fits and (images := _only_images(path)):
        raise DataError(f'{src}: {images} images and no file that could hold landmarks. Give the folder or file of the '
                        f'annotations; where it is not beside the images: tools/prepare_data.py ANNOTATIONS {dst} '
                        f'--images {src}.')
    if not fits:
        raise DataError(f'{src}: the format is not recognised. Say which it is: tools/prepare_data.py FORMAT {src} '
                        f'{dst}, FORMAT being one of: {", ".join(formats)}.')
    if len(fits) > 1:
        listed = '; or '.join(f'tools/prepare_data.py {name} {src} {dst} ({reason})' for name, reason in fits.items())
        raise DataError(f'{src}: {len(fits)} formats fit. Say which it is: {listed}.')
    return next(iter(fits.items()))


def _only_images(src: Path) -> int:
    """The number of images in a folder that holds nothing else; 0 where there is something else."""
    files = [path for path in src.rglob('*') if path.is_file() and not path.name.startswith('.')] \
        if src.is_dir() else []
    return len(files) if all(path.suffix.lower() in IMAGE_ENDINGS for path in files) else 0


def having(*names: str) -> Callable[[Path], str | None]:
    """A look for one of the files or folders by which a public data set is recognised; patterns are for SRC itself."""
    def reason(src: Path) -> str | None:
        found = next((name for name in names if src.is_dir() and next(src.glob(name), None) is not None), None)
        return None if found is None else f'{found} is there'

    return reason


def coco_reason(src: Path) -> str | None:
    """Why SRC holds COCO files, or None."""
    folder = src / 'annotations' if (src / 'annotations').is_dir() else src
    paths = [src] if src.is_file() else sorted(p for p in folder.glob('*.json') if p.name != 'metainfo.json')
    for path in [p for p in paths if p.suffix.lower() == '.json'][:FEW]:
        text = edges(path)
        keys = [key for key in _COCO_KEYS if f'"{key}"' in text]
        if len(keys) > 1 and text.lstrip()[:1] == '{' and ('"image_id"' in text or '"file_name"' in text):
            return f'{path.name} has the fields {" and ".join(keys)} of COCO'
    return None


def edges(path: Path) -> str:
    """The beginning and the end of a file, as text."""
    try:
        with path.open('rb') as file:
            data = file.read(_EDGE)
            file.seek(max(len(data), os.fstat(file.fileno()).st_size - _EDGE))
            return (data + file.read(_EDGE)).decode('utf-8', 'replace').lstrip('\ufeff')
    except OSError:
        return ''
