"""Figures as inline SVG: the same input gives the same bytes, and the colours follow the page's theme.

Everything is drawn in place-holder colours, which are replaced by CSS variables afterwards; text stays text,
in the page's font. Each figure is made twice, for wide and for narrow screens; the style sheet shows one.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from .palette import Style

INK, MUTED, GRID, PAPER = '#010000', '#020000', '#030000', '#040000'
THEME = {INK: 'var(--ink)', MUTED: 'var(--muted)', GRID: 'var(--line)', PAPER: 'var(--bg)'}
SVG, XLINK = 'http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xlink'
WIDE, NARROW = (7.4, 3.9), (3.75, 3.7)
RC = {
    'svg.hashsalt': 'report',
    'svg.fonttype': 'none',
    'text.parse_math': False,
    'font.size': 8.5,
    'axes.edgecolor': MUTED,
    'axes.labelcolor': INK,
    'text.color': INK,
    'xtick.color': MUTED,
    'ytick.color': MUTED,
    'xtick.labelcolor': INK,
    'ytick.labelcolor': INK,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.linewidth': 0.6,
    'xtick.major.width': 0.6,
    'ytick.major.width': 0.6,
    'grid.color': GRID,
    'grid.linewidth': 0.6,
    'axes.axisbelow': True,
    'lines.linewidth': 1.5,
    'lines.markersize': 5.2,
    'legend.frameon': False,
    'legend.fontsize': 8,
    'font.family': ['DejaVu Sans'],
    'axes.labelsize': 8.5,
}
Draw = Callable[[Figure, Axes, bool], None]


def figure(draw: Draw, prefix: str, label: str, height: float | None = None) -> Markup:
    """Draw a figure for wide and for narrow screens.

    Args:
        draw: Called with the figure, its axes and whether the screen is narrow.
        prefix: Unique on the page; put before every id.
        label: What the figure shows, for those who don't see it.
        height: In inches, instead of the default.
    """
    parts = []
    for narrow, (width, usual) in ((False, WIDE), (True, NARROW)):
        with matplotlib.rc_context(RC), warnings.catch_warnings():
            warnings.simplefilter(
                'ignore', UserWarning
            )  # a glyph that matplotlib's font lacks: the browser draws it
            fig = Figure(figsize=(width, height or usual), layout='constrained')
            FigureCanvasSVG(fig)
            draw(fig, fig.add_subplot(), narrow)
            stream = StringIO()
            fig.savefig(stream, format='svg', transparent=True, metadata={'Date': None, 'Creator': None})
        name = f'{prefix}-n' if narrow else prefix
        parts.append(_inline(stream.getvalue(), name, label, 'narrow' if narrow else 'wide'))
    return Markup('').join(parts)


def method_colour(style: Style) -> str:
    """The place-holder of a method's colour."""
    return f'#{0x100000 + style.slot:06x}'


def line_style(style: Style) -> dict[str, Any]:
    """Arguments of ``plot`` for a method."""
    colour = method_colour(style)
    return {
        'color': colour,
        'marker': style.marker,
        'linestyle': (0, style.dash) if style.dash else '-',
        'markeredgecolor': PAPER,
        'markeredgewidth': 0.5,
    }


