"""What goes with the package: licence, citation, changes, versions, one command for all tools."""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import benchmark
from benchmark.command_line import Parser
from benchmark.commands import landmark_bench
from benchmark.reference import _loaded, parser_of
from benchmark.utils import spoken

ROOT = Path(__file__).parents[1]
TOOLS = sorted((ROOT / 'tools').glob('*.py'))


@pytest.fixture
def as_typed(monkeypatch):
    """Whoever types ``landmark-bench`` leaves nothing for the next test."""
    monkeypatch.setattr(spoken, '_installed', [])
    monkeypatch.setattr(sys, 'argv', ['landmark-bench'])


def test_citation_and_changes_are_of_this_version():
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text(encoding='utf-8'))
    changes = (ROOT / 'CHANGELOG.md').read_text(encoding='utf-8')
    newest = re.search(r'^## (\S+)', changes, re.M)
    assert citation['version'] == benchmark.__version__ == newest[1]
    assert citation['cff-version'] == '1.2.0' and citation['license'] == 'Apache-2.0'
    assert {'cff-version', 'message', 'title', 'authors'} <= citation.keys()
    paper = citation['preferred-citation']
    readme = ' '.join((ROOT / 'README.md').read_text(encoding='utf-8').split())
    assert paper['title'] in readme and [one['family-names'] for one in paper['authors']] == re.findall(
        r'(\w+), (?:\w\. ?)+', re.search(r'## Citing (.*?): Cross', readme)[1])


def test_the_licence_is_whole():
    text = (ROOT / 'LICENSE').read_text(encoding='utf-8')
    assert 'Apache License' in text and all(f'\n   {section}. ' in text for section in range(1, 10))
    assert 'END OF TERMS AND CONDITIONS' in text


@pytest.mark.parametrize('tool', TOOLS, ids=lambda tool: tool.stem)
def test_every_tool_knows_its_version(tool, capsys):
    with _loaded(tool) as module:
        parser = parser_of(module.main)
    assert isinstance(parser, Parser)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(['--version'])
    assert ended.value.code == 0 and capsys.readouterr().out.startswith(f'landmark-benchmark {benchmark.__version__}')


def test_the_installed_command_calls_what_the_tools_call():
    for name, command in landmark_bench.TABLE.items():
        tool = {typed: tool for tool, typed in spoken.COMMANDS.items()}[name]
        text = (ROOT / f'tools/{tool}.py').read_text(encoding='utf-8')
        assert f'from {command.module} import main' in text and callable(import_module(command.module).main)
    own = {'chaos', 'measure_speed', 'validate_statistics'}  # Of those who work on the suite itself.
    assert {tool.stem for tool in TOOLS} == own | spoken.COMMANDS.keys()


def test_the_installed_command_runs_one_and_names_itself(as_typed, tmp_path, capsys):
    results = tmp_path / 'results.csv'
    results.write_text('method,seed,image,error\n' + ''.join(
        f'{method},{seed},{image},{1 + image / 10 + seed / 7}\n'
        for method in ('a', 'b') for seed in range(3) for image in range(6)))
    assert landmark_bench.main(['analyze', str(results), '--draws', '100']) == 0
    assert (tmp_path / 'analysis.json').is_file()
    with pytest.raises(SystemExit):
        landmark_bench.main(['source', 'get', '--help'])
    shown = capsys.readouterr().out
    assert 'usage: landmark-bench source get' in shown and '  landmark-bench source get --list' in shown
    assert 'tools/' not in shown
    assert landmark_bench.main(['data', 'check', str(tmp_path / 'none')]) == 2
    assert 'landmark-bench data' in capsys.readouterr().err


def test_what_is_no_command_is_one_line_that_lists_them(capsys):
    assert landmark_bench.main(['analyse']) == 2
    said = capsys.readouterr().err
    assert "no command 'analyse'" in said and 'analyze, report' in said and said.count('\n') == 1
    assert landmark_bench.main(['--help']) == 0 and 'source get' in capsys.readouterr().out


def test_training_packages_that_are_missing_are_named_with_the_remedy(as_typed, monkeypatch, capsys):
    for name in ('benchmark.commands.train', 'mmengine'):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, 'benchmark.commands.train')
    for name in [name for name in sys.modules if name.startswith('mmengine.')]:
        monkeypatch.delitem(sys.modules, name)
    assert landmark_bench.main(['train', 'config.py']) == 2
    said = capsys.readouterr().err
    assert said.count('\n') == 1 and 'landmark-benchmark[train]' in said
    pins = (ROOT / 'requirements/no-deps.txt').read_text(encoding='utf-8').splitlines()
    assert landmark_bench.WITHOUT_DEPENDENCIES.split() == [pin for pin in pins if not pin.startswith('#')]
