"""Contrasts over the looks of a suite that stops itself, what of the level is spent, and trainings that were saved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmark.statistics.terms import FUTILE

from ..looks import course
from ..numbers import Form, form, in_brackets
from ..palette import Style
from ..planned import other_of, planned_pairs
from ..verdicts import DECIDED
from .base import GRID, INK, MUTED, PAPER, Look, figure, method_colour, short
from .parts import bare, cut, fixed_panels, margin_of, outer_labels, pair_label, panels, title, with_margin

#: A look's seeds are told apart by less than this.
SIDE = 0.32
#: How much wider than what the last look needs an axis gets for the earlier ones; what is beyond ends in an arrow.
ROOM = 0.7
MOST_PANELS = 12


def contrasts(analysis: dict[str, Any], styles: dict[str, Style], endpoint: str, prefix: str) -> Markup:
    """Each planned contrast over the looks: repeated intervals and boundaries against the seeds, a panel each."""
    courses, look = course(analysis, endpoint)[:MOST_PANELS], form(analysis, endpoint)

    def draw(fig: Figure, narrow: bool) -> None:
        columns = 1 if narrow and len(courses) < 4 else min(len(courses), 2 if narrow else 3)
        rows = math.ceil(len(courses) / columns)
        tall = 2.2 if rows == 1 and not narrow else 1.35 if narrow and columns > 1 else 1.6
        grid = fixed_panels(fig, rows, columns, tall, left=0.82, top=0.44, between=(0.5, 0.66))
        for place, panel in enumerate(grid.ravel()):
            if place >= len(courses):
                panel.remove()
                continue
            _course(panel, analysis, styles, courses[place], look, 9 if narrow and columns > 1 else 14)
        outer_labels(fig, 'seeds per method', f'difference in {look.head}\n{in_brackets(look.difference).strip()}')

    return figure(draw, prefix, f'{len(courses)} planned contrasts by {look.head} over the looks, with boundaries; the '
                  'numbers are in the table.')


def _course(ax: Axes, analysis: dict[str, Any], styles: dict[str, Style], looks: Sequence[dict[str, Any]], look: Form,
            names: int) -> None:
    plan, last = analysis['sequential']['plan'], looks[-1]
    pair = last['a'], last['b']
    style = styles[other_of(analysis, pair)]
    colour, most = method_colour(style), plan['max_seeds']
    margin = margin_of(analysis, look)
    limits = _limits(looks, look.factor, margin)
    for side in (-1, 1):
        bounds = sorted((one['fraction'] * most, side * one['critical'] * look.factor) for one in looks
                        if one['critical'] is not None)
        if bounds:
            ax.plot(*zip(*bounds, strict=True), color=MUTED, linewidth=0.9, marker='_', markersize=7)
        if margin is not None and limits[0] < side * margin < limits[1]:
            ax.axhline(side * margin, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
    shaded = sorted((one['fraction'] * most, one['critical'] * look.factor) for one in looks
                    if one['critical'] is not None)
    if shaded:
        at, bound = [[shaded[0][0] - SIDE, *(x for x, _ in shaded), shaded[-1][0] + SIDE],
                     [shaded[0][1], *(y for _, y in shaded), shaded[-1][1]]]
        ax.fill_between(at, [-y for y in bound], bound, color=GRID, alpha=0.55, linewidth=0, zorder=0)
    ax.axhline(0, color=INK, linewidth=0.9, zorder=1.5)
    for one in looks:
        _estimate(ax, one, one['fraction'] * most, look.factor, limits, style, colour, one is last)
    ax.set(xlim=(min(plan['first_look'], *(one['fraction'] * most for one in looks)) - 0.8, most + 0.8), ylim=limits)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.locator_params(axis='y', nbins=4)
    ax.grid(True, axis='y')
    place: Look = {'xycoords': 'axes fraction', 'textcoords': 'offset points', 'va': 'bottom', 'annotation_clip': False}
    ax.annotate(_name(analysis, pair, names), (0, 1), (0, 14), fontsize=8.5, fontweight='bold', **place)
    ax.annotate(_words(last, names), (0, 1), (0, 3), fontsize=8, **place)


def common(analysis: dict[str, Any]) -> str | None:
    """The first method of all planned contrasts; None where they differ."""
    firsts = {a for a, _ in planned_pairs(analysis)}
    return firsts.pop() if len(firsts) == 1 else None


def _name(analysis: dict[str, Any], pair: tuple[str, str], names: int) -> str:
    """A contrast's name over its panel: its second method, where all have the same first one."""
    if common(analysis) is None:
        return pair_label(analysis, pair, names)
    return f'\u2212 {cut(short(analysis, pair[1], 2 * names))}'


