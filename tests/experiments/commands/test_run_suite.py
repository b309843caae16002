"""A tiny suite from command to results, in processes of its own: what is done stays, what fails is recorded."""

import hashlib
import html
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas
import pytest
from forked import command

from benchmark.experiments.commands import run_suite
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.executors.local import LocalExecutor
from benchmark.numerics import NUMERICS
from benchmark.program import deciding_program

ROOT = Path(__file__).parents[3]


def test_files_of_the_design(done):
    plan = json.loads((done.out / 'plan.json').read_text())
    assert [m['name'] for m in plan['methods']] == ['ft', 'ctd_com', 'hg']
    assert 0 <= plan['source']['val_accuracy'] <= 1
    for run in plan['runs']:
        folder = done.out / run['folder']
        record = json.loads((folder / 'record.json').read_text())
        assert record['state'] == 'done' and record['hash'] == run['hash'] and record['epochs'] == 1
        assert record['source_hash'] == (None if run['method'] == 'hg' else plan['source']['hash'])
        assert {'config.py', 'log', 'predictions.parquet'} <= {p.name for p in folder.iterdir()}
        assert {p.name for p in folder.glob('*.py')} == {'config.py', 'detector.py'}
        assert [p.name for p in folder.glob('*.pth')] == ['network.pth']
        assert {*record['files']} == {'heatmaps.npz', 'history.json', 'decodings.json', 'validation.json'}
    table = pandas.read_parquet(done.out / 'results.parquet')
    assert len(table) == 3 * 4 * 14 and table.error.notna().all()
    assert {'method', 'condition', 'seed', 'image', 'subject', 'landmark', 'error', 'error_input', 'error_mm',
            'normalizer', 'x', 'y', 'x_true', 'y_true', 'score', 'group_phenotype'} <= set(table.columns)


def test_each_run_decodes_its_heatmaps_in_every_way(done):
    for method, folder in done.runs().items():
        found = json.loads((folder / 'decodings.json').read_text())
        assert found['used'] == 'argmax' and [*found['scores']] == ['argmax', 'quarter', 'dark'], method
        rows = pandas.read_parquet(folder / 'predictions.parquet').assign(NME=lambda t: t.error / t.normalizer)
        for endpoint, column in dict(ME='error', ME_photo='error_photo', ME_input='error_input', NME='NME').items():
            expected = rows.groupby('image', sort=False)[column].mean()
            assert found['images'] == [*expected.index]
            assert found['scores']['argmax'][endpoint] == pytest.approx([*expected], rel=1e-6)
        assert len({str(own['ME']) for own in found['scores'].values()}) == 3
    assert not any('decod' in key for key in done.record('ft')['metrics'])


def test_the_same_plan_gives_the_same_bytes(done, tiny):
    assert tiny.run().returncode == 0
    assert done.digests() == tiny.digests()


def test_second_call_does_nothing_and_a_damaged_result_is_done_again(done, tiny):
    again = done.run()
    assert again.returncode == 0 and '3 before' in again.stdout
    shutil.copytree(done.out, tiny.out)
    damaged = tiny.runs()['hg'] / 'predictions.parquet'
    damaged.write_bytes(damaged.read_bytes()[:-10])
    out = tiny.run()
    assert '2 before' in out.stdout
    assert f'{damaged}: does not match the checksum in record.json; set aside in {tiny.out}/set_aside/hg-' in out.stdout
    assert tiny.digests() == done.digests()


def test_changed_setting_is_another_run(done):
    out = done.run('--dry-run', text='settings.update(lr=0.01)\n')
    assert out.stdout.count('to run') == 3 and '3 of 3 runs to do' in out.stdout
    assert out.stdout.count('optim_wrapper.optimizer.lr 0.001 -> 0.01') == 3
    assert '\nmethods (3): ' in out.stdout and '\nconditions (1): ' in out.stdout and '\nseeds: 1\n' in out.stdout


def test_a_config_value_that_names_nothing_is_refused_before_anything_runs(done):
    out = done.run('--dry-run', text="methods.update(ft=dict(cfg_options={'modle.head.x': 1}))\n")
    assert out.returncode == 2 and "method ft, config value 'modle.head.x': the config has no 'modle'" in out.stderr


