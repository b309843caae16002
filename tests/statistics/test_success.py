"""Success detection rates and the inter-observer error against numbers worked out by hand."""

import importlib.util
import json
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import SCHEMA, TableError, analyze, crossed_mean, validate
from benchmark.statistics.endpoints import successes

ROOT = Path(__file__).resolve().parents[2]
#: Errors in mm: method -> seed -> image -> landmark.
ERRORS = {
    'a': [[[1.0, 2.0, 5.0], [2.5, 3.0, 4.0], [0.5, 0.5, 0.5]], [[1.0, 1.0, 2.2], [6.0, 2.0, 4.1], [1.0, 2.0, 0.1]]],
    'b': [[[3.0, 2.0, 5.0], [3.5, 3.0, 4.0], [1.5, 2.5, 0.5]], [[3.0, 1.0, 4.5], [6.0, 7.0, 4.1], [1.0, 2.6, 2.1]]],
}
#: Distances between two annotators in mm: image -> landmark.
BETWEEN = [[1.0, 2.0, 3.0], [0.5, 2.5, 4.5], [1.0, 1.0, 1.0]]


def table(errors=ERRORS, **columns):
    """One row per method, seed, image and landmark, in the order of the nested lists."""
    rows = [(method, s, f'i{i}', 'klm'[k], error) for method, seeds in errors.items() for s, images in enumerate(seeds)
            for i, marks in enumerate(images) for k, error in enumerate(marks)]
    frame = pd.DataFrame(rows, columns=['method', 'seed', 'image', 'landmark', 'error'])
    for name, values in columns.items():
        frame[name] = [values[int(image[1:])]['klm'.index(mark)]
                       for image, mark in zip(frame['image'], frame['landmark'], strict=True)]
    return frame


def analysed(frame, plan=None, **choices):
    """analysis.json of a table in mm, checked against the schema."""
    allowed = choices.get('missing_cap') is not None
    content = analyze(validate(frame, missing_allowed=allowed), plan, **{'unit': 'mm', 'draws': 100, **choices})
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))
    return content


def test_rates_and_radial_error_by_hand():
    content = analysed(table())
    ends = content['methods']['a']['endpoints']
    assert content['success']['thresholds'] == [2, 2.5, 3, 4] and content['success']['unit'] == 'mm'
    # Seed 0: shares of images 2/3, 0, 1; seed 1: 2/3, 1/3, 1.
    assert ends['SDR_2']['per_seed'] == pytest.approx([5 / 9, 2 / 3])
    assert ends['SDR_2']['mean'] == pytest.approx(11 / 18)
    assert ends['SDR_2.5']['per_seed'] == pytest.approx([2 / 3, 7 / 9])
    assert ends['SDR_3']['per_seed'] == pytest.approx([7 / 9, 7 / 9])
    assert ends['SDR_4']['per_seed'] == pytest.approx([8 / 9, 7 / 9])
    assert ends['ME']['mean'] == pytest.approx(np.mean(ERRORS['a']))
    sd = np.mean([np.std(np.ravel(seed), ddof=1) for seed in ERRORS['a']])
    assert content['success']['methods']['a']['error_sd'] == pytest.approx(sd)
    assert content['endpoints']['SDR_2.5']['better'] == 'higher'


def test_the_interval_is_that_of_the_crossed_analysis():
    ends = analysed(table())['methods']['b']['endpoints']['SDR_3']
    shares = np.mean(np.array(ERRORS['b']) <= 3, axis=2)
    low, high = crossed_mean(shares).interval()
    assert (ends['ci_low'], ends['ci_high']) == pytest.approx((max(low, 0), min(high, 1)))
    assert ends['ci_scope'] == 'procedure' and ends['seed_sd'] == pytest.approx(shares.mean(axis=1).std(ddof=1))


