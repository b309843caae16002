"""What holds the number of the numerics to the code, and how a process knows which program it is."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

import benchmark
from benchmark import numerics, program

ROOT = Path(__file__).parents[1]


def test_the_deciding_files_are_those_that_were_recorded():
    found = numerics.edited()
    assert not found, numerics.advice(found)


def test_every_module_that_a_deciding_file_imports_is_deciding_or_named_with_a_reason():
    known = {*numerics.deciding_files(), *numerics.NOT_DECIDING}
    strays = {f'{name} imports {one}' for name in numerics.deciding_files() for one in numerics.imported(name) - known}
    assert not strays, ('Add these to DECIDING, or to NOT_DECIDING with a reason (benchmark/numerics.py): '
                        + ', '.join(sorted(strays)))
    assert numerics.imported('experiments/run/one_run.py') >= {'experiments/plan/identity.py', 'engine/loops.py',
                                                              'utils/files.py'}


def test_every_pattern_and_every_exception_names_a_file():
    assert all(list(numerics.PACKAGE.glob(pattern)) for pattern in numerics.DECIDING)
    assert all((numerics.PACKAGE / name).is_file() for name in numerics.NOT_DECIDING)
    assert not {*numerics.deciding_files()} & numerics.NOT_DECIDING.keys()


CODE = '''
"""A module."""
import math


def area(r: float) -> float:
    """Of a circle."""
    if r < 0:
        raise ValueError(f'r={r}: give 0 or more')
    return math.pi * r ** 2
'''


@pytest.mark.parametrize(('old', 'new'), [
    ('"""Of a circle."""', '"""Of a disc."""'), ('"""A module."""', ''), ('r: float', 'r'), (' -> float', ''),
    ('    return', '    # The area.\n\n    return'), ('give 0 or more', 'must not be negative'), ('r ** 2', '(r**2)'),
])
def test_layout_words_and_annotations_are_not_code(old, new):
    assert (changed := CODE.replace(old, new)) != CODE
    assert numerics.code_digest(changed) == numerics.code_digest(CODE)


@pytest.mark.parametrize(('old', 'new'), [
    ('r ** 2', 'r ** 3'), ('math.pi', 'math.tau'), ('r < 0', 'r <= 0'), ('ValueError', 'KeyError'), ('* r', '/ r'),
    ('import math', 'import cmath as math'), ('(r: float)', '(r: float = 1.0)'), ('return', 'yield'),
])
def test_what_is_computed_is(old, new):
    assert (changed := CODE.replace(old, new)) != CODE
    assert numerics.code_digest(changed) != numerics.code_digest(CODE)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the deciding files' record, and of one deciding file that may be edited."""
    for name in numerics.deciding_files():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(numerics.PACKAGE / name, tmp_path / name)
    monkeypatch.setattr(numerics, 'PACKAGE', tmp_path)
    monkeypatch.setattr(numerics, 'RECORDED', tmp_path / 'numerics.json')
    numerics.record()
    return tmp_path


def test_an_edit_is_named_with_what_to_do_and_recorded_by_one_command(package, monkeypatch, capsys):
    assert numerics.edited() == {} and numerics.main([]) == 0
    path = package / 'evaluation/errors.py'
    path.write_text(path.read_text() + '\nFACTOR = 2\n')
    (package / 'engine/new.py').write_text('x = 1')
    (package / 'models/stoch_norm.py').unlink()
    assert numerics.edited() == {'evaluation/errors.py': 'edited', 'engine/new.py': 'new',
                                 'models/stoch_norm.py': 'gone'}
    capsys.readouterr()
    assert numerics.main([]) == 1
    said = capsys.readouterr().out
    assert 'evaluation/errors.py (edited)' in said and 'raise NUMERICS' in said
    assert 'python -m benchmark.numerics --record' in said
    assert numerics.main(['--record']) == 0 and numerics.edited() == {}
    monkeypatch.setattr(numerics, 'NUMERICS', numerics.NUMERICS + 1)
    assert [*numerics.edited()] == ['NUMERICS']
    assert numerics.main(['--record']) == 0
    assert json.loads((package / 'numerics.json').read_text())['numerics'] == numerics.NUMERICS


