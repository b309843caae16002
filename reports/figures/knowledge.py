"""What sources know of faces against what they are worth."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..numbers import form, primary
from ..palette import Style
from ..planned import planned, scope_of
from .base import GRID, INK, figure, method_colour
from .parts import pair_label, panels, title
from .pointers import straight

#: Of a panel, in inches, and how far apart names stand in it, as a share of it.
HEIGHT, APART = 2.5, 0.075
#: What a contrast compares, by whether both methods have one source.
STARTING, HOLDING = 'starting from it', 'holding on to it'


def gains(analysis: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Planned contrasts in ME whose first method has a judged source of its own, by what they compare.

    Returns:
        :data:`STARTING`, against a method with another source or none, and :data:`HOLDING`, against another use of the
        same one; those that have any, in the order of the plan.
    """
    source = analysis['source'] or {}
    own = source.get('methods', {})
    found: dict[str, list[dict[str, Any]]] = {STARTING: [], HOLDING: []}
    for _, one in planned(analysis, primary(analysis)):
        if 'trained' not in own.get(one['a'], {}).get('judged', {}) or one['scope'] != scope_of(
                analysis, (one['a'], one['b'])):
            continue
        same = own.get(one['b'], source).get('hash') == own[one['a']]['hash']
        found[HOLDING if same else STARTING].append(one)
    return {kind: items for kind, items in found.items() if items}


def knowledge(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup | None:
    """Each planned gain against the verification AUC of its source, with intervals of both; None where there are none.
    """
    found = gains(analysis)
    if not found:
        return None
    own, look = analysis['source']['methods'], form(analysis, primary(analysis))

    def draw(fig: Figure, narrow: bool) -> None:
        grid = panels(fig, len(found), 1, HEIGHT * len(found), sharex=True).ravel()
        for panel, (kind, items) in zip(grid, found.items(), strict=True):
            ends = []
            for one in items:
                verification = own[one['a']]['judged']['trained']['verification']
                _cross(panel, styles[one['a']], verification['auc'], verification['intervals']['auc'], one)
                ends.append((verification['intervals']['auc'][1], one['estimate'],
                             pair_label(analysis, (one['a'], one['b']), 12 if narrow else 20)))
            panel.axhline(0, color=INK, linewidth=0.9, zorder=1.5)
            panel.grid(True, color=GRID)
            title(panel, kind)
            panel.set_ylabel(f'difference in ME ({look.difference})')
            _names(panel, ends)
        grid[-1].set_xlabel('verification AUC of the source')

    return figure(draw, prefix, f'{sum(map(len, found.values()))} planned differences against what their sources know.')


def _names(ax: Axes, ends: list[tuple[float, float, str]]) -> None:
    """Names at the right, each with a line to its point, so far from each other that all can be read."""
    low, high = ax.get_ylim()
    ends = sorted(ends, key=lambda one: one[1])
    places = [(y - low) / (high - low) for _, y, _ in ends]
    for place in range(1, len(places)):
        places[place] = max(places[place], places[place - 1] + APART)
    for place in reversed(range(len(places))):
        places[place] = min(places[place], 1 - APART * (len(places) - 1 - place))
    for (x, y, text), height in zip(ends, places, strict=True):
        ax.annotate(text, (x, y), xytext=(1.04, height), textcoords='axes fraction', va='center', fontsize=7, color=INK,
                    arrowprops={'arrowstyle': '-', 'connectionstyle': straight, 'color': INK, 'linewidth': 0.4,
                                'alpha': 0.6})


def _cross(ax: Axes, style: Style, x: float, across: list[float], one: dict[str, Any]) -> None:
    colour = method_colour(style)
    ax.plot(across, [one['estimate']] * 2, color=colour, linewidth=1.0)
    if one['ci_low'] is not None:
        ax.plot([x, x], [one['ci_low'], one['ci_high']], color=colour, linewidth=1.0)
    ax.plot(x, one['estimate'], marker=style.marker, color=colour, markersize=5.5)
