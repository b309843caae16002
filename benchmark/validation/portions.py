"""How many replications are worked at together."""

from __future__ import annotations

from collections.abc import Iterator

#: Scores of one method that are held in memory at a time: 16 MiB.
HELD = 1 << 21


def portions(total: int, values: int, cap: int | None = None) -> Iterator[int]:
    """Numbers of replications, each few enough for the memory, that sum to ``total``.

    Args:
        total: Replications.
        values: Scores of one replication and method.
        cap: Most replications in a portion.
    """
    size = max(1, HELD // values)
    size = min(size, cap) if cap else size
    for start in range(0, total, size):
        yield min(size, total - start)
