"""Reads tables as spreadsheets and programs write them: separator, decimal mark, encoding, lines above the header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.datasets.formats.long_form import widen
from benchmark.datasets.formats.workbook import workbook_text
from benchmark.datasets.metainfo import DataError

#: What ``--separator`` takes, and what is tried in this order.
SEPARATORS = dict(comma=',', semicolon=';', tab='\t', bar='|', space=' ')
DECIMALS = dict(point='.', comma=',')
#: Columns whose names are fixed; case, blanks and hyphens don't matter.
RESERVED = ('image', 'split', 'subject', 'pixel_spacing', 'side')
#: Cells that say 'nothing here'.
EMPTY_WORDS = frozenset(('nan', 'na', 'n/a', '#n/a', '#nv', 'null', 'none', '-', '--', '?', '.'))
_SIGNATURES = {b'PK\x03\x04': 'an Excel or OpenDocument workbook', b'\xd0\xcf\x11\xe0': 'an old Excel workbook',
               b'PAR1': 'a Parquet file', b'SQLite format 3': 'a database', b'\x89HDF': 'an HDF5 file'}
_IMAGE_WORDS = ('file', 'filename', 'file_name', 'image_name', 'imagename', 'image_path', 'img', 'img_name', 'path',
                'photo', 'picture', 'frame', 'image_id', 'name')
_HEADER_LINES = 20
_AXIS = (re.compile(r'(?P<name>.+?)[ _.:-]+(?P<axis>[xyv])', re.IGNORECASE),
         re.compile(r'(?P<name>.+?)\s*[(\[](?P<axis>[xy])[)\]]', re.IGNORECASE),
         re.compile(r'(?P<axis>[xy])[ _.:-]+(?P<name>.+)', re.IGNORECASE),
         re.compile(r'(?P<name>.*[a-z0-9])(?P<axis>[XY])'))
_PIXELS = re.compile(r'\s*[(\[](px|pixels?)[)\]]', re.IGNORECASE)
_BLANKS = " \u00a0\u202f\u2009'\u2019"


@dataclass
class Table:
    """A table's rows.

    Attributes:
        columns: Names of the columns: the fixed ones in lower case, coordinates as ``<landmark>_x``, ``_y``, ``_v``.
        rows: Line number and cells by column, for each row. Cells of coordinates and of ``pixel_spacing`` have a
            decimal point and no thousands separators; those that say 'nothing here' are empty.
        notes: What a person should know of how it was read.
    """

    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]
    notes: list[str] = field(default_factory=list)


def read_table(path: Path, separator: str | None = None, decimal: str | None = None, encoding: str | None = None,
               image: str | None = None, worksheet: str | None = None) -> Table:
    """Reads a table with a header that has a column ``image``.

    The header decides the separator. A decimal comma is taken where cells can mean nothing else.

    Args:
        path: The file.
        separator: A key of ``SEPARATORS``, or None to find it.
        decimal: A key of ``DECIMALS``, or None to find it.
        encoding: A name that Python knows, or None: UTF-8 or UTF-16, else Windows-1252.
        image: The column of the images' names, or None: ``image``.
        worksheet: The sheet of an Excel workbook, or None: the first that is not empty.

    Raises:
        DataError: The file is missing, no text, empty, without the column, or a row or cell can be read in two ways;
            the message names the line and the option that decides.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise DataError(f'{path}: no such file. For `csv` SRC is a CSV file.') from None
    notes: list[str] = []
    book = data.startswith(b'PK\x03\x04') and path.suffix.lower() in ('.xlsx', '.xlsm')
    if book:
        separator, decimal = 'comma', 'point'
    text = workbook_text(path, worksheet, notes) if book else _decode(path, data, encoding, notes)
    lines = list(io.StringIO(text, newline=None))
    start, mark = _find_header(path, lines, None if separator is None else SEPARATORS[separator], notes, image)
    columns, rows = _cells(path, lines, start, mark, notes)
    if image is not None:
        if 'image' in columns and image != 'image':
            columns[columns.index('image')] = 'image (not used)'
        columns[columns.index(image)] = 'image'
    columns, rows = widen(path, columns, [_reserved(c) for c in columns], rows, notes)
    if not rows:
        raise DataError(f'{path}: no rows. List at least one image.')
    columns = _rename(path, columns, notes)
    table = Table(columns, [(line, dict(zip(columns, cells, strict=True))) for line, cells in rows], notes)
    table.rows = [(line, {c: v for c, v in row.items() if c}) for line, row in table.rows]
    table.columns = [c for c in columns if c]
    _plain_numbers(path, table, mark, None if decimal is None else DECIMALS[decimal])
    return table


