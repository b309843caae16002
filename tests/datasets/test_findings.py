"""What a check found: kinds, one screen, and the file with all of it."""

import runpy
from pathlib import Path

import pytest

from benchmark.datasets.findings import Report, default_file
from benchmark.datasets.metainfo import DataError

main = runpy.run_path(str(Path(__file__).parents[2] / 'tools/prepare_data.py'))['main']


def filled(root=Path('set')):
    report = Report(root)
    for number in range(40):
        report.add('warning', 'same-image', f'{number}.png: the same image')
    report.add('error', 'outside', 'a.png: outside')
    report.add('error', 'id', 'b.png: no id')
    return report


def test_errors_and_warnings_are_messages():
    report = filled()
    assert report.errors == ['a.png: outside', 'b.png: no id'] and len(report.warnings) == 40 and not report.ok
    report.replace(str.upper)
    assert report.errors[0] == 'A.PNG: OUTSIDE'
    with pytest.raises(ValueError, match='note'):
        report.add('note', 'id', 'x')


def test_screen_shows_kinds_and_the_first_three():
    report = filled()
    assert report.text().splitlines() == [
        'errors: outside: 1', '  error: a.png: outside', 'errors: id: 1', '  error: b.png: no id',
        'warnings: same-image: 40', '  warning: 0.png: the same image', '  warning: 1.png: the same image',
        '  warning: 2.png: the same image', '  ... and 37 more of 40', 'set: 2 errors, 40 warnings']
    assert report.cut() and not report.cut(40) and report.text(40).count('the same image') == 40
    assert report.text(0).count('  warning: ') == 0
    report.add('warning', 'order', 'x' * 2000)
    assert max(map(len, report.text(99).splitlines())) < 700 and report.cut(99)


def test_screen_of_many_kinds_and_groups_stays_a_screen():
    report = filled()
    for kind in range(8):
        for number in range(20):
            report.add('warning', f'kind-{kind}', f'{number}.png')
    report.summary['train'] = dict(images=900, subjects=900, landmarks={'a': 900},
                                   groups=dict(clinic={f'clinic {i}': 9 for i in range(100)}))
    lines = report.text().splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) < 250
    assert '... and 88 more' in lines[1]


def test_file_has_every_finding(tmp_path):
    report = filled(tmp_path / 'set')
    report.write(tmp_path / 'all.txt')
    lines = (tmp_path / 'all.txt').read_text().splitlines()
    assert len(lines) == 43 and lines[1] == 'warning\tsame-image\t0.png: the same image'
    with pytest.raises(DataError, match='lies in the data set'):
        report.write(tmp_path / 'set' / 'images' / 'all.txt')
    assert default_file(tmp_path / 'set') == tmp_path / 'set.check.txt'


def test_check_writes_what_it_does_not_show(tmp_path, capsys):
    root = tmp_path / 'set'
    (root / 'annotations').mkdir(parents=True)
    assert main(['check', str(root)]) == 1
    assert 'errors: ' in capsys.readouterr().out and not (tmp_path / 'set.check.txt').exists()
    assert main(['check', str(root), '--limit', '0']) == 1
    assert f'all of them: {tmp_path / "set.check.txt"}' in capsys.readouterr().out
    (tmp_path / 'set.check.txt').write_text('of yesterday')
    assert main(['check', str(root)]) == 1
    assert 'yesterday' not in (tmp_path / 'set.check.txt').read_text(), 'an older list must not stay'
    assert main(['check', str(root), '--report', str(tmp_path / 'named.txt')]) == 1
    assert (tmp_path / 'named.txt').read_text().startswith('severity\tkind\tmessage\nerror\t')
    assert main(['check', str(root), '--report', str(root / 'named.txt')]) == 2
    assert not (root / 'named.txt').exists()
