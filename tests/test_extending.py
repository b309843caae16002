"""The worked examples of docs/extending.md, run from the page's own code blocks: each ends in a report."""

import csv
import json
import os
import re
from pathlib import Path

import pytest
from forked import command

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / 'docs/extending.md').read_text()


def part(heading: str) -> str:
    return PAGE.partition(f'## {heading}\n')[2].partition('\n## ')[0]


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    """Data and source of the smoke suite are made once."""
    return tmp_path_factory.mktemp('cache')


@pytest.fixture
def example(tmp_path, cache):
    """Writes an example's files, at the size of the smoke suite, and runs commands beside them."""
    def write(heading):
        for block in re.findall(r'```python\n(.*?)```', part(heading), re.S):
            name = re.match(r'# (\w+\.py)\n', block)[1]
            block = block.replace("'mmconfigs/", f"'{ROOT}/mmconfigs/").replace('/demo.py', '/smoke.py')
            (tmp_path / name).write_text(block)

        def run(*argv):
            env = os.environ | dict(CTD_CACHE=str(cache), OMP_NUM_THREADS='1', PYTHONPATH=str(ROOT))
            done = command(argv, env, tmp_path)
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
            return done

        return run

    return write


def report(run, folder: Path, suite: str, *options: str) -> tuple[dict, str]:
    """Runs, analyses and reports as tools/run_all.sh does; gives plan and page."""
    run(ROOT / 'tools/run_suite.py', suite, '--out', folder / 'out', *options)
    run(ROOT / 'tools/analyze.py', folder / 'out')
    run(ROOT / 'tools/report.py', folder / 'out')
    return json.loads((folder / 'out/plan.json').read_text()), (folder / 'out/report/index.html').read_text()


@pytest.mark.slow
def test_a_regulariser(example, tmp_path):
    plan, page = report(example('A regulariser'), tmp_path, 'with_gram.py', '--methods', 'ft,ctd_gram')
    assert [method['label'] for method in plan['methods']] == ['FT', 'Gram'] and 'Gram' in page
    history, = (tmp_path / 'out').glob('runs/ctd_gram/*/history.json')
    assert json.loads(history.read_text())['train']['raw_gram'][0] > 0


@pytest.mark.slow
def test_another_encoder(example, tmp_path):
    run = example('Another encoder')
    plan, page = report(run, tmp_path, 'mobile_net.py', '--methods', 'fe,ftp,ctd_cd')
    assert plan['settings']['network'] == 'MobileNetV2 (up to layer5)' and 'MobileNetV2 (up to layer5)' in page
    assert plan['settings']['encoder_stride'] == 16


@pytest.mark.slow
def test_an_encoder_of_ones_own(example, tmp_path):
    run = example('Another encoder')
    plan, page = report(run, tmp_path, 'tiny.py', '--methods', 'fe,ftp,ctd_com')
    assert plan['settings']['network'] == 'TinyNet (up to third)' and 'TinyNet' in plan['source']['description']
    assert {method: plan['settings'][method]['frozen_stages'] for method in ('FE', 'FTP')} == {'FE': 3, 'FTP': 2}


@pytest.mark.slow
def test_a_source_of_ones_own(example, tmp_path):
    run = example('A source of your own')
    run('mobile_source.py')
    plan, page = report(run, tmp_path, 'mobile.py')
    assert plan['source']['name'] == 'checkpoint' and 'lambda 0' in page
    for name in ('ctd_ed', 'ctd_ed_zero'):
        record, = (tmp_path / 'out').glob(f'runs/{name}/*/record.json')
        assert json.loads(record.read_text())['parameters']['total'] > 3e6
    history, = (tmp_path / 'out').glob('runs/ctd_ed/*/history.json')
    assert json.loads(history.read_text())['train']['raw_ed'][0] > 0


def test_a_data_set_from_a_csv(example, tmp_path):
    import cv2
    import numpy as np
    (tmp_path / 'photos').mkdir()
    rng = np.random.default_rng(0)
    with open(tmp_path / 'my_points.csv', 'w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(['image', 'tip_x', 'tip_y', 'base_x', 'base_y', 'split'])
        for place in range(20):
            points = rng.integers(20, 76, (2, 2))
            picture = np.full((96, 96, 3), 120, np.uint8)
            for (x, y), colour in zip(points.tolist(), [(250, 40, 40), (40, 40, 250)]):
                cv2.circle(picture, (x, y), 5, colour, -1)
            cv2.imwrite(str(tmp_path / f'photos/{place}.png'), picture)
            writer.writerow([f'{place}.png', *points.ravel().tolist(),
                             'train' if place < 12 else 'val' if place < 14 else 'test'])
    run = example('A data set from a CSV')
    commands = re.search(r'```sh\n(.*?)```', part('A data set from a CSV'), re.S)[1].splitlines()
    prepare = commands[0].split()
    assert commands[1] == 'tools/run_all.sh my_faces.py'
    run(ROOT / prepare[0], *prepare[1:])
    plan, page = report(run, tmp_path, 'my_faces.py', '--methods', 'ft')
    assert plan['data']['landmarks'] == ['tip', 'base'] and 'on my data' in page


@pytest.mark.slow
def test_an_executor(example, tmp_path):
    run = example('An executor')
    command = re.search(r'```sh\ntools/run_all\.sh demo (--executor .*)\n```', part('An executor'))[1]
    plan, page = report(run, tmp_path, 'smoke', '--methods', 'ft,ctd_ed', *command.split())
    assert len(list((tmp_path / 'out').glob('runs/*/*/record.json'))) == len(plan['runs']) and 'CTD-ED' in page