def _decode(path: Path, data: bytes, encoding: str | None, notes: list[str]) -> str:
    """The file's text; a note where it is not UTF-8."""
    for signature, what in _SIGNATURES.items():
        if data.startswith(signature):
            raise DataError(f'{path}: {what}, no text. Save the sheet as CSV (UTF-8) and give that file.')
    if encoding is not None:
        try:
            return data.decode(encoding).removeprefix('\ufeff')
        except LookupError:
            raise DataError(f'--encoding: {encoding!r} is unknown. Give a name such as utf-8, utf-16, cp1252, latin-1 '
                            'or shift_jis.') from None
        except UnicodeError as error:
            raise DataError(f'{path}: not a CSV file in {encoding} ({error}). Give another --encoding.') from None
    sixteen = None
    if data.startswith((b'\xff\xfe', b'\xfe\xff')):
        sixteen = 'utf-16'
    elif len(data) > 3 and 0 in data[:200]:
        sixteen = 'utf-16-le' if data[1] == 0 else 'utf-16-be' if data[0] == 0 else None
        if sixteen is None:
            raise DataError(f'{path}: not a UTF-8 CSV file: it has null bytes. Save it as CSV (UTF-8), or give '
                            '--encoding.')
    try:
        if sixteen:
            notes.append(f'{path.name}: read as UTF-16')
            return data.decode(sixteen).removeprefix('\ufeff')
        return data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        at = error
    line = data[:at.start].count(b'\n') + 1
    try:
        text = data.decode('cp1252')
    except UnicodeDecodeError:
        text = None
    if sixteen or text is None:
        raise DataError(f'{path}: line {line}: not a UTF-8 CSV file ({at}). Save it as UTF-8, or give --encoding.')
    word = re.search(r'[^,;\t\n]*[^\x00-\x7f][^,;\t\n]*', text)
    notes.append(f'{path.name}: line {line} is not UTF-8; read as Windows-1252 (first: {word[0].strip()!r}). Where '
                 'that is spelt wrong, give --encoding')
    return text


def _find_header(path: Path, lines: list[str], given: str | None, notes: list[str],
                 image: str | None = None) -> tuple[int, str]:
    """Index of the header's line, and the separator."""
    candidates = [given] if given else list(SEPARATORS.values())
    first = None
    for number, line in enumerate(lines[:_HEADER_LINES]):
        text = line.strip()
        if named := re.fullmatch(r'"?sep=(.)"?', line.strip('\r\n')):
            candidates = [given or named[1]]
            continue
        if not text or text.startswith('#'):
            continue
        first = number if first is None else first
        for mark in candidates:
            found = [cell.strip() for cell in _split(lines[number:], mark)]
            if image in found or image is None and 'image' in map(_reserved, found):
                if number > first:
                    notes.append(f'{path.name}: lines {first + 1} to {number}, above the header, were skipped')
                return number, mark
    if image is not None and first is not None:
        raise DataError(f'--image: {path} has no column {image!r}. The first line is {lines[first].strip()[:200]!r}.')
    if first is None:
        raise DataError(f'{path}: no rows. The first line must name the columns: image, <landmark>_x, <landmark>_y.')
    found = [cell.strip() for cell in max((_split(lines[first:], mark) for mark in candidates), key=len)]
    if found[0].casefold() in ('scorer', 'bodyparts'):
        raise DataError(f'{path}: line {first + 1}: a DeepLabCut table, with three lines of header. Write one line of '
                        'them: image, then <bodypart>_x and <bodypart>_y.')
    spelt = next((c for c in found if c.casefold().replace(' ', '_') in _IMAGE_WORDS), None)
    if spelt:
        hint = f' Use --image {spelt!r} where it names the files.'
    elif re.fullmatch(r'[-+\d.,;\s]+', ''.join(found[1:])) and any(c.isdigit() for c in ''.join(found[1:])):
        hint = ' The first line must name the columns: image, <landmark>_x, <landmark>_y.'
    elif len(found) == 1:
        hint = f' Are the cells separated by something else than {", ".join(SEPARATORS)}?'
    else:
        hint = ' It names the image files.'
    raise DataError(f"{path}: column 'image' is missing. Columns found: {', '.join(found)}.{hint}")


