"""Kinds of value that a suite's fields take: each in words, and how it is checked."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable
from typing import Annotated, Any, NamedTuple

#: Seeds stand in tables as numbers with a point, which hold whole numbers up to this one.
LARGEST_SEED = 2 ** 53 - 1
#: What a name cannot hold: it is a folder's, a part of patterns and of lists with commas.
NOT_IN_NAMES = '/\\,*?[]'
LONGEST_NAME = 80


class Kind(NamedTuple):
    """What a field takes.

    Attributes:
        words: What to give, as the end of 'give ...'.
        fits: Whether a value is of this kind.
    """

    words: str
    fits: Callable[[Any], bool]


def whole(least: int) -> Kind:
    """Whole numbers from ``least`` on; True and False are none."""
    return Kind(f'a whole number, {least} or more', lambda value: type(value) is int and value >= least)


def number(low: float, high: float = math.inf, words: str | None = None) -> Kind:
    """Numbers of [low, high)."""
    return Kind(words or f'a number from {low:g}' + (f' to below {high:g}' if high < math.inf else ' on'),
                lambda value: type(value) in (int, float) and low <= value < high)


def _is_size(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(whole(1).fits(side) for side in value)


def _are_names(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(one, str) for one in value)


def _are_numbers(value: Any) -> bool:
    return isinstance(value, dict) and all(one is None or FINITE.fits(one) for one in value.values())


ABOVE_0 = Kind('a number above 0', lambda value: type(value) in (int, float) and 0 < value < math.inf)
FINITE = Kind('a number', lambda value: type(value) in (int, float) and math.isfinite(value))
SEED = Kind(f'a whole number from 0 to {LARGEST_SEED}', lambda value: type(value) is int and 0 <= value <= LARGEST_SEED)
TEXT = Kind('a text', lambda value: isinstance(value, str))
FLAG = Kind('True or False', lambda value: isinstance(value, bool))
DICT = Kind('a dict', lambda value: isinstance(value, dict))
SECONDS = Kind('seconds', number(0).fits)

#: Types of fields, each with what it takes.
Count = Annotated[int, whole(1)]
Seed = Annotated[int, SEED]
Number = Annotated[float, FINITE]
Positive = Annotated[float, ABOVE_0]
Share = Annotated[float, number(0, 1)]
SomeText = Annotated[str, Kind('a text that is not empty', lambda value: TEXT.fits(value) and bool(value.strip()))]
Names = Annotated[tuple[str, ...], Kind('a list of names', _are_names)]
Numbers = Annotated[dict[str, float | None], Kind('a dict of numbers, such as dict(ME=0.86, SD=0.24)', _are_numbers)]
Size = Annotated[tuple[int, int], Kind('width and height in pixels, such as (128, 128)', _is_size)]
OPTIONS = Kind('a dict of config values by dotted key', lambda value: isinstance(value, dict)
               and all(isinstance(key, str) and key and all(key.split('.')) for key in value))
ConfigValues = Annotated[dict[str, Any], OPTIONS]


def unfit_name(name: Any) -> str | None:
    """Why something cannot be the name of a method or a condition, in words; None where it can.

    Names are those of folders, stand in patterns (``--only``) and in lists (``--methods``), and tables strip them.
    """
    if not isinstance(name, str):
        return f'is of type {type(name).__name__}; write it as a text'
    if not name.strip():
        return 'is empty'
    if name != name.strip():
        return 'begins or ends with a blank'
    if name[0] in '.-':
        return f'begins with {name[0]!r}'
    if found := [letter for letter in name if letter in NOT_IN_NAMES or not letter.isprintable()]:
        return f'has {found[0]!r} in it, and is the name of a folder'
    if len(name.encode()) > LONGEST_NAME:
        return f'has more than {LONGEST_NAME} bytes'
    return None


def alike(labels: Iterable[tuple[str, str]]) -> tuple[str, str, str] | None:
    """Two names whose labels read the same, and that label; None where all differ.

    Args:
        labels: Names and their labels.
    """
    seen: dict[str, str] = {}
    for name, label in labels:
        read = ' '.join(unicodedata.normalize('NFKC', label).split())
        if read in seen:
            return seen[read], name, label
        seen[read] = name
    return None