def test_all_found_has_a_bound_instead_of_an_interval():
    small = {'a': np.full((2, 3, 3), 0.5).tolist()}
    ends = analysed(table(small))['methods']['a']['endpoints']['SDR_2']
    assert ends['mean'] == 1 and ends['ci_low'] is None and ends['bound'] == pytest.approx(0.05 ** (1 / 3))


@pytest.mark.parametrize(('error', 'found'), [(3.0, 1), (3 * (1 + 4e-16), 1), (3.0001, 0), (np.nan, np.nan)])
def test_an_error_at_the_threshold_is_a_success(error, found):
    assert successes(np.array([error]), 3.0) == pytest.approx([found], nan_ok=True)


def test_landmarks_without_annotation_do_not_count():
    frame = table()
    content = analysed(frame[~((frame['image'] == 'i1') & (frame['landmark'] == 'm'))])
    # Seed 0: 2/3, 0 of 2, 1; seed 1: 2/3, 1 of 2, 1.
    assert content['methods']['a']['endpoints']['SDR_2']['per_seed'] == pytest.approx([5 / 9, 13 / 18])


@pytest.fixture
def few_cells(monkeypatch):
    """A cap may fill one cell of six, so that numbers can be worked out by hand."""
    monkeypatch.setattr('benchmark.statistics.scores.LOST_BY_CAP', 0.2)


def test_a_prediction_that_is_missing_is_no_success_or_leaves_its_image_out(few_cells):
    frame = table()
    lost = (frame['method'] == 'b') & (frame['seed'] == 0) & (frame['image'] == 'i2') & (frame['landmark'] == 'k')
    out = analysed(frame[~lost])
    assert out['conditions']['all']['dropped_images'] == ['i2']
    assert out['methods']['a']['endpoints']['SDR_2']['per_seed'] == pytest.approx([1 / 3, 1 / 2])
    ends = analysed(frame.assign(error=frame['error'].where(~lost)), missing_cap=20.0)['methods']['b']
    assert ends['endpoints']['SDR_4']['per_seed'] == pytest.approx([(2 / 3 + 1 + 0) / 3, (2 / 3 + 0 + 1) / 3])
    # Even where the cap is below a threshold.
    high = analysed(frame.assign(error=frame['error'].where(~lost)), missing_cap=20.0, success=[50.0])['methods']['b']
    assert high['endpoints']['SDR_50']['per_seed'] == pytest.approx([2 / 3, 1])


def test_subjects_take_the_images_place():
    frame = table()
    content = analysed(frame.assign(subject=frame['image'].map({'i0': 'p', 'i1': 'p', 'i2': 'q'})))
    ends = content['methods']['a']['endpoints']['SDR_2']
    assert ends['per_seed'] == pytest.approx([(1 / 3 + 1) / 2, (1 / 2 + 1) / 2]) and ends['n_units'] == 2


def test_millimetres_beside_another_unit():
    frame = table().rename(columns={'error': 'error_mm'})
    frame['error'] = frame['error_mm'] / 4
    content = analysed(frame, unit='heatmap px')
    assert content['success']['unit'] == 'mm' and content['success']['mean'] == 'ME_mm'
    assert content['methods']['a']['endpoints']['SDR_2']['mean'] == pytest.approx(11 / 18)
    assert content['landmarks']['methods']['a']['k']['mean_mm'] == pytest.approx(2.0)
    unknown = analysed(frame.assign(error_mm=frame['error_mm'].where(frame['image'] != 'i2')), unit='heatmap px')
    assert unknown['methods']['a']['endpoints']['SDR_2']['n_images'] == 2
    assert unknown['methods']['a']['endpoints']['SDR_2']['per_seed'] == pytest.approx([1 / 3, 1 / 2])
    assert sum('SDR' in note or 'ME_mm' in note for note in unknown['notes']) == 1


