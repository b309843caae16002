"""Excel workbooks: a sheet as the text of a table. They are read with openpyxl, which is optional."""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path


class WorkbookError(ValueError):
    """A workbook that can't be read: says what was found and what to do."""


def sheet_text(path: Path, worksheet: str | None = None) -> tuple[str, str]:
    """A sheet of an .xlsx file as CSV, with commas and decimal points; formulas by the values that were saved.

    Args:
        path: The file.
        worksheet: Its name; None: the only one, or the first that is not empty.

    Returns:
        The text, and which sheet was read, in words.

    Raises:
        WorkbookError: openpyxl is missing, the file is none, or there is no such sheet.
    """
    try:
        import openpyxl
    except ImportError:
        raise WorkbookError(f'{path}: an Excel workbook, which takes openpyxl: pip install openpyxl (the extra '
                            '`formats` has it). Or save the sheet as CSV (UTF-8) and give that file.') from None
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:
        raise WorkbookError(f'{path}: no Excel workbook that can be read ({error}). Save the sheet as CSV (UTF-8) and '
                            'give that file.') from None
    names = book.sheetnames
    if worksheet is not None and worksheet not in names:
        raise WorkbookError(f'--worksheet: {path} has no sheet {worksheet!r}. Sheets: {", ".join(names)}.')
    for name in [worksheet] if worksheet is not None else names:
        rows = [[_text(value) for value in row] for row in book[name].iter_rows(values_only=True)]
        while rows and not any(rows[-1]):
            rows.pop()
        if rows:
            break
    others = [other for other in names if other != name]
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerows(rows)
    return text.getvalue(), f'{path.name}: sheet {name!r} was read' + (
        f', not {", ".join(map(repr, others))} (--worksheet)' if others else '')


def _text(value: object) -> str:
    """A cell's value as a table would have it."""
    if value is None:
        return ''
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    return str(value)
