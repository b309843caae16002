"""Measuring works; how fast things are is no test's business."""

import itertools
import json
import runpy
from pathlib import Path

import pytest

from benchmark.speed import statistics
from benchmark.speed.table import Measurement, markdown

TOOL = runpy.run_path(str(Path(__file__).parents[1] / 'tools/measure_speed.py'))


def test_a_measurement_stands_beside_its_target():
    rows = [Measurement('a', 12.0, 's', 11.0, 14.0, 3, 20.0), Measurement('b', 5.0, 'GiB', 5.0, 5.0, 1, 4.0),
            Measurement('c', 1.0, 's', 1.0, 1.0, 1)]
    assert [one.reached for one in rows] == [True, False, None]
    lines = markdown(rows).splitlines()
    assert lines[2] == '| a | 12 s | 11 to 14 (3) | at most 20 s | yes |'
    assert lines[3].endswith('at most 4 GiB | **no** |') and lines[4].endswith('| – | – |')


def test_the_median_of_the_calls_is_what_counts(monkeypatch):
    calls = iter([(3.0, 1.0), (1.0, 2.0), (2.0, 3.0)])
    monkeypatch.setattr(statistics, 'analysis_cost', lambda folder, clock: next(calls))
    seconds, gib = statistics.measure(3, quick=True, clock=itertools.count().__next__)
    assert (seconds.value, seconds.low, seconds.high, gib.value) == (2.0, 1.0, 3.0, 2.0)


def test_the_command_measures_and_writes(tmp_path, capsys):
    assert TOOL['main'](['statistics', '--quick', '--repeats', '1', '--json', str(tmp_path / 'speed.json')]) == 0
    content = json.loads((tmp_path / 'speed.json').read_text())
    assert {one['unit'] for one in content['measurements']} == {'s', 'GiB'}
    assert all(one['value'] > 0 for one in content['measurements'])
    assert '| what | median |' in capsys.readouterr().out


def test_a_missed_target_is_an_exit_code(monkeypatch, capsys):
    missed = Measurement('x', 2.0, 's', 2.0, 2.0, 1, 1.0)
    monkeypatch.setitem(TOOL['main'].__globals__['PARTS'], 'statistics', lambda *_: [missed])
    assert TOOL['main'](['statistics']) == 1
    with pytest.raises(SystemExit, match='2'):
        TOOL['main'](['nothing'])
