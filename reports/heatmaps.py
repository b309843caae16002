"""Predicted heatmaps of the test images: read from the runs' folders, coloured, and laid over a picture."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import colormaps
from PIL import Image

FILE = 'heatmaps.npz'
LEVELS = 32
#: Viridis: told apart with any colour vision, and far from the colours of skin.
COLOURS = colormaps['viridis']
OPACITY = 0.88
Box = tuple[float, float, float, float]


def folder_of(item: dict[str, Any]) -> str:
    """A run's folder below ``runs/``: mostly its id, unless its training stands for several conditions."""
    return str(item.get('folder') or item['id']).removeprefix('runs/')


class Heatmaps:
    """Heatmaps of the main condition's networks, the maximum over landmarks; read when asked for.

    Args:
        base: Folder of ``analysis.json``; the runs' folders are in ``runs`` beside it.
        analysis: Content of analysis.json.
        records: The runs' records; only files that fit the checksum in them are read.
    """

    def __init__(self, base: Path, analysis: dict[str, Any], records: list[dict[str, Any]]) -> None:
        self.folder = (base / 'runs').resolve()
        digests = {str(record.get('id')): (record.get('files') or {}).get(FILE) for record in records
                   if isinstance(record.get('files') or {}, dict)}
        self._ids = {(item['method'], item['seed']): item['id'] for item in analysis['runs']['items']
                     if item['condition'] == analysis['main_condition'] and item['in_results']}
        self._folders = {(item['method'], item['seed']): folder_of(item) for item in analysis['runs']['items']
                         if item['condition'] == analysis['main_condition']}
        self._digests = {key: digests.get(name) for key, name in self._ids.items()}
        self._beside = any(name in digests for name in self._ids.values())
        self._read: dict[tuple[str, int], dict[str, tuple[np.ndarray, Box]]] = {}

    def find(self, method: str, seed: int, image: str) -> tuple[np.ndarray, Box] | None:
        """A network's heatmap (H, W) of an image, bytes, and its place in pixels of the prepared image; or None."""
        key = (method, seed)
        if key not in self._read:
            self._read[key] = self._load(key)
        return self._read[key].get(image)

    def lacking(self) -> str:
        """Why there is none, in one sentence."""
        if not self._beside:
            return "Predicted heatmaps are not shown: the runs' folders are not beside analysis.json."
        if not any(self._digests.values()):
            return 'Predicted heatmaps are not shown: the runs were made without keeping them.'
        return (f'Predicted heatmaps are not shown: the file {FILE} of each run is missing, does not fit the checksum '
                'in its record, or has other images.')

    def _load(self, key: tuple[str, int]) -> dict[str, tuple[np.ndarray, Box]]:
        expected = self._digests.get(key)
        if not expected:
            return {}
        path = (self.folder / self._folders[key] / FILE).resolve()
        try:
            content = path.read_bytes() if path.is_relative_to(self.folder) else b''
            if hashlib.sha256(content).hexdigest() != expected:
                return {}
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                names, heatmaps, boxes = file['images'], file['heatmaps'], file['boxes']
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return {}
        if heatmaps.ndim != 3 or heatmaps.dtype != np.uint8 or not len(names) == len(heatmaps) == len(boxes):
            return {}
        return {str(name): (heatmap, (float(box[0]), float(box[1]), float(box[2]), float(box[3])))
                for name, heatmap, box in zip(names, heatmaps, boxes, strict=True)}


def layer(heatmap: np.ndarray, box: Box, view: Box, element: str) -> Markup:
    """An ``<image>`` element with what of a heatmap lies in a view: see-through at 0, opaque at 1.

    Args:
        heatmap: (H, W) bytes.
        box: Its left, top, width and height.
        view: The part that is shown, likewise; in the same pixels.
        element: The element's id.
    """
    cuts, place = [], []
    for axis, count in ((0, heatmap.shape[1]), (1, heatmap.shape[0])):
        step = box[2 + axis] / count
        first = int(np.clip(np.floor((view[axis] - box[axis]) / step), 0, count - 1))
        last = int(np.clip(np.ceil((view[axis] + view[2 + axis] - box[axis]) / step), first + 1, count))
        cuts.append(slice(first, last))
        place.append((box[axis] + first * step, (last - first) * step))
    (left, width), (top, height) = place
    return Markup('<image id="{}" href="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" '
                  'preserveAspectRatio="none"/>').format(element, _uri(heatmap[cuts[1], cuts[0]]), left, top, width,
                                                         height)


def legend() -> Markup:
    """The colours from 0 to 1, over a grey as light as a face."""
    ramp = np.rint(np.linspace(0, 255, LEVELS)).astype(np.uint8)[None]
    return Markup('<svg class="ramp" viewBox="0 0 32 4" preserveAspectRatio="none" role="img" '
                  'aria-label="Colours from 0, see-through, to 1, yellow"><rect width="32" height="4" fill="#b9b1aa"/>'
                  '<image href="{}" width="32" height="4" preserveAspectRatio="none"/></svg>').format(_uri(ramp))


def _uri(heatmap: np.ndarray) -> str:
    """A PNG with a palette of 32 levels."""
    levels = (heatmap.astype(int) * (LEVELS - 1) + 127) // 255
    image = Image.fromarray(levels.astype(np.uint8), 'P')
    at = np.linspace(0, 1, LEVELS)
    image.putpalette(np.rint(COLOURS(at)[:, :3] * 255).astype(np.uint8).ravel().tolist())
    content = io.BytesIO()
    # The power lifts weak responses, so that spurious ones can be seen.
    opacity = np.rint(OPACITY * 255 * at ** 0.7).astype(np.uint8)
    image.save(content, 'PNG', transparency=opacity.tobytes(), optimize=True)
    return 'data:image/png;base64,' + base64.b64encode(content.getvalue()).decode('ascii')
