"""Names as text on the page: directions that stay to themselves, lengths that fit."""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

#: An option of a command.
OPTION = re.compile(r'(?<![\w-])(--[a-z][a-z-]+)')
RIGHT_TO_LEFT = {'R', 'AL', 'AN', 'RLE', 'RLO', 'LRE', 'LRO', 'RLI', 'LRI', 'FSI', 'PDF', 'PDI'}


def isolated(text: str) -> str:
    """Text that keeps its direction to itself: set apart by Unicode's isolates where it runs from right to left."""
    if any(unicodedata.bidirectional(letter) in RIGHT_TO_LEFT for letter in text):
        return f'\u2068{text}\u2069'
    return text


def noted(text: str) -> Markup:
    """A note for the page: options of commands are set as code, and not broken."""
    parts = [Markup('<code>{}</code>').format(part) if place % 2 else escape(part)
             for place, part in enumerate(OPTION.split(isolated(text)))]
    return Markup('').join(parts)


def cut(text: str, limit: int) -> str:
    """Text on one line, cut where it is long."""
    text = ' '.join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + '…'