def test_paths_are_not_part_of_the_hash(done, monkeypatch):
    before = done.run('--dry-run').stdout
    monkeypatch.setenv('CTD_DATA', '/elsewhere')
    monkeypatch.setenv('CTD_SOURCE', '/elsewhere/source.pth')
    assert done.run('--dry-run').stdout == before and '0 of 3 runs to do' in before


def test_random_source_is_where_ft_starts_and_what_ctd_is_held_to(tiny, done):
    tiny.cache.unlink()
    tiny.cache.mkdir()
    (tiny.cache / 'data').symlink_to(done.cache / 'data')
    out = tiny.run('--source', 'random')
    assert out.returncode == 0, out.stdout + out.stderr
    source, = (tiny.cache / 'sources').glob('*/source.pth')
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert {name: tiny.record(name)['source_sha256'] for name in tiny.runs()} == dict(
        ft=digest, ctd_com=digest, hg=None)
    plan = json.loads((tiny.out / 'plan.json').read_text())
    assert plan['source']['name'] == 'random' and plan['source']['val_accuracy'] is None


def test_a_part_without_the_main_condition_is_run_analysed_and_shown(tiny):
    text = ("conditions = dict(all=dict(label='all of them'), few=dict(label='a few', num_labels=3), "
            'two=dict(num_labels=2))\n')
    told = tiny.run('--methods', 'ft,hg', '--only', '*/few-*', text=text)
    assert told.returncode == 0, told.stderr
    assert 'note: --only leaves no run under the main condition, all of them: a few stands in its' in told.stdout
    plan = json.loads((tiny.out / 'plan.json').read_text())
    assert [one['name'] for one in plan['conditions']] == ['few'] and plan['part']['main'] == 'all of them'
    for tool in (['analyze.py', tiny.out, '--out', tiny.out], ['report.py', tiny.out]):
        done = command([ROOT / 'tools' / tool[0], *tool[1:]], os.environ | dict(OMP_NUM_THREADS='1'))
        assert done.returncode == 0, done.stderr
    analysis = json.loads((tiny.out / 'analysis.json').read_text())
    assert analysis['main_condition'] == 'few' and {*analysis['methods']} == {'ft', 'hg'}
    said = "None of them is under the suite's main condition, all of them: the first condition that is there stands in"
    assert said in html.unescape((tiny.out / 'report/index.html').read_text())
    # With runs under it, it is the main one as ever, and the others that are left stay.
    assert 'main condition' not in tiny.run('--methods', 'ft', '--only', '*-seed0-*', '--dry-run', text=text).stdout


def test_nothing_old_stands_beside_a_new_plan(tiny, done):
    shutil.copytree(done.out, tiny.out)
    out = tiny.run('--methods', 'hg', '--cfg-options', 'optim_wrapper.optimizer.lr=1e30')
    assert out.returncode == 1 and '0 of 1 runs done' in out.stdout
    assert '1 of 1 runs start again, because what decides them has changed: optim_wrapper.optimizer.lr' in out.stdout
    assert not (tiny.out / 'results.parquet').exists()


def test_failed_run_is_recorded_and_the_others_go_on(tiny):
    text = "methods.update(ft=dict(cfg_options={'optim_wrapper.optimizer.lr': 1e30}))\n"
    out = tiny.run(text=text)
    assert out.returncode == 1 and '2 of 3 runs done' in out.stdout and 'FAILED' in out.stdout
    record = tiny.record('ft')
    assert record['state'] == 'failed' and record['attempt'] == 1
    error = record['error']
    assert error['type'] == 'FloatingPointError' and 'optimizer.lr' in error['message'] and not error['may_pass']
    assert 'after_train_iter' in error['traceback']
    assert any('FloatingPointError' in line for line in error['log'])
    assert set(pandas.read_parquet(tiny.out / 'results.parquet').method) == {'ctd_com', 'hg'}

    again = tiny.run(text=text)
    assert again.returncode == 1 and 'failed permanently before and is skipped: FloatingPointError' in again.stdout
    assert '(permanent; --retry-failed runs it again)' in tiny.run('--dry-run', text=text).stdout
    assert tiny.run('--retry-failed', text=text).returncode == 1
    assert tiny.record('ft')['attempt'] == 2 and (tiny.runs()['ft'] / 'failed-1.json').exists()
    status = tiny.run('--status', text=text).stdout
    assert '3 runs: 1 failed, 2 done' in status and 'FloatingPointError: the loss is' in status


