"""What a prediction has done so far: a line for each photograph, so that an interrupt loses none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmark.utils.files import write_json

from .loaded import DetectorError, Network
from .photographs import Photograph, Reading, Source
from .predictor import Prediction
from .regions import Circles

#: In the output folder: which prediction it is, and its lines.
ABOUT, LINES = 'prediction.json', 'predictions.jsonl'
#: Digits after the point of coordinates and scores.
DIGITS = 4


def about(networks: Iterable[Network], reading: Reading, boxes: Mapping[str, Any] | None,
          regions: Circles | None) -> dict[str, Any]:
    """What makes a prediction the one that it is: networks, reading and regions."""
    networks = list(networks)
    return dict(format_version=1, networks=[dict(network.meta['run'], sha256=network.sha256) for network in networks],
                scheme=networks[0].meta['landmarks'], crop=reading.crop, turned=reading.turned,
                dicom_window=reading.window, boxes=boxes and {name: list(box) for name, box in sorted(boxes.items())},
                regions=regions and regions.content())


def open_folder(out: Path, content: dict[str, Any]) -> None:
    """Makes the output folder, or checks that the one there holds this prediction.

    Raises:
        DetectorError: It holds another one, or something else.
    """
    content = json.loads(json.dumps(content))
    path = out / ABOUT
    if not path.exists():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise DetectorError(f'{out}: is there already and holds no prediction. Give another --out.')
        write_json(path, content)
        return
    try:
        before = json.loads(path.read_text(encoding='utf-8'))
    except ValueError:
        raise DetectorError(f'{path}: is damaged. Give another --out.') from None
    if before != content:
        key = next(key for key in {**content, **before} if before.get(key) != content.get(key))
        raise DetectorError(f'{out}: holds another prediction ({key} differs). Give another --out.')


class Journal:
    """The lines of a prediction, by a photograph's name.

    Args:
        out: The output folder. A line that was cut short is taken off.
    """

    def __init__(self, out: Path) -> None:
        self.path = out / LINES
        self.lines: dict[str, dict[str, Any]] = {}
        content = self.path.read_bytes() if self.path.exists() else b''
        whole = content[:content.rfind(b'\n') + 1]
        if whole != content:
            with open(self.path, 'r+b') as file:
                file.truncate(len(whole))
        for text in whole.splitlines():
            try:
                line = json.loads(text)
                self.lines[line['image']] = line
            except (ValueError, KeyError, TypeError):
                continue  # It is predicted again.

    def has(self, source: Source) -> bool:
        """Whether a photograph's landmarks are there, and its file is as it was then."""
        line = self.lines.get(source.name)
        return line is not None and 'error' not in line and line['file'] == stamp(source.path)

    def add(self, lines: Iterable[dict[str, Any]]) -> None:
        """Writes lines."""
        lines = list(lines)
        with open(self.path, 'a', encoding='utf-8') as file:
            file.write(''.join(json.dumps(line, ensure_ascii=False, allow_nan=False) + '\n' for line in lines))
        self.lines.update((line['image'], line) for line in lines)


def stamp(path: Path) -> list[int]:
    """What tells whether a file is the same: its bytes and when it was changed."""
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]


def line_of(source: Source, photograph: Photograph, prediction: Prediction, stamped: list[int],
            spacing: float | None) -> dict[str, Any]:
    """A photograph's line.

    Args:
        source: Its name and file.
        photograph: How it was read.
        prediction: Its landmarks.
        stamped: From :func:`stamp`, before it was read.
        spacing: Millimetres per pixel that the scheme states, or None.
    """
    def rounded(values) -> list | None:
        return values if values is None else [value if value is None else round(float(value), DIGITS)
                                              for value in values]

    return dict(image=source.name, file=stamped, size=list(photograph.size),
                points=[rounded(point) for point in prediction.points], scores=rounded(prediction.scores),
                spread=rounded(prediction.spread), radius=rounded(prediction.radius),
                radius_all=rounded(prediction.radius_all), doubt=round(prediction.doubt, DIGITS),
                square=list(photograph.square), mm=photograph.spacing or spacing, said=photograph.said)