def ced(analysis: dict[str, Any], styles: dict[str, Style], condition: str, prefix: str) -> Markup:
    """Cumulative error distributions: mean over seeds, band from the lowest to the highest seed."""
    curves, threshold, unit = (
        analysis['conditions'][condition]['ced'],
        analysis['threshold'],
        analysis['unit'],
    )
    names = [name for name in analysis['order']['methods'] if name in curves]
    end = max([1.25 * threshold] + [_first_full(curves[name]) for name in names])
    # In the corner where the axes stay empty only if the curves have risen before.
    steep = all(np.interp(0.6 * end, curves[name]['x'], curves[name]['mean']) > 0.75 for name in names)

    def draw(fig: Figure, ax: Axes, narrow: bool) -> None:
        for place, name in enumerate(names):
            curve, style = curves[name], styles[name]
            look = {'color': method_colour(style), 'alpha': 0.13, 'linewidth': 0}
            ax.fill_between(curve['x'], curve['low'], curve['high'], step='post', **look)
            ax.plot(
                curve['x'],
                curve['mean'],
                markevery=(6 + 2 * place, 16),
                label=_short(analysis, name),
                drawstyle='steps-post',
                **line_style(style),
            )
        ax.axvline(threshold, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
        ax.text(threshold, 1.03, f't = {threshold:g}', ha='center', va='bottom', color=MUTED, fontsize=8)
        ax.set(
            xlim=(0, end),
            ylim=(0, 1.02),
            xlabel=f'image error ({unit})',
            ylabel='images with at most this error',
        )
        ax.yaxis.set_major_formatter(PercentFormatter(1))
        ax.grid(True)
        if narrow:
            fig.legend(loc='outside lower center', ncols=2, handlelength=3.2)
        elif len(names) > 8 or not steep:
            fig.legend(loc='outside right center', handlelength=3.2)
        else:
            ax.legend(loc='lower right', handlelength=3.6, labelspacing=0.55)

    label = (
        f'Cumulative error distributions of {len(names)} methods; the numbers are in the tables of this page.'
    )
    return figure(draw, prefix, label, None)


def learning_curve(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup:
    """ME against the value of the condition; error bars are the seed SD."""
    curve, unit = analysis['learning_curve'], analysis['unit']
    x = np.asarray(curve['x'], dtype=float)
    names = [
        name
        for name in analysis['order']['methods']
        if any(v is not None for v in curve['methods'][name]['mean'])
    ]
    log = x.min() > 0 and x.max() / x.min() >= 4

    def draw(fig: Figure, ax: Axes, narrow: bool) -> None:
        ends = {}
        for place, name in enumerate(names):
            line, style = curve['methods'][name], styles[name]
            dodge = (place - (len(names) - 1) / 2) * 0.011
            at = x * np.exp(dodge * 1.2) if log else x + dodge * np.ptp(x)
            mean = np.array([np.nan if v is None else v for v in line['mean']], dtype=float)
            spread = np.array([np.nan if v is None else v for v in line['seed_sd']], dtype=float)
            ax.errorbar(
                at,
                mean,
                yerr=spread,
                elinewidth=0.9,
                capsize=1.8,
                label=_short(analysis, name),
                **line_style(style),
            )
            last = np.flatnonzero(np.isfinite(mean))[-1]
            ends[name] = (at[last], mean[last])
        if log:
            ax.set_xscale('log')
        ax.xaxis.set_major_locator(FixedLocator([*x]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xticks([*x], [f'{value:g}' for value in x])
        ax.set(
            xlabel=_value_label(analysis) + (' (log scale)' if log else ''),
            ylabel=f'ME ({unit}), lower is better',
        )
        ax.grid(True)
        _floor_line(ax, analysis, horizontal=True)
        if narrow:
            fig.legend(loc='outside lower center', ncols=2, handlelength=3.2)
        else:
            _label_ends(ax, analysis, ends)

    return figure(draw, prefix, f'Mean error of {len(names)} methods against {_value_label(analysis)}.')


def seeds(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup:
    """ME of every seed of the main condition, one row per method, with the mean over seeds."""
    names = [name for name in analysis['order']['methods'] if analysis['methods'][name]['n_seeds']]

    def draw(fig: Figure, ax: Axes, narrow: bool) -> None:
        for row, name in enumerate(names):
            block, colour = analysis['methods'][name]['endpoints']['ME'], method_colour(styles[name])
            ax.vlines(block['mean'], row - 0.3, row + 0.3, color=colour, linewidth=2)
            ax.plot(
                block['per_seed'],
                np.full(len(block['per_seed']), row),
                linestyle='none',
                marker=styles[name].marker,
                color=colour,
                markeredgecolor=PAPER,
                markeredgewidth=0.6,
                markersize=5.5,
                alpha=0.85,
            )
        ax.set_yticks(range(len(names)), [_short(analysis, name) for name in names])
        ax.set(ylim=(len(names) - 0.45, -0.75), xlabel=f'ME ({analysis["unit"]}), lower is better')
        ax.tick_params(axis='y', length=0)
        ax.spines['left'].set_visible(False)
        ax.grid(True, axis='x')
        _floor_line(ax, analysis, horizontal=False)

    return figure(
        draw, prefix, f'Mean error of each seed, {len(names)} methods.', 0.95 + 0.27 * max(len(names), 2)
    )


def _floor_line(ax: Axes, analysis: dict[str, Any], horizontal: bool) -> None:
    floor = analysis['decoder_floor']
    if not floor:
        return
    value, look = floor['value'], {'color': MUTED, 'linewidth': 0.8, 'linestyle': (0, (1, 2))}
    text = {'color': MUTED, 'fontsize': 7.5}
    if horizontal:
        ax.axhline(value, **look)
        ax.annotate(
            'floor of plain argmax',
            (0.01, value),
            xycoords=ax.get_yaxis_transform(),
            xytext=(0, 3),
            textcoords='offset points',
            **text,
        )
        ax.set_ylim(bottom=min(ax.get_ylim()[0], value * 0.85))
    else:
        ax.axvline(value, **look)
        ax.annotate(
            'floor of plain argmax',
            (value, 1),
            xycoords=ax.get_xaxis_transform(),
            xytext=(3, -1),
            textcoords='offset points',
            va='top',
            **text,
        )
        ax.set_xlim(left=min(ax.get_xlim()[0], value * 0.92))


def _label_ends(ax: Axes, analysis: dict[str, Any], ends: dict[str, tuple[float, float]]) -> None:
    """Write the methods' names at the right ends of their lines, moved apart where they would overlap."""
    low, high = ax.get_ylim()
    order = sorted(ends, key=lambda name: ends[name][1])
    heights = spread([ends[name][1] for name in order], (high - low) * 0.052)
    for name, height in zip(order, heights):
        ax.annotate(
            _short(analysis, name),
            ends[name],
            xytext=(1.03, height),
            textcoords=ax.get_yaxis_transform(),
            va='center',
            fontsize=8,
            annotation_clip=False,
            arrowprops={'arrowstyle': '-', 'color': GRID, 'linewidth': 0.6, 'shrinkA': 1, 'shrinkB': 3},
        )


def spread(wanted: list[float], gap: float) -> list[float]:
    """Move ascending heights apart until neighbours are ``gap`` away; clusters stay around their mean."""
    clusters: list[list[float]] = []  # [mean of the wanted heights less their steps, size]
    for index, height in enumerate(wanted):
        clusters.append([height - index * gap, 1])
        while len(clusters) > 1 and clusters[-1][0] < clusters[-2][0]:
            mean, size = clusters.pop()
            clusters[-1] = [
                (clusters[-1][0] * clusters[-1][1] + mean * size) / (clusters[-1][1] + size),
                clusters[-1][1] + size,
            ]
    starts = [mean for mean, size in clusters for _ in range(int(size))]
    return [start + index * gap for index, start in enumerate(starts)]


def _first_full(curve: dict[str, Any]) -> float:
    """Where every seed of a method has reached 1, or the last point."""
    full = np.flatnonzero(np.asarray(curve['low']) >= 1)
    return curve['x'][full[0]] if len(full) else curve['x'][-1]


def _value_label(analysis: dict[str, Any]) -> str:
    return analysis['learning_curve']['label']


def _short(analysis: dict[str, Any], method: str, limit: int = 22) -> str:
    label = ' '.join(analysis['methods'][method]['label'].split())
    label = label if len(label) <= limit else label[: limit - 1] + '…'
    return f'\u200b{label}' if label.startswith('_') else label  # matplotlib hides what begins with _


def _inline(source: str, prefix: str, label: str, kind: str) -> Markup:
    """Turn matplotlib's file into an element of the page: own ids, the page's font and colours."""
    ElementTree.register_namespace('', SVG)
    ElementTree.register_namespace('xlink', XLINK)
    root = ElementTree.fromstring(source.encode())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f'{{{SVG}}}metadata':
                parent.remove(child)
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == 'id':
                element.set(key, f'{prefix}-{value}')
            elif key == f'{{{XLINK}}}href' and value.startswith('#'):
                element.set(key, f'#{prefix}-{value[1:]}')
            else:
                element.set(key, _themed(value.replace('url(#', f'url(#{prefix}-')))
        if element.tag == f'{{{SVG}}}style':
            element.text = None
    for key in ('width', 'height'):
        root.attrib.pop(key, None)
    root.set('class', f'plot {kind}')
    root.set('role', 'img')
    root.set('aria-label', label)
    return Markup(ElementTree.tostring(root, encoding='unicode'))


def _themed(value: str) -> str:
    """Replace place-holder colours, and leave the font's name to the page."""
    value = re.sub(r'font-family:[^;]*;?\s*', '', value)
    value = re.sub(r'font: ([\d.]+px)[^;]*', r'font-size: \1', value)

    def colour(found: re.Match) -> str:
        text = found[0].lower()
        return THEME.get(text) or f'var(--m{int(text[1:], 16) - 0x100000})'

    return re.sub(r'#(?:0[1-4]0000|10[0-9a-f]{4})\b', colour, value, flags=re.IGNORECASE)