LONG = "settings.update(iterations=24)\nexecution = dict(save_every=0)\n"


def wait_for(what, seconds: float = 300.0):
    """Waits until ``what()`` gives something, and gives it back."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise TimeoutError


@pytest.fixture(scope='module')
def whole(done, tmp_path_factory):
    """A longer suite that nobody stopped."""
    whole = type(done)(tmp_path_factory.mktemp('whole'))
    whole.cache.symlink_to(done.cache)
    assert whole.run('--methods', 'ctd_com', text=LONG).returncode == 0
    return whole


@pytest.mark.parametrize('how', [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_stopped_command_goes_on_from_its_states_with_the_same_bytes(whole, tiny, how):
    process = tiny.start('--methods', 'ctd_com', text=LONG)
    wait_for(lambda: list(tiny.out.glob('runs/*/*/state-00000002*.pth')))
    process.send_signal(how)
    _, err = process.communicate(timeout=900)
    if how == signal.SIGTERM:
        assert process.returncode == 130 and 'the same command resumes' in err
    assert '(stopped in epoch' in tiny.run('--methods', 'ctd_com', '--dry-run', text=LONG).stdout
    assert '1 interrupted' in tiny.run('--status').stdout
    assert tiny.run('--methods', 'ctd_com', text=LONG).returncode == 0
    assert tiny.digests() == whole.digests()
    assert 'resumes from epoch' in (tiny.runs()['ctd_com'] / 'log').read_text()
    assert not list(tiny.out.glob('runs/*/*/state-*'))


@pytest.mark.slow
def test_what_the_suite_has_made_it_makes_again_though_it_is_deleted_in_mid_suite(done, tiny):
    cache = tiny.cache
    cache.unlink()
    for name in ('data', 'sources'):
        shutil.copytree(done.cache / name, cache / name)
    process = tiny.start('--progress', 'plain')
    wait_for(lambda: list(tiny.out.glob('runs/*/*/record.json')))
    shutil.rmtree(cache / 'sources')
    shutil.rmtree(next(cache.glob('data/synthetic-faces-*/images')))
    shutil.rmtree(next(cache.glob('data/synthetic-identities-*')))
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0 and 'FAILED' not in out, out + err
    assert tiny.digests() == done.digests()
    shutil.rmtree(cache)
    (tiny.runs()['ctd_com'] / 'record.json').unlink()
    again = tiny.run()
    assert again.returncode == 0 and tiny.digests() == done.digests(), again.stdout + again.stderr


def test_whatever_is_raised_for_want_of_data_or_source_is_transient(registered, done, tmp_path, monkeypatch):
    from mmengine.config import Config

    from benchmark.experiments.run import one_run
    from benchmark.experiments.state.records import read_record
    from benchmark.experiments.state.tasks import read_work
    root = tmp_path / 'data'
    shutil.copytree(next((done.cache / 'data').glob('synthetic-faces-*')), root)
    content = dict(train_dataloader=dict(dataset=dict(data_root=str(root))))
    monkeypatch.setattr(one_run, '_config', lambda folder: Config(content))
    entry = next(task.entry for task in read_work(done.out).runs if task.entry['method'] == 'ctd_com')

    def ends(entry: dict, work) -> dict:
        assert not one_run._record(tmp_path / 'run', dict(entry, attempt=1), time.time(), 'predictions.parquet', work)
        return read_record(tmp_path / 'run')['error']

    def work():
        raise AssertionError('no image')

    assert (error := ends(entry, work))['type'] == 'AssertionError' and not error['may_pass']
    lost = ends(entry | dict(source_job=str(tmp_path / 'gone')), work)
    assert lost['type'] == 'DamagedSource' and lost['may_pass'] and 'AssertionError: no image' in lost['traceback']
    shutil.rmtree(root / 'images')
    assert (error := ends(entry, work))['type'] == 'DamagedData' and error['may_pass']
    shutil.rmtree(root)
    assert (error := ends(entry, work))['type'] == 'DamagedData' and error['may_pass']


@pytest.mark.slow
def test_two_commands_on_one_folder_do_each_run_once(done, tiny):
    both = [tiny.start('--progress', 'plain') for _ in range(2)]
    outputs = [process.communicate(timeout=900) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert tiny.digests() == done.digests()
    for folder in tiny.runs().values():
        assert json.loads((folder / 'record.json').read_text())['attempt'] == 1
        assert len([p for p in folder.iterdir() if p.name[:8].isdecimal()]) == 1


def test_another_plan_on_a_folder_in_use_is_refused(tiny):
    process = tiny.start(text=LONG)
    wait_for(lambda: (tiny.out / 'plan.json').exists() and list(tiny.out.glob('runs/*/*/progress')))
    other = tiny.run('--seeds', '2', text=LONG)
    assert other.returncode == 2 and f'{tiny.out}: in use by process {process.pid} on ' in other.stderr
    assert 'give another --out' in other.stderr
    process.terminate()
    process.communicate(timeout=900)


def test_the_record_says_what_ran_where(done):
    record = done.record('ctd_com')
    assert record['format_version'] == 1 and record['numerics'] == record['code']['numerics'] == NUMERICS
    assert record['code'] == deciding_program()
    assert {'host', 'processor', 'cores', 'memory_mib', 'device', 'threads', 'deterministic',
            'cublas_workspace'} <= set(record['machine'])
    assert record['machine']['cublas_workspace'] == ':4096:8'
    assert record['data'] and record['source_hash'] and record['hash'] and record['seconds_per_epoch'] > 0
    assert record['peak_memory_mib'] > 50 and record['result_sha256']


@pytest.mark.parametrize(('options', 'message'), [
    (('--methods', 'ft,xx'), "has no 'xx'. It has: ft, ctd_com, hg"),
    (('--seeds', '0'), '--seeds 0'),
    (('--data-root', 'nowhere'), 'nowhere'),
    (('--source', 'nowhere.pth'), 'nowhere.pth: no such source checkpoint'),
    (('--only', 'xx/*'), "--only 'xx/*' matches no run. Their ids look like ft/all-seed0-"),
    (('--per-gpu', '0'), '--per-gpu 0: give 1 or more'),
    (('--gpus', '77'), 'there is no 77'),
])
def test_bad_input_is_one_line_and_exit_code_2(done, options, message):
    out = done.run(*options)
    assert out.returncode == 2 and message in out.stderr
    assert out.stderr.startswith('error: ') and len(out.stderr.splitlines()) == 1


def test_a_plan_that_is_only_looked_at_waits_for_no_heavy_import(done):
    code = ('import sys; from benchmark.experiments.commands.run_suite import main; main(sys.argv[1:]); '
            "print(sorted({'torch', 'mmpose', 'mmcv', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules)))")
    (_, *options), env = done.command('--dry-run', '--gpus', 'none', CTD_DATA='/elsewhere')
    # MMEngine tells of a variable that it fills in through its logger, which would import torch.
    out = subprocess.run([sys.executable, '-c', code, *map(str, options)], capture_output=True, text=True, cwd=ROOT,
                         env=env)
    assert out.returncode == 0 and '0 of 3 runs to do' in out.stdout and out.stdout.endswith('[]\n'), out


def test_runs_are_made_ready_while_a_new_suite_is_planned(tmp_path, monkeypatch):
    ready = []
    monkeypatch.setattr(LocalExecutor, 'prepare', lambda self: ready.append('began'))
    monkeypatch.setattr(run_suite, 'make_plan', lambda *_: (_ for _ in ()).throw(SuiteError('no plan')))
    assert run_suite.main(['smoke', '--out', str(tmp_path), '--dry-run']) == 2 and not ready
    assert run_suite.main(['smoke', '--out', str(tmp_path)]) == 2 and ready == ['began']
    # There may be nothing to do.
    (tmp_path / 'plan.json').write_text('{}')
    assert run_suite.main(['smoke', '--out', str(tmp_path)]) == 2 and ready == ['began']


@pytest.mark.parametrize('option', ['--dry-run', '--status'])
def test_whoever_has_read_enough_may_go(done, option):
    process = done.start(option)
    process.stdout.close()
    assert process.wait(timeout=60) == 0 and process.stderr.read() == ''
    process.stderr.close()


def damaged(folder: Path, done, how: str) -> Path:
    """A copy of the tiny suite's data with one fault."""
    root = folder / 'data'
    shutil.copytree(next((done.cache / 'data').glob('synthetic-faces-*')), root)
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
def test_unsound_data_are_refused_before_anything_runs(done, tiny, tmp_path, how, message):
    out = tiny.run('--source', 'random', '--data-root', damaged(tmp_path, done, how))
    assert out.returncode == 2 and message in out.stderr and len(out.stderr.splitlines()) == 1
    assert not tiny.out.exists()