def _words(last: dict[str, Any], names: int) -> str:
    """'▲ superior, look 2'."""
    sign = DECIDED[last['decision']].symbol
    at = last['settled_at']
    return f'{sign} {last["decision"]}' + ('' if at is None else f', look {at}' if names < 10 else f' at look {at}')


def _estimate(ax: Axes, one: dict[str, Any], at: float, factor: float, limits: tuple[float, float], style: Style,
              colour: str, last: bool) -> None:
    """An estimate with its repeated interval; filled where it settled the contrast, a cross where it is given up."""
    ends = [one['low'] * factor, one['high'] * factor]
    inside = [min(max(end, limits[0]), limits[1]) for end in ends]
    ax.plot([at, at], inside, color=colour, linewidth=2.4 if last else 1.4, solid_capstyle='butt')
    for end, edge, arrow in zip(ends, limits, 'v^', strict=True):
        if not limits[0] <= end <= limits[1]:
            ax.plot(at, edge, marker=arrow, color=colour, markersize=4, clip_on=False, linestyle='none')
    settled, futile = last and one['settled'], last and one['decision'] == FUTILE
    face = colour if settled and not futile else PAPER
    ax.plot(at, one['estimate'] * factor, marker='X' if futile else style.marker, markersize=8 if last else 5,
            markerfacecolor=face, markeredgecolor=colour, markeredgewidth=1.2, linestyle='none', zorder=3)


def _limits(looks: Sequence[dict[str, Any]], factor: float,
            margin: float | None = None) -> tuple[float, float]:
    """All estimates, zero, and the last look's interval and boundary; of the earlier intervals, and to the margin, what
    leaves these legible."""
    last = looks[-1]
    ends = [0.0, last['low'], last['high'], *(one['estimate'] for one in looks)]
    ends += [] if last['critical'] is None else [-last['critical'], last['critical']]
    low, high = min(ends) * factor, max(ends) * factor
    room = ROOM * (high - low) or 1.0
    low = max(low - room, min([low, *(one['low'] * factor for one in looks)]))
    high = min(high + room, max([high, *(one['high'] * factor for one in looks)]))
    low, high = with_margin(low, high, margin)
    pad = 0.06 * (high - low) or 1.0
    return low - pad, high + pad


def spending(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup:
    """Left: how much of the level is spent by which look. Right: trainings of each method, taken and saved."""
    block = analysis['sequential']
    most, seeds = block['plan']['max_seeds'], block['looks'][-1]['seeds']
    methods = [name for name in analysis['order']['methods'] if seeds.get(name)]
    last = block['schedule'][-1]['spent']
    planned = [(one['n_seeds'], one['spent'] / last) for one in block['schedule']]
    # At the looks of the plan the share is that of the curve; it differs a little from level to level.
    at = {round(one['fraction'] * most, 6): one['spent'] / one['level']
          for name in block['primary'] for looks in course(analysis, name) for one in looks} | dict(planned)
    taken = sorted({(count, at[count]) for name in block['primary'] for looks in course(analysis, name)
                    for count in (round(one['fraction'] * most, 6) for one in looks)})

    def draw(fig: Figure, narrow: bool) -> None:
        rows = 0.24 * max(len(methods), 3)
        shape = (2, 1) if narrow else (1, 2)
        height = 1.0 + rows if not narrow else 2.8 + rows
        ratios = [1.6, rows + 0.3] if narrow else None
        level, trained = panels(fig, *shape, max(height, 2.1), height_ratios=ratios).ravel()
        level.plot(*zip(*planned, strict=True), color=MUTED, linewidth=1.0, marker='o', markersize=4,
                   markerfacecolor=PAPER, markeredgecolor=MUTED)
        level.plot(*zip(*taken, strict=True), color=INK, marker='o', markersize=5, linestyle='none')
        level.set(xlim=(min(planned[0][0], taken[0][0]) - 0.8, most + 0.8), ylim=(0, 1.06), xlabel='seeds per method')
        level.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        level.yaxis.set_major_formatter(lambda value, _: f'{100 * value:.0f} %')
        level.grid(True, axis='y')
        title(level, 'level spent')
        for row, name in enumerate(methods):
            trained.barh(row, most, 0.6, facecolor=PAPER, edgecolor=MUTED, linewidth=0.6)
            trained.barh(row, seeds[name], 0.6, facecolor=method_colour(styles[name]), linewidth=0)
        trained.set_yticks(range(len(methods)), [short(analysis, name, 12 if narrow else 18) for name in methods])
        trained.set(ylim=(len(methods) - 0.5, -0.5), xlim=(0, most), xlabel='trainings')
        trained.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        bare(trained)
        title(trained, 'trainings taken, and saved')

    return figure(draw, prefix, 'How much of the level is spent at which look, and how many trainings each method had.')
