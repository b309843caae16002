"""A contact sheet of a prepared data set: one look tells whether landmarks are swapped, flipped, shifted or scaled."""

from __future__ import annotations

from pathlib import Path

from benchmark.datasets.findings import Report
from benchmark.datasets.metainfo import DataError

from .html import page
from .panels import sheet_of
from .png import picture

__all__ = ['ENDINGS', 'write_sheet']
#: Endings of a sheet's file.
ENDINGS = ('.html', '.png')


def write_sheet(root: Path, path: Path, report: Report, count: int = 24) -> None:
    """Draws the set's landmarks: mean shape, positions, mirrored views, and images with the outliers first.

    Args:
        root: A prepared data set of landmarks.
        path: A file outside of it that ends in .html or .png.
        report: What the check found: the images that it names come first.
        count: Images to show.

    Raises:
        DataError: Another ending, a file in the set, or a set that cannot be read.
    """
    path, root = Path(path), Path(root)
    if path.suffix.lower() not in ENDINGS:
        raise DataError(f'--sheet: {path} ends in neither of {", ".join(ENDINGS)}. Choose one.')
    if path.resolve().is_relative_to(root.resolve()):
        raise DataError(f'--sheet: {path} lies in the data set. Give a file outside of {root}.')
    if count < 1:
        raise DataError(f'--sheet-images: {count} is below 1.')
    if (root / 'index.csv').exists():
        raise DataError(f'--sheet: {root} is a set of identities, without landmarks. There is nothing to draw.')
    sheet = sheet_of(root, report, count)
    if path.suffix.lower() == '.html':
        path.write_text(page(sheet), encoding='utf-8')
    else:
        picture(sheet).save(path)
