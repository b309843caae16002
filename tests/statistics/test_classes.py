"""Classes by thresholds on measurements: what can be meant, confusion, kappa and flips by hand, and the page."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest
from handmade import VALIDATOR, same
from scipy import stats

from benchmark.commands.analyze import main
from benchmark.datasets.metainfo import DataError, LandmarkMeta
from benchmark.statistics import analyze, crossed_contrast, crossed_mean, validate, write_analysis
from benchmark.statistics.classes import confusion, kappas_of, mcnemar
from benchmark.statistics.measurements import classify
from benchmark.utils.measurement import read
from reports import build_report
from reports.tables import tables

BOUNDS = 'short < 10 px < mid <= 20 px < long'
DECLARED = {'width': ['a', 'b', BOUNDS]}


@pytest.mark.parametrize('text, names, bounds, above, unit', [
    ('III < 0 < I < 4 < II', ('III', 'I', 'II'), (0, 4), (True, True), ''),
    ('low <= -3.25 < high', ('low', 'high'), (-3.25,), (False,), ''),
    ('a b < .5 <= class c', ('a b', 'class c'), (0.5,), (True,), '')])
def test_classes_are_names_with_rising_bounds_between(text, names, bounds, above, unit):
    found = read(['a', 'b', 'c', text]).classes
    assert (found.names, found.bounds, found.above, found.unit) == (names, bounds, above, unit)
    assert read(['a', 'b', 'c', text]).landmarks == ('a', 'b', 'c')


def test_bounds_of_lengths_have_a_unit():
    assert read(['a', 'b', 'x < 2 < y']).classes.unit == read(['a', 'b', 'x < 2 mm < y']).classes.unit == 'mm'
    assert read(['a', 'b', 'x < 2 px < y']).classes.unit == 'px'


@pytest.mark.parametrize('text, part', [
    ('III < 0', 'there are 1 names and 1 bounds'), ('III < 0 < I < 4', 'there are 2 names and 2 bounds'),
    ('< 0 < I', 'there are 1 names and 1 bounds'), ('III < zero < I', "'zero' is no number"),
    ('III < 4 < I < 0 < II', '4.0, 0.0 do not rise'), ('III < 4 < I < 4 < II', 'do not rise'),
    ('I < 0 < I', "'I' is there twice"), ('III <= 0 <= I', '<= can stand on one side'),
    ('III < 0 mm < I', 'those of angles and ratios have no unit'), ('III < 0 < < I', 'names and'),
    ('III < inf < I', "'inf' is no number"), ('III > 0 < I', 'there are 1 names')])
def test_classes_that_cannot_be_meant(text, part):
    with pytest.raises(ValueError, match='classes are written NAME < BOUND < NAME') as error:
        read(['a', 'b', 'c', text])
    assert part in str(error.value)


def test_lengths_have_bounds_in_one_unit():
    with pytest.raises(ValueError, match='all mm or all px'):
        read(['a', 'b', 'x < 2 px < y < 3 < z'])


def test_a_metainfo_declares_classes():
    fields = dict(landmarks=['a', 'b', 'c'], flip_indices=[0, 1, 2])
    meta = LandmarkMeta.from_dict(fields | dict(measurements={'turn': ['a', 'b', 'c', 'x < 3 < y']}), 'm/metainfo.json')
    assert LandmarkMeta.from_dict(meta.to_dict(), 'm/metainfo.json') == meta
    with pytest.raises(DataError, match='m/metainfo.json: turn: .*do not rise'):
        LandmarkMeta.from_dict(fields | dict(measurements={'turn': ['a', 'b', 'c', 'x < 3 < y < 2 < z']}),
                               'm/metainfo.json')


def test_a_value_that_is_a_bound_is_above_it_unless_the_declaration_says_below():
    what = read(['a', 'b', BOUNDS]).classes
    assert classify(np.array([9.9, 10, 20, 20.1]), what).tolist() == [0, 1, 1, 2]
    turns = read(['a', 'b', 'c', 'signed', 'left < 0 < right']).classes
    assert classify(np.array([181.0, -181.0, 180.0, -180.0, 541.0]), turns, True).tolist() == [0, 1, 1, 1, 0]


def test_confusion_and_kappa_by_hand():
    shares = np.array([20, 5, 10, 15]) / 50  # observed .7, by chance .5
    assert kappas_of(shares) == pytest.approx([0.4, 0.4])
    table = np.array([[4, 1, 0], [2, 3, 1], [1, 0, 8]]) / 20
    rows, columns, places = table.sum(axis=1), table.sum(axis=0), range(3)
    for found, far in zip(kappas_of(table.ravel()), (lambda j, k: j != k, lambda j, k: (j - k) ** 2), strict=True):
        seen = sum(far(j, k) * table[j, k] for j in places for k in places)
        chance = sum(far(j, k) * rows[j] * columns[k] for j in places for k in places)
        assert found == pytest.approx(1 - seen / chance)
    # All annotated with one class: undefined, whatever is predicted; all predicted as one class: no better than chance.
    for one in ([1.0, 0, 0, 0], [0.7, 0.3, 0, 0], [0, 1.0, 0, 0]):
        assert np.isnan(kappas_of(np.array(one))).all()
    assert kappas_of(np.array([0.7, 0, 0.3, 0])) == pytest.approx([0, 0])
    assert np.isnan(kappas_of(np.array([0.7, 0, 0.3, 0]), mutual=True)).all()
    true, given = np.array([0, 0, 1, 2]), np.array([[0, 1, 1, 2], [0, 0, 2, 2]])
    assert confusion(true, given, 3).tolist() == [[1.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1]]


def test_mcnemar_by_hand():
    assert mcnemar(1, 6) == pytest.approx(2 * (1 + 7) / 2**7)
    assert mcnemar(2, 2) == 1 and np.isnan(mcnemar(0, 0))


TRUE = [5.0, 8, 12, 15, 18, 20, 25, 30]
#: Annotated: s s m m m m l l.
GIVEN = {'ours': [[6.0, 9, 12, 15, 18, 22, 25, 30], [5, 11, 12, 15, 19, 22, 24, 31], [5, 9, 8, 16, 18, 19, 24, 15]],
         'theirs': [[12.0, 9, 12, 9, 21, 18, 25, 19], [12, 8, 12, 12, 22, 18, 26, 30]]}


def frame(given=None, true=TRUE, **columns):
    rows = []
    for method, seeds in (given or GIVEN).items():
        for seed, values in enumerate(seeds):
            for i, (p, t) in enumerate(zip(values, true, strict=True)):
                rows += [(method, seed, f'i{i}', 'a', 0.0, 3.0, 4.0, 3.0, 4.0),
                         (method, seed, f'i{i}', 'b', abs(p - t), 3 + p, 4.0, 3 + t, 4.0)]
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'landmark', 'error', 'x', 'y', 'x_true',
                                       'y_true']).assign(**columns)


def analysed(table, measurements=None, **choices):
    content = analyze(validate(table), {'data': {'measurements': measurements or DECLARED}}, proposed='ours', draws=200,
                      **choices)
    VALIDATOR.validate(json.loads(json.dumps(content)))
    return content


def test_right_classes_and_flips_by_hand():
    block = analysed(frame())['classes']
    item, = block['items']
    assert (item['names'], item['bounds'], item['unit'], item['n_images'], item['left_out']) == (
        ['short', 'mid', 'long'], [10, 20], 'px', 8, 0)
    assert item['annotated'] == [2, 4, 2] and item['declared'] == BOUNDS
    ours, theirs = item['methods']['ours'], item['methods']['theirs']
    same(np.array(ours['confusion']) * 3, np.array([[5, 1, 0], [1, 9, 2], [0, 1, 5]]))
    same(np.array(theirs['confusion']) * 2, np.array([[2, 2, 0], [1, 5, 2], [0, 1, 3]]))
    z = {'ours': np.array([[1, 1, 1, 1, 1, 0, 1, 1], [1, 0, 1, 1, 1, 0, 1, 1], [1, 1, 0, 1, 1, 1, 1, 0]], float),
         'theirs': np.array([[0, 1, 1, 0, 0, 1, 1, 0], [0, 1, 1, 1, 0, 1, 1, 1]], float)}
    for own, name in ((ours, 'ours'), (theirs, 'theirs')):
        low, high = crossed_mean(z[name]).interval()
        same([own['right']['mean'], own['right']['ci_low'], own['right']['ci_high']],
             [z[name].mean(), max(0, low), min(1, high)])
    same(ours['kappa']['estimate'], np.mean([kappas_of(np.ravel(table) / 8)[0] for table in (
        [[2, 0, 0], [0, 3, 1], [0, 0, 2]], [[1, 1, 0], [0, 3, 1], [0, 0, 2]], [[2, 0, 0], [1, 3, 0], [0, 1, 1]])]))
    assert ours['kappa']['ci_low'] < ours['kappa']['estimate'] < ours['kappa']['ci_high'] <= 1
    one = next(one for one in block['contrasts'] if one['scope'] == 'procedure')
    expected = crossed_contrast(z['ours'], z['theirs'])
    same([one['estimate'], one['se'], one['p'], *(one[key] for key in ('ci_low', 'ci_high'))],
         [float(expected.estimate), float(expected.se), float(expected.p), *map(float, expected.interval())])
    # ours, by most of three: s s m m m l l l; theirs, by two: m s m tie(9, 12: 10.5 m) l m l tie(19, 30: 24.5 l).
    assert (ours['ties'], theirs['ties']) == (0, 2)
    flip, = block['flips']
    assert (flip['a'], flip['b'], flip['flipped'], flip['only_a'], flip['only_b'], flip['neither']) == (
        'ours', 'theirs', 3, 2, 1, 0)
    assert flip['images'] == [dict(image='i0', annotated='short', a='short', b='mid'),
                              dict(image='i4', annotated='mid', a='mid', b='long'),
                              dict(image='i5', annotated='mid', a='long', b='mid')]
    # Clopper and Pearson by the beta distribution.
    same([flip['ci_low'], flip['ci_high']], [stats.beta.ppf(0.025, 3, 6), stats.beta.ppf(0.975, 4, 5)])
    assert flip['p'] == flip['p_adjusted'] == 1


def test_what_has_no_value_is_counted_and_not_guessed():
    table = frame()
    lacking = (table.method == 'theirs') & (table.seed == 1) & (table.image == 'i3') & (table.landmark == 'b')
    table.loc[(table.image == 'i6') & (table.method == 'ours') & (table.landmark == 'b'), ['x', 'y']] = [3.0, 4.0]
    plan = {'turn': ['a', 'b', 'a', 'b', 'x < 90 < y'], **DECLARED}
    block = analysed(table[~lacking], plan)['classes']
    width = next(one for one in block['items'] if one['measurement'] == 'width')
    assert (width['n_images'], width['left_out']) == (7, 0)  # an image that a run lacks is in no number at all
    turn = next(one for one in block['items'] if one['measurement'] == 'turn')
    assert (turn['n_images'], turn['left_out']) == (6, 1)
    assert {name: own['missing'] for name, own in turn['methods'].items()} == dict(ours=3, theirs=0)
    assert turn['methods']['ours']['right']['bound'] is not None
    assert turn['methods']['ours']['kappa']['estimate'] is None


def test_subjects_take_the_images_place():
    once = analysed(frame())['classes']
    twice = pd.concat([frame().assign(subject=lambda t: t.image),
                       frame().assign(subject=lambda t: t.image, image=lambda t: t.image + ' again')])
    block = analysed(twice)['classes']
    for name in GIVEN:
        one, other = (found['items'][0]['methods'][name] for found in (once, block))
        for key in ('kappa', 'weighted_kappa'):
            same([one[key][end] for end in ('estimate', 'ci_low', 'ci_high')],
                 [other[key][end] for end in ('estimate', 'ci_low', 'ci_high')])
        same(other['right']['ci_low'], one['right']['ci_low'])
        same(np.array(other['confusion']), 2 * np.array(one['confusion']))
    flip = block['flips'][0]
    assert flip['flipped'] == 6 and flip['p'] is None
    half = stats.t.ppf(0.975, 7) * np.std([1, 0, 0, 0, 1, 1, 0, 0], ddof=1) / np.sqrt(8)
    same([flip['ci_low'], flip['ci_high']], [max(0, 3 / 8 - half), 3 / 8 + half])


def unequal(given, images=(1, 3, 7, 1)):
    """Subjects with unequal numbers of images, width 5 in each; given: method -> a width for each subject."""
    subjects = [f's{place}' for place, count in enumerate(images) for _ in range(count)]
    values = {method: [np.repeat(widths, images)] * 2 for method, widths in given.items()}
    table = frame(values, [5.0] * len(subjects))
    return table.assign(subject=table.image.map({f'i{i}': subject for i, subject in enumerate(subjects)}))


def test_of_unequal_subjects_the_share_and_its_interval_are_of_subjects(tmp_path):
    table = unequal({'ours': [5.0, 5, 5, 5], 'theirs': [5.0, 5, 15, 5]})
    table.loc[(table.method == 'theirs') & (table.image == 'i1') & (table.landmark == 'b'), 'x'] += 10
    content = analysed(table)
    flip, = content['classes']['flips']
    own = np.array([0, 1 / 3, 1, 0])
    half = stats.t.ppf(0.975, 3) * own.std(ddof=1) / 2
    assert (flip['n_images'], flip['n_units'], flip['flipped'], flip['only_a'], flip['p']) == (12, 4, 8, 8, None)
    same([flip['share'], flip['ci_low'], flip['ci_high']], [1 / 3, max(0, 1 / 3 - half), min(1, 1 / 3 + half)])
    same(content['classes']['items'][0]['methods']['theirs']['right']['mean'], 2 / 3)
    text = build_report(write_analysis(tmp_path / 'analysis.json', content), tmp_path).read_text()
    for part in ('% of subjects', 'data-path="/classes/flips/0/share"', 'data-path="/classes/flips/0/n_units"',
                 'Images count here each on its own', 'There is no test, as'):
        assert part in text, part
    assert 'p: McNemar' not in text and '/classes/flips/0/p"' not in text


def test_all_images_of_unequal_subjects_right_have_a_bound():
    right = analysed(unequal({'ours': [5.0, 5, 5, 5], 'theirs': [15.0] * 4}))['classes']['items'][0]['methods']
    assert right['ours']['right']['bound'] == pytest.approx(0.05 ** (1 / 4))
    assert right['theirs']['right']['bound'] == pytest.approx(1 - 0.05 ** (1 / 4))


def test_kappa_has_no_interval_where_all_draws_are_alike(tmp_path):
    content = analysed(frame({'ours': [TRUE, TRUE], 'theirs': [[15.0] * 8] * 2}))
    methods = content['classes']['items'][0]['methods']
    for method, kappa in (('ours', 1), ('theirs', 0)):
        one = methods[method]['kappa']
        assert one['estimate'] == pytest.approx(kappa) and one['ci_low'] is one['ci_high'] is None
    text = build_report(write_analysis(tmp_path / 'analysis.json', content), tmp_path).read_text()
    assert 'no interval where all draws are alike' in text and '/methods/ours/kappa/ci_low"' not in text
    content = analysed(frame())
    text = build_report(write_analysis(tmp_path / 'o/analysis.json', content), tmp_path / 'o').read_text()
    assert 'no interval where all draws' not in text and 'Images count here' not in text and 'p: McNemar' in text


def test_kappa_is_undefined_where_all_are_annotated_with_one_class(tmp_path):
    content = analysed(frame(true=[12.0, 13, 14, 15, 16, 17, 18, 19]))
    item = content['classes']['items'][0]
    assert item['annotated'] == [0, 8, 0] and item['methods']['theirs']['right']['mean'] == pytest.approx(0.5)
    for one in item['methods'].values():
        for kind in ('kappa', 'weighted_kappa'):
            assert one[kind] == dict(estimate=None, ci_low=None, ci_high=None)
    text = build_report(write_analysis(tmp_path / 'analysis.json', content), tmp_path).read_text()
    assert 'Kappa is undefined</b> on width: all its images are annotated as mid,' in text
    assert 'no interval where all draws are alike' not in text
    text = build_report(write_analysis(tmp_path / 'o/analysis.json', analysed(frame())), tmp_path / 'o').read_text()
    assert 'Kappa is undefined' not in text and 'networks vote' in text and "of the networks' vote" in text


def test_a_cross_validation_says_that_it_has_no_classes():
    table = frame()
    folds = table.assign(fold=table.image.isin(['i0', 'i3', 'i5', 'i6']).map({True: 'f1', False: 'f2'}))
    content = analysed(folds)
    assert content['classes'] is None and any('Classes of measurements are of' in note for note in content['notes'])
    assert not any('Classes' in note for note in analysed(folds, {'width': ['a', 'b']})['notes'])


def test_bounds_in_millimetres_need_millimetres():
    declared = {'width': ['a', 'b', 'short < 5 < long']}
    content = analysed(frame(), declared)
    assert content['classes'] is None and content['agreement'] is not None
    assert any('the bounds of its classes are in mm, and lengths are known in image px' in note
               for note in content['notes'])
    table = frame()
    known = analysed(table.assign(error_mm=table.error / 2), declared)['classes']['items'][0]
    assert known['annotated'] == [2, 6]
    # Errors that are millimetres by their unit are known in both as well.
    half = table.assign(error=table.error / 2)
    for unit in ('mm', 'Millimetres'):
        assert analysed(half, declared, unit=unit)['classes']['items'][0]['annotated'] == [2, 6]
    assert analysed(half, declared, unit='px')['classes'] is None
    item = analysed(half, {'width': ['a', 'b']}, unit='mm')['agreement']['items'][0]
    pixels = analysed(table, {'width': ['a', 'b']}, unit='px')['agreement']['items'][0]
    assert (item['unit'], pixels['unit']) == ('mm', 'image px')
    assert item['bias'] == pytest.approx(pixels['bias'] / 2)
    content = analysed(table.assign(error_mm=table.error / 2))
    assert content['classes'] is None and any('are in px, and lengths are known in mm' in note
                                              for note in content['notes'])


def test_measurements_without_classes_have_none():
    assert analysed(frame(), {'width': ['a', 'b']})['classes'] is None


def test_a_call_declares_classes_and_the_page_shows_them(tmp_path):
    frame().to_csv(tmp_path / 't.csv', index=False)
    assert main([str(tmp_path / 't.csv'), '--proposed', 'ours', '--draws', '100', '--measure',
                 f'width=a,b,{BOUNDS}']) == 0
    content = json.loads((tmp_path / 'analysis.json').read_text())
    assert content['classes']['items'][0]['names'] == ['short', 'mid', 'long']
    assert content['agreement']['items'][0]['landmarks'] == ['a', 'b']
    text = build_report(tmp_path / 'analysis.json', tmp_path).read_text()
    for part in ('Classes of measurements', 'short &lt; 10 px &lt; mid ≤ 20 px &lt; long', 'Whose class flips',
                 'data-path="/classes/flips/0/images/2/a"', 'data-path="/classes/items/0/methods/ours/confusion/0/1"'):
        assert part in text, part
    files = tables(content)
    flips = list(csv.DictReader(io.StringIO(files['class_flips.csv'])))
    assert [(one['image'], one['class_a'], one['class_b']) for one in flips] == [
        ('i0', 'short', 'mid'), ('i4', 'mid', 'long'), ('i5', 'long', 'mid')]
    assert sum(float(one['images']) for one in csv.DictReader(io.StringIO(files['class_confusion.csv']))) == (
        pytest.approx(16))


def test_a_page_without_classes_says_nothing_of_them(tmp_path):
    frame().to_csv(tmp_path / 't.csv', index=False)
    assert main([str(tmp_path / 't.csv'), '--proposed', 'ours', '--draws', '100']) == 0
    assert 'Classes of measurements' not in build_report(tmp_path / 'analysis.json', tmp_path).read_text()


def test_odd_classes_of_a_call_are_refused_in_one_line(tmp_path, capsys):
    frame().to_csv(tmp_path / 't.csv', index=False)
    assert main([str(tmp_path / 't.csv'), '--measure', 'width=a,b,short < 20 < mid < 10 < long']) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and '--measure width=a,b,short' in error and '20.0, 10.0 do not rise' in error
