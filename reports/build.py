"""analysis.json to ``report/index.html`` and ``report/tables``."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from markupsafe import Markup

from benchmark.statistics import SCHEMA

from .numbers import Numbers, leaves, written
from .palette import DARK, LIGHT, assign, theme_css
from .sections import Skip, ordered
from .tables import tables

SCHEMA_VERSION = 2
TEMPLATES = Path(__file__).with_name('templates')


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
        ReportError: The file is absent, not JSON, or of another schema version.
    """
    analysis_path, folder = Path(analysis_path), Path(out) / 'report'
    analysis = _read(analysis_path)
    styles = assign(analysis['order']['methods'])
    records = _records(analysis_path.parent)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        analysis=analysis,
        num=Numbers(analysis),
        swatch=lambda name: styles[name].swatch(),
        leaves=leaves,
        written=written,
        label=lambda name: analysis['methods'][name]['label'],
        methods=analysis['order']['methods'],
        unit=analysis['unit'],
        threshold=analysis['threshold'],
    )
    shown = []
    for section in (kind(styles, analysis_path.parent) for kind in ordered()):
        context = section.context(analysis, records)
        if isinstance(context, Skip):
            body = Markup('<p class="skipped">{}</p>').format(context.reason)
        else:
            body = Markup(environment.get_template(f'{section.name}.html').render(**context))
        shown.append({'name': section.name, 'title': section.title, 'body': body})
    page = environment.get_template('page.html').render(
        sections=shown,
        light=theme_css(styles, 'light'),
        dark=theme_css(styles, 'dark'),
        paper=(LIGHT, DARK),
    )
    for name, text in tables(analysis).items():
        write_text(folder / 'tables' / name, text)
    return write_text(folder / 'index.html', page)


def _read(path: Path) -> dict[str, Any]:
    try:
        analysis = json.loads(path.read_text(encoding='utf-8'))
    except OSError as exc:
        raise ReportError(f"{path}: can't be read ({exc.strerror}); make it with tools/analyze.py") from exc
    except ValueError as exc:
        raise ReportError(f'{path}: not JSON ({exc}); make it again with tools/analyze.py') from exc
    version = analysis.get('schema_version') if isinstance(analysis, dict) else None
    if version != SCHEMA_VERSION:
        raise ReportError(
            f'{path}: field schema_version: {version!r} instead of {SCHEMA_VERSION}; make it again with '
            'tools/analyze.py'
        )
    schema = json.loads(SCHEMA.read_text(encoding='utf-8'))
    problem = best_match(Draft202012Validator(schema).iter_errors(analysis))
    if problem is not None:
        message = problem.message if len(problem.message) < 200 else f'{problem.message[:200]} ...'
        raise ReportError(f'{path}: field {problem.json_path}: {message}; make it again with tools/analyze.py')
    return analysis


def _records(folder: Path) -> list[dict[str, Any]]:
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


def write_text(path: Path, text: str) -> Path:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.')
    try:
        with os.fdopen(handle, 'w', encoding='utf-8', errors='backslashreplace') as stream:
            stream.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path
