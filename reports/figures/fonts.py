"""Fonts inside of PDF files: the glyphs that a figure uses, cut out of a font in a tenth of matplotlib's time.

matplotlib reads the whole font again for each file, and follows its tables for ligatures and scripts, which a PDF has
no use for: it places each character itself. Here the usual characters are cut out once, without those tables, and each
file's are cut out of what is left. The outlines, widths and hints of the glyphs are the same.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib.backends import _backend_pdf_ps

#: Tables that no PDF reader looks at: glyphs are placed by their numbers.
UNUSED = ('FFTM', 'GDEF', 'GPOS', 'GSUB')
#: What figures are written with: Latin, Greek, punctuation, arrows, signs, marks. Others are cut out of the whole font.
USUAL = frozenset(map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x391, 0x3CA), *range(0x2010, 0x2027),
                            *range(0x2190, 0x2194), 0x2212, 0x2248, 0x2264, 0x2265, 0x25CB, 0x25CF)))


@contextmanager
def small_fonts() -> Iterator[None]:
    """Meanwhile matplotlib embeds fonts by :func:`glyphs_subset`."""
    before = _backend_pdf_ps.get_glyphs_subset
    _backend_pdf_ps.get_glyphs_subset = glyphs_subset
    try:
        yield
    finally:
        _backend_pdf_ps.get_glyphs_subset = before


def glyphs_subset(fontfile: str, characters: str) -> TTFont:
    """The font restricted to the characters; takes and returns what matplotlib's own function does.

    Args:
        fontfile: Path of a TrueType font.
        characters: All that are written with it.
    """
    return _cut(BytesIO(_usual(fontfile)) if USUAL.issuperset(characters) else fontfile, characters)


@functools.cache
def _usual(fontfile: str) -> bytes:
    """The font's file with the usual characters only."""
    with _cut(fontfile, ''.join(sorted(USUAL))) as font:
        file: BytesIO = _backend_pdf_ps.font_as_file(font)
        return file.getvalue()


def _cut(source: str | BytesIO, characters: str) -> TTFont:
    options = subset.Options(glyph_names=True, recommended_glyphs=True)
    options.drop_tables += UNUSED
    font = subset.load_font(source, options)
    cutter = subset.Subsetter(options)
    cutter.populate(text=characters)
    cutter.subset(font)
    return font
