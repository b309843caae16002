"""What the README shows works as it stands there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from forked import command

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text()


def test_its_links_lead_somewhere():
    files = re.findall(r'\]\(([^):]+)\)', README) + re.findall(r'`((?:docs|tools|mmconfigs)/[\w./]+)`', README)
    assert len(files) > 5
    assert [name for name in files if not (ROOT / name.partition('#')[0]).exists()] == []


def test_its_pieces_of_python_run():
    blocks = re.findall(r'```py\n(.*?)```', README, re.S)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, {})


@pytest.fixture
def example(tmp_path):
    """The files of 'Extending' in a folder of their own, at the size of the smoke suite."""
    for block in re.findall(r'```python\n(.*?)```', README, re.S):
        name = re.match(r'# (\w+\.py)\n', block)[1]
        block = block.replace("'mmconfigs/", f"'{ROOT}/mmconfigs/").replace('/demo.py', '/smoke.py')
        (tmp_path / name).write_text(block)
    return tmp_path


def suite(folder: Path, *options: str) -> subprocess.CompletedProcess:
    env = os.environ | dict(CTD_CACHE=str(folder / 'cache'), OMP_NUM_THREADS='1')
    return command([ROOT / 'tools/run_suite.py', folder / 'mine.py', '--out', folder / 'out', '--methods', 'pooled',
                    '--source', 'random', *options], env, folder.parent)


def test_its_regulariser_stands_beside_the_seven_and_a_changed_one_runs_again(example):
    done = suite(example)
    assert done.returncode == 0, done.stdout + done.stderr
    plan = json.loads((example / 'out/plan.json').read_text())
    run, = plan['runs']
    assert plan['methods'][0]['label'] == 'Pooled' and plan['analysis']['proposed'] == 'pooled'
    scalars, = (example / 'out' / run['folder']).glob('*/vis_data/scalars.json')
    assert 'ratio_pooled' in scalars.read_text()
    assert '\ndone ' in suite(example, '--dry-run').stdout
    losses = example / 'my_losses.py'
    losses.write_text(losses.read_text().replace('.square()', '.abs()'))
    assert '\nto run ' in suite(example, '--dry-run').stdout


def test_a_tool_goes_on_in_the_environment_or_says_what_to_do(tmp_path):
    bare = tmp_path / 'bare'
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', bare], check=True)
    asked = [bare / 'bin/python', ROOT / 'tools/analyze.py', '--help']
    there = subprocess.run(asked, env=os.environ | dict(CTD_VENV=sys.prefix), capture_output=True, text=True)
    assert there.returncode == 0 and 'usage' in there.stdout
    env = os.environ | dict(CTD_VENV=str(tmp_path / 'none'))
    asked[-1] = 'results.csv'
    absent = subprocess.run(asked, env=env, capture_output=True, text=True)
    assert absent.returncode == 2 and 'setup_env.sh' in absent.stderr and absent.stderr.count('\n') == 1


@pytest.mark.parametrize('tool', ['prepare_data.py', 'run_suite.py', 'chaos.py', 'run_all.sh'])
def test_help_and_version_need_no_environment(tool, tmp_path):
    bare = tmp_path / 'bare'
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', bare], check=True)
    env = os.environ | dict(CTD_VENV=str(tmp_path / 'none'), PATH=f'{bare / "bin"}:{os.environ["PATH"]}')
    command = [ROOT / 'tools' / tool] if tool.endswith('.sh') else [bare / 'bin/python', ROOT / 'tools' / tool]
    shown = subprocess.run([*command, '--help'], env=env, capture_output=True, text=True, check=True)
    option = {'prepare_data.py': '--interocular A:B', 'chaos.py': '--per-round'}.get(tool, '--max-seeds N')
    assert 'usage: tools/' in shown.stdout and f'\n  {option}' in shown.stdout and '\n|' not in shown.stdout
    named = subprocess.run([*command, '--version'], env=env, capture_output=True, text=True, check=True)
    assert re.fullmatch(r'landmark-benchmark \d+\.\d+\.\d+, .*numerics \d+\n', named.stdout)
