"""Excel workbooks: a sheet as the text of a table."""

from __future__ import annotations

from pathlib import Path

from benchmark.datasets.metainfo import DataError
from benchmark.utils.workbook import WorkbookError, sheet_text


def workbook_text(path: Path, worksheet: str | None, notes: list[str]) -> str:
    """A sheet of an .xlsx file as CSV; see :func:`benchmark.utils.workbook.sheet_text`.

    Args:
        path: The file.
        worksheet: Its name; None: the only one, or the first that is not empty.
        notes: Gets a note of which sheet was read.

    Raises:
        DataError: openpyxl is missing, the file is none, or there is no such sheet.
    """
    try:
        text, note = sheet_text(path, worksheet)
    except WorkbookError as error:
        raise DataError(str(error)) from None
    notes.append(note)
    return text
