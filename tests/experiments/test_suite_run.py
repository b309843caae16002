"""A tiny suite from command to results, in processes of its own: what is done stays, what fails is recorded."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas
import pytest

ROOT = Path(__file__).parents[2]
TINY = f"""
_base_ = {str(ROOT / 'mmconfigs/suites/smoke.py')!r}
methods = dict(_delete_=True, ft={{}}, ctd_com={{}}, hg={{}})
data = dict(train=6, val=2, test=4)
source = dict(data=dict(identities=4, shots=4), epochs=1, batch_size=4)
settings = dict(iterations=2, batch_size=3, decoder_channels=16, hourglass=dict(channels=16))
"""


def suite(folder: Path, *options: str, text: str = '') -> subprocess.CompletedProcess:
    """Runs tools/run_suite.py on the tiny suite."""
    path = folder / 'tiny.py'
    path.write_text(TINY + text)
    env = os.environ | dict(CTD_CACHE=str(folder / 'cache'), OMP_NUM_THREADS='1')
    return subprocess.run([sys.executable, ROOT / 'tools/run_suite.py', path, '--out', folder / 'out', *options],
                          env=env, capture_output=True, text=True, timeout=300)


def digests(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob('*.parquet'))}


@pytest.fixture(scope='module')
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp('suite')
    first = suite(folder)
    assert first.returncode == 0, first.stdout + first.stderr
    return folder


def runs(folder: Path) -> dict[str, Path]:
    plan = json.loads((folder / 'out/plan.json').read_text())
    return {run['method']: folder / 'out' / run['folder'] for run in plan['runs']}


def test_files_of_the_design(done):
    plan = json.loads((done / 'out/plan.json').read_text())
    assert [m['name'] for m in plan['methods']] == ['ft', 'ctd_com', 'hg']
    assert 0 <= plan['source']['val_accuracy'] <= 1
    for run in plan['runs']:
        folder = done / 'out' / run['folder']
        record = json.loads((folder / 'record.json').read_text())
        assert record['state'] == 'done' and record['hash'] == run['hash'] and record['epochs'] == 1
        assert record['source_hash'] == (None if run['method'] == 'hg' else plan['source']['hash'])
        assert {'config.py', 'log', 'predictions.parquet'} <= {p.name for p in folder.iterdir()}
    table = pandas.read_parquet(done / 'out/results.parquet')
    assert len(table) == 3 * 4 * 14 and table.error.notna().all()
    assert {'method', 'condition', 'seed', 'image', 'subject', 'landmark', 'error', 'error_input', 'error_mm',
            'normalizer', 'x', 'y', 'x_true', 'y_true', 'score', 'group_phenotype'} <= set(table.columns)


def test_the_same_plan_gives_the_same_bytes(done, tmp_path):
    (tmp_path / 'cache').symlink_to(done / 'cache')
    assert suite(tmp_path).returncode == 0
    assert digests(done / 'out') == digests(tmp_path / 'out')


def test_second_call_does_nothing_and_a_damaged_result_is_done_again(done):
    before = digests(done / 'out')
    again = suite(done)
    assert again.returncode == 0 and '3 before' in again.stdout
    damaged = runs(done)['hg'] / 'predictions.parquet'
    damaged.write_bytes(damaged.read_bytes()[:-10])
    out = suite(done)
    assert '2 before' in out.stdout
    assert f'{damaged}: does not fit the checksum in record.json; set aside in {done}/out/set_aside/hg-' in out.stdout
    shutil.rmtree(done / 'out/set_aside')
    assert digests(done / 'out') == before


def test_changed_setting_is_another_run(done):
    out = suite(done, '--dry-run', text='settings.update(lr=0.01)\n')
    assert out.stdout.count('to run') == 3 and '3 of 3 runs to do' in out.stdout
    assert out.stdout.count('optim_wrapper.optimizer.lr 0.001 -> 0.01') == 3


def test_paths_are_not_part_of_the_hash(done, monkeypatch):
    before = suite(done, '--dry-run').stdout
    monkeypatch.setenv('CTD_DATA', '/elsewhere')
    monkeypatch.setenv('CTD_SOURCE', '/elsewhere/source.pth')
    assert suite(done, '--dry-run').stdout == before and '0 of 3 runs to do' in before


def test_random_source_is_where_ft_starts_and_what_ctd_is_held_to(done, tmp_path):
    (tmp_path / 'cache').mkdir()
    (tmp_path / 'cache/data').symlink_to(done / 'cache/data')
    out = suite(tmp_path, '--source', 'random')
    assert out.returncode == 0, out.stdout + out.stderr
    records = {name: json.loads((folder / 'record.json').read_text()) for name, folder in runs(tmp_path).items()}
    source, = (tmp_path / 'cache/sources').glob('*/source.pth')
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert {name: record['source_sha256'] for name, record in records.items()} == dict(
        ft=digest, ctd_com=digest, hg=None)
    plan = json.loads((tmp_path / 'out/plan.json').read_text())
    assert plan['source']['name'] == 'random' and plan['source']['val_accuracy'] is None


def test_nothing_old_stands_beside_a_new_plan(tmp_path, done):
    (tmp_path / 'cache').symlink_to(done / 'cache')
    shutil.copytree(done / 'out', tmp_path / 'out')
    out = suite(tmp_path, '--methods', 'hg', '--cfg-options', 'optim_wrapper.optimizer.lr=1e30')
    assert out.returncode == 1 and '0 of 1 runs done' in out.stdout
    assert not (tmp_path / 'out/results.parquet').exists()


def test_failed_run_is_recorded_and_the_others_go_on(tmp_path, done):
    (tmp_path / 'cache').symlink_to(done / 'cache')
    out = suite(tmp_path, text="methods.update(ft=dict(cfg_options={'optim_wrapper.optimizer.lr': 1e30}))\n")
    assert out.returncode == 1 and '2 of 3 runs done' in out.stdout and 'FAILED' in out.stdout
    record = json.loads((runs(tmp_path)['ft'] / 'record.json').read_text())
    assert record['state'] == 'failed' and record['error']['traceback']
    assert record['error']['type'] == 'FloatingPointError' and 'optimizer.lr' in record['error']['message']
    assert set(pandas.read_parquet(tmp_path / 'out/results.parquet').method) == {'ctd_com', 'hg'}


@pytest.mark.parametrize(('options', 'message'), [
    (('--methods', 'ft,xx'), "has no 'xx'. It has: ft, ctd_com, hg"),
    (('--seeds', '0'), '--seeds 0'),
    (('--data-root', 'nowhere'), 'nowhere'),
    (('--source', 'nowhere.pth'), 'nowhere.pth: no such source checkpoint'),
])
def test_bad_input_is_one_line_and_exit_code_2(done, options, message):
    out = suite(done, *options)
    assert out.returncode == 2 and message in out.stderr
    assert out.stderr.startswith('error: ') and len(out.stderr.splitlines()) == 1


def damaged(folder: Path, done: Path, how: str) -> Path:
    """A copy of the tiny suite's data with one fault."""
    root = folder / 'data'
    shutil.copytree(next((done / 'cache/data').glob('synthetic-faces-*')), root)
    path = root / 'annotations/test.json'
    coco = json.loads(path.read_text())
    if how == 'leak':
        train = json.loads((root / 'annotations/train.json').read_text())
        coco['images'][0]['subject'] = train['images'][0]['subject']
    else:
        (root / 'images' / coco['images'][0]['file_name']).write_bytes(b'no image')
    path.write_text(json.dumps(coco))
    return root


@pytest.mark.parametrize(('how', 'message'), [('leak', 'is also in train'), ('garbage', 'cannot be decoded')])
def test_unsound_data_are_refused_before_anything_runs(done, tmp_path, how, message):
    out = suite(tmp_path, '--source', 'random', '--data-root', str(damaged(tmp_path, done, how)))
    assert out.returncode == 2 and message in out.stderr and len(out.stderr.splitlines()) == 1
    assert not (tmp_path / 'out').exists()


def test_the_plan_says_how_the_runs_train(done):
    settings = json.loads((done / 'out/plan.json').read_text())['settings']
    assert settings['batch_size'] == 3 and settings['epochs'] == 1 and settings['optimizer'] == 'Adam'
    assert settings['view_scales'] == [1.0, 0.8] and settings['heatmap_sigma'] == 1.5
    assert settings['CTD-Com']['regulariser_ed'].startswith('EncoderCosineLoss, weight 0.002')
    assert settings['HG']['network'] == 'StackedHourglass' and settings['FT']['network'] == 'ResNet-18'