def test_rates_landmark_by_landmark(few_cells):
    cells = analysed(table())['landmarks']['methods']['a']
    assert [cells[name]['SDR_2'] for name in 'klm'] == pytest.approx([4 / 6, 5 / 6, 2 / 6])
    frame = table()
    lost = (frame['method'] == 'a') & (frame['seed'] == 0) & (frame['image'] == 'i2') & (frame['landmark'] == 'k')
    capped = analysed(frame.assign(error=frame['error'].where(~lost)), missing_cap=20.0)['landmarks']['methods']['a']
    assert [capped[name]['SDR_2'] for name in 'klm'] == pytest.approx([3 / 6, 5 / 6, 2 / 6])


def test_none_unless_millimetres_or_thresholds():
    frame = table()
    assert analysed(frame, unit='px')['success'] is None and 'SDR_2' not in analysed(frame, unit='px')['endpoints']
    assert analysed(frame, success=[])['success'] is None
    own = analysed(frame, {'analysis': {'success': [6, 3, 3]}}, unit='px')
    assert own['success']['endpoints'] == ['SDR_3', 'SDR_6'] and own['success']['unit'] == 'px'
    images = frame.groupby(['method', 'seed', 'image'], as_index=False)['error'].mean()
    assert analysed(images)['success'] is None
    assert any('each row is a whole image' in note for note in analysed(images, success=[2.0])['notes'])


@pytest.mark.parametrize('value', [2.0, 'x', [0], [-1, 2], [float('nan')], ['2'], [True]])
def test_bad_thresholds_are_refused(value):
    with pytest.raises(TableError, match='success'):
        analysed(table(), success=value)


def test_contrasts_of_rates_stay_out_of_the_planned_family():
    content, without = analysed(table(), proposed='a'), analysed(table(), proposed='a', success=[])
    assert content['contrasts'] == without['contrasts'] and content['statements'] == without['statements']
    found = content['success']['contrasts']
    assert len(found) == 4 * 2 and {one['family'] for one in found} == {'success rates'}
    ends = {name: content['methods'][name]['endpoints']['SDR_2']['mean'] for name in 'ab'}
    one = next(one for one in found if one['endpoint'] == 'SDR_2' and one['scope'] == 'networks')
    assert one['estimate'] == pytest.approx(ends['a'] - ends['b']) and one['estimate'] > 0
    assert one['p_false_claim'] < 0.5  # more is better


def test_inter_observer_error_by_hand():
    block = analysed(table(between_s_t=BETWEEN))['annotators']
    assert block['pairs'] == ['s_t'] and block['unit'] == 'mm'
    assert block['endpoints']['ME']['mean'] == pytest.approx(11 / 6)  # of 2, 2.5 and 1
    assert block['endpoints']['SDR_2']['mean'] == pytest.approx((2 / 3 + 1 / 3 + 1) / 3)
    assert block['error_sd'] == pytest.approx(np.std(np.ravel(BETWEEN), ddof=1))
    half = 4.302652729911275 / 6  # t of two degrees of freedom; 1, 0.5 and 1 have the standard error 1/6
    assert block['landmarks']['k'] == pytest.approx({
        'mean': 2.5 / 3, 'ci_low': 2.5 / 3 - half, 'ci_high': 2.5 / 3 + half, 'SDR_2': 1, 'SDR_2.5': 1, 'SDR_3': 1,
        'SDR_4': 1})
    at = block['ced']['x'].index(1.2)
    assert block['ced']['mean'][at] == pytest.approx(1 / 3)


def test_comparison_is_paired_by_image():
    items = analysed(table(between_s_t=BETWEEN))['annotators']['comparison']['items']
    difference = np.mean(np.array(ERRORS['b']) - np.array(BETWEEN), axis=2)
    one, (low, high) = crossed_mean(difference), crossed_mean(difference).interval()
    assert [items[1][key] for key in ('estimate', 'ci_low', 'ci_high')] == pytest.approx(
        [*map(float, (one.estimate, low, high))])
    assert items[1]['scope'] == 'procedure' and items[1]['verdict'] == 'unclear'
    assert 'Whether b is within the inter-observer error is not settled' in items[1]['text']


