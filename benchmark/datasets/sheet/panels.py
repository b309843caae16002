"""What a contact sheet shows: which images, in which order, with which marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmark.datasets import images
from benchmark.datasets.findings import Report
from benchmark.datasets.metainfo import SPLITS, DataError, LandmarkMeta
from benchmark.datasets.prepared import read_split
from benchmark.datasets.records import Record, in_file
from benchmark.datasets.shapes import FROM_MAD, FROM_RADIUS, MeanShape, mean_shape, to_complex

#: Colours of the first of a pair, the second, and a landmark that is its own mirror image; of where the mean shape
#: would put it. Told apart in greys and with any colour vision by their brightness.
FIRST, SECOND, ALONE, FITTED = '#ff9f1c', '#2a6fdb', '#3ddc84', '#d61f69'
#: Longer side of a small and of a large panel, in pixels.
SMALL, LARGE = 226, 400
#: Landmarks up to which small and large panels write names; beyond these they write numbers.
NAMES_SMALL, NAMES_LARGE = 5, 24
#: Robust standard deviations beyond which place or size in the image is told, and the least that counts (shares).
ELSEWHERE, LEAST = 6, 0.08
#: A panel shows the part around the landmarks, so many times their extent, where that is less than this share of the
#: image.
AROUND, ENOUGH = 1.8, 0.7
#: Width of a letter of the texts in panels, in pixels, at most on average.
LETTER = 5.6
#: Words for kinds of findings that name an image.
KINDS = {'order': 'names exchanged?', 'mirrored': 'mirrored?', 'turned': 'turned', 'far-from-mean': 'far from the mean',
         'left-right': 'sides swapped?', 'same-points': 'points of another image', 'same-point': 'two on one point',
         'one-position': 'stands for missing?', 'upside-down': 'upside down?'}
_RIGHT = ('right', '_r', 'r_')


@dataclass
class Mark:
    """A landmark in a panel: x and y in the panel's pixels, what is written beside it, colour, and full name."""

    x: float
    y: float
    text: str
    colour: str
    title: str
    at: tuple[float, float] = (0, 0)    # middle of the left edge of the text, which :func:`place_texts` finds


@dataclass
class Panel:
    """One picture of the sheet.

    Attributes:
        title: Above it.
        lines: Below it.
        size: Width and height in pixels.
        image: (h, w, 3) uint8 RGB of that size, or None for an empty one.
        marks: Landmarks.
        rings: x and y where the mean shape would put each landmark, beside ``marks``, or nothing.
        dots: x, y and colour of small dots.
        flagged: Whether something is wrong with it, or may be.
    """

    title: str
    lines: list[str]
    size: tuple[int, int]
    image: np.ndarray | None = None
    marks: list[Mark] = field(default_factory=list)
    rings: list[tuple[float, float]] = field(default_factory=list)
    dots: list[tuple[float, float, str]] = field(default_factory=list)
    flagged: bool = False


@dataclass
class Sheet:
    """A contact sheet: title, what to know, the legend of numbers, large panels and small ones."""

    title: str
    notes: list[str]
    legend: list[tuple[str, str]]
    large: list[Panel]
    small: list[Panel]


