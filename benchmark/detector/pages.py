"""Pictures of photographs with their landmarks, and a page to leaf through them, the doubtful ones first."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmark.utils.files import write_text

#: Folder of the pictures.
PICTURES = 'pictures'
#: Most photographs with a problem that the page names; images.csv names all.
NAMED = 20
#: BGR: a bright point in a dark ring, to be seen on any ground.
POINT, RING = (80, 230, 240), (30, 30, 30)


def draw(out: Path, name: str, picture: np.ndarray, points: np.ndarray, size: tuple[int, int],
         radii: Sequence[float | None] | None = None, square: tuple[float, float] = (1.0, 1.0)) -> None:
    """Writes a picture with its landmarks, each in its circle where there is one.

    Args:
        out: The output folder.
        name: The photograph's name; the picture's is the same with ``.jpg``.
        picture: (h, w, 3), BGR; it is drawn on.
        points: (K, 2) in pixels of the photograph.
        size: Width and height of the photograph.
        radii: (K,), in pixels of the photograph, square ones.
        square: What a pixel counts across and down.
    """
    height, width = picture.shape[:2]
    placed = (points + 0.5) * (width / size[0], height / size[1]) - 0.5
    radius = max(2, round(max(width, height) / 160))
    across, down = width / size[0] / square[0], height / size[1] / square[1]
    for (x, y), wide in zip(placed, radii or [None] * len(placed), strict=True):
        if wide is not None:
            # In sixteenths of a pixel.
            centre, axes = (round(16 * float(x)), round(16 * float(y))), (round(16 * wide * across),
                                                                          round(16 * wide * down))
            cv2.ellipse(picture, centre, axes, 0, 0, 360, RING, 3, cv2.LINE_AA, 4)
            cv2.ellipse(picture, centre, axes, 0, 0, 360, POINT, 1, cv2.LINE_AA, 4)
    for x, y in np.rint(placed).astype(int).tolist():
        cv2.circle(picture, (x, y), radius + 1, RING, -1, cv2.LINE_AA)
        cv2.circle(picture, (x, y), radius, POINT, -1, cv2.LINE_AA)
    target = out / PICTURES / f'{name}.jpg'
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())


def write_page(out: Path, about: str, names: Sequence[str], lines: Mapping[str, dict[str, Any]],
               pictures: bool, warning: str = '') -> None:
    """Writes ``index.html``; its size goes with the names, not with the pictures.

    Args:
        out: The output folder.
        about: What has predicted, in words.
        names: The photographs, in their order.
        lines: Name -> line; see :func:`.journal.line_of`.
        pictures: Whether there are pictures.
        warning: What speaks against using them at all, or nothing.
    """
    found = [lines[name] for name in names if name in lines]
    done = [line for line in found if 'error' not in line]
    bad = [line for line in found if 'error' in line]
    data = json.dumps([[line['image'], line['doubt'], f'{line["image"]}.jpg' if pictures else ''] for line in done],
                      ensure_ascii=False, separators=(',', ':')).replace('<', '\\u003c')
    problems = ''
    if bad:
        rest = f'<li>and {len(bad) - NAMED} more: see images.csv</li>' if len(bad) > NAMED else ''
        rows = ''.join(f'<li>{html.escape(line["error"])}</li>' for line in bad[:NAMED])
        problems = f'<h2>Without landmarks: {len(bad)}</h2><ul>{rows}{rest}</ul>'
    if left := len(names) - len(found):
        problems = f'<p><strong>{left} photographs are still to be predicted.</strong></p>{problems}'
    count = f'{len(done)} photograph{"s" if len(done) != 1 else ""}'
    warned = f'<p role="note" class="warning"><strong>Warning:</strong> {html.escape(warning)}</p>' if warning else ''
    page = Path(__file__).with_name('page.html').read_text(encoding='utf-8')
    for key, value in dict(count=count, warning=warned, about=html.escape(about), problems=problems, data=data).items():
        page = page.replace(f'%({key})s', value, 1)
    write_text(out / 'index.html', page)