def test_the_digest_of_a_process_is_that_of_the_code_whatever_was_recorded(package):
    def whole() -> str:
        numerics.deciding_digest.cache_clear()
        return numerics.deciding_digest()

    by_code = hashlib.sha256(json.dumps(numerics.digests(), sort_keys=True).encode()).hexdigest()
    assert whole() == by_code
    path = package / 'evaluation/errors.py'
    text = path.read_text()
    path.write_text(f'# A comment.\n{text}')
    assert whole() == by_code
    path.write_text(f'{text}\nFACTOR = 2\n')
    assert whole() != by_code
    path.write_text(text)
    (package / 'numerics.json').unlink()
    assert whole() == by_code
    numerics.deciding_digest.cache_clear()


# -- the process ------------------------------------------------------------------------------------------------------

@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A git checkout in which the package seems to lie, with one commit."""
    root = tmp_path / 'a checkout'
    for folder in program.FOLDERS:
        (root / folder).mkdir(parents=True)
        (root / folder / 'a b.py').write_text('x = 1\n' * 20)
    (root / 'docs').mkdir()
    for name, value in dict(AUTHOR_NAME='a', AUTHOR_EMAIL='a@b', COMMITTER_NAME='a', COMMITTER_EMAIL='a@b').items():
        monkeypatch.setenv(f'GIT_{name}', value)
    monkeypatch.setattr(benchmark, '__file__', str(root / 'benchmark/__init__.py'))
    git(root, 'init', '-q')
    commit(root)
    return root


def git(root: Path, *words: str) -> str:
    return subprocess.run(['git', '-C', str(root), *words], capture_output=True, text=True, check=True).stdout.strip()


def commit(root: Path) -> None:
    git(root, 'add', '-A')
    git(root, 'commit', '-q', '-m', 'x')


def found() -> dict:
    """What a process started now would say."""
    return program.program.__wrapped__()


def test_a_clean_checkout(checkout):
    assert found() == dict(version=benchmark.__version__, numerics=numerics.NUMERICS, commit=git(
        checkout, 'rev-parse', 'HEAD'), changed=0, changed_files=[])


def test_changed_files_are_counted_and_named(checkout, monkeypatch):
    (checkout / 'docs/b.md').write_text('of no account')
    (checkout / 'benchmark/a b.py').write_text('x = 2\n' * 20)
    git(checkout, 'mv', 'tools/a b.py', 'tools/c.py')
    (checkout / 'reports/new').mkdir()
    for name in 'xyz':
        (checkout / f'reports/new/{name}.py').touch()
    (checkout / 'mmconfigs/a b.py').unlink()
    monkeypatch.setenv('GIT_DIR', str(checkout / 'elsewhere'))
    code = found()
    assert code['changed'] == 7
    assert code['changed_files'] == ['benchmark/a b.py', 'mmconfigs/a b.py', 'reports/new/x.py', 'reports/new/y.py',
                                     'reports/new/z.py']
    assert '7 files changed (benchmark/a b.py, mmconfigs/a b.py, reports/new/x.py, reports/new/y.py, ' in \
        program.described(code)
    assert program.described(code).endswith('reports/new/z.py and 2 more), numerics 1')


def test_an_installed_package_has_no_commit(checkout):
    shutil.rmtree(checkout / '.git')
    assert found() == dict(version=benchmark.__version__, numerics=numerics.NUMERICS, commit=None, changed=None,
                           changed_files=[])


def test_a_package_within_another_repository_does_not_take_its_commit(checkout, monkeypatch):
    inner = checkout / 'vendored'
    (inner / 'benchmark').mkdir(parents=True)
    monkeypatch.setattr(benchmark, '__file__', str(inner / 'benchmark/__init__.py'))
    assert found()['commit'] is None


def test_programs_in_words():
    assert program.described(None) == 'a program that left no name'
    assert program.described(dict(version='0.1.0', commit='0123456789abcdef', dirty=True)) == \
        'version 0.1.0, commit 0123456789, files changed, numerics 0'
    assert program.described(dict(version='1', commit=None, changed=None, changed_files=[], numerics=3)) == \
        'version 1, numerics 3'
    assert '1 file changed (a.py)' in program.described(dict(version='1', changed=1, changed_files=['a.py']))