def test_the_plan_says_how_the_runs_train(done):
    settings = json.loads((done.out / 'plan.json').read_text())['settings']
    assert settings['batch_size'] == 3 and settings['epochs'] == 1 and settings['optimizer'] == 'Adam'
    assert settings['view_scales'] == [1.0, 0.8] and settings['heatmap_sigma'] == 1.5
    assert settings['CTD-Com']['regulariser_ed'].startswith('EncoderCosineLoss, weight 0.002')
    assert settings['HG']['network'] == 'StackedHourglass' and settings['FT']['network'] == 'ResNet-18'


def test_a_source_that_fails_permanently_leaves_the_other_runs(tiny, done):
    tiny.cache.unlink()
    tiny.cache.mkdir()
    (tiny.cache / 'data').symlink_to(done.cache / 'data')
    out = tiny.run(text='source.update(lr=1e30)\n')
    assert out.returncode == 1 and '1 of 3 runs done (0 before, 2 failed)' in out.stdout
    assert 'The source network could not be created: FloatingPointError' in out.stdout + out.stderr
    assert tiny.record('hg')['state'] == 'done'
    again = tiny.run(text='source.update(lr=1e30)\n')
    assert again.returncode == 1 and '1 of 3 runs done (1 before, 2 failed)' in again.stdout
    source, = (tiny.cache / 'sources').glob('*/record.json')
    assert json.loads(source.read_text())['attempt'] == 1


