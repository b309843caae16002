"""Declared measurements: what can be meant, values by hand, contrasts between methods, and measurements of a call."""

import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

from benchmark.commands.analyze import main
from benchmark.statistics import SCHEMA, TableError, analyze, validate
from benchmark.statistics.measurements import value
from benchmark.utils.measurement import read
from reports import build_report

POINTS = {'a': np.array([0.0, 0]), 'b': np.array([4.0, 0]), 'c': np.array([1.0, 3]), 'd': np.array([1.0, -2]),
          'e': np.array([1.0, 3])}


@pytest.mark.parametrize('declared, unit, expected', [
    ('a b', 'length', 8), ('c a b offset', 'length', 6), ('d a b offset', 'length', -4), ('c b a offset', 'length', -6),
    ('a c a b offset', 'length', 2), ('c a a b offset', 'length', -2), ('c d a b ratio', 'ratio', 1.25),
    ('a b c', 'degrees', 45), ('a b c signed', 'degrees', -45), ('c a b signed', 'degrees', -71.565051177),
    ('a b + c d', 'length', 18), ('a b - c d', 'length', -2), ('a b - c a b offset', 'length', 2),
    ('a b c signed - d a b', 'degrees', -45 - 63.434948823)])
def test_by_hand(declared, unit, expected):
    measurement = read(declared.split())
    assert measurement.unit == unit
    assert value(measurement, POINTS, 2.0) == pytest.approx(expected)


@pytest.mark.parametrize('declared', ['c e a b ratio', 'a c c e offset', 'a c e offset', 'c e a', 'a b c e ratio'])
def test_coinciding_points_have_no_value_where_it_needs_their_direction(declared):
    assert np.isnan(value(read(declared.split()), POINTS)) == (declared != 'c e a b ratio')


@pytest.mark.parametrize('declared, part', [
    ('a', 'must be three landmarks'), ('a b c ratio', 'two of its points are one'), ('a a b offset', 'are one'),
    ('a b c d e', 'must be three landmarks'), ('a b + a b c', 'several units'), ('a b +', 'must be three landmarks'),
    ('- a b', 'must be three landmarks'), ('a b c c ratio', 'are one'), ('a b signed + a b ratio', 'are one')])
def test_what_cannot_be_meant(declared, part):
    if declared == 'a b c ratio':  # four landmarks, the last of which has an odd name: an angle
        assert read(declared.split()).unit == 'degrees'
        return
    if declared == 'a b signed + a b ratio':
        assert read(declared.split()).landmarks == ('a', 'b', 'signed', 'ratio')
        return
    with pytest.raises(ValueError, match=part):
        read(declared.split())


def frame(images=14, seeds=2):
    """Method a errs by about 0.2 to the right at c, method b by about 2."""
    rng, rows = np.random.default_rng(4), []
    for image in range(images):
        true = {'a': (0, 0), 'b': (20 + image, 0), 'c': (7, 9 + image / 2)}
        for method, size in (('a', 0.2), ('b', 2.0)):
            for seed in range(seeds):
                for name, (x, y) in true.items():
                    off = size * (name == 'c') * (1 + 0.3 * rng.normal(size=2))
                    rows.append((method, seed, f'i{image:02d}', name, np.hypot(*off) if name == 'c' else 0.01,
                                 x + off[0] * (name == 'c'), y + off[1] * (name == 'c'), x, y))
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'landmark', 'error', 'x', 'y', 'x_true', 'y_true'])


DECLARED = {'rise': ['c', 'a', 'b', 'offset'], 'share': ['a', 'c', 'a', 'b', 'ratio'],
            'turn': ['b', 'a', 'c', 'signed']}


def analysed(table, **plan):
    content = analyze(validate(table), plan, draws=100, proposed='a')
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))
    return content


def test_methods_are_compared_on_each_measurement():
    block = analysed(frame(), data={'measurements': DECLARED})['agreement']
    items = {(one['measurement'], one['method']): one for one in block['items']}
    assert [items[name, 'a']['unit'] for name in DECLARED] == ['image px', 'ratio', 'degrees']
    assert items['rise', 'b']['off'] == pytest.approx(items['rise', 'b']['bias'])  # all errors go down
    assert items['share', 'a']['declared'] == 'a c a b ratio' and items['share', 'a']['landmarks'] == ['a', 'c', 'b']
    for one in block['contrasts']:
        first, second = items[one['measurement'], 'a'], items[one['measurement'], 'b']
        assert (one['a'], one['b']) == ('a', 'b')
        assert one['estimate'] == pytest.approx(first['off'] - second['off'])
        assert one['ci_low'] < one['estimate'] < one['ci_high'] < 0 and one['p'] <= one['p_adjusted'] < 0.05
    assert len(block['contrasts']) == 6


def test_a_plan_with_no_such_measurement_is_refused_in_one_line():
    with pytest.raises(TableError, match='field data.measurements: odd: .* must be'):
        analysed(frame(), data={'measurements': {'odd': ['a', 'a', 'b', 'offset']}})


def test_a_call_names_measurements_of_a_table(tmp_path, capsys):
    frame().to_csv(tmp_path / 't.csv', index=False)
    assert main([str(tmp_path / 't.csv'), '--proposed', 'a', '--draws', '100', '--measure', 'rise=c,a,b,offset',
                 '--measure', 'share=a,c,a,b,ratio', '--measure', 'turn=b,a,c']) == 0
    content = json.loads((tmp_path / 'analysis.json').read_text())
    assert content['unit'] != 'heatmap px' and {one['measurement'] for one in content['agreement']['items']} == {
        'rise', 'share', 'turn'}
    page = build_report(tmp_path / 'analysis.json', tmp_path)
    text = page.read_text()
    assert 'share\u00a0(ratio)' in text and 'turn\u00a0(°)' in text and 'Which method measures nearer' in text
    assert (page.parent / 'tables/agreement_contrasts.csv').read_text().count('\n') == 1 + 6


def test_two_measurements_of_one_name_are_refused_in_one_line(tmp_path, capsys):
    frame().to_csv(tmp_path / 't.csv', index=False)
    assert main([str(tmp_path / 't.csv'), '--measure', 'w=a,b', '--measure', 'w =a,c']) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and '--measure w =a,c: w is given twice' in error


@pytest.mark.parametrize('given, part', [
    ('a,b', 'give NAME='), ('w=a', 'must be three landmarks'), ('w=a,x', 'no landmark x; there are a, b, c'),
    ('w=a,b,+,a,b,c', 'several units')])
def test_measurements_of_a_call_are_refused_in_one_line(tmp_path, capsys, given, part):
    frame().to_csv(tmp_path / 't.csv', index=False)
    assert main([str(tmp_path / 't.csv'), '--measure', given]) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and '--measure' in error and part in error
    frame().drop(columns=['x']).to_csv(tmp_path / 't.csv', index=False)
    assert main([str(tmp_path / 't.csv'), '--measure', given]) == 2
    assert 'no landmarks with x, y' in capsys.readouterr().err
