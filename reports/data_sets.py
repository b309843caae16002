"""datasets.json to ``report/index.html``: several data sets on one page, with a page for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from benchmark.statistics.across import FILE, SCHEMA, VERSION
from benchmark.utils.files import write_bytes

from .answers import answers
from .build import read_analysis, read_content, write_folder, write_report
from .figures.across import forest
from .figures.files import collected
from .numbers import Form, form, primary
from .page import make_environment, render_page
from .page_text import cut, isolated
from .palette import assign

#: Forest plots that are open at once; the others fold.
SHOWN = 6


@dataclass(frozen=True)
class Contrast:
    """A combined contrast on the page.

    Attributes:
        place: Where it stands in ``contrasts``.
        one: It.
        look: How its numbers are written.
        picture: Its forest plot; None where its endpoint is not the primary one.
    """

    place: int
    one: dict[str, Any]
    look: Form
    picture: Markup | None


def build_data_sets(path: str | Path, out: str | Path) -> Path:
    """Write the page, and that of each data set.

    Args:
        path: ``datasets.json``; each data set's ``analysis.json`` lies in its folder beside it.
        out: The page is written to ``out/report``, those of data sets to ``out/<folder>/report``.

    Returns:
        Path of ``report/index.html``.

    Raises:
        ReportError: A file is absent, not JSON, or of another schema version.
    """
    path, out = Path(path), Path(out)
    content = read_content(path, SCHEMA, VERSION)
    analyses = {}
    for one in content['data_sets']:
        own = path.parent / one['folder'] / 'analysis.json'
        analyses[one['name']] = read_analysis(own)
        write_report(analyses[one['name']], own, out / one['folder'])
    page, figures = render(content, analyses)
    write_folder(out / 'report' / 'figures', figures)
    write_bytes(out / 'report' / 'index.html', page.encode(errors='backslashreplace'))
    return out / 'report' / 'index.html'


def render(content: dict[str, Any], analyses: dict[str, dict[str, Any]]) -> tuple[str, dict[str, bytes]]:
    """The page, and its figures as files.

    Args:
        content: Content of datasets.json.
        analyses: Data set -> content of its analysis.json.
    """
    styles = assign(content['order']['methods'])
    environment = make_environment(content, styles)
    with collected(styles) as drawn:
        contrasts = [_contrast(content, place, one, styles) for place, one in enumerate(content['contrasts'])]
    own = [one for one in contrasts if one.picture is not None]
    pages = [{'about': one, 'link': quote(f'../{one["folder"]}/report/index.html'),
              'answer': _answer(analyses[one['name']])} for one in content['data_sets']]
    page = render_page(environment, 'datasets.html', (), styles, content=content, shown=own[:SHOWN], folded=own[SHOWN:],
                       own=own, others=[one for one in contrasts if one.picture is None], pages=pages,
                       random=content['kind'] == 'random', ratio=content['combined'] == 'ratio', FILE=FILE)
    return page, {f'{name.removeprefix("fig-")}.pdf': data for name, data in drawn.items()}


def _contrast(content: dict[str, Any], place: int, one: dict[str, Any], styles: dict[str, Any]) -> Contrast:
    look = form(content, one['endpoint'])
    if content['combined'] == 'ratio':
        look = replace(look, digits=1, factor=100, difference='%', mark='%')
    picture = None
    if one['endpoint'] == primary(content):
        picture = forest(content, one, look, styles, f'fig-data-sets-{place + 1}')
    return Contrast(place, one, look, picture)


def _answer(analysis: dict[str, Any]) -> str:
    """What a data set's own page answers."""
    found = answers(analysis, lambda name: isolated(cut(analysis['methods'][name]['label'], 40)))
    return found[0] if found else ''