def _split(lines: Sequence[str], mark: str) -> list[str]:
    """The cells of the first line."""
    try:
        return next(csv.reader(_lines(lines, mark), delimiter=mark, skipinitialspace=True), [''])
    except csv.Error:
        return ['']


def _lines(lines: Sequence[str], mark: str) -> Iterable[str]:
    return (line.strip(' ') for line in lines) if mark == ' ' else lines


def _cells(path: Path, lines: list[str], start: int, mark: str,
           notes: list[str]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Columns and rows as they are written, each row as long as the header; blank rows and comments are left out."""
    reader = csv.reader(_lines(lines[start:], mark), delimiter=mark, skipinitialspace=True)
    rows, comments = [], []
    try:
        columns = [c.strip() for c in next(reader)]
        while columns and not columns[-1]:
            columns.pop()
        before = reader.line_num
        for cells in reader:
            line, cells = start + before + 1, [c.strip() for c in cells]
            before = reader.line_num
            if not any(cells):
                continue
            if cells[0].startswith('#'):
                comments.append(line)
                continue
            while len(cells) > len(columns) and not cells[-1]:
                cells.pop()
            if len(cells) != len(columns):
                hint = ('Complete the row.' if len(cells) < len(columns) and not any('\n' in c for c in cells) else
                        'A quotation mark may not be closed.' if len(cells) < len(columns) else
                        'Delete what is too much; where they are decimal commas, separate the cells by semicolons or '
                        'write decimal points.' if mark == ',' else 'Delete what is too much.')
                raise DataError(f'{path}: line {line}: {len(cells)} cells for {len(columns)} columns. {hint}')
            rows.append((line, cells))
    except csv.Error as error:
        raise DataError(f'{path}: line {start + reader.line_num}: no CSV ({error}). Correct it; a quotation mark may '
                        'be missing.') from None
    if comments:
        notes.append(f'{path.name}: {len(comments)} lines that begin with # were skipped, the first is line '
                     f'{comments[0]}')
    if mark != ',':
        name = next((n for n, m in SEPARATORS.items() if m == mark), repr(mark))
        notes.append(f'{path.name}: cells are separated by {name}')
    return columns, rows


def _reserved(column: str) -> str:
    return re.sub(r'[ -]+', '_', column.strip().casefold())


def _rename(path: Path, columns: list[str], notes: list[str]) -> list[str]:
    """The columns' names in the form that ``Table`` states."""
    names = [c if c in RESERVED else r if (r := _reserved(c)) in RESERVED and r not in columns else c for c in columns]
    plain = [_PIXELS.sub('', name) for name in names]
    for form in _AXIS:
        found = {i: m for i, c in enumerate(plain) if names[i] not in RESERVED and (m := form.fullmatch(c))}
        parts = {(m['name'], m['axis'].lower()) for m in found.values()}
        if {'x', 'y'} & {axis for _, axis in parts}:
            break
    else:
        found, parts = {}, set()
    for i, match in found.items():
        name, axis = match['name'], match['axis'].lower()
        if axis != 'v' or {(name, 'x'), (name, 'y')} <= parts:
            names[i] = f'{name}_{axis}'
    axes = Counter(c.casefold() for c in columns)
    if not found and axes['x'] > 1 and axes['y'] > 1:
        raise DataError(f'{path}: columns x and y stand {axes["x"]} times: a header of two lines. Write one line: '
                        'image, then <landmark>_x and <landmark>_y.')
    if not found and axes['x'] and axes['y']:
        raise DataError(f'{path}: columns x and y, but none that names the landmark of a row. Call it `landmark`; or '
                        'give a row per image, with columns <landmark>_x and <landmark>_y.')
    twice = [c for c, n in Counter(names).items() if n > 1 and c]
    if twice:
        hint = f'Name them {twice[0]}_x and {twice[0]}_y.' if not found else 'Rename or delete one.'
        raise DataError(f'{path}: column {twice[0]!r} appears more than once. {hint}')
    changed = [(a, b) for a, b in zip(columns, names) if a != b and _reserved(a) != b]
    if changed:
        notes.append(f'{path.name}: columns such as {changed[0][0]!r} were read as {changed[0][1]!r}')
    if nameless := names.count(''):
        notes.append(f'{path.name}: {nameless} columns without a name are not used')
    return names


def _plain_numbers(path: Path, table: Table, separator: str, decimal: str | None) -> None:
    """Gives the cells of coordinates and spacings a decimal point, no thousands separators, and none for 'nothing'."""
    numeric = [c for c in table.columns if c == 'pixel_spacing' or c[-2:] in ('_x', '_y', '_v') and c[:-2]]
    words: list[tuple[int, str]] = []
    for line, row in table.rows:
        for column in numeric:
            if row[column].casefold() in EMPTY_WORDS:
                words.append((line, row[column]))
                row[column] = ''
    if words:
        table.notes.append(f'{path.name}: {len(words)} cells such as {words[0][1]!r} (line {words[0][0]}) were read as '
                           'not annotated')
    cells = [(line, column, row[column]) for line, row in table.rows for column in numeric if row[column]]
    mark = decimal or _find_decimal(path, cells, separator)
    if mark == ',':
        table.notes.append(f'{path.name}: decimal commas')
    grouped: list[tuple[int, str]] = []
    other = '.' if mark == ',' else ','
    form = re.compile(rf'[+-]?\d{{1,3}}(?P<sep>[{re.escape(other + _BLANKS)}])\d{{3}}(?:(?P=sep)\d{{3}})*'
                      rf'(?:{re.escape(mark)}\d*)?')
    for line, row in table.rows:
        for column in numeric:
            text = row[column]
            if text and form.fullmatch(text):
                grouped.append((line, text))
                text = re.sub(f'[{re.escape(other + _BLANKS)}]', '', text)
            elif other in text:
                raise DataError(f'{path}: line {line}: {column} is {text!r}, but the decimal mark is {mark!r}. Correct '
                                f'the cell, or give --decimal.')
            row[column] = text.replace(mark, '.')
    if grouped:
        table.notes.append(f'{path.name}: thousands separators were taken out of {len(grouped)} cells, the first '
                           f'{grouped[0][1]!r} in line {grouped[0][0]}')


def _find_decimal(path: Path, cells: list[tuple[int, str, str]], separator: str) -> str:
    """``.`` or ``,``: what the marks in the cells can mean.

    A single mark before exactly three digits can be either a decimal mark or a thousands separator; any other mark
    decides.
    """
    sure: dict[str, tuple[int, str]] = {}
    unsure: dict[str, tuple[int, str]] = {}
    bare = False
    for line, _, text in cells:
        marks = [c for c in text if c in '.,']
        if not marks:
            bare = True
        elif len(set(marks)) == 2:
            sure.setdefault(marks[-1], (line, text))
        elif len(marks) > 1:
            sure.setdefault('.' if marks[0] == ',' else ',', (line, text))
        elif re.fullmatch(r'[+-]?[1-9]\d{0,2}[.,]\d{3}', text):
            unsure.setdefault(marks[0], (line, text))
        else:
            sure.setdefault(marks[0], (line, text))
    if len(sure) == 2:
        (one, a), (two, b) = sure['.'], sure[',']
        raise DataError(f'{path}: decimal points (line {one}: {a!r}) and decimal commas (line {two}: {b!r}) are mixed. '
                        'Write one of them.')
    if sure:
        return next(iter(sure))
    if not unsure or (list(unsure) == ['.'] and (separator == ',' or not bare)):
        return '.'
    if list(unsure) == [','] and not bare:
        return ','
    line, text = next(iter(unsure.values()))
    raise DataError(f'{path}: line {line}: {text!r} can have a decimal mark or a thousands separator. Say which: '
                    '--decimal point or --decimal comma.')
