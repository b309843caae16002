"""The extension point of the report: a section is a class with a name, a title, a context and a template."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from ..palette import Style

SECTIONS: dict[str, type[Section]] = {}


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
    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Variables of the template, or None to leave the section out.

        Args:
            analysis: Content of analysis.json; every number comes from here.
            records: The runs' records, for text that analysis.json does not hold.
        """


def register(section: type[Section]) -> type[Section]:
    """Add a section to the page; sections come in the order in which they are registered."""
    if section.name in SECTIONS:
        raise ValueError(f'section {section.name!r} is registered twice')
    SECTIONS[section.name] = section
    return section