def test_the_best_epoch_is_what_is_tested(tiny):
    out = tiny.run('--methods', 'ctd_com', text="settings.update(iterations=8, selection='best_val')\n")
    assert out.returncode == 0, out.stdout
    folder = tiny.runs()['ctd_com']
    assert not list(folder.glob('best_*'))
    log = (folder / 'log').read_text()
    assert 'Epoch(val) [4]' in log and 'The best checkpoint with' in log and 'Epoch(test)' in log
    assert tiny.record('ctd_com')['attempt'] == 1


def test_a_best_checkpoint_is_read_without_executing_it(registered, tmp_path):
    import pickle

    from benchmark.experiments.run.damaged import DamagedCheckpoint
    from benchmark.experiments.run.tested import load_best

    class Evil:
        def __reduce__(self):
            return (tmp_path / 'executed').touch, ()

    path = tmp_path / 'best.pth'
    path.write_bytes(pickle.dumps(Evil(), protocol=2))
    with pytest.raises(DamagedCheckpoint, match='best.pth: asks for .* which would be executed'):
        load_best(None, path)
    assert not (tmp_path / 'executed').exists()


def test_every_file_of_a_users_package_counts(tmp_path, monkeypatch):
    from benchmark.experiments.plan.identity import module_digest
    monkeypatch.syspath_prepend(tmp_path)
    for folder in ('a', 'b'):
        (tmp_path / 'own_package' / folder).mkdir(parents=True)
        (tmp_path / 'own_package' / folder / 'loss.py').write_text('x = 1')
    before = module_digest('own_package')
    assert before is not None
    for folder in ('a', 'b'):
        (tmp_path / 'own_package' / folder / 'loss.py').write_text('x = 2')
        assert module_digest('own_package') != before
        before = module_digest('own_package')


@pytest.mark.slow
def test_kept_features_change_no_byte(tiny, tmp_path):
    (tmp_path / 'own').mkdir()  # features of its own: other tests fill those of the shared cache
    for part in tiny.cache.iterdir():
        if part.name != 'features':
            (tmp_path / 'own' / part.name).symlink_to(part.resolve())
    tiny.cache = tmp_path / 'own'
    text = "methods = dict(_delete_=True, fe={}, ftp={}, ctd_com={})\nseeds = 2\nsettings.update(iterations=8)\n"
    assert (first := tiny.run(text=text)).returncode == 0, first.stdout
    kept = tiny.digests()
    shutil.rmtree(tiny.out)
    off = tiny.run(text=text + 'settings.update(feature_cache=dict(enabled=False))\n')
    assert off.returncode == 0, off.stdout
    assert tiny.digests() == kept and len(kept) == 6 * 5 + 2  # five files of each run
    features = tiny.cache / 'features'
    assert len(list(features.glob('*/about.json'))) == 3 and not list(features.glob('*/stage1*'))
