"""Measurements as rows, and as a table for people."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """One measured number beside its target.

    Attributes:
        what: What was measured, for readers.
        value: The median.
        unit: Its unit.
        low: Least of the repetitions.
        high: Largest.
        repeats: How many.
        at_most: The target; None where there is none.
        at_least: Likewise, where more is better.
    """

    what: str
    value: float
    unit: str
    low: float
    high: float
    repeats: int
    at_most: float | None = None
    at_least: float | None = None

    @classmethod
    def of(cls, what: str, values: Sequence[float], unit: str, **target: float | None) -> Measurement:
        """Of repetitions: their median and range.

        Args:
            what: As the attribute.
            values: One per repetition.
            unit: As the attribute.
            target: ``at_most`` or ``at_least``.
        """
        return cls(what, statistics.median(values), unit, min(values), max(values), len(values), **target)

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None without one."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most

    @property
    def target(self) -> str:
        """The target in words."""
        for words, limit in (('at most', self.at_most), ('at least', self.at_least)):
            if limit is not None:
                return f'{words} {limit:g} {self.unit}'
        return '–'

    def row(self) -> dict[str, Any]:
        """As it stands in the JSON file."""
        return {**asdict(self), 'reached': self.reached}


def markdown(measurements: list[Measurement]) -> str:
    """A table for the terminal and for docs/performance.md."""
    lines = ['| what | median | range | target | reached |', '|---|---|---|---|---|']
    for one in measurements:
        reached = {None: '–', True: 'yes', False: '**no**'}[one.reached]
        lines.append(f'| {one.what} | {one.value:.3g} {one.unit} | {one.low:.3g} to {one.high:.3g} ({one.repeats}) | '
                     f'{one.target} | {reached} |')
    return '\n'.join(lines)
