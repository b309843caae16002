"""Several reports on one page: what ran when, what came out, and a link to each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmark.utils.files import write_bytes

from .answers import answers
from .build import ReportError, read_analysis
from .page import make_environment, render_page
from .page_text import cut, isolated

MARK = '<meta name="generator" content="reports.index">'


@dataclass(frozen=True)
class Entry:
    """A suite's folder on the index.

    Attributes:
        name: The folder, as seen from the index.
        analysis: Content of its analysis.json; None where it can't be read.
        problem: Why it can't be read.
        link: To its report, as seen from the index; None where there is none.
        started: When its first and its last run started.
    """

    name: str
    analysis: dict[str, Any] | None = None
    problem: str = ''
    link: str | None = None
    started: tuple[str, str] | None = None

    @property
    def headline(self) -> str:
        """The answer; why there is none where the analysis can't be read."""
        if self.analysis is None:
            return self.problem
        blocks = self.analysis['methods']
        sentences = answers(self.analysis, lambda name: isolated(cut(blocks[name]['label'], 40)))
        return ' '.join(sentences) if sentences else 'No contrast was planned, so nothing is tested.'


def build_index(folders: Sequence[str | Path], out: str | Path | None = None) -> Path:
    """Write ``index.html``.

    Args:
        folders: Suites' folders (each has an ``analysis.json``), or folders of such folders.
        out: Where it is written; by default into the first folder, or beside it where that is a suite's own.

    Raises:
        ReportError: There is no analysis in the folders.
    """
    found = list(dict.fromkeys(path for folder in folders for path in suites(Path(folder))))
    if not found:
        where = ', '.join(map(str, folders))
        raise ReportError(f'{where}: no folder with an analysis.json; make one with tools/analyze.py')
    first = Path(folders[0])
    out = Path(out) if out else first.parent if (first / 'analysis.json').is_file() else first
    entries = sorted((read_entry(path, out) for path in found), key=lambda entry: entry.name)
    entries.sort(key=lambda entry: entry.started[1] if entry.started else '', reverse=True)
    page = render_page(make_environment(), 'overview.html', (), None, entries=entries, mark=MARK)
    write_bytes(out / 'index.html', page.encode(errors='backslashreplace'))
    return out / 'index.html'


def refresh(report: Path) -> Path | None:
    """Bring the index that lies beside a suite's folder up to date, if there is one; others' files are left alone.

    Args:
        report: ``<suite's folder>/report/index.html``.
    """
    folder = report.resolve().parent.parent.parent
    try:
        ours = MARK in (folder / 'index.html').read_text(encoding='utf-8')
    except (OSError, ValueError):
        return None
    return build_index([folder]) if ours and suites(folder) else None


def suites(folder: Path, depth: int = 2) -> list[Path]:
    """Folders with an ``analysis.json``: the folder itself, or those in it, at most ``depth`` down."""
    if (folder / 'analysis.json').is_file():
        return [folder]
    if depth == 0 or not folder.is_dir():
        return []
    below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith('.'))
    return [found for path in below for found in suites(path, depth - 1)]


def read_entry(folder: Path, out: Path) -> Entry:
    """What the index says of a suite's folder."""
    name = Path(os.path.relpath(folder.resolve(), out.resolve())).as_posix()
    try:
        analysis = read_analysis(folder / 'analysis.json')
    except ReportError as error:
        return Entry(name, problem=str(error).removeprefix(f'{folder}{os.sep}'))
    starts = sorted(item['started'] for item in analysis['runs']['items'] if item['started'])
    link = quote(f'{name}/report/index.html') if (folder / 'report' / 'index.html').is_file() else None
    return Entry(name, analysis, link=link, started=(starts[0], starts[-1]) if starts else None)
