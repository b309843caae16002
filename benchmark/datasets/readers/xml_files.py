"""XML files, read without what makes XML dangerous."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from xml.parsers import expat

from benchmark.datasets.metainfo import DataError


def read_xml(path: Path) -> ET.Element:
    """The root element of an XML file; a document type, and with it entities of any kind, is refused.

    Raises:
        DataError: No such file, no well-formed XML, or a document type.
    """
    builder, parser = ET.TreeBuilder(), expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise DataError(f'{path}: line {parser.CurrentLineNumber}: a document type (<!DOCTYPE), which annotation files '
                        'have no use for and which can hide harm. Delete it.')

    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        with path.open('rb') as file:
            parser.ParseFile(file)
        return builder.close()
    except expat.ExpatError as error:
        raise DataError(f'{path}: line {error.lineno}: no well-formed XML ({expat.ErrorString(error.code)}). Export it '
                        'again.') from None
    except OSError as error:
        raise DataError(f'{path}: cannot be read ({error.strerror}).') from None


def attribute(element: ET.Element, name: str, where: str) -> str:
    """An attribute that must be there.

    Raises:
        DataError: It is not.
    """
    value = element.get(name)
    if value is None:
        raise DataError(f'{where}: <{element.tag}> has no {name}. Export the file again.')
    return value


def numeric(element: ET.Element, name: str, where: str) -> float:
    """An attribute that is a number.

    Raises:
        DataError: It is missing or none.
    """
    text = attribute(element, name, where)
    try:
        return float(text)
    except ValueError:
        raise DataError(f'{where}: <{element.tag}>: {name} is {text!r}, no number. Correct it.') from None
