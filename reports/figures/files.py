"""The page's figures as PDF files for papers: vectors on white, in the light theme's colours, always the same bytes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import matplotlib
import numpy as np
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.figure import Figure

from ..palette import Style
from ..theme import PAGE
from .base import DRAWN, RC, THEME, WIDE, Draw, method_colour

#: Properties of artists that hold colours.
COLOURS = ('color', 'facecolor', 'edgecolor', 'markerfacecolor', 'markerfacecoloralt', 'markeredgecolor')
#: Nothing that differs from one day, or one machine, to the next.
METADATA = {'Creator': None, 'Producer': None, 'CreationDate': None}


@contextmanager
def collected() -> Iterator[dict[str, tuple[Draw, str, float | None]]]:
    """What :func:`.base.figure` draws meanwhile, by name."""
    drawn: dict[str, tuple[Draw, str, float | None]] = {}
    token = DRAWN.set(drawn)
    try:
        yield drawn
    finally:
        DRAWN.reset(token)


def pdf(draw: Draw, label: str, height: float | None, styles: dict[str, Style]) -> bytes:
    """A figure as a PDF file.

    Args:
        draw: As :func:`.base.figure` takes it; the wide version is drawn.
        label: Title of the document.
        height: In inches, instead of the default.
        styles: Method -> how it is drawn.
    """
    fonts = {'pdf.fonttype': 42, 'text.parse_math': False}
    with matplotlib.rc_context({**RC, **fonts}), warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)  # a glyph that matplotlib's font lacks
        fig = Figure(figsize=(WIDE[0], height or WIDE[1]), layout='constrained')
        FigureCanvasPdf(fig)
        draw(fig, fig.add_subplot(), False)
        fig.draw_without_rendering()  # lays out, and makes the ticks, so that they are coloured too
        fig.set_layout_engine('none')
        colour(fig, styles)
        for background in (fig, *fig.axes):
            background.patch.set_visible(False)
        stream = BytesIO()
        fig.canvas.print_pdf(stream, metadata={**METADATA, 'Title': label})
    return stream.getvalue()


def colour(fig: Figure, styles: dict[str, Style]) -> None:
    """Replace the place-holder colours of all artists by those of the light theme, on white."""
    page = {**PAGE['light'], 'bg': '#ffffff'}
    final = {holder: page[variable[6:-1]] for holder, variable in THEME.items()}
    final |= {method_colour(style): style.light for style in styles.values()}
    for artist in fig.findobj():
        for name in COLOURS:
            if not (hasattr(artist, f'get_{name}') and hasattr(artist, f'set_{name}')):
                continue
            now = getattr(artist, f'get_{name}')()
            new = _final(now, final)
            if new is not None:
                getattr(artist, f'set_{name}')(new)


def _final(now: object, final: dict[str, str]) -> np.ndarray | tuple | None:
    """The final colours, each with its opacity; None where there is nothing to replace."""
    try:
        rgba = to_rgba_array(now)
    except (TypeError, ValueError):  # such as 'auto'
        return None
    known = [final.get(to_hex(one)) for one in rgba]
    if not any(known):
        return None
    new = [(*to_rgba_array(to)[0, :3], one[3]) if to else tuple(one) for to, one in zip(known, rgba)]
    single = isinstance(now, str) or np.ndim(now) == 1
    return new[0] if single else np.array(new)
