"""What a reader must not miss: alerts stand on the first screen of page and summary, all of them, in full."""

from __future__ import annotations


def alert(kind: str, text: str) -> dict[str, str]:
    """An alert as ``analysis.json`` holds it.

    Args:
        kind: What it is about, in two or three words, the same for all alerts of its kind, such as ``mixed programs``.
        text: One or two sentences that say what is the case, where, and what it means for the numbers.
    """
    return {'kind': kind, 'text': ' '.join(text.split())}
