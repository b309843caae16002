"""Forest plots: differences with their intervals, one row per contrast, stratum or landmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.statistics.terms import NETWORKS

from ..numbers import Form, form, primary, probability, tested
from ..palette import Style
from ..planned import by_scope, other_of, pair_of, planned, scope_of, shown_scopes
from .base import GRID, INK, MUTED, PAPER, Look, figure, method_colour
from .parts import (
    bare,
    cut,
    directions,
    first_side,
    margin_of,
    pair_label,
    panels,
    title,
    with_margin,
    zero_line,
)

#: How much wider than all plain intervals an axis gets for the simultaneous ones; what is beyond ends in an arrow.
ROOM = 0.6
#: Of rows whose names stand above their bars, in inches: a line of text, a bar, what is free below the bars; and the
#: letters that a line has room for.
LINE, LANE, GAP, LETTERS = 0.17, 0.16, 0.07, 46


@dataclass(frozen=True)
class Bar:
    """One estimate.

    Attributes:
        estimate: Of the difference.
        low: Lower end of its interval; None where it is not estimable.
        high: Upper end.
        outer: Ends of a wider interval, drawn thinner; None without one.
        hollow: Open marker and dashed bar: the networks scope.
        words: Written at the right.
    """

    estimate: float
    low: float | None
    high: float | None
    outer: tuple[float, float] | None = None
    hollow: bool = False
    words: str = ''


@dataclass(frozen=True)
class Row:
    """One line of a forest plot.

    Attributes:
        label: Its name.
        bars: At most two.
        method: Whose colour and marker it takes; None: ink.
        apart: Whether a line separates it from the row above.
    """

    label: str
    bars: tuple[Bar, ...]
    method: str | None = None
    apart: bool = False


def bar(one: dict[str, Any], look: Form, words: str = '') -> Bar:
    """A contrast as a bar, in the unit that is shown."""
    ends = [one.get(key) for key in ('ci_low', 'ci_high', 'ci_low_simultaneous', 'ci_high_simultaneous')]
    low, high, *wide = [None if end is None else end * look.factor for end in ends]
    outer = None if wide[0] is None or wide[1] is None else (wide[0], wide[1])
    return Bar(one['estimate'] * look.factor, low, high, outer, one['scope'] == NETWORKS, words)


def draw_rows(ax: Axes, rows: Sequence[Row], styles: dict[str, Style], above: bool = False,
              margin: float | None = None) -> None:
    """Draw the rows, the first at the top.

    Args:
        ax: Where to.
        rows: What.
        styles: Of the methods.
        above: Names and words above the bars, for narrow screens, instead of at the sides; no line runs through them.
            The axes are :func:`stacked` inches high then.
        margin: The largest difference that is declared too small to matter, in the unit that is shown; it is shaded.
    """
    limits = _limits(rows, margin)
    if margin is not None:
        _margin_band(ax, margin, limits)
    lines, top = _lines(rows), 0.0
    for place, row in enumerate(rows):
        step = (LANE if above else 0.34) if len(row.bars) > 1 else 0
        centre = top + lines * LINE + GAP / 2 + LANE * len(row.bars) / 2 if above else place
        for index, one in enumerate(row.bars):
            height = centre + (index - (len(row.bars) - 1) / 2) * step
            if one.low is not None or len(row.bars) == 1:  # what can't be judged is left to the words
                _draw_bar(ax, one, height, limits, styles.get(row.method) if row.method else None)
            if one.words and not above:
                ax.text(1.02, height, one.words, transform=ax.get_yaxis_transform(), va='center', fontsize=8)
        if above:
            _head(ax, row, top, lines)
            top += _height(row, lines)
        elif row.apart:
            ax.axhline(place - 0.5, color=GRID, linewidth=0.6)
    names = [] if above else [row.label for row in rows]
    ax.set_yticks([*range(len(names))], names)
    ax.set(ylim=(top, 0) if above else (len(rows) - 0.35, -0.65), xlim=limits)
    ax.locator_params(axis='x', nbins=5)
    bare(ax)
    zero_line(ax)


def stacked(rows: Sequence[Row]) -> float:
    """How high rows are with their names above the bars, in inches."""
    lines = _lines(rows)
    return sum(_height(row, lines) for row in rows)


def _lines(rows: Sequence[Row]) -> int:
    """Lines above the bars: one for names and words where all rows have room for both, else one for each."""
    return 1 if all(len(row.label) + len(words := _words(row)) <= LETTERS or not words for row in rows) else 2


def _height(row: Row, lines: int) -> float:
    return lines * LINE + LANE * len(row.bars) + GAP


def _head(ax: Axes, row: Row, top: float, lines: int) -> None:
    """A row's name and words, on paper that covers the lines of the axes."""
    look: Look = {'transform': ax.get_yaxis_transform(), 'fontsize': 8, 'va': 'center'}
    ax.axhspan(top, top + lines * LINE, color=PAPER, linewidth=0, zorder=1.8)
    ax.text(0, top + LINE / 2, row.label, fontweight='bold', **look)
    side: Look = {'x': 1, 'ha': 'right'} if lines == 1 else {'x': 0}
    ax.text(y=top + (lines - 0.5) * LINE, s=_words(row), color=MUTED, **side, **look)
    if row.apart:
        ax.axhline(top, color=GRID, linewidth=0.6, zorder=2)


