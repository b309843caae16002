"""Delimited text as spreadsheets and other programs write it: its encoding, separator and decimal sign are found out.

Standard library only. Numbers stay text here; :func:`decimal_comma` says how those of some columns are written.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

#: Separators that are looked for, the usual one first; the name of each for readers.
SEPARATORS = {',': 'commas', ';': 'semicolons', '\t': 'tabs', '|': 'vertical bars'}
#: What a file that is not UTF-8 is read as: Excel's 'CSV' on Windows in western Europe and America.
FALLBACK = 'cp1252'
_BOMS = ((b'\xef\xbb\xbf', 'utf-8-sig'), (b'\xff\xfe', 'utf-16'), (b'\xfe\xff', 'utf-16'))
_COMMA = re.compile(r'[+-]?(\d*),(\d+)([eE][+-]?\d+)?')


class DelimitedError(ValueError):
    """Text that can't be read without guessing: says what was found and what to do."""


@dataclass(frozen=True)
class Delimited:
    """A file's cells as text.

    Attributes:
        columns: Names of the columns, without blanks around them.
        cells: The cells of each column, all of one length; empty lines are left out.
        separator: What stands between cells.
        encoding: As Python names it.
    """

    columns: list[str]
    cells: list[list[str]]
    separator: str
    encoding: str

    @property
    def remarks(self) -> list[str]:
        """What was found where it is not UTF-8 and commas, in words: 'separated by semicolons'."""
        found = [] if self.separator == ',' else [f'separated by {SEPARATORS[self.separator]}']
        return found + ([f'not UTF-8, read as {self.encoding}'] if self.encoding == FALLBACK else [])


def read_delimited(path: str | Path, wanted: Collection[str] = ()) -> Delimited:
    """Read a delimited text file with a header.

    The separator is the one that gives the header most of the wanted columns, then most cells. A first line ``sep=;``,
    as Excel knows it, decides. Columns without a name and without a filled cell (a spreadsheet's margin) and empty
    cells beyond the last column are left out.

    Args:
        path: The file.
        wanted: Names of columns that tell the right separator.

    Raises:
        DelimitedError: The file is not text, or a row has another number of cells than the header.
        OSError: The file can't be read.
    """
    text, encoding = _decoded(Path(path).read_bytes())
    return parse_delimited(text, encoding, wanted)


def parse_delimited(text: str, encoding: str = 'utf-8', wanted: Collection[str] = ()) -> Delimited:
    """The same of a text that was read already.

    Args:
        text: The file's content.
        encoding: What it was read as.
        wanted: Names of columns that tell the right separator.

    Raises:
        DelimitedError: A row has another number of cells than the header.
    """
    first, _, rest = text.partition('\n')
    declared = re.fullmatch(r'"?sep=(.)"?', first.strip('\r\n'))
    start = 2 if declared else 1
    text = rest if declared else text
    header = next((line for line in io.StringIO(text, newline='') if line.strip()), '')
    separator = declared[1] if declared and declared[1] in SEPARATORS else likely_separator(header, wanted)
    columns, cells = _regular(text, separator) or _any(text, separator, start)
    if '' in columns:
        kept = [place for place, name in enumerate(columns) if name or any(map(str.strip, cells[place]))]
        columns, cells = [columns[place] for place in kept], [cells[place] for place in kept]
    return Delimited(columns, cells, separator, encoding)


def _regular(text: str, separator: str) -> tuple[list[str], list[list[str]]] | None:
    """Columns and their cells of a text without quotes, empty lines and rows of other lengths; None for any other.

    The same as :func:`_any` gives, by a split of the whole text: a million rows take a tenth of the time.
    """
    if '"' in text or '\0' in text:
        return None
    if '\r' in text:
        text = text.replace('\r\n', '\n')
        if '\r' in text:
            return None
    lines = text.rstrip('\n').split('\n')
    breaks = lines[0].count(separator)
    if not lines[0].replace(separator, '').strip() or not breaks:
        return None
    if {*map(str.count, lines, repeat(separator))} != {breaks}:
        return None
    if separator != '\t' and (f'{separator} ' in text or text.startswith(' ') or '\n ' in text):
        return None
    flat = separator.join(lines).split(separator)
    every = [flat[place::breaks + 1] for place in range(breaks + 1)]
    # A row of empty cells is none; such a row has an empty first cell.
    if max(map(len, lines)) > csv.field_size_limit() or not all(map(str.strip, every[0][1:])):
        return None
    return [cells[0].strip() for cells in every], [cells[1:] for cells in every]


