"""The frame around sections: one HTML file, its styles and scripts inside, and a policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from markupsafe import Markup

from benchmark.program import described, program
from benchmark.statistics.terms import SAID_OF, SCOPES

from .looks import ONCE, PROCEDURES_ONLY, planned_looks
from .numbers import Numbers, form, leaves, level, lookup, primary, written
from .page_text import isolated, noted
from .palette import Style
from .planned import shown_scopes
from .sections import Section, SectionError, Skip
from .sections.base import TEMPLATES
from .theme import style_sheet
from .verdicts import VERDICTS

EARLY = 'theme.js'  # runs before anything is drawn


@dataclass(frozen=True)
class Shown:
    """A section as it stands on the page; one that is hidden only where it was asked for."""

    name: str
    title: str
    body: Markup
    skipped: bool
    hidden: bool = False


def make_environment(analysis: dict[str, Any] | None = None, styles: dict[str, Style] | None = None) -> Environment:
    """Jinja's environment with what templates may use.

    Args:
        analysis: Content of analysis.json; without it only the frame's own globals are there.
        styles: Method -> how it is drawn.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(leaves=leaves, written=written, isolated=isolated, noted=noted, verdicts=VERDICTS,
                               scopes=SCOPES, said_of=SAID_OF, described=described, this_program=program())
    if analysis is not None:
        looks, looked = styles or {}, planned_looks(analysis) is not None
        methods = {name: isolated(block['label']) for name, block in analysis['methods'].items()}
        environment.globals.update(
            analysis=analysis,
            num=Numbers(analysis),
            form=lambda endpoint: form(analysis, endpoint),
            value=lambda *path: lookup(analysis, path),
            swatch=lambda name: looks[name].swatch(),
            label=methods.__getitem__,
            methods=analysis['order']['methods'],
            unit=analysis['unit'],
            in_unit=f' in {analysis["unit"]}' if analysis['unit'] else '',
            of_unit=f' {analysis["unit"]}' if analysis['unit'] else '',
            primary=primary(analysis),
            me=form(analysis, primary(analysis)),
            scored=bool(analysis.get('scores')),
            threshold=analysis['threshold'],
            level=level(analysis),
            looked=looked,
            scopes=shown_scopes(analysis),
            folds=analysis.get('folds'),
            times='repetition' if analysis.get('folds') else 'seed',
            once=f' {ONCE}' if looked else '',
            procedures_only=f' {PROCEDURES_ONLY}' if looked else '',
        )
    return environment


def render_section(environment: Environment, section: Section, analysis: dict[str, Any],
                   records: list[dict[str, Any]]) -> Shown:
    """A section's body, or the sentence that says why it does not apply.

    Raises:
        SectionError: Its template is absent or wrong.
    """
    context = section.context(analysis, records)
    if isinstance(context, Skip):
        body = Markup('<p class="skipped">{}</p>').format(context.reason)
        # A table of scores is somebody else's: what only a suite or landmarks can fill is no loss there.
        hidden = context.hidden or bool(analysis.get('scores')) and section.name != 'contrasts'
        return Shown(section.name, section.title, body, True, hidden)
    file = f'{section.name}.html'
    if section.templates != TEMPLATES:
        environment = environment.overlay(loader=FileSystemLoader([section.templates, TEMPLATES]))
    try:
        body = Markup(environment.get_template(file).render(**context))
    except TemplateError as error:
        where = f'{section.templates / file}:{getattr(error, "lineno", "")}'.rstrip(':')
        raise SectionError(f'section {section.name!r}: {where}: {type(error).__name__}: {error}') from error
    return Shown(section.name, section.title, body, False)


def render_page(environment: Environment, template: str, folders: Iterable[Path], styles: dict[str, Style] | None,
                **context: Any) -> str:
    """The whole file.

    Args:
        environment: See :func:`make_environment`.
        template: ``page.html``, ``datasets.html`` or ``overview.html``.
        folders: ``<name>`` without its ending of each section from outside whose style and script are taken in.
        styles: Method -> how it is drawn.
        context: Variables of the template.
    """
    early, late = scripts(folders)
    css = '\n'.join([style_sheet(styles), *(path.read_text(encoding='utf-8') for path in assets('css', folders))])
    text = environment.get_template(template).render(
        policy=policy([*early, *late]),
        css=Markup(css.replace('</style', r'<\/style')),
        early=[Markup(script) for script in early],
        late=[Markup(script) for script in late],
        **context,
    )
    return unlinked(text)


def assets(ending: str, folders: Iterable[Path] = ()) -> list[Path]:
    """The page's own files, ``style.css`` first, then those of sections from outside."""
    own = sorted(TEMPLATES.glob(f'*.{ending}'), key=lambda path: (path.name != 'style.css', path.name))
    return own + [path for path in (folder.with_suffix(f'.{ending}') for folder in folders) if path.is_file()]


def scripts(folders: Iterable[Path] = ()) -> tuple[list[str], list[str]]:
    """Texts of the scripts: those that run before the page is drawn, and those after."""
    early: list[str] = []
    late: list[str] = []
    for path in assets('js', folders):
        text = path.read_text(encoding='utf-8')
        if '</script' in text.lower() or '<!--' in text:
            raise SectionError(f"{path}: a script inside of a page can't hold '</script' or '<!--'; write it otherwise")
        if text.strip():
            (early if path == TEMPLATES / EARLY else late).append('\n' + text)
    return early, late


def policy(texts: Sequence[str]) -> str:
    """The Content-Security-Policy: nothing is loaded from anywhere, and only these scripts run."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
    allowed = ' '.join(f"'sha256-{one}'" for one in hashes) or "'none'"
    return (f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}; base-uri 'none'; "
            "form-action 'none'")


def unlinked(text: str) -> str:
    """Links within the page whose target is not on it (a section that was not chosen) become plain text."""
    ids = set(re.findall(r'\sid="([^"]+)"', text))

    def keep(found: re.Match[str]) -> str:
        return str(found[0 if found[1] in ids else 2])

    return re.sub(r'<a href="#([^"]+)">(.*?)</a>', keep, text, flags=re.DOTALL)
