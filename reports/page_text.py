"""Names as text on the page: directions that stay to themselves, lengths that fit."""

from __future__ import annotations

import unicodedata

RIGHT_TO_LEFT = {'R', 'AL', 'AN', 'RLE', 'RLO', 'LRE', 'LRO', 'RLI', 'LRI', 'FSI', 'PDF', 'PDI'}


def isolated(text: str) -> str:
    """Text that keeps its direction to itself: set apart by Unicode's isolates where it runs from right to left."""
    if any(unicodedata.bidirectional(letter) in RIGHT_TO_LEFT for letter in text):
        return f'\u2068{text}\u2069'
    return text


def cut(text: str, limit: int) -> str:
    """Text on one line, cut where it is long."""
    text = ' '.join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + '…'
