"""What a suite declares that looks at its results more than once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..errors import TableError

OBRIEN_FLEMING, POCOCK = 'obrien_fleming', 'pocock'
#: ``hsd:<gamma>``: Hwang, Shih and de Cani (1990).
HSD = 'hsd:'
SPENDINGS = (OBRIEN_FLEMING, POCOCK, f'{HSD}<gamma>')
#: What is taken where a plan names none: by simulation the one with which equal power costs the fewest trainings.
SPENDING = f'{HSD}-1'
#: Steepest of Hwang, Shih and de Cani's functions that is taken, either way.
STEEPEST = 40.0
#: Looks that a plan has at most: the boundary of each follows from those of all before.
MOST_LOOKS = 200
#: Below this chance of being settled at the maximum a contrast is given up, unless the plan says another one.
FUTILITY = 0.1


@dataclass(frozen=True)
class SequentialPlan:
    """Looks that were declared before there are results.

    Attributes:
        max_seeds: Seeds per method at which the suite ends, settled or not; the last look spends the whole level.
        first_look: Seeds per method at the first look.
        look_every: Seeds between two looks.
        spending: How the level is spent over the looks: ``obrien_fleming``, ``pocock`` or ``hsd:<gamma>``.
        futility: A contrast is given up where the chance that the maximum would settle it is below this; None: never.
        non_inferiority: Whether a contrast counts as settled where a is shown to be not worse than the margin.
    """

    max_seeds: int
    first_look: int = 3
    look_every: int = 1
    spending: str = SPENDING
    futility: float | None = FUTILITY
    non_inferiority: bool = False

    def schedule(self) -> tuple[int, ...]:
        """Numbers of seeds per method at which a look is planned."""
        return (*range(self.first_look, self.max_seeds, self.look_every), self.max_seeds)

    def times(self) -> tuple[float, ...]:
        """Shares of the planned seeds at these looks, the last one 1."""
        return tuple(count / self.max_seeds for count in self.schedule())

    def fraction(self, n_a: int, n_b: int) -> float:
        """Share of the planned seeds that a contrast of methods with so many seeds has: by their harmonic mean."""
        if min(n_a, n_b) >= self.max_seeds:
            return 1.0
        return min(1.0, 2 / (1 / n_a + 1 / n_b) / self.max_seeds)

    def check_counts(self, seeds: Mapping[str, int]) -> None:
        """Checks that no method has more seeds than the maximum, at which the whole level is spent.

        Args:
            seeds: Method -> its number of seeds, in the results or planned.

        Raises:
            TableError: One has.
        """
        if above := [name for name, count in seeds.items() if count > self.max_seeds]:
            name = max(above, key=seeds.__getitem__)
            raise TableError(f'sequential: field max_seeds: {self.max_seeds} is below the {seeds[name]} seeds of '
                             f'{name}; the last look is at the maximum: declare {seeds[name]} or more before there '
                             'are results, or leave out the seeds above it')


FIELDS = tuple(one.name for one in fields(SequentialPlan))


def read_sequential(value: Any) -> SequentialPlan | None:
    """Check what ``analysis`` declares under ``sequential``.

    Args:
        value: A mapping; None or an empty one: nothing is declared.

    Raises:
        TableError: A value that can't be meant: names the field and the remedy.
    """
    if value is None or isinstance(value, SequentialPlan):
        return value
    if not isinstance(value, Mapping):
        raise TableError(f'sequential: {value!r} is not a mapping; write dict(max_seeds=20)')
    if not value:
        return None
    if unknown := sorted(map(str, set(value) - {*FIELDS})):
        raise TableError(f'sequential: field {unknown[0]}: unknown; known are {", ".join(FIELDS)}')
    if value.get('max_seeds') is None:
        raise TableError('sequential: field max_seeds: missing; give the number of seeds per method at which the suite '
                         'ends, as in dict(max_seeds=20)')
    most = _count(value['max_seeds'], 'max_seeds', 2, 'give the seeds per method at which the suite ends')
    first = _count(value.get('first_look', SequentialPlan.first_look), 'first_look', 2,
                   'one seed says nothing about a training procedure')
    if most < first:
        raise TableError(f'sequential: field max_seeds: {most} is below the first look, at {first} seeds; raise it, or '
                         'give first_look')
    every = _count(value.get('look_every', SequentialPlan.look_every), 'look_every', 1,
                   'give the seeds between two looks')
    if (looks := 1 + -(-(most - first) // every)) > MOST_LOOKS:
        raise TableError(f'sequential: field look_every: up to max_seeds={most} these would be {looks} looks, and at '
                         f'most {MOST_LOOKS} are planned; look every {-(-(most - first) // (MOST_LOOKS - 1))} seeds')
    wanted = value.get('non_inferiority', False)
    if not isinstance(wanted, bool):
        raise TableError(f'sequential: field non_inferiority: {wanted!r} is neither True nor False')
    return SequentialPlan(most, first, every, _spending(value.get('spending', SPENDING)),
                          _futility(value.get('futility', FUTILITY)), wanted)


def parse_sequential(texts: Iterable[str]) -> dict[str, Any]:
    """``['max_seeds=20', 'futility=none']`` to ``{'max_seeds': 20, 'futility': None}``.

    Raises:
        TableError: A text of another form, or a field that is given twice.
    """
    words: dict[str, Any] = {'none': None, 'true': True, 'false': False}
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition('='))
        if not sign:
            raise TableError(f'sequential: {text!r} is not of the form FIELD=VALUE, as in max_seeds=20')
        if name in found:
            raise TableError(f'sequential: field {name}: given twice; give it once')
        try:
            number = float(value)
        except ValueError:
            found[name] = words.get(value.lower(), value)
        else:
            found[name] = int(number) if number.is_integer() else number
    return found


def _spending(value: Any) -> str:
    if value in (OBRIEN_FLEMING, POCOCK):
        return str(value)
    if isinstance(value, str) and value.startswith(HSD):
        try:
            gamma = float(value[len(HSD):])
        except ValueError:
            gamma = math.nan
        if abs(gamma) <= STEEPEST:
            return f'{HSD}{gamma:g}'
        raise TableError(f'sequential: field spending: {value!r} has no number from -{STEEPEST:g} to {STEEPEST:g} '
                         f'after {HSD!r}; write hsd:-4, as an example')
    raise TableError(f'sequential: field spending: {value!r} is not one of {", ".join(SPENDINGS)}')


def _futility(value: Any) -> float | None:
    if value is None or value is False:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 0.5:
        raise TableError(f'sequential: field futility: {value!r} is not a chance above 0 and below 0.5; give one such '
                         f'as {FUTILITY:g}, or None to give up no contrast')
    return float(value)


def _count(value: Any, name: str, least: int, remedy: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise TableError(f'sequential: field {name}: {value!r} is not a whole number of at least {least}; {remedy}')
    return value
