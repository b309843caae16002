"""What sources know of faces against what they are worth."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..numbers import form, primary
from ..palette import Style
from ..planned import planned, scope_of
from .base import GRID, INK, figure, method_colour, short
from .parts import panels, title

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
        shape = (len(found), 1) if narrow else (1, len(found))
        grid = panels(fig, *shape, 2.6 * shape[0], sharex=True).ravel()
        for place, (panel, (kind, items)) in enumerate(zip(grid, found.items(), strict=True)):
            for one in items:
                verification = own[one['a']]['judged']['trained']['verification']
                _cross(panel, styles[one['a']], verification['auc'], verification['intervals']['auc'], one)
                panel.annotate(f'{short(analysis, one["a"], 18)} − {short(analysis, one["b"], 12)}',
                               (verification['auc'], one['estimate']), xytext=(4, 4), textcoords='offset points',
                               fontsize=6.5, color=INK)
            panel.axhline(0, color=INK, linewidth=0.9, zorder=1.5)
            panel.grid(True, color=GRID)
            title(panel, kind)
            panel.set_xlabel('verification AUC of the source')
            if narrow or not place:
                panel.set_ylabel(f'difference in ME ({look.difference})')

    return figure(draw, prefix, f'{sum(map(len, found.values()))} planned differences against what their sources know.')


def _cross(ax: Axes, style: Style, x: float, across: list[float], one: dict[str, Any]) -> None:
    colour = method_colour(style)
    ax.plot(across, [one['estimate']] * 2, color=colour, linewidth=1.0)
    if one['ci_low'] is not None:
        ax.plot([x, x], [one['ci_low'], one['ci_high']], color=colour, linewidth=1.0)
    ax.plot(x, one['estimate'], marker=style.marker, color=colour, markersize=5.5)
