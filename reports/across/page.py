"""datasets.json to ``report/``: several data sets on one page with its tables and texts, and a page for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from benchmark.statistics.across import FILE, SCHEMA, VERSION
from benchmark.statistics.across.contrasts import RATIO
from benchmark.statistics.terms import PROCEDURE
from benchmark.utils.files import write_bytes

from ..answers import answered, answers, single_seed
from ..build import UP, read_analysis, read_content, write_folder, write_report
from ..figures.across import forest
from ..figures.files import collected
from ..methods_text import as_file
from ..numbers import Form, primary
from ..page import make_environment, render_page
from ..page_text import cut, isolated
from ..palette import assign
from .numbers import of_averages, of_differences, of_means
from .tables import tables
from .text import of_all, paragraphs, summary, unplanned

#: Forest plots that are open at once; the others fold.
SHOWN = 6


@dataclass(frozen=True)
class Contrast:
    """A combined contrast on the page.

    Attributes:
        place: Where it stands in ``contrasts``.
        one: It.
        look: How its numbers are written.
        spread: How tau is written: of ratios that of logarithms; what is above 0 never as 0.
        text: What was found, without the names of the methods.
        picture: Its forest plot; None where its endpoint is not the primary one.
    """

    place: int
    one: dict[str, Any]
    look: Form
    spread: Form
    text: str
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
        write_report(analyses[one['name']], own, out / one['folder'], UP)
    told = {name: _answer(one) for name, one in analyses.items()}
    page, figures = render(content, analyses, told)
    folder = out / 'report'
    write_folder(folder / 'tables', {name: text.encode(errors='replace') for name, text in tables(content).items()})
    write_folder(folder / 'figures', figures)
    write_bytes(folder / 'methods.txt', as_file(paragraphs(content, analyses)).encode(errors='replace'))
    write_bytes(folder / 'summary.md', summary(content, analyses, told).encode(errors='replace'))
    write_bytes(folder / 'index.html', page.encode(errors='backslashreplace'))
    return folder / 'index.html'


def render(content: dict[str, Any], analyses: dict[str, dict[str, Any]],
           told: dict[str, str]) -> tuple[str, dict[str, bytes]]:
    """The page, and its figures as files.

    Args:
        content: Content of datasets.json.
        analyses: Data set -> content of its analysis.json.
        told: Data set -> what its own page answers.
    """
    styles = assign(content['order']['methods'])
    environment = make_environment(content, styles)
    with collected(styles) as drawn:
        contrasts = [_contrast(content, place, one, styles) for place, one in enumerate(content['contrasts'])]
    own = [one for one in contrasts if one.picture is not None]
    pages = [{'about': one, 'link': quote(f'../{one["folder"]}/report/index.html'),
              'answer': told[one['name']]} for one in content['data_sets']]
    others = [one for one in contrasts if one.picture is None]
    page = render_page(environment, 'datasets.html', (), styles, content=content, shown=own[:SHOWN], folded=own[SHOWN:],
                       own=own, others=others, lacking=_lacking(content, others), pages=pages,
                       crossed=any(one['scope'] == PROCEDURE for one in content['contrasts']),
                       random=content['kind'] == 'random', ratio=content['combined'] == 'ratio', FILE=FILE,
                       unplanned=unplanned(content),
                       means=of_means(content, primary(content)), over=of_averages(content),
                       of_all=of_all, paragraphs=paragraphs(content, analyses))
    return page, {f'{name.removeprefix("fig-")}.pdf': data for name, data in drawn.items()}


def _contrast(content: dict[str, Any], place: int, one: dict[str, Any], styles: dict[str, Any]) -> Contrast:
    look = of_differences(content, one['endpoint'])
    picture = None
    if one['endpoint'] == primary(content):
        picture = forest(content, one, look, styles, f'fig-data-sets-{place + 1}')
    first, second = (content['methods'][one[side]]['label'] for side in ('a', 'b'))
    text, named = content['statements'][place]['text'], f'{first} against {second}: '
    if text.startswith(named):
        text = text[len(named):][:1].upper() + text[len(named) + 1:]
    ratio = content['combined'] == RATIO
    spread = replace(look, fixed=False, digits=3 if ratio else look.digits, factor=1 if ratio else look.factor)
    return Contrast(place, one, look, spread, text, picture)


def _lacking(content: dict[str, Any], contrasts: list[Contrast]) -> dict[str, list[str]]:
    """Why there is no combined contrast -> of which there is none."""
    found: dict[str, list[str]] = {}
    for one in contrasts:
        if one.one['reason']:
            first, second = (content['methods'][one.one[side]]['label'] for side in ('a', 'b'))
            found.setdefault(one.one['reason'], []).append(f'{one.look.head} of {first} − {second}')
    return found


def _answer(analysis: dict[str, Any]) -> str:
    """What a data set's own page answers: of training procedures, or of trained models where there is one run."""
    found = answers(analysis, lambda name: isolated(cut(analysis['methods'][name]['label'], 40)))
    best = isolated(cut(analysis['methods'][analysis['ranking']['first']]['label'], 40))
    return (found[single_seed(analysis, answered(analysis))] if found else
            f'No contrast was planned; {best} has the best mean.')