def sheet_of(root: Path, report: Report, count: int) -> Sheet:
    """Chooses what is shown.

    Raises:
        DataError: The set cannot be read, or has no images.
    """
    splits = {s: read_split(root, s) for s in SPLITS if (root / f'annotations/{s}.json').exists()}
    listed = [(split, record) for split, one in splits.items() for record in one.records]
    if not listed:
        raise DataError(f'{root}: no images. There is nothing to draw.')
    meta = next(iter(splits.values())).meta
    colours = landmark_colours(meta)
    points = np.array([record.landmarks for _, record in listed])
    z = to_complex(points, np.array([record.visible for _, record in listed]))
    shape = mean_shape(z)
    scores, remarks = _scores(root, listed, z, shape, report)
    order = np.argsort(-scores, kind='stable')
    bad = [int(k) for k in order if scores[k] >= 100 or scores[k] > ELSEWHERE]
    rest = [int(k) for k in order if int(k) not in set(bad)]
    room = max(count - len(bad[:count]), 0)
    chosen = bad[:count] + [rest[k] for k in np.linspace(0, len(rest) - 1, min(room, len(rest))).round().astype(int)]
    small = [_image_panel(listed[k], meta, colours, SMALL, NAMES_SMALL, remarks[k],
                          _fitted(z[k], shape, k) if k in bad else None) for k in chosen]
    large = [_mean_panel(meta, colours, shape), _place_panel(meta, colours, listed, z)]
    for k in _typical(listed, z, scores):
        large += _mirrored(listed[k], meta, colours)
    notes = [f'{len(listed)} images ({", ".join(f"{len(s.records)} {name}" for name, s in splits.items())}), '
             f'{len(meta.landmarks)} landmarks. {len(bad)} images stand out, '
             f'{min(len(bad), count)} of them are shown first; the others are spread over the rest.',
             'Orange is the right or first of a pair, blue its mirror image, green has none. Rings: where the mean '
             'shape would put the landmarks of an image that stands out.', _mirroring(meta)]
    legend = [(colours[k], f'{k + 1} {name}') for k, name in enumerate(meta.landmarks)]
    return Sheet(meta.name, notes, legend, large, small)


def landmark_colours(meta: LandmarkMeta) -> list[str]:
    """A colour for each landmark: of a pair the right one, by its name, or else the first has the first colour."""
    colours = [ALONE] * len(meta.landmarks)
    for i, j in meta.pairs:
        name = meta.landmarks[j].lower()
        if name.endswith(_RIGHT[:2]) or name.startswith((_RIGHT[0], _RIGHT[2])):
            i, j = j, i
        colours[i], colours[j] = FIRST, SECOND
    return colours


def _mirroring(meta: LandmarkMeta) -> str:
    if meta.mirroring == 'never':
        why = 'no pairs are known' if meta.unpaired else 'the set says never'
        return f'No view is mirrored in training: {why}.'
    return {'swap': 'Mirrored views exchange the names of each pair: a colour stays on its side of the image.',
            'mask': 'Mirrored views exchange the names of each pair, which are left out of the loss.',
            'canonical': 'Images of the second side are mirrored always.'}[meta.mirroring]


def _scores(root: Path, listed: Sequence[tuple[str, Record]], z: np.ndarray, shape: MeanShape | None,
            report: Report) -> tuple[np.ndarray, list[list[str]]]:
    """How much each image stands out (100 and more: the check names it), and in what."""
    scores, remarks = np.zeros(len(listed)), [[] for _ in listed]
    of_place = {in_file(root, split, record): k for k, (split, record) in enumerate(listed)}
    for one in report.findings:
        row = _row_of(one.message, of_place)
        if row is not None:
            scores[row] += 100
            remarks[row].append(KINDS.get(one.kind, one.kind))
    if shape is not None:
        far = np.nan_to_num((shape.fit.distance - shape.typical) / shape.deviation)
        scores += np.clip(far, 0, 50)
        for row in np.flatnonzero(np.isfinite(shape.fit.distance)):
            remarks[row].append(f'{shape.fit.distance[row]:.0%} from the mean shape')
    sides = np.array([max(record.width, record.height) for _, record in listed], float)
    full = np.isfinite(z).sum(1) > 0.7 * z.shape[1]
    with np.errstate(all='ignore'):
        middle = np.nanmean(z, axis=1) / sides
        extent = np.sqrt(np.nanmean(abs(z - np.nanmean(z, axis=1, keepdims=True)) ** 2, axis=1)) / sides
        centre = complex(np.nanmedian(middle.real), np.nanmedian(middle.imag))
        for what, values, typical, factor in (
                ('place in the image', middle, centre, FROM_RADIUS),
                ('size in the image', np.log(extent), np.nanmedian(np.log(extent)), FROM_MAD)):
            off = abs(values - typical)
            limit = max(ELSEWHERE * factor * float(np.nanmedian(off[full])) if full.any() else 0, LEAST)
            for row in np.flatnonzero((off > limit) & full):
                scores[row] += ELSEWHERE + off[row] / limit
                remarks[row].append(f'unusual {what}')
    return scores, remarks


