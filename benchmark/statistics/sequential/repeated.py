"""Intervals that cover at all looks together, and contrasts outside of the planned family.

The looks of these are not kept, so only the last one counts: its p-value and its intervals, at the level that spending
leaves there. That errs on the safe side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..arrays import Floats
from ..estimates import Estimate
from .levels import nominal, reached
from .plan import SPENDING, SequentialPlan
from .records import Look

#: No interval misses with less than this probability.
LEAST = 1e-9


@dataclass(frozen=True)
class Repeated(Estimate):
    """An estimate whose intervals cover at all looks together.

    Attributes:
        times: Fractions of the planned seeds at the looks, this one the last.
        spending: How the level is spent.
    """

    times: tuple[float, ...] = (1.0,)
    spending: str = SPENDING

    @classmethod
    def of(cls, one: Estimate, times: tuple[float, ...], spending: str) -> Repeated:
        """The same at its looks."""
        return cls(one.estimate, one.se, one.df, one.parts, one.least, times, spending)

    @property
    def reached(self) -> float:
        """Level at which this look crosses; NaN where there is no p-value."""
        p = float(self.p)
        return math.nan if math.isnan(p) else float(reached(p, self.times, self.spending))

    def half_widths(self, levels: Sequence[float]) -> list[Floats]:
        """Half the widths of the repeated intervals with these levels.

        Where next to nothing is spent yet the interval is the one that misses with a probability of :data:`LEAST`.
        """
        missed = [nominal(self.times, round(1 - level, 12), self.spending) for level in levels]
        return super().half_widths([1 - max(LEAST, one) for one in missed])


@dataclass(frozen=True)
class Looked:
    """The looks at a suite that declared them.

    Attributes:
        looks: All of them, the one of now the last.
        plan: What was declared.
    """

    looks: tuple[Look, ...]
    plan: SequentialPlan

    def times(self, a: str, b: str, now: Sequence[int]) -> tuple[float, ...]:
        """Fractions of the planned seeds that a contrast of two methods had at the looks with more than one seed.

        Args:
            a: The first method.
            b: The second one.
            now: Seeds that the contrast has of each: in a paired design the common ones, and in another condition its
                own. No look had more.
        """
        found = set()
        for look in self.looks:
            counts = min(look.seeds.get(a, 0), now[0]), min(look.seeds.get(b, 0), now[1])
            if min(counts) > 1:
                found.add(self.plan.fraction(*counts))
        return tuple(sorted(found)) or (1.0,)

    def repeated(self, one: Estimate, a: str, b: str, now: Sequence[int]) -> Repeated:
        """A contrast of two methods with these seeds at its looks."""
        return Repeated.of(one, self.times(a, b, now), self.plan.spending)
