"""The page's figures as PDF files for papers: vectors on white, in the light theme's colours, always the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from ..palette import Style
from ..theme import PAGE
from .base import KEEP, THEME, method_colour
from .fonts import small_fonts

#: Properties of artists that hold colours.
COLOURS = ('color', 'facecolor', 'edgecolor', 'markerfacecolor', 'markerfacecoloralt', 'markeredgecolor')
#: Nothing that differs from one day, or one machine, to the next.
METADATA = {'Creator': None, 'Producer': None, 'CreationDate': None}


@contextmanager
def collected(styles: dict[str, Style]) -> Iterator[dict[str, bytes]]:
    """The figures that :func:`.base.figure` draws meanwhile as PDF files, by name.

    Args:
        styles: Method -> how it is drawn.
    """
    files: dict[str, bytes] = {}

    def keep(name: str, label: str, fig: Figure) -> None:
        files[name] = pdf(fig, label, styles)

    token = KEEP.set(keep)
    try:
        yield files
    finally:
        KEEP.reset(token)


def pdf(fig: Figure, label: str, styles: dict[str, Style]) -> bytes:
    """A figure as a PDF file.

    Args:
        fig: As it has been drawn for the page, laid out; its colours are changed.
        label: Title of the document.
        styles: Method -> how it is drawn.
    """
    fig.set_layout_engine('none')
    colour(fig, styles)
    stream = BytesIO()
    with small_fonts():
        FigureCanvasPdf(fig).print_pdf(stream, metadata={**METADATA, 'Title': label})
    return stream.getvalue()


def colour(fig: Figure, styles: dict[str, Style]) -> None:
    """Replace the place-holder colours of all artists by those of the light theme, on white."""
    page = {**PAGE['light'], 'bg': '#ffffff'}
    final = {holder: page[variable[6:-1]] for holder, variable in THEME.items()}
    final |= {method_colour(style): style.light for style in styles.values()}
    found: dict[object, Any] = {}
    for artist in fig.findobj():
        for name in COLOURS:
            if not (hasattr(artist, f'get_{name}') and hasattr(artist, f'set_{name}')):
                continue
            now = getattr(artist, f'get_{name}')()
            if not isinstance(now, (str, tuple)):
                new = _final(now, final)
            elif now in found:
                new = found[now]
            else:
                new = found[now] = _final(now, final)
            if new is not None:
                getattr(artist, f'set_{name}')(new)


def _final(now: ColorType | Sequence[ColorType], final: dict[str, str]) -> ColorType | np.ndarray | None:
    """The final colours, each with its opacity; None where there is nothing to replace."""
    try:
        rgba = to_rgba_array(now)
    except (TypeError, ValueError):  # such as 'auto'
        return None
    known = [final.get(to_hex(one)) for one in rgba]
    if not any(known):
        return None
    new = np.array([(*to_rgba_array(to)[0, :3], one[3]) if to else one for to, one in zip(known, rgba, strict=True)])
    single = isinstance(now, str) or np.ndim(now) == 1
    return tuple(new[0]) if single else new