def _words(row: Row) -> str:
    return _joined([one.words for one in row.bars])


def _joined(words: Sequence[str]) -> str:
    """The words of a row's bars on one line; once where both scopes have the same verdict."""
    verdicts = {text.rpartition(': ')[2] for text in words}
    if len(words) == 2 and len(verdicts) == 1 and all(words):
        return f'both scopes: {verdicts.pop()}'
    return ' \u00b7 '.join(text for text in words if text)


def _limits(rows: Sequence[Row], margin: float | None = None) -> tuple[float, float]:
    """Every plain interval and zero; of the wider intervals, and to a margin, as much as leaves the plain ones
    legible."""
    bars = [one for row in rows for one in row.bars]
    ends = [end for one in bars for end in (one.estimate, one.low, one.high, 0.0) if end is not None]
    low, high = min(ends), max(ends)
    room = ROOM * (high - low) or 1.0
    outer = [end for one in bars for end in one.outer or ()]
    low, high = max(low - room, min([low, *outer])), min(high + room, max([high, *outer]))
    low, high = with_margin(low, high, margin)
    pad = 0.04 * (high - low) or 1.0
    return low - pad, high + pad


def _draw_bar(ax: Axes, one: Bar, height: float, limits: tuple[float, float], style: Style | None) -> None:
    colour = method_colour(style) if style else INK
    if one.outer is not None:
        ends = [min(max(end, limits[0]), limits[1]) for end in one.outer]
        ax.plot(ends, [height] * 2, color=colour, linewidth=0.8, solid_capstyle='butt')
        for end, edge, arrow in zip(one.outer, limits, '<>', strict=True):
            if not limits[0] <= end <= limits[1]:
                ax.plot(edge, height, marker=arrow, color=colour, markersize=4, clip_on=False, linestyle='none')
    if one.low is not None and one.high is not None:
        ax.plot([one.low, one.high], [height] * 2, color=colour, linewidth=2.6, solid_capstyle='butt')
    look: Look = {'markerfacecolor': PAPER if one.hollow else colour, 'markeredgecolor': colour, 'markeredgewidth': 1.2}
    ax.plot(one.estimate, height, marker=style.marker if style else 'o', markersize=6, linestyle='none', **look)


