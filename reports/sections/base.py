"""The extension point of the report: a section is a class with a name, a title, a context and a template."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..palette import Style

SECTIONS: dict[str, type[Section]] = {}
TEMPLATES = Path(__file__).parents[1] / 'templates'
NAME = re.compile(r'[a-z][a-z0-9_-]*')


class SectionError(ValueError):
    """Sections that can't be shown as asked: names what is wrong and what there is, in one line."""


@dataclass(frozen=True)
class Skip:
    """A section that does not apply: its title stays, with the reason in one sentence.

    Attributes:
        reason: Why.
        hidden: Whether it leaves the page instead, unless the suite asks for the section by its name.
    """

    reason: str
    hidden: bool = False


class Section(ABC):
    """One section of the page, drawn by the template ``<name>.html``.

    A section from outside of this package also brings its style and its script, where ``<name>.css`` and ``<name>.js``
    lie beside the template.

    Args:
        styles: Method -> how it is drawn.
        base: Folder of ``analysis.json``; relative paths start there.

    Attributes:
        name: Unique; lower-case letters, digits, ``-`` and ``_``. The element's id, and what a suite calls it.
        title: Its heading.
        templates: Folder of the template.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    templates: ClassVar[Path] = TEMPLATES

    def __init__(self, styles: dict[str, Style], base: Path) -> None:
        self.styles = styles
        self.base = base

    @abstractmethod
    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Variables of the template, or :class:`Skip` with the reason why the section does not apply.

        Args:
            analysis: Content of analysis.json; every number comes from here.
            records: The runs' records, for text that analysis.json does not hold.
        """


def register(section: type[Section]) -> type[Section]:
    """Make a section known; the page has those of :data:`reports.sections.ORDER`, then the others as registered.

    Raises:
        SectionError: Its name is taken, or none that an HTML id can be.
    """
    name = getattr(section, 'name', None)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise SectionError(f'section {section.__qualname__}: name {name!r}; give lower-case letters, digits, - and _')
    if name in SECTIONS:
        raise SectionError(f'section {name!r} is registered twice ({SECTIONS[name].__module__}, {section.__module__})')
    SECTIONS[name] = section
    return section
