"""What a guideline is made of: items in our own words, each with the rules that look for its evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .files import Files


@dataclass(frozen=True)
class Evidence:
    """Something in a file that an item asks for.

    Attributes:
        file: Where it stands; files of the data set are said to be the data set's.
        field: The field in it, or empty.
        section: The section of the page that shows it, or empty.
        says: What it says, in a few words, made of what was read.
    """

    file: str
    field: str
    section: str
    says: str


#: Looks for one kind of evidence; None where the files do not have it. Its docstring says what it looks for.
Rule = Callable[[Files], Evidence | None]


@dataclass(frozen=True)
class Item:
    """An item of a guideline.

    Attributes:
        number: As the guideline counts it: ``20``, ``3a``.
        part: The part of a paper that it belongs to.
        asks: What it asks for, in our own words.
        rules: Its evidence, of each part that a file can prove.
        remains: What no file can hold, so that the authors have to write it although there is evidence; or empty.
    """

    number: str
    part: str
    asks: str
    rules: tuple[Rule, ...] = ()
    remains: str = ''


@dataclass(frozen=True)
class Guideline:
    """A published checklist.

    Attributes:
        key: Its name in files.
        name: Its name for readers.
        source: Where it was published.
        counted: How the publication counts its items.
        items: The items, in its order.
    """

    key: str
    name: str
    source: str
    counted: str
    items: tuple[Item, ...]
