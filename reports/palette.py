"""One colour, marker and line style per method, the same in every figure and table.

The hues are those of Okabe and Ito. On white three of them are too pale for a thin line, and on black two are
too dark, so each has a variant per theme with a contrast of at least 3 : 1. Colour never stands alone: marker
and line style differ too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

LIGHT, DARK = '#fdfdfc', '#14161a'  # the page's backgrounds

# name: (Okabe-Ito, on the light page, on the dark page)
HUES = {
    'vermillion': ('#d55e00', '#d55e00', '#e8722a'),
    'blue': ('#0072b2', '#0072b2', '#3f92dc'),
    'black': ('#000000', '#1c1e21', '#f0eee9'),
    'green': ('#009e73', '#008a64', '#16b98a'),
    'orange': ('#e69f00', '#b57c00', '#e69f00'),
    'purple': ('#cc79a7', '#bd6496', '#d48ab3'),
    'sky': ('#56b4e9', '#2b8cc4', '#7fcaf3'),
    'yellow': ('#f0e442', '#968b00', '#f0e442'),
}
MARKERS = {  # matplotlib's letter: path in a box of 10 x 10 around 0, 0
    'o': 'M4 0A4 4 0 1 1 -4 0A4 4 0 1 1 4 0Z',
    's': 'M-3.5 -3.5H3.5V3.5H-3.5Z',
    '^': 'M0 -4.4L4.4 3.6H-4.4Z',
    'D': 'M0 -4.6L4.6 0L0 4.6L-4.6 0Z',
    'v': 'M0 4.4L4.4 -3.6H-4.4Z',
    'P': 'M-1.5 -4.4H1.5V-1.5H4.4V1.5H1.5V4.4H-1.5V1.5H-4.4V-1.5H-1.5Z',
    'X': 'M-2 -4L0 -2L2 -4L4 -2L2 0L4 2L2 4L0 2L-2 4L-4 2L-2 0L-4 -2Z',
    '<': 'M-4.4 0L3.6 4.4V-4.4Z',
}
DASHES = {
    'solid': (),
    'dashed': (5, 2),
    'dotted': (1.2, 1.6),
    'dash-dot': (6, 1.8, 1.2, 1.8),
    'long': (9, 2.2),
}
KNOWN = {
    'fe': ('sky', 'v', 'dotted'),
    'ftp': ('orange', '^', 'dash-dot'),
    'ft': ('black', 's', 'solid'),
    'hg': ('purple', 'D', 'dotted'),
    'ctd_cd': ('green', 'P', 'dashed'),
    'ctd_ed': ('vermillion', 'o', 'solid'),
    'ctd_com': ('blue', 'X', 'long'),
}


@dataclass(frozen=True)
class Style:
    """How one method is drawn.

    Attributes:
        slot: Number of its CSS variable, ``--m<slot>``.
        raw: The Okabe-Ito colour itself, for dots on a photograph.
        light: Colour on the light page.
        dark: Colour on the dark page.
        marker: matplotlib's letter.
        dash: On and off lengths; empty for a solid line.
    """

    slot: int
    raw: str
    light: str
    dark: str
    marker: str
    dash: tuple[float, ...]

    @property
    def css(self) -> str:
        return f'var(--m{self.slot})'

    def swatch(self) -> Markup:
        """A piece of the method's line with its marker, as it is in the figures."""
        dash = ' '.join(f'{length:g}' for length in self.dash)
        return Markup(
            '<svg class="swatch" viewBox="0 0 26 12" width="26" height="12" aria-hidden="true">'
            '<path d="M0 6H26" style="stroke:{0};stroke-width:1.8;stroke-dasharray:{1};fill:none"/>'
            '<path d="{2}" transform="translate(13 6)" style="fill:{0}"/></svg>'
        ).format(self.css, dash or 'none', MARKERS[self.marker])


def assign(methods: Iterable[str]) -> dict[str, Style]:
    """Give every method a style: the known ones theirs, the others what is left, then combinations."""
    methods = list(methods)
    used = {KNOWN[name] for name in methods if name in KNOWN}
    hues_used = {hue for hue, _, _ in used}
    free = _combinations(
        [hue for hue in HUES if hue not in hues_used] + [hue for hue in HUES if hue in hues_used]
    )
    styles = {}
    for slot, name in enumerate(methods):
        look = KNOWN.get(name)
        if look is None:
            look = next(candidate for candidate in free if candidate not in used)
            used.add(look) if len(used) < len(HUES) * len(MARKERS) else used.clear()
        hue, marker, dash = look
        styles[name] = Style(slot, *HUES[hue], marker, DASHES[dash])
    return styles


def _combinations(hues: list[str]) -> Iterable[tuple[str, str, str]]:
    """Endless looks; hue, marker and line style all change from one to the next."""
    markers, dashes, step = [*MARKERS], [*DASHES], 0
    while True:
        turn = step // len(hues)
        yield (
            hues[step % len(hues)],
            markers[(step + turn) % len(markers)],
            dashes[(step + turn) % len(dashes)],
        )
        step += 1


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two #rrggbb colours, after WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def theme_css(styles: dict[str, Style], theme: str) -> Markup:
    """The declarations of the methods' CSS variables for ``light`` or ``dark``."""
    return Markup(''.join(f'--m{style.slot}:{getattr(style, theme)};' for style in styles.values()))