def _row_of(message: str, of_place: dict[str, int]) -> int | None:
    """The image that a finding begins with."""
    end = message.find(': image ')
    while end >= 0:
        end = message.find(': ', end + 2)
        place = message[:end] if end >= 0 else message
        if place in of_place:
            return of_place[place]
    return None


def _typical(listed: Sequence[tuple[str, Record]], z: np.ndarray, scores: np.ndarray) -> list[int]:
    """Two usual images, of two persons where there are, with the most landmarks."""
    order = sorted(range(len(listed)), key=lambda k: (scores[k] >= 100, -np.isfinite(z[k]).sum(), scores[k]))
    first = order[0]
    other = next((k for k in order[1:] if listed[k][1].subject != listed[first][1].subject or
                  listed[k][1].subject is None), None)
    return [first] if other is None else [first, other]


def _window(record: Record, whole: bool) -> tuple[int, int, int, int]:
    """Left, top, width and height of what a panel shows of an image: all of it, or the part around its landmarks."""
    everything = 0, 0, record.width, record.height
    points = record.landmarks[record.visible.astype(bool)]
    if whole or len(points) < 2:
        return everything
    low, high = points.min(0), points.max(0)
    side = round(AROUND * float((high - low).max()))
    if not 0 < side < ENOUGH * max(record.width, record.height):
        return everything
    width, height = min(side, record.width), min(side, record.height)
    left, top = ((low + high) / 2 - (width / 2, height / 2) + 0.5).round().astype(int).tolist()
    return (min(max(left, 0), record.width - width), min(max(top, 0), record.height - height), width, height)


def _image_panel(one: tuple[str, Record], meta: LandmarkMeta, colours: Sequence[str], side: int, names: int,
                 remarks: list[str], fitted: np.ndarray | None, flips: Sequence[int] | None = None) -> Panel:
    """An image with its landmarks; with ``flips`` mirrored, where landmark k is what landmark ``flips[k]`` was."""
    split, record = one
    # Where and how large the landmarks lie in the image is seen in the whole of it.
    left, top, width, height = _window(record, whole=any(remark.startswith('unusual') for remark in remarks))
    scale = side / max(width, height)
    pixels = images.read_rgb(record.path)[top:top + height, left:left + width]
    image = images.resized(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))
    part = [] if (width, height) == (record.width, record.height) else [
        f'{width / record.width:.0%} of its width, around the landmarks']
    panel = Panel(record.file_name, [', '.join([split, *remarks, *part])], (image.shape[1], image.shape[0]), image)
    points, visible = record.landmarks, record.visible
    if flips is not None:
        panel.image = np.ascontiguousarray(image[:, ::-1])
        points, visible = points[list(flips)], visible[list(flips)]
    corner = complex(left, top)
    for k, (x, y) in enumerate(((points - (left, top) + .5) * scale - .5).tolist()):
        if visible[k]:
            text = meta.landmarks[k] if len(meta.landmarks) <= names else str(k + 1)
            panel.marks.append(Mark(x if flips is None else image.shape[1] - 1 - x, y, text, colours[k],
                                    meta.landmarks[k]))
            if fitted is not None and np.isfinite(fitted[k]):
                ring = (fitted[k] - corner + .5 + .5j) * scale - .5 - .5j
                panel.rings.append((ring.real, ring.imag))
    panel.rings = panel.rings if len(panel.rings) == len(panel.marks) else []
    place_texts(panel)
    panel.flagged = fitted is not None
    return panel


