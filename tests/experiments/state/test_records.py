"""A run's state is read off its folder, and only what the checksums confirm is a result."""

import json
import os
import signal
import subprocess
import sys

import pytest

from benchmark.experiments.state.locks import FolderLock, Locked, holder, is_locked
from benchmark.experiments.state.records import State, read_record, set_aside, status, write_record
from benchmark.utils.files import file_digest


@pytest.fixture
def folder(tmp_path):
    """A run that is done."""
    place = tmp_path / 'ft/all-seed0-abc'
    place.mkdir(parents=True)
    (place / 'predictions.parquet').write_bytes(b'numbers')
    write_record(place, dict(state='done', hash='abc', result_sha256=file_digest(place / 'predictions.parquet')))
    return place


def test_done(folder):
    found = status(folder, 'abc')
    assert found.state is State.DONE and found.record['hash'] == 'abc'


def edit(folder, **changes):
    content = json.loads((folder / 'record.json').read_text())
    (folder / 'record.json').write_text(json.dumps(content | changes))


@pytest.mark.parametrize(('damage', 'reason'), [
    (lambda f: (f / 'predictions.parquet').write_bytes(b'numbres'), 'predictions.parquet: does not match the checksum'),
    (lambda f: (f / 'predictions.parquet').unlink(), 'predictions.parquet: is missing'),
    (lambda f: (f / 'record.json').write_text('{"state": "do'), 'record.json: is truncated or not JSON'),
    (lambda f: (f / 'record.json').write_text('[1]'), 'record.json: does not match its own checksum'),
    (lambda f: edit(f, seconds=1), 'record.json: does not match its own checksum'),
    (lambda f: write_record(f, dict(state='done', hash='other')), 'record.json: belongs to another run'),
])
def test_damage_is_found_and_named(folder, damage, reason):
    damage(folder)
    found = status(folder, 'abc')
    assert found.state is State.DAMAGED and reason in found.reason and str(folder) in found.reason


def test_files_beside_the_result_are_covered_too(folder):
    (folder / 'history.json').write_text('{}')
    result = file_digest(folder / 'predictions.parquet')
    write_record(folder, dict(state='done', hash='abc', result_sha256=result,
                              files={'history.json': file_digest(folder / 'history.json')}))
    assert status(folder, 'abc').state is State.DONE
    (folder / 'history.json').write_text('{ }')
    assert 'history.json: does not match the checksum' in status(folder, 'abc').reason
    (folder / 'history.json').unlink()
    found = status(folder, 'abc')
    assert found.state is State.DAMAGED and 'history.json: is missing' in found.reason


def test_damaged_files_are_kept_aside(folder, tmp_path):
    (folder / 'config.py').write_text('a = 1')
    for number in (1, 2):
        (folder / 'predictions.parquet').write_bytes(b'x')
        target = set_aside(folder, tmp_path / 'aside')
        assert target.name == f'ft-all-seed0-abc-{number}' and (target / 'predictions.parquet').read_bytes() == b'x'
    assert [p.name for p in folder.iterdir()] == ['config.py']
    assert status(folder, 'abc').state is State.MISSING


def test_failed_interrupted_running_missing(folder, tmp_path):
    error = dict(type='OSError', message='gone\nfar', may_pass=True)
    write_record(folder, dict(state='failed', hash='abc', error=error))
    found = status(folder, 'abc')
    assert found.state is State.FAILED and found.transient and found.reason == 'OSError: gone'
    (folder / 'record.json').unlink()
    assert status(folder, 'abc').state is State.MISSING
    (folder / 'state-000000012-aa.pth').touch()
    (folder / 'progress').write_text('3 8')
    found = status(folder, 'abc')
    assert found.state is State.INTERRUPTED and found.reason == 'stopped in epoch 4 of 8'
    with FolderLock(folder):
        assert status(folder, 'abc').state is State.RUNNING
    assert status(tmp_path / 'none', 'abc').state is State.MISSING
    assert read_record(folder) is None


def test_a_lock_excludes_and_says_who(folder):
    with FolderLock(folder):
        assert is_locked(folder)
        with pytest.raises(Locked, match=f'in use by process {os.getpid()} on '):
            FolderLock(folder).__enter__()
    assert not is_locked(folder)


def test_shared_locks_stand_side_by_side(folder):
    with FolderLock(folder, shared=True), FolderLock(folder, shared=True):
        with pytest.raises(Locked):
            FolderLock(folder).__enter__()


def test_a_killed_holder_leaves_no_stale_lock(folder):
    code = ('import sys, time, pathlib\nfrom benchmark.experiments.state.locks import FolderLock\n'
            'with FolderLock(pathlib.Path(sys.argv[1])):\n    print("held", flush=True)\n    time.sleep(60)\n')
    process = subprocess.Popen([sys.executable, '-c', code, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'held\n'
    assert is_locked(folder) and str(process.pid) in holder(folder)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with FolderLock(folder):
        assert str(os.getpid()) in holder(folder)
