"""What several figures share: how a pair and the sides of zero are named, several panels in one figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ..numbers import Form
from .base import INK, short

#: How many times as wide as without it an axis gets at most to show where a margin ends.
MARGIN_ROOM = 3.0


def margin_of(analysis: dict[str, Any], look: Form) -> float | None:
    """The declared margin in the unit that is shown; None without one."""
    margin = analysis['margin'].get(look.endpoint)
    return margin * look.factor if margin else None


def with_margin(low: float, high: float, margin: float | None) -> tuple[float, float]:
    """Limits that show where a declared margin ends, unless that would leave too little of the axis to the rest."""
    if margin is None or max(high, margin) - min(low, -margin) > MARGIN_ROOM * (high - low):
        return low, high
    return min(low, -margin), max(high, margin)


def pair_label(analysis: dict[str, Any], pair: Sequence[str], limit: int = 16) -> str:
    """'A − B' on one line; a name from right to left stays on its side."""
    names = [short(analysis, name, limit) for name in pair]
    return ' \u2212 '.join(name if name.isascii() else f'\u2068{name}\u2069' for name in names)


def cut(text: str, limit: int = 26) -> str:
    """Text on one line, cut where it is long, and never hidden by matplotlib."""
    text = ' '.join(str(text).split())
    text = text if len(text) <= limit else text[: limit - 1] + '…'
    return f'\u200b{text}' if text.startswith('_') else text


def panels(fig: Figure, rows: int, columns: int, height: float, **options: Any) -> np.ndarray:
    """A grid of axes.

    Args:
        fig: The figure.
        rows: Of the grid.
        columns: Of the grid.
        height: Of the figure, in inches.
        options: Of ``Figure.subplots``.

    Returns:
        Axes, rows x columns.
    """
    fig.set_figheight(height)
    layout = fig.get_layout_engine()
    if isinstance(layout, ConstrainedLayoutEngine):
        layout.set(wspace=0.05, hspace=0.04)
    grid: np.ndarray = fig.subplots(rows, columns, squeeze=False, **options)
    return grid


def fixed_panels(fig: Figure, rows: int, columns: int, panel: float, left: float = 0.62,
                 top: float = 0.26, between: tuple[float, float] = (0.3, 0.42)) -> np.ndarray:
    """The same with margins in inches instead of a computed layout, which takes long for many panels.

    Args:
        fig: The figure.
        rows: Of the grid.
        columns: Of the grid.
        panel: Height of a panel.
        left: Margin for the labels at the left.
        top: Margin for the panels' names.
        between: Space between columns and rows.
    """
    fig.set_layout_engine('none')
    bottom, right = 0.55, 0.1
    width, height = fig.get_figwidth(), bottom + top + rows * panel + (rows - 1) * between[1]
    fig.set_figheight(height)
    across = (width - left - right - (columns - 1) * between[0]) / columns
    space = {'wspace': between[0] / across, 'hspace': between[1] / panel}
    edges = {'left': left / width, 'right': 1 - right / width, 'bottom': bottom / height, 'top': 1 - top / height}
    return fig.subplots(rows, columns, squeeze=False, gridspec_kw={**space, **edges})


def outer_labels(fig: Figure, across: str, down: str) -> None:
    """The labels of both axes of a grid of panels, at the figure's edges."""
    fig.text(0.5, 0.06 / fig.get_figheight(), across, ha='center', va='bottom', fontsize=8.5)
    fig.text(0.02 / fig.get_figwidth(), 0.5, down, ha='left', va='center', rotation=90, fontsize=8.5,
             multialignment='center')


def bare(ax: Axes) -> None:
    """Rows with names and without ticks or a line at the left."""
    ax.tick_params(axis='y', length=0)
    ax.spines['left'].set_visible(False)
    ax.grid(True, axis='x')


def title(ax: Axes, text: str, **options: Any) -> None:
    """A panel's name, at its left; its height is given: finding one that is free takes half as long as drawing."""
    ax.set_title(text, loc='left', y=1.0, fontsize=8.5, fontweight='bold', color=INK, **options)


def directions(look: Form, a: str = 'first', b: str = 'second') -> str:
    """Which side of zero speaks for which method."""
    left, right = (a, b) if look.lower else (b, a)
    return f'\u2190 {left} is better \u00b7 {right} is better \u2192'


def first_side(look: Form) -> str:
    """Which side of zero speaks for the first method."""
    return '\u2190 first is better' if look.lower else 'first is better \u2192'


def zero_line(ax: Axes) -> None:
    """The line of equal means."""
    ax.axvline(0, color=INK, linewidth=0.9, zorder=1.5)
