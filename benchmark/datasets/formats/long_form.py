"""Tables with a row for each landmark of an image: brought to a row for each image."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from benchmark.datasets.metainfo import DataError

#: Columns that name the landmark of a row, and those of its visibility.
LANDMARK_WORDS = ('landmark', 'landmark_name', 'point', 'point_name', 'keypoint', 'bodypart', 'label')
VISIBLE_WORDS = ('v', 'visible', 'visibility')


def widen(path: Path, columns: list[str], plain: list[str], rows: list[tuple[int, list[str]]],
          notes: list[str]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """A row for each image, with columns ``<landmark>_x`` and ``<landmark>_y``; other tables come back as they are.

    Args:
        path: The table, for messages.
        columns: Names of the columns as they are written.
        plain: The same in lower case, with underscores.
        rows: Line number and cells of each row.
        notes: Gets a note where the table was of this form.

    Raises:
        DataError: A landmark that an image has twice, or another value of one image's rows in a further column.
    """
    key = next((word for word in LANDMARK_WORDS if plain.count(word) == 1), None)
    if key is None or any(plain.count(word) != 1 for word in ('image', 'x', 'y')):
        return columns, rows
    image, name, x, y = (plain.index(word) for word in ('image', key, 'x', 'y'))
    seen = next((plain.index(word) for word in VISIBLE_WORDS if plain.count(word) == 1), None)
    used = {image, name, x, y, seen}
    others = [k for k in range(len(columns)) if k not in used]
    found: dict[str, dict[str, tuple[int, list[str]]]] = defaultdict(dict)
    for line, cells in rows:
        of_image = found[cells[image]]
        if not cells[name]:
            raise DataError(f'{path}: line {line}: {columns[name]} is empty. Name the landmark.')
        if cells[name] in of_image:
            raise DataError(f'{path}: line {line}: image {cells[image]!r} has {cells[name]!r} in line '
                            f'{of_image[cells[name]][0]} already. Keep one row.')
        for line_before, before in list(of_image.values())[:1]:
            for k in others:
                if before[k] != cells[k]:
                    raise DataError(f'{path}: line {line}: {columns[k]} of image {cells[image]!r} is {cells[k]!r}, in '
                                    f'line {line_before} {before[k]!r}. Make the rows of an image agree.')
        of_image[cells[name]] = line, cells
    names = list(dict.fromkeys(one for of_image in found.values() for one in of_image))
    axes = [(x, 'x'), (y, 'y'), *([] if seen is None else [(seen, 'v')])]
    wide = []
    for which, of_image in found.items():
        line, first = next(iter(of_image.values()))
        wide.append((line, [which, *(first[k] for k in others), *(
            of_image[one][1][k] if one in of_image else '' for one in names for k, _ in axes)]))
    notes.append(f'{path.name}: a row for each landmark: {len(rows)} rows of {len(wide)} images and {len(names)} '
                 f'landmarks (column {columns[name]})')
    return ['image', *(columns[k] for k in others), *(f'{one}_{axis}' for one in names for _, axis in axes)], wide
