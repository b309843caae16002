"""The extension point of the report: a section is a class with a name, a title, a context and a template."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..palette import Style

SECTIONS: dict[str, type[Section]] = {}


@dataclass(frozen=True)
class Skip:
    """A section that does not apply: its title stays, with the reason in one sentence."""

    reason: str


class Section(ABC):
    """One section of the page, drawn by ``templates/<name>.html``.

    Args:
        styles: Method -> how it is drawn.
        base: Folder of ``analysis.json``; relative paths start there.
    """

    name: ClassVar[str]
    title: ClassVar[str]

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
    """Make a section known; the page has those of :data:`reports.sections.ORDER`, then the others as registered."""
    if section.name in SECTIONS:
        raise ValueError(f'section {section.name!r} is registered twice')
    SECTIONS[section.name] = section
    return section