def _margin_band(ax: Axes, margin: float, limits: tuple[float, float]) -> None:
    """The differences that are declared too small to matter, to their ends; or that all of the axis is."""
    ax.axvspan(max(-margin, limits[0]), min(margin, limits[1]), color=GRID, alpha=0.6, linewidth=0, zorder=0)
    for end in (-margin, margin):
        if limits[0] < end < limits[1]:
            ax.axvline(end, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    if margin >= max(map(abs, limits)):
        ax.annotate(f'the margin, \u00b1{margin:g}, lies beyond', (1, 1), (0, 2), xycoords='axes fraction',
                    textcoords='offset points', ha='right', va='bottom', fontsize=7.5, color=MUTED)


def contrast_rows(analysis: dict[str, Any], endpoint: str, words: bool = True, limit: int = 16) -> list[Row]:
    """The planned contrasts of an endpoint, procedure above networks."""
    look, rows = form(analysis, endpoint), []
    for pair, places in by_scope(planned(analysis, endpoint), pair_of).items():
        found = [analysis['contrasts'][places[scope]] for scope in shown_scopes(analysis) if scope in places]
        bars = tuple(bar(one, look, f'{one["scope"]}: {one["verdict"]}' if words else '') for one in found)
        rows.append(Row(pair_label(analysis, pair, limit), bars, other_of(analysis, pair)))
    return rows


def contrasts(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup:
    """The planned contrasts by ME, with verdicts in words."""
    look = form(analysis, primary(analysis))
    count = len(contrast_rows(analysis, look.endpoint))

    def draw(fig: Figure, narrow: bool) -> None:
        rows = contrast_rows(analysis, look.endpoint, limit=22 if narrow else 16)
        ax = fig.add_subplot()
        fig.set_figheight(0.85 + (stacked(rows) if narrow else len(rows) * 0.42))
        draw_rows(ax, rows, styles, above=narrow, margin=margin_of(analysis, look))
        ax.set_xlabel(f'{look.difference_axis}\n{directions(look)}')

    return figure(draw, prefix, f'Forest plot of {count} planned contrasts by {look.head}; the numbers are below.')


#: Panels in a row: more have no room for their numbers.
ABREAST = 3


def small_contrasts(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup | None:
    """The same for the other endpoints, a panel each; None without any."""
    looks = [form(analysis, name) for name in tested(analysis)[1:] if any(planned(analysis, name))]
    if not looks:
        return None

    def draw(fig: Figure, narrow: bool) -> None:
        rows = {look: contrast_rows(analysis, look.endpoint, words=False, limit=22 if narrow else 12) for look in looks}
        first = rows[looks[0]]
        tall = 0.8 + (stacked(first) if narrow else len(first) * 0.3)
        columns = 1 if narrow else min(len(looks), ABREAST)
        lines = -(-len(looks) // columns)
        found = panels(fig, lines, columns, tall * lines).ravel()
        for panel in found[len(looks):]:
            panel.set_axis_off()
        for place, (panel, look) in enumerate(zip(found, looks, strict=False)):
            draw_rows(panel, rows[look], styles, above=narrow, margin=margin_of(analysis, look))
            if place % columns:
                panel.set_yticks([])
            if columns > 1:
                panel.locator_params(axis='x', nbins=3)
            title(panel, look.head)
            panel.set_xlabel(f'{look.difference}\n{first_side(look)}', fontsize=7.5)

    text = f'Forest plots of the planned contrasts by {", ".join(look.head for look in looks)}; the numbers are below.'
    return figure(draw, prefix, text)


def landmarks(analysis: dict[str, Any], styles: dict[str, Style], pair: tuple[str, str], prefix: str) -> Markup:
    """A contrast for each landmark; filled where the adjusted p is below the level."""
    scope, other, look = scope_of(analysis, pair), other_of(analysis, pair), form(analysis, primary(analysis))
    rows = []
    for one in analysis['landmarks']['contrasts']:
        if (one['a'], one['b'], one['scope']) == (*pair, scope):
            p = one['p_adjusted']
            sure = p is not None and p < analysis['alpha']
            words = '' if p is None else f'adj. p {probability(p)}'
            shown = Bar(one['estimate'], one['ci_low'], one['ci_high'], hollow=not sure, words=words)
            rows.append(Row(cut(one['landmark'], 24), (shown,), other))

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        fig.set_figheight(0.8 + (stacked(rows) if narrow else 0.23 * max(len(rows), 2)))
        draw_rows(ax, rows, styles, above=narrow)
        names = [cut(analysis['methods'][name]['label'], 14) for name in pair]
        ax.set_xlabel((f'{look.difference_axis}\n' if analysis.get('scores') else
                       f'difference in mean error ({look.difference})\n') + directions(look, *names))

    return figure(draw, prefix, f'Forest plot of one contrast at {len(rows)} landmarks; the numbers are in the table.')