@pytest.mark.parametrize(('factor', 'verdict', 'words'), [(10, 'within', 'a is within the inter-observer error'),
                                                          (0.01, 'beyond', 'a is not within')])
def test_verdicts_take_the_whole_interval(factor, verdict, words):
    rng = np.random.default_rng(0)
    errors = {'a': rng.gamma(100, 0.01, (3, 3, 3)).tolist()}
    between = (factor * (1 + 0.01 * rng.random((3, 3)))).tolist()
    item = analysed(table(errors, between_s_t=between))['annotators']['comparison']['items'][0]
    assert item['verdict'] == verdict and item['text'].startswith(words)
    assert (item['ci_high'] < 0) == (verdict == 'within') and (item['ci_low'] > 0) == (verdict == 'beyond')


def test_several_pairs_and_landmarks_that_only_some_annotators_have():
    gaps = [[np.nan, 2.0, 3.0], [np.nan] * 3, [1.0, 1.0, 1.0]]
    content = analysed(table(between_s_t=gaps))
    block = content['annotators']
    assert block['endpoints']['ME']['mean'] == pytest.approx(1.75) and block['endpoints']['ME']['n_images'] == 2
    assert any('inter-observer error is over 2 of 3 images' in note for note in content['notes'])
    # The method is compared on the landmarks that the annotators have: l and m of i0, all of i2.
    shown = np.array(ERRORS['a'])
    expected = np.mean([[shown[s, 0, 1:].mean() - 2.5, shown[s, 2].mean() - 1] for s in (0, 1)])
    assert block['comparison']['items'][0]['estimate'] == pytest.approx(expected)
    both = analysed(table(between_s_t=BETWEEN, between_s_u=(np.array(BETWEEN) + 1).tolist()))['annotators']
    assert both['pairs'] == ['s_t', 's_u'] and both['endpoints']['ME']['mean'] == pytest.approx(11 / 6 + 0.5)


def test_millimetres_between_annotators():
    frame = table(between_s_t=(np.array(BETWEEN) / 4).tolist(), between_mm_s_t=BETWEEN)
    frame = frame.assign(error_mm=frame['error'], error=frame['error'] / 4)
    block = analysed(frame, unit='heatmap px')['annotators']
    assert block['endpoints']['ME']['mean'] == pytest.approx(11 / 24)
    assert block['endpoints']['ME_mm']['mean'] == pytest.approx(11 / 6) and block['comparison']['unit'] == 'mm'
    assert block['endpoints']['SDR_2']['mean'] == pytest.approx(2 / 3)
    assert block['landmarks']['l']['mean_mm'] == pytest.approx(5.5 / 3)


def test_distances_between_annotators_are_the_same_in_all_runs():
    frame = table(between_s_t=BETWEEN)
    frame.loc[3, 'between_s_t'] += 0.1
    with pytest.raises(TableError, match='between_s_t: image i1, landmark k: not the same in all runs'):
        analysed(frame)
    with pytest.raises(TableError, match='between_s_t: negative'):
        validate(frame.assign(between_s_t=-1.0))


def test_command(tmp_path):
    spec = importlib.util.spec_from_file_location('tool_analyze', ROOT / 'tools/analyze.py')
    command = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(command)
    path = tmp_path / 'r.csv'
    table(between_s_t=BETWEEN).to_csv(path, index=False)

    def run(*options):
        assert command.main([str(path), '--out', str(tmp_path), '--draws', '100', *options]) == 0
        return json.loads((tmp_path / 'analysis.json').read_text())

    content = run('--unit', 'mm')
    assert content['methods']['a']['endpoints']['SDR_2']['mean'] == pytest.approx(11 / 18)
    assert content['annotators']['endpoints']['ME']['mean'] == pytest.approx(11 / 6)
    assert run('--unit', 'mm', '--success', '1', '6')['success']['endpoints'] == ['SDR_1', 'SDR_6']
    assert run('--unit', 'mm', '--success')['success'] is None
    assert run()['success'] is None
