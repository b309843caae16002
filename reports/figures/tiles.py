"""Many small panels on one pair of axes: what is alike in all of them is one artist, so that a page of them is drawn
as fast as one panel with axes of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from .base import GRID, INK, MUTED

Limits = tuple[float, float]
#: Points: of a tick, and from the tick to its number.
TICK, PAD = 3.5, 3.5
POINTS_PER_INCH = 72
#: matplotlib's own orders of drawing: the grid below all, then areas, lines, the frame.
GRIDS, AREAS, LINES, FRAMES = 0.5, 1, 2, 2.5
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Tile:
    """A panel.

    Attributes:
        left: Its edge, in points of the figure, as the others.
        bottom: Likewise.
        width: Likewise.
        height: Likewise.
        across: Limits of its horizontal axis, in its own unit.
        down: Limits of its vertical axis.
    """

    left: float
    bottom: float
    width: float
    height: float
    across: Limits
    down: Limits

    def x(self, values: Any) -> np.ndarray:
        """Places of values of the horizontal axis, in points of the figure."""
        low, high = self.across
        return self.left + self.width * (np.asarray(values, dtype=float) - low) / (high - low)

    def y(self, values: Any) -> np.ndarray:
        """Places of values of the vertical axis, in points of the figure."""
        low, high = self.down
        return self.bottom + self.height * (np.asarray(values, dtype=float) - low) / (high - low)

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def top(self) -> float:
        return self.bottom + self.height


class Tiles:
    """A grid of panels with margins in inches; see :func:`.parts.fixed_panels` for the arguments.

    Lines and areas are gathered by their look, and drawn by :meth:`finish`.
    """

    def __init__(self, fig: Figure, rows: int, columns: int, panel: float, left: float = 0.62, top: float = 0.26,
                 between: Limits = (0.3, 0.42)) -> None:
        bottom, right = 0.55, 0.1
        width, height = fig.get_figwidth(), bottom + top + rows * panel + (rows - 1) * between[1]
        fig.set_layout_engine('none')
        fig.set_figheight(height)
        self._ax = fig.add_axes((0, 0, 1, 1), xlim=(0, width * POINTS_PER_INCH), ylim=(0, height * POINTS_PER_INCH))
        self._ax.set_axis_off()
        across = (width - left - right - (columns - 1) * between[0]) / columns
        self._size = across * POINTS_PER_INCH, panel * POINTS_PER_INCH
        self._corners = [(POINTS_PER_INCH * (left + (place % columns) * (across + between[0])),
                          POINTS_PER_INCH * (height - top - panel - (place // columns) * (panel + between[1])))
                         for place in range(rows * columns)]
        self._found: dict[tuple[float, tuple[tuple[str, Any], ...]], list[Path]] = {}

    def tile(self, place: int, across: Limits, down: Limits) -> Tile:
        """A panel of the grid, by rows, with its limits."""
        return Tile(*self._corners[place], *self._size, across, down)

    def strokes(self, ends: Any, order: float = LINES, **look: Any) -> None:
        """Straight lines.

        Args:
            ends: Pairs of points (2 n, 2), in points of the figure.
            order: The higher, the later it is drawn.
            look: Properties of the patch.
        """
        ends = np.asarray(ends, dtype=float)
        self._add(Path(ends, [Path.MOVETO, Path.LINETO] * (len(ends) // 2)), order, facecolor='none', **look)

    def area(self, left: float, bottom: float, right: float, top: float, **look: Any) -> None:
        """A rectangle, in points of the figure."""
        corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
        self._add(Path(corners, [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]), AREAS, linewidth=0, **look)

    def text(self, x: float, y: float, text: str, **look: Any) -> None:
        """A text, in points of the figure."""
        self._ax.text(x, y, text, **look)

    def title(self, tile: Tile, text: str) -> None:
        """A panel's name, above its left end."""
        self.text(tile.left, tile.top + 6, text, fontsize=8.5, fontweight='bold', color=INK)

    def frame(self, tile: Tile, numbers: bool = True, ticks: int = 4) -> None:
        """The left and the lower edge with ticks and numbers, and a grid of horizontal lines.

        Args:
            tile: The panel.
            numbers: Whether the vertical axis has numbers.
            ticks: At most so many steps from tick to tick.
        """
        look = {'edgecolor': MUTED, 'linewidth': 0.6}
        self.strokes([(tile.left, tile.bottom), (tile.left, tile.top), (tile.left, tile.bottom),
                      (tile.right, tile.bottom)], FRAMES, capstyle='projecting', **look)
        marks = []
        values, names = labelled(tile.across, ticks)
        for x, name in zip(tile.x(values), names, strict=True):
            marks += [(x, tile.bottom), (x, tile.bottom - TICK)]
            self.text(x, tile.bottom - TICK - PAD, name, ha='center', va='top')
        values, names = labelled(tile.down, ticks)
        for y, name in zip(tile.y(values), names, strict=True):
            marks += [(tile.left, y), (tile.left - TICK, y)]
            if numbers:
                self.text(tile.left - TICK - PAD, y, name, ha='right', va='center_baseline')
            self.strokes([(tile.left, y), (tile.right, y)], GRIDS, edgecolor=GRID, linewidth=0.6)
        if marks:
            self.strokes(marks, GRIDS, **look)

    def finish(self) -> None:
        """Draw what was gathered."""
        for (order, look), paths in self._found.items():
            path = Path.make_compound_path(*paths)
            path.should_simplify = False  # simplified, strokes without length are none
            self._ax.add_artist(PathPatch(path, zorder=order, **dict(look)))

    def _add(self, path: Path, order: float, **look: Any) -> None:
        self._found.setdefault((order, tuple(look.items())), []).append(path)


def labelled(limits: Limits, steps: int) -> tuple[list[float], list[str]]:
    """Round values within limits, and how they are written: all with the same decimals."""
    low, high = limits
    values = [float(value) for value in MaxNLocator(steps, steps=STEPS).tick_values(low, high) if low <= value <= high]
    form = ScalarFormatter(useOffset=False)
    form.set_scientific(False)
    form.create_dummy_axis()
    assert form.axis is not None
    form.axis.set_view_interval(low, high)
    return values, form.format_ticks(values)
