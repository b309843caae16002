"""A canvas for antialiased shapes in face coordinates: numpy and OpenCV only."""

from __future__ import annotations

import cv2
import numpy as np

SUPERSAMPLE = 4


class Canvas:
    """An image in memory that is painted in head-frame coordinates.

    Attributes:
        image: (3, H, W) float32 albedo; planes, since numpy is slow over a last axis of 3.
        picture, noise: (H, W, 3) float32, memory for the finished picture and what is added to it.
        coverage: (H, W) share of each pixel that a named shape covers, where names were asked for.
    """

    def __init__(self, size: int):
        """Takes memory once for all pictures of this size, since fresh memory costs more than drawing.

        Call `start` before each picture.
        """
        self.size = size
        self.image = np.zeros((3, size, size), np.float32)
        self.picture = np.zeros((size, size, 3), np.float32)
        self.noise = np.zeros_like(self.picture)
        self._fine = np.empty((SUPERSAMPLE * size) ** 2, np.uint8)
        self._difference = np.empty_like(self.image)

    def start(self, matrix: np.ndarray, named: bool = False) -> None:
        """Starts a picture; what is left of the last one is to be painted over.

        Args:
            matrix: (2, 3) head frame to pixels.
            named: Whether to keep the coverage of named shapes.
        """
        self.matrix, self.named = matrix, named
        self.unit = float(np.hypot(matrix[0, 0], matrix[0, 1]))
        self.coverage: dict[str, np.ndarray] = {}

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Pixel positions (n, 2) of head-frame points (n, 2)."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]

    def mask(self, shapes: list[np.ndarray], width: float | list[float] = 0.0, soft: float = 0.0,
             levels: list[float] | None = None):
        """Coverage of filled polygons, or of lines where a width is given.

        Args:
            shapes: Polygons or lines, each (n, 2) in the head frame.
            width: Width of the lines in face units, or one for each line; 0 fills.
            soft: Standard deviation of the blur in face units.
            levels: Coverage of each shape, where it is not 1.

        Returns:
            (rows, columns, (h, w) float32 coverage) of the part of the image that is touched, or None.
        """
        points = self.pixels(np.concatenate(shapes) if len(shapes) > 1 else shapes[0])
        fixed = np.rint(points * 16).astype(np.int32)
        x, y, w, h = cv2.boundingRect(fixed)
        widths = width if isinstance(width, list) else [width] * len(shapes)
        sigma = soft * self.unit
        pad = int(16 * (1.5 + 0.5 * max(widths) * self.unit + 2.2 * sigma))
        left, right = max((x - pad) // 16, 0), min((x + w + pad) // 16 + 1, self.size)
        top, bottom = max((y - pad) // 16, 0), min((y + h + pad) // 16 + 1, self.size)
        if right <= left or bottom <= top:
            return None
        factor = SUPERSAMPLE if sigma < 0.5 else 2
        rows, columns = factor * (bottom - top), factor * (right - left)
        fine = self._fine[:rows * columns].reshape(rows, columns)
        fine.fill(0)
        fixed += (8 - 16 * left, 8 - 16 * top)
        fixed *= factor
        fixed -= 8
        at = 0
        for k, shape in enumerate(shapes):
            part = [fixed[at:at + len(shape)]]
            at += len(shape)
            level = 255 * levels[k] if levels else 255
            if widths[k]:
                cv2.polylines(fine, part, False, level, max(1, round(widths[k] * self.unit * factor)),
                              cv2.LINE_8, 4)
            else:
                cv2.fillPoly(fine, part, level, cv2.LINE_8, 4)
        while factor > 1:    # OpenCV is fastest at halving
            factor //= 2
            size = (factor * (right - left), factor * (bottom - top))
            fine = cv2.resize(fine, size, interpolation=cv2.INTER_AREA)
        if sigma > 1.2:      # two boxes are nearly a Gaussian
            reach = 2 * round((np.sqrt(6 * sigma * sigma + 1) - 1) / 2) + 1
            fine = cv2.blur(cv2.blur(fine, (reach, reach)), (reach, reach))
        elif sigma > 0.3:
            reach = 2 * round(2 * sigma) + 1
            fine = cv2.GaussianBlur(fine, (reach, reach), sigma)
        return slice(top, bottom), slice(left, right), np.multiply(fine, np.float32(1 / 255),
                                                                   dtype=np.float32)

    def paint(self, shapes: list[np.ndarray], colour: np.ndarray, alpha: float | np.ndarray = 1.0,
              width: float | list[float] = 0.0, soft: float = 0.0, within: np.ndarray | None = None,
              texture: np.ndarray | None = None, levels: list[float] | None = None,
              name: str = '') -> tuple | None:
        """Blends a colour over shapes.

        Args:
            shapes, width, soft, levels: As in `mask`.
            colour: (3,).
            alpha: Opacity, a number or (H, W).
            within: (H, W) coverage that limits the shapes.
            texture: (H, W) factor of the colour.
            name: Keeps the coverage under this name.

        Returns:
            What `mask` found.
        """
        found = self.mask(shapes, width, soft, levels)
        if found is None:
            return None
        rows, columns, cover = found
        if within is not None:
            cover = cover * within[rows, columns]
        if self.named and name:
            self.coverage.setdefault(name, np.zeros((self.size, self.size), np.float32))[rows,
                                                                                         columns] += cover
        if isinstance(alpha, np.ndarray):
            cover = cover * alpha[rows, columns]
        elif alpha != 1:
            cover = cover * np.float32(alpha)
        part = self.image[:, rows, columns]
        difference = self._difference[:, :part.shape[1], :part.shape[2]]
        colour = np.asarray(colour, np.float32)[:, None, None]
        if texture is None:
            np.subtract(colour, part, out=difference)
        else:
            np.multiply(colour, texture[rows, columns], out=difference)
            difference -= part
        difference *= cover
        part += difference
        return found

    def whole(self, *found: tuple | None) -> np.ndarray:
        """Coverage (H, W) of the whole image by the union of what `mask` or `paint` found."""
        union = np.zeros((self.size, self.size), np.float32)
        for rows, columns, cover in filter(None, found):
            part = union[rows, columns]
            np.maximum(part, cover, out=part)
        return union


def ribbon(line: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """A polygon (2n, 2) around a line (n, 2) with a width at each point (n,)."""
    along = np.empty_like(line)
    along[1:-1] = line[2:] - line[:-2]
    along[0], along[-1] = line[1] - line[0], line[-1] - line[-2]
    offset = along[:, ::-1] * (-1, 1) * (0.5 * widths / np.maximum(np.hypot(*along.T), 1e-6))[:, None]
    return np.concatenate([line + offset, (line - offset)[::-1]])
