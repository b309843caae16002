"""analysis.json to ``report/``: the page, its tables and figures, summary, methods paragraph and reporting forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmark.statistics.across import FILE
from benchmark.statistics.output import SCHEMA, SCHEMA_VERSION
from benchmark.statistics.schemas import first_problem, read_schema
from benchmark.utils.files import write_bytes

from .figures.files import collected
from .forms import Files, as_json, as_markdown, filled
from .methods_text import as_file, paragraphs
from .page import make_environment, render_page, render_section
from .palette import assign
from .sections import SectionError, chosen, load
from .sections.base import TEMPLATES
from .summary_text import summary
from .tables import tables

#: From a data set's page to that of all.
UP = '../../report/index.html'


class ReportError(ValueError):
    """No report can be made: the message names the file, the field and the remedy, in one line."""


def build_report(analysis_path: str | Path, out: str | Path) -> Path:
    """Write the report.

    Args:
        analysis_path: ``analysis.json``. Records are read from ``runs/`` beside it, for tracebacks only.
        out: The report is written to ``out/report``.

    Returns:
        Path of ``report/index.html``.

    Raises:
        ReportError: The file is absent, not JSON, or of another schema version; or a section can't be shown.
    """
    analysis_path = Path(analysis_path)
    analysis = read_analysis(analysis_path)
    return write_report(analysis, analysis_path, out, UP if _is_one_of_several(analysis, Path(out)) else None)


def write_report(analysis: dict[str, Any], analysis_path: Path, out: str | Path, above: str | None = None) -> Path:
    """:func:`build_report` of an analysis that was read already; ``above`` as in :func:`render`."""
    folder = Path(out) / 'report'
    try:
        page, figures = render(analysis, analysis_path.parent, above)
    except SectionError as error:
        raise ReportError(f'{analysis_path}: field report: {error}') from error
    write_folder(folder / 'tables', {name: text.encode(errors='replace') for name, text in tables(analysis).items()})
    write_folder(folder / 'figures', figures)
    write_bytes(folder / 'methods.txt', as_file(paragraphs(analysis)).encode(errors='replace'))
    write_bytes(folder / 'summary.md', summary(analysis).encode(errors='replace'))
    forms = filled(Files(analysis, analysis_path.parent))
    write_bytes(folder / 'checklist.json', as_json(forms).encode(errors='replace'))
    write_bytes(folder / 'checklist.md', as_markdown(forms).encode(errors='replace'))
    write_bytes(folder / 'index.html', page.encode(errors='backslashreplace'))
    return folder / 'index.html'


def _is_one_of_several(analysis: dict[str, Any], out: Path) -> bool:
    """Whether the page of several data sets lies above, and this is one of them."""
    try:
        content = json.loads((out / '..' / FILE).read_text(encoding='utf-8'))
        own = {one['folder']: one['name'] for one in content['data_sets']}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return own.get(out.resolve().name) == analysis['suite'] and (out / 'report' / UP).is_file()


def render(analysis: dict[str, Any], base: Path, above: str | None = None) -> tuple[str, dict[str, bytes]]:
    """The page, and its figures as files.

    Args:
        analysis: Content of analysis.json.
        base: Its folder.
        above: Link to the page of all data sets, where it is one of several.
    """
    wanted = analysis.get('report') or {}
    load(wanted.get('imports', []), wanted.get('folder'))
    sections = chosen(wanted.get('sections'))
    styles = assign(analysis['order']['methods'])
    environment, records = make_environment(analysis, styles), read_records(base)
    with collected(styles) as drawn:
        shown = [render_section(environment, kind(styles, base), analysis, records) for kind in sections]
    shown = [one for one in shown if wanted.get('sections') or not one.hidden]
    outside = [kind.templates / kind.name for kind in sections if kind.templates != TEMPLATES]
    page = render_page(environment, 'page.html', outside, styles, sections=shown, above=above)
    return page, {f'{name.removeprefix("fig-")}.pdf': content for name, content in drawn.items()}


def read_analysis(path: Path) -> dict[str, Any]:
    """The content of analysis.json, checked; see :func:`read_content`."""
    return read_content(path, SCHEMA, SCHEMA_VERSION)


def read_content(path: Path, schema: Path, number: int) -> dict[str, Any]:
    """The content of a file that tools/analyze.py writes, checked.

    Args:
        path: The file.
        schema: Its schema.
        number: The schema's number.

    Raises:
        ReportError: The file is absent, not JSON, or of another schema version.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except OSError as exc:
        raise ReportError(f"{path}: can't be read ({exc.strerror}); make it with tools/analyze.py") from exc
    except ValueError as exc:
        raise ReportError(f'{path}: not JSON ({exc}); make it again with tools/analyze.py') from exc
    version = content.get('schema_version') if isinstance(content, dict) else None
    if version != number:
        raise ReportError(f'{path}: field schema_version: {version!r} instead of {number}; make it again with '
                          'tools/analyze.py')
    if found := first_problem(content, read_schema(schema)):
        raise ReportError(f'{path}: {found}; make it again with tools/analyze.py')
    return dict(content)


def read_records(folder: Path) -> list[dict[str, Any]]:
    """Records beside the analysis; one that can't be read is left out (analysis.json has its state)."""
    records = []
    for path in sorted(folder.glob('runs/*/*/record.json')):
        try:
            record = json.loads(path.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """Write files, and remove those of an earlier report that this one does not have."""
    for name, content in files.items():
        write_bytes(folder / name, content)
    kinds = {'.csv', '.tex', '.pdf'}
    for path in folder.glob('*') if folder.is_dir() else ():
        if path.suffix in kinds and path.name not in files:
            path.unlink()
