"""What a declared measurement says: which landmarks, and what is made of them.

A measurement is a list of landmarks, after which a word may stand. Several of one unit are joined by ``+`` or ``-``.

======================= ==========================================================================================
declared                value
======================= ==========================================================================================
``a b``                 distance of a and b
``a b c``               angle at b, 0 to 180 degrees; with ``signed`` -180 to 180, clockwise as one sees the image
``a b c d``             angle between the directions a to b and c to d, ``signed`` likewise
``a b c d ratio``       distance of a and b over that of c and d
``p a b offset``        distance of p from the line a to b, positive on its clockwise side
``a b c d offset``      from a to b along the direction c to d, positive where b lies further on
======================= ==========================================================================================

The last element may be classes by thresholds, lowest first: ``low < 3.2 < normal <= 5.7 < high``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SIGNED, RATIO, OFFSET, ANGLE, DISTANCE = 'signed', 'ratio', 'offset', 'angle', 'distance'
#: Words after the landmarks -> with how many landmarks they make sense.
WORDS = {SIGNED: (3, 4), RATIO: (4,), OFFSET: (3, 4)}
JOINS = {'+': 1, '-': -1}
#: Units: of lengths that of the coordinates, or millimetres.
DEGREES, LENGTH = 'degrees', 'length'
UNITS = {DISTANCE: LENGTH, OFFSET: LENGTH, RATIO: RATIO, ANGLE: DEGREES, SIGNED: DEGREES}
FORMS = ('three landmarks (angle at the middle one) or four (between the lines of the first two and the last two), '
         '"signed" after either; four and "ratio"; three or four and "offset"; two are a distance')


@dataclass(frozen=True)
class Term:
    """One value: its ``kind``, its landmarks, and 1 or -1, with which it is added."""

    kind: str
    points: tuple[str, ...]
    sign: int = 1

    def problem(self) -> str | None:
        """Why there can be no such value, or None."""
        pairs = [self.points[:2], self.points[2:]] if len(self.points) == 4 else [self.points]
        return None if all(len(set(pair)) == len(pair) for pair in pairs) else 'two of its points are one'


@dataclass(frozen=True)
class Classes:
    """Ordered classes of a measurement's values.

    Attributes:
        names: C different names, lowest values first.
        bounds: C - 1 rising bounds between them.
        above: For each bound whether a value that equals it is in the class above.
        unit: Of the bounds: ``mm`` or ``px`` of lengths, else empty.
    """

    names: tuple[str, ...]
    bounds: tuple[float, ...]
    above: tuple[bool, ...]
    unit: str = ''


@dataclass(frozen=True)
class Measurement:
    """What is measured: a sum of terms of one unit, and perhaps the classes of its values."""

    terms: tuple[Term, ...]
    classes: Classes | None = None

    @property
    def unit(self) -> str:
        """``length``, ``degrees`` or ``ratio``."""
        return UNITS[self.terms[0].kind]

    @property
    def landmarks(self) -> tuple[str, ...]:
        """Its landmarks, each once."""
        return tuple(dict.fromkeys(name for term in self.terms for name in term.points))

    @property
    def turns(self) -> bool:
        """Whether 360 degrees more are the same."""
        return any(term.kind == SIGNED for term in self.terms)

    @property
    def noun(self) -> str:
        """What it is, in a sentence."""
        return {DEGREES: ANGLE, LENGTH: 'distance' if self.terms[0].kind == DISTANCE else OFFSET}.get(self.unit, RATIO)


def read(declared: Sequence[str]) -> Measurement:
    """A measurement as it is declared.

    Raises:
        ValueError: It can't be meant; says what can.
    """
    terms, points, sign = [], [], 1
    words, text = [*declared], None
    if words and '<' in words[-1]:
        text = words.pop()
    for word in [*words, '+']:
        if word not in JOINS:
            points.append(word)
            continue
        terms.append(_term(points, sign))
        points, sign = [], JOINS[word]
    units = {UNITS[term.kind] for term in terms}
    if len(units) > 1:
        raise ValueError(f'{" ".join(declared)}: values of several units ({", ".join(sorted(units))}) can\'t be added')
    for term in terms:
        if problem := term.problem():
            raise ValueError(f'{list(declared)} must be {FORMS}, different ones: {problem}')
    found = Measurement(tuple(terms))
    return found if text is None else Measurement(found.terms, read_classes(text, found.unit))


def read_classes(text: str, unit: str) -> Classes:
    """Classes as they are declared: names and the bounds between them, lowest first.

    A value that equals a bound is in the class above it; with ``<=`` before the bound in the one below.

    Args:
        text: Such as ``low < 3.2 < normal <= 5.7 < high``; bounds of lengths are millimetres, or ``20 px``.
        unit: Of the measurement.

    Raises:
        ValueError: It can't be meant.
    """
    parts = [part.strip() for part in re.split('(<=|<)', text)]
    names, bounds, before, after = parts[::4], parts[2::4], parts[1::4], parts[3::4]
    read = [re.fullmatch(r'([-+]?(?:\d+\.?\d*|\.\d+))\s*(mm|px)?', bound) for bound in bounds]
    values = [float(one[1]) for one in read if one]
    units = {one[2] or ('mm' if unit == LENGTH else '') for one in read if one}
    problem = None
    if len(parts) % 4 != 1 or len(names) < 2 or '' in names:
        problem = f'there are {len([*filter(None, names)])} names and {len(bounds)} bounds'
    elif None in read:
        problem = f'{bounds[read.index(None)]!r} is no number'
    elif len({*names}) < len(names):
        problem = f'{max(names, key=names.count)!r} is there twice'
    elif any(high <= low for low, high in zip(values, values[1:], strict=False)):
        problem = f'{", ".join(map(format, values))} do not rise'
    elif len(units) > 1 or (unit != LENGTH and units != {''}):
        problem = 'bounds of a length are all mm or all px, those of angles and ratios have no unit'
    elif any(one == other == '<=' for one, other in zip(before, after, strict=True)):
        problem = '<= can stand on one side of a bound only'
    if problem:
        raise ValueError(f'{text!r}: {problem}; classes are written NAME < BOUND < NAME, with bounds that rise, as in '
                         "'low < 3.2 < normal <= 5.7 < high'")
    return Classes(tuple(names), tuple(values), tuple(one == '<' for one in before), units.pop())


def _term(words: Sequence[str], sign: int) -> Term:
    last = words[-1] if words else ''
    if len(words) - 1 in WORDS.get(last, ()):
        return Term(last, tuple(words[:-1]), sign)
    if len(words) == 2:
        return Term(DISTANCE, tuple(words), sign)
    if len(words) in (3, 4):
        return Term(ANGLE, tuple(words), sign)
    raise ValueError(f'{list(words)} must be {FORMS}')