def _any(text: str, separator: str, start: int) -> tuple[list[str], list[list[str]]]:
    """Columns and their cells; ``start`` is the number of the text's first line in the file."""
    reader = csv.reader(io.StringIO(text, newline=''), delimiter=separator, skipinitialspace=separator != '\t')
    columns: list[str] | None = None
    rows = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = [name.strip() for name in cells]
                continue
            if not any(cell.strip() for cell in cells[len(columns):]):
                del cells[len(columns):]
            if len(cells) != len(columns):
                raise DelimitedError(f'line {reader.line_num + start - 1}: {len(cells)} cells for {len(columns)} '
                                     f'columns separated by {SEPARATORS[separator]}'
                                     f'{_remedy(cells, columns, separator)}')
            rows.append(cells)
    except csv.Error as error:
        raise DelimitedError(f'line {reader.line_num + start - 1}: {error}') from error
    columns = columns or []
    return columns, [[row[place] for row in rows] for place in range(len(columns))]


def decimal_comma(cells: Iterable[str], separator: str) -> bool:
    """Whether numbers are written with decimal commas.

    Args:
        cells: All cells of the file that hold numbers; others among them (empty ones, words) decide nothing.
        separator: The file's. Where it is a semicolon a comma is decimal: that is why such files have one.

    Raises:
        DelimitedError: Commas and points stand in one file, or every comma may as well separate thousands.
    """
    cells = [*cells]
    if ',' not in '\n'.join(cells):
        return False
    commas, points, sure = None, None, separator == ';'
    for cell in cells:
        if ',' in cell:
            found = _COMMA.fullmatch(cell.strip())
            if found:
                commas = commas or cell.strip()
                sure = sure or len(found[2]) != 3 or len(found[1]) > 3 or found[1] in ('', '0') or bool(found[3])
            elif re.fullmatch(r'[+-]?[\d.,]+', cell.strip()):
                raise DelimitedError(f'{cell.strip()!r} has separators of thousands; write numbers without them')
        elif points is None and re.fullmatch(r'[+-]?\d*\.\d+([eE][+-]?\d+)?', cell.strip()):
            points = cell.strip()
    if commas is None:
        return False
    if points is not None:
        raise DelimitedError(f'decimal commas ({commas!r}) and decimal points ({points!r}) in one file; write all '
                             'numbers with points')
    if not sure:
        raise DelimitedError(f'{commas!r} may have a decimal comma or a separator of thousands; write numbers with '
                             'decimal points')
    return True


def _decoded(content: bytes) -> tuple[str, str]:
    """The text, and its encoding."""
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), 'utf-8')
    for name in (encoding, FALLBACK) if encoding == 'utf-8' else (encoding,):
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        if '\0' in text:
            break
        return text, name
    raise DelimitedError('not text (neither UTF-8, UTF-16 with its mark nor Windows-1252); save it as CSV, UTF-8')


def likely_separator(header: str, wanted: Collection[str] = ()) -> str:
    """The separator that gives a header most of the wanted columns, then most cells."""
    def merit(separator: str) -> tuple[int, int]:
        cells = [cell.strip() for cell in next(csv.reader([header], delimiter=separator, skipinitialspace=True), [])]
        return len({*wanted} & {*cells}), len(cells)
    return max(SEPARATORS, key=merit)


def _remedy(cells: list[str], columns: list[str], separator: str) -> str:
    if separator == ',' and len(cells) > len(columns):
        return '; quote cells that hold a comma, and write numbers with decimal points'
    return ''
