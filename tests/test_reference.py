"""What the pages of docs/ name is there, and what they are made of says the same."""

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.experiments.suite.configs import names
from benchmark.experiments.suite.suite import load_suite
from benchmark.statistics.options import FIELDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md'))]
#: What code in backticks begins with where it is a path of this repository.
FOLDERS = 'benchmark|docs|tools|mmconfigs|reports|tests|requirements|findings'
#: Files that the pages' own examples, a run or another program makes.
MADE = {'plan.json', 'crop.json', 'results.parquet', 'analysis.json', 'tuning.json', 'source_judged.json',
        'record.json', 'history.json', 'metainfo.json', 'config.py', 'my_points.csv', 'summary.md', 'index.csv',
        'predictions.parquet', 'heatmaps.npz', 'failed-N.json', 'looks.json', 'parse_cofw_dataset.py',
        'checklist.json', 'checklist.md', 'croissant.json', 'format.json', 'datasets.json'}


@functools.cache
def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r'```.*?```', '', page.read_text(encoding='utf-8'), flags=re.S)


def blocks(page: Path) -> list[str]:
    return re.findall(r'```\w*\n(.*?)```', page.read_text(encoding='utf-8'), flags=re.S)


@functools.cache
def anchors(page: Path) -> set[str]:
    """Those of a page's headings, as GitHub makes them."""
    titles = re.findall(r'^#+ (.*)$', prose(page), flags=re.M)
    return {re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-') for title in titles}


@functools.cache
def files() -> set[str]:
    """Names of files that are in the repository or in the pages' examples."""
    here = {path.name for folder in FOLDERS.split('|') for path in (ROOT / folder).rglob('*')}
    shown = {name for page in PAGES for block in blocks(page) for name in re.findall(r'\w+\.\w+', block)}
    return here | shown | MADE | {path.name for path in ROOT.iterdir()}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_links_lead_somewhere(page):
    lost = []
    for link in re.findall(r'\]\(([^)\s]+)\)', re.sub(r'`[^`]*`', '', prose(page))):
        target, _, anchor = link.partition('#')
        there = (page.parent / target).resolve() if target else page
        if not link.startswith('http') and not (there.exists() and (not anchor or anchor in anchors(there))):
            lost.append(link)
    assert not lost


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_paths_and_files_in_backticks_are_there(page):
    """Whole paths, patterns with ``*`` and ``{a,b}``, and files by their name alone."""
    lost = []
    for code in re.findall(r'`([^`\n]+)`', prose(page)):
        for path in re.findall(rf'(?<![\w/.<>-])(?:{FOLDERS})/[\w./*{{}},-]*', code):
            if not found(path.rstrip('.,')):
                lost.append(path)
        if re.fullmatch(r'[\w-]+\.(py|md|json|sh|html|css|js|toml|R|parquet|npz)', code) and code not in files():
            lost.append(code)
    assert not lost


def found(pattern: str) -> bool:
    head, brace, rest = pattern.partition('{')
    if brace:
        choices, _, rest = rest.partition('}')
        return all(found(f'{head}{choice}{rest}') for choice in choices.split(','))
    return any(ROOT.glob(pattern.rstrip('/'))) if pattern.strip('/') else False


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_suites_in_commands_are_shipped_or_shown(page):
    own = {found for other in PAGES for block in blocks(other) for found in re.findall(r'# (\w+\.py)\n', block)}
    text = page.read_text(encoding='utf-8')
    named = re.findall(r'tools/run_(?:all\.sh|suite\.py) +([a-z]\w*(?:\.py)?)', text)
    assert not [suite for suite in named if suite not in names('suites') and suite not in own]


@pytest.mark.parametrize('page', ['suites', 'statistics'])
def test_pieces_of_suites_are_read(page, tmp_path):
    """Each stands in a suite of its own, based on the demo with two methods where it names no base and no methods."""
    pieces = re.findall(r'```python\n(.*?)```', (ROOT / f'docs/{page}.md').read_text(encoding='utf-8'), flags=re.S)
    assert pieces
    (tmp_path / 'ctd_gram.py').write_text(f"_base_ = '{ROOT}/mmconfigs/methods/ctd_ed.py'")
    for piece in pieces:
        text = piece.replace("'mmconfigs/", f"'{ROOT}/mmconfigs/")
        if '_base_' not in piece:
            text = f"_base_ = '{ROOT}/mmconfigs/suites/demo.py'\n{text}"
        if 'methods = ' not in piece:
            text += '\nmethods = dict(_delete_=True, ft={}, ctd_ed={})'
        (tmp_path / 'piece.py').write_text(text)
        assert load_suite(str(tmp_path / 'piece.py')).methods


def test_every_field_of_the_analysis_stands_in_the_guide():
    rows = [row for row in prose(ROOT / 'docs/statistics.md').splitlines() if row.startswith('| `')]
    named = {field for row in rows for field in re.findall(r'`(\w+)`', row.split('|')[1])}
    # A suite's design and unit follow from what else it says.
    assert {*FIELDS} - {'design', 'unit'} <= named


def test_every_alert_stands_in_the_guide():
    code = ''.join(path.read_text(encoding='utf-8') for path in (ROOT / 'benchmark/statistics').rglob('*.py'))
    kinds = set(re.findall(r"\balert\(\s*'([^']+)'", code))
    assert len(kinds) > 8
    guide = prose(ROOT / 'docs/statistics.md')
    assert not [kind for kind in kinds if f'\n| {kind} |' not in guide]


def test_generated_pages_are_up_to_date_and_made_without_torch():
    code = ('import sys; from benchmark.reference import main; code = main([])\n'
            'assert "torch" not in sys.modules, "torch was imported"\nsys.exit(code)')
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, (f'{done.stdout}{done.stderr[-2000:]}\nWrite them anew: python -m benchmark.reference '
                                  '--write')


def test_every_argument_says_what_it_means():
    text = (ROOT / 'docs/reference/commands.md').read_text(encoding='utf-8')
    assert not [row for row in text.splitlines() if re.match(r'\| `[^|]*\|\s*(\|$|\(default)', row)]