def place_texts(panel: Panel) -> None:
    """Finds a place beside each mark for its text that touches no other text and no mark, or else shortens it to ''."""
    taken = [(mark.x - 4, mark.y - 4, mark.x + 4, mark.y + 4) for mark in panel.marks]
    for own, mark in enumerate(panel.marks):
        width = LETTER * len(mark.text) + 2
        for x, y in ((6, 0), (-6 - width, 0), (5, -10), (5, 10), (-5 - width, -10), (-5 - width, 10),
                     (-width / 2, -12), (-width / 2, 12), (8, -19), (8, 19), (-8 - width, -19), (-8 - width, 19)):
            box = (mark.x + x, mark.y + y - 5.5, mark.x + x + width, mark.y + y + 5.5)
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= panel.size[0] and box[3] <= panel.size[1]
            if inside and not any(box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
                                  for k, other in enumerate(taken) if k != own):
                mark.at = mark.x + x, mark.y + y
                taken.append(box)
                break
        else:
            mark.text = ''


def _fitted(z: np.ndarray, shape: MeanShape | None, row: int) -> np.ndarray:
    """The mean shape (K,) laid on an image's points by the robust similarity that it was fitted with."""
    nothing = np.full(len(z), complex(np.nan, np.nan))
    if shape is None:
        return nothing
    aligned = shape.fit.aligned[row]
    there = np.flatnonzero(np.isfinite(z) & np.isfinite(aligned))
    if len(there) < 2:
        return nothing
    i, j = there[0], there[int(np.argmax(abs(aligned[there] - aligned[there[0]])))]
    if aligned[i] == aligned[j]:
        return nothing
    factor = (z[i] - z[j]) / (aligned[i] - aligned[j])
    return factor * (shape.mean - aligned[i]) + z[i]


def _mirrored(one: tuple[str, Record], meta: LandmarkMeta, colours: Sequence[str]) -> list[Panel]:
    """A usual image as it is and as a mirrored view of the training has it."""
    as_it_is = _image_panel(one, meta, colours, LARGE, NAMES_LARGE, ['a usual image'], None)
    if meta.mirroring == 'never':
        return [as_it_is]
    mirrored = _image_panel(one, meta, colours, LARGE, NAMES_LARGE, ['the same, mirrored, names exchanged'], None,
                            meta.flip_indices)
    return [as_it_is, mirrored]


def _mean_panel(meta: LandmarkMeta, colours: Sequence[str], shape: MeanShape | None) -> Panel:
    """The mean shape with all images laid on it."""
    panel = Panel('Mean shape', [], (LARGE, LARGE))
    if shape is None:
        panel.lines = ['none: it takes 8 images that share 3 landmarks']
        return panel
    reach = 1.35 * float(np.nanmax(np.maximum(abs(shape.mean.real), abs(shape.mean.imag))))
    middle, scale = LARGE / 2, LARGE / 2 / reach
    step = max(1, len(shape.fit.aligned) // 400)
    for row in shape.fit.aligned[::step]:
        for k in np.flatnonzero(np.isfinite(row)):
            x, y = middle + scale * row[k].real, middle + scale * row[k].imag
            if 0 <= x < LARGE and 0 <= y < LARGE:
                panel.dots.append((x, y, colours[k]))
    for k in np.flatnonzero(np.isfinite(shape.mean)):
        text = meta.landmarks[k] if len(meta.landmarks) <= NAMES_LARGE else str(k + 1)
        panel.marks.append(Mark(middle + scale * shape.mean[k].real, middle + scale * shape.mean[k].imag, text,
                                colours[k], meta.landmarks[k]))
    place_texts(panel)
    panel.lines = [f'and every image laid on it; half lie within {shape.typical:.0%} of their size']
    return panel


def _place_panel(meta: LandmarkMeta, colours: Sequence[str], listed: Sequence[tuple[str, Record]],
                 z: np.ndarray) -> Panel:
    """Where in the image landmarks lie, all images on each other, the longer side of each at the same length."""
    panel = Panel('Places in the image', ['all images on each other'], (LARGE, LARGE))
    for row in range(0, len(z), max(1, len(z) // 400)):
        record = listed[row][1]
        scale = LARGE / max(record.width, record.height)
        for k in np.flatnonzero(np.isfinite(z[row])):
            panel.dots.append(((z[row][k].real + .5) * scale, (z[row][k].imag + .5) * scale, colours[k]))
    return panel
