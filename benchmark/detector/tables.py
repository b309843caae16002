"""The tables of a prediction: landmarks, measurements, photographs, and COCO."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.datasets.formats.crops import landmark_box
from benchmark.datasets.metainfo import LandmarkMeta
from benchmark.statistics.measurements import classify, value
from benchmark.utils.files import write_text
from benchmark.utils.measurement import LENGTH, RATIO, Measurement, read

#: Columns that not every prediction has.
OPTIONAL = ('spread', 'radius', 'radius_all')


def write_tables(out: Path, scheme: LandmarkMeta, names: Sequence[str], lines: Mapping[str, dict[str, Any]],
                 untrained: Iterable[str] = ()) -> None:
    """Writes ``landmarks.csv``, ``measurements.csv``, ``images.csv`` and ``landmarks.coco.json``.

    Args:
        out: The output folder.
        scheme: The landmarks.
        names: The photographs, in their order.
        lines: Name -> line (:func:`.journal.line_of`), or its ``error``; those that are not there yet are left out.
        untrained: Landmarks that no training image had: their points mean nothing, and they are left out.
    """
    untrained = set(untrained)
    found = [lines[name] for name in names if name in lines]
    done = [line for line in found if 'error' not in line]
    write_text(out / 'landmarks.csv', csv_text(
        ('image', 'landmark', 'x', 'y', 'score', *OPTIONAL),
        ((line['image'], name, *line['points'][k], line['scores'][k], *(_given(line, key, k) for key in OPTIONAL))
         for line in done for k, name in enumerate(scheme.landmarks) if name not in untrained)))
    write_text(out / 'images.csv', csv_text(
        ('image', 'width', 'height', 'doubt', 'problem', 'note'),
        ((line['image'], '', '', '', line['error'], '') if 'error' in line else
         (line['image'], *line['size'], line['doubt'], '', '; '.join(line['said'])) for line in found)))
    declared = {name: read(ends) for name, ends in scheme.measurements.items() if not untrained & set(ends)}
    classed = any(what.classes for what in declared.values())
    write_text(out / 'measurements.csv', csv_text(
        ('image', 'measurement', 'pixels', 'mm', 'degrees', 'ratio', *(('class',) if classed else ()), 'note'),
        _measured(scheme, done, declared, classed)))
    # Without line breaks: with them, Python's slow encoder takes longer than the network.
    write_text(out / 'landmarks.coco.json', json.dumps(_coco(scheme, done, untrained), allow_nan=False))


def _given(line: dict[str, Any], key: str, landmark: int) -> float | str:
    value = line[key][landmark] if line.get(key) else None
    return '' if value is None else value


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table with a line for its names and one for each row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _measured(scheme: LandmarkMeta, done: Sequence[dict[str, Any]], declared: Mapping[str, Measurement],
              classed: bool) -> list[tuple[float | str, ...]]:
    """The rows of all photographs and measurements. All at once take half of the time of one by one."""
    if not done or not declared:
        return []
    places = {name: place for place, name in enumerate(scheme.landmarks)}
    # (N, K, 2), in square pixels.
    points = np.array([line['points'] for line in done]) * np.array([line['square'] for line in done])[:, None]
    values = [value(what, {name: points[:, places[name]] for name in what.landmarks}) for what in declared.values()]
    return [(line['image'], name, *_cells(float(column[row]), line['mm'], what, classed))
            for row, line in enumerate(done) for (name, what), column in zip(declared.items(), values, strict=True)]


def _cells(found: float, spacing: float | None, what: Measurement, classed: bool) -> tuple[float | str, ...]:
    """A length in pixels, square ones, and in millimetres where known; an angle; a ratio; a class; and a note.

    Bounds in pixels are those of the prepared images, so that nothing is in such a class here.
    """
    if math.isnan(found):
        return '', '', '', '', *([''] if classed else []), 'two of its points coincide'
    mm = found * spacing if what.unit == LENGTH and spacing else math.nan
    judged = mm if what.unit == LENGTH else found
    name = '' if what.classes is None or math.isnan(judged) or what.classes.unit == 'px' else \
        what.classes.names[int(classify(np.array(judged), what.classes, what.turns))]
    last = (*([name] if classed else []), '')
    if what.unit == LENGTH:
        return round(found, 4), '' if math.isnan(mm) else round(mm, 4), '', '', *last
    return ('', '', '', round(found, 4), *last) if what.unit == RATIO else ('', '', round(found, 4), '', *last)


def _coco(scheme: LandmarkMeta, done: Sequence[dict[str, Any]], untrained: set[str]) -> dict[str, Any]:
    """COCO key points, as ``tools/prepare_data.py coco`` reads them."""
    category = dict(id=1, name=scheme.name, keypoints=list(scheme.landmarks), skeleton=[],
                    flip_indices=list(scheme.flip_indices))
    entries, annotations = [], []
    for number, line in enumerate(done, 1):
        width, height = line['size']
        entries.append(dict(id=number, file_name=line['image'], width=width, height=height))
        flat, seen = [], []
        for name, (x, y) in zip(scheme.landmarks, line['points'], strict=True):
            flat += [0, 0, 0] if name in untrained else [x, y, 2]
            seen += [] if name in untrained else [(x, y)]
        box = landmark_box(np.array(seen or [(0.0, 0.0)]))
        annotations.append(dict(id=number, image_id=number, category_id=1, iscrowd=0, keypoints=flat,
                                num_keypoints=len(seen), bbox=[*box], area=box[2] * box[3],
                                keypoint_scores=line['scores'], score=round(1 - line['doubt'], 4)))
    return dict(images=entries, annotations=annotations, categories=[category])
