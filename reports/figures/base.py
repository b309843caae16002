"""Figures as inline SVG: the same input gives the same bytes, and the colours follow the page's theme.

Everything is drawn in place-holder colours, which are replaced by CSS variables afterwards; text stays text,
in the page's font. Each figure is made twice, for wide and for narrow screens; the style sheet shows one.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from ..palette import Style
from .compact import compact
from .pointers import straight

INK, MUTED, GRID, PAPER = '#010000', '#020000', '#030000', '#040000'
HEAT, COOL, WARM = '#050000', '#060000', '#070000'
THEME = {
    INK: 'var(--ink)',
    MUTED: 'var(--muted)',
    GRID: 'var(--line)',
    PAPER: 'var(--bg)',
    HEAT: 'var(--heat)',
    COOL: 'var(--link)',
    WARM: 'var(--warn)',
}
SVG, XLINK = 'http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xlink'
WIDE, NARROW = (7.4, 3.9), (3.75, 3.7)
#: What the inter-observer error is called in figures.
ANNOTATORS = 'between annotators'
RC = {
    'svg.hashsalt': 'report',
    'svg.fonttype': 'none',
    'text.parse_math': False,
    'pdf.fonttype': 42,
    'figure.facecolor': 'none',
    'axes.facecolor': 'none',
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
Draw = Callable[[Figure, bool], None]
#: How an artist looks, by the names of its properties.
Look = dict[str, Any]
#: Takes the name, the label and the wide version of each figure once it is on the page; see :mod:`.files`.
KEEP: ContextVar[Callable[[str, str, Figure], None] | None] = ContextVar('KEEP', default=None)


def figure(draw: Draw, prefix: str, label: str, height: float | None = None) -> Markup:
    """Draw a figure for wide and for narrow screens.

    Args:
        draw: Called with the empty figure and whether the screen is narrow.
        prefix: Unique on the page; put before every id.
        label: What the figure shows, for those who don't see it.
        height: In inches, instead of the default.
    """
    keep, parts = KEEP.get(), []
    for narrow, (width, usual) in ((False, WIDE), (True, NARROW)):
        with matplotlib.rc_context(RC), warnings.catch_warnings():
            warnings.simplefilter('ignore', UserWarning)  # a glyph that matplotlib's font lacks: the browser draws it
            fig = Figure(figsize=(width, height or usual), layout='constrained')
            draw(fig, narrow)
            stream = StringIO()
            # Not by savefig, which lays out and draws everything once more before.
            FigureCanvasSVG(fig).print_svg(stream, metadata={'Date': None, 'Creator': None})
            if keep and not narrow:
                keep(prefix, label, fig)
        name = f'{prefix}-n' if narrow else prefix
        parts.append(_inline(stream.getvalue(), name, label, 'narrow' if narrow else 'wide'))
    return Markup('').join(parts)


def method_colour(style: Style) -> str:
    """The place-holder of a method's colour."""
    return f'#{0x100000 + style.slot:06x}'


def line_style(style: Style) -> Look:
    """Arguments of ``plot`` for a method."""
    colour = method_colour(style)
    return {
        'color': colour,
        'marker': style.marker,
        'linestyle': (0, style.dash) if style.dash else '-',
        'markeredgecolor': PAPER,
        'markeredgewidth': 0.5,
    }


def floor_line(ax: Axes, analysis: dict[str, Any], horizontal: bool) -> None:
    """Draw the floor of plain argmax, where there is one, across the axes."""
    floor = analysis['decoder_floor']
    if not floor:
        return
    value: float = floor['value']
    look: Look = {'color': MUTED, 'linewidth': 0.8, 'linestyle': (0, (1, 2))}
    text: Look = {'color': MUTED, 'fontsize': 7.5}
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


def annotators_line(ax: Axes, analysis: dict[str, Any], horizontal: bool) -> None:
    """Draw the mean distance between annotators, where there are several, across the axes, over its interval."""
    block = analysis.get('annotators')
    if not block:
        return
    cell = block['endpoints']['ME']
    value: float = cell['mean']
    ends = (cell['ci_low'], cell['ci_high']) if cell['ci_low'] is not None else (value, value)
    band: Look = {'color': INK, 'alpha': 0.07, 'linewidth': 0}
    look: Look = {'color': INK, 'linewidth': 0.8, 'linestyle': (0, (5, 2))}
    text: Look = {'color': INK, 'fontsize': 7.5, 'textcoords': 'offset points', 'va': 'bottom'}
    if horizontal:
        ax.axhspan(*ends, **band)
        ax.axhline(value, **look)
        ax.annotate(ANNOTATORS, (0.99, value), xycoords=ax.get_yaxis_transform(), xytext=(0, 3), ha='right', **text)
        low, high = ax.get_ylim()
        ax.set_ylim(min(low, value - 0.05 * (high - low)), max(high, value + 0.08 * (high - low)))
        return
    low, high = ax.get_xlim()
    ax.axvspan(*ends, **band)
    ax.axvline(value, **look)
    low, high = min(low, value - 0.03 * (high - low)), max(high, value + 0.03 * (high - low))
    ax.set_xlim(low, high)
    left = value > (low + high) / 2
    ax.annotate(ANNOTATORS, (value, 0), xycoords=ax.get_xaxis_transform(), xytext=(-3 if left else 3, 1),
                ha='right' if left else 'left', **text)


def label_ends(ax: Axes, analysis: dict[str, Any], ends: dict[str, tuple[float, float]]) -> None:
    """Write the methods' names at the right ends of their lines, moved apart where they would overlap."""
    low, high = ax.get_ylim()
    order = sorted(ends, key=lambda name: ends[name][1])
    heights = spread([ends[name][1] for name in order], (high - low) * 0.052)
    for name, height in zip(order, heights, strict=True):
        ax.annotate(
            short(analysis, name),
            ends[name],
            xytext=(1.03, height),
            textcoords=ax.get_yaxis_transform(),
            va='center',
            fontsize=8,
            annotation_clip=False,
            arrowprops={'arrowstyle': '-', 'connectionstyle': straight, 'color': GRID, 'linewidth': 0.6, 'shrinkA': 1,
                        'shrinkB': 3},
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


def short(analysis: dict[str, Any], method: str, limit: int = 22) -> str:
    """A method's label on one line, cut where it is long."""
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
            elif key in ('d', 'x', 'y') or key == 'transform' and 'scale' not in value:  # hundredths are enough
                element.set(key, re.sub(r'\d+\.\d{3,}', lambda found: f'{float(found[0]):.2f}', value))
            else:
                element.set(key, _themed(value.replace('url(#', f'url(#{prefix}-')))
        if element.tag == f'{{{SVG}}}style':
            element.text = None
    compact(root)
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

    def colour(found: re.Match[str]) -> str:
        text = found[0].lower()
        return THEME.get(text) or f'var(--m{int(text[1:], 16) - 0x100000})'

    return re.sub(r'#(?:0[1-7]0000|10[0-9a-f]{4})\b', colour, value, flags=re.IGNORECASE)
