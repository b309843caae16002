"""Distances in the photograph, and one unit where inputs differ: values by hand."""

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import TableError, analyze, validate
from benchmark.statistics.units import COLUMNS

FAST = dict(draws=100)


def photo_rows(rng, scales, methods=('a', 'b'), seeds=2, images=6, interocular=50.0, spacing=None, offsets=None):
    """A table as suites write it.

    Args:
        rng: Draws the offsets, in photo px, which are the same in all conditions.
        scales: Condition -> (heatmap px per photo px across, and down), or a list of one of these per image.
        interocular: Distance in photo px, or None.
        spacing: Millimetres per photo px, or None.
    """
    offsets = rng.uniform(1, 9, (len(methods), seeds, images, 2, 2)) if offsets is None else offsets
    found = []
    for condition, scale in scales.items():
        for m, method in enumerate(methods):
            for seed in range(seeds):
                for image in range(images):
                    across, down = scale[image] if isinstance(scale, list) else scale
                    one = np.sqrt(across * down)
                    for k in range(2):
                        dx, dy = offsets[m, seed, image, k]
                        photo = np.hypot(dx, dy)
                        found.append(dict(
                            condition=condition, method=method, seed=seed, image=f'i{image}', landmark=f'k{k}',
                            error=np.hypot(dx * across, dy * down), error_photo=photo, error_input=4 * one * photo,
                            scale_x=across, scale_y=down,
                            **({} if interocular is None else dict(normalizer=interocular * one)),
                            **({} if spacing is None else dict(error_mm=photo * spacing))))
    return validate(pd.DataFrame(found)), offsets


def kinds(content):
    return [one['kind'] for one in content['alerts']]


def test_nme_and_photo_pixels_of_squeezed_images_are_those_of_the_photograph():
    table, offsets = photo_rows(np.random.default_rng(0), {'all': (1 / 20, 1 / 8)})
    content = analyze(table, **FAST)
    photo = np.hypot(*np.moveaxis(offsets, -1, 0)).mean(axis=(1, 2, 3))
    for method, mean in zip('ab', photo, strict=True):
        ends = content['methods'][method]['endpoints']
        assert ends['ME_photo']['mean'] == pytest.approx(mean) and ends['NME']['mean'] == pytest.approx(mean / 50)
    said, = (one['text'] for one in content['alerts'] if one['kind'] == 'squeezed images')
    assert '6 of 6 test images' in said and '20 pixels of the photograph across and 8 down' in said
    assert 'down counts 2.5 times as much as one across' in said
    assert content['endpoints']['ME_photo']['unit'] == 'photo px'


def test_only_squeezed_images_are_counted_as_such():
    scales = [(0.05, 0.05)] * 4 + [(0.05, 0.0502), (0.125, 0.05)]
    content = analyze(photo_rows(np.random.default_rng(0), {'all': scales})[0], **FAST)
    said, = (one['text'] for one in content['alerts'] if one['kind'] == 'squeezed images')
    assert said.startswith('1 of 6 test images') and 'in i5' in said and 'across counts 2.5' in said


def test_with_one_scale_nothing_is_other_than_without_the_columns():
    table, _ = photo_rows(np.random.default_rng(0), {'all': (1 / 12, 1 / 12)})
    content, plain = (analyze(one, **FAST) for one in (table, table.drop(columns=[*COLUMNS])))
    assert 'squeezed images' not in kinds(content)
    for method in 'ab':
        own, bare = (one['methods'][method]['endpoints'] for one in (content, plain))
        assert own.pop('ME_photo') and own == bare
    assert content['contrasts'] == plain['contrasts']


def never(rows_lacking, conditions=('all',), **choices):
    """A table in which ``k1`` was not learned by the named (condition, method, seed)s, analysed."""
    table, _ = photo_rows(np.random.default_rng(0), {name: (1 / 8, 1 / 8) for name in conditions})
    keys = pd.Series([*zip(table['condition'], table['method'], table['seed'], strict=True)])
    table['trained'] = ~((table['landmark'] == 'k1') & keys.isin(rows_lacking))
    table.loc[~table['trained'], 'error'] += 20
    return table, analyze(validate(table), **FAST, **choices)


def test_a_landmark_that_no_run_could_learn_is_named_and_in_no_mean():
    table, content = never([('all', m, s) for m in 'ab' for s in (0, 1)])
    own = table[table['landmark'] == 'k0']
    for method in 'ab':
        known = own[own['method'] == method]['error'].mean()
        assert content['methods'][method]['endpoints']['ME']['mean'] == pytest.approx(known)
    said, = (one['text'] for one in content['alerts'] if one['kind'] == 'landmarks never trained')
    assert said.startswith('k1 (6 test images; in no training image of any run) can\'t have been learned')
    assert content['landmarks']['names'] == ['k0'] and content['counts']['landmarks'] == 1
    left = content['landmarks']['untrained']['k1']
    lost = table[(table['landmark'] == 'k1') & (table['method'] == 'a')]['error'].mean()
    assert left['n_images'] == 6 and left['methods']['a'] == pytest.approx(lost) and lost > 20


def test_a_landmark_that_one_run_could_not_learn_is_left_out_of_all():
    table, content = never([('few', 'b', 1)], conditions=('all', 'few'), condition='all')
    means = {name: table[(table['condition'] == name) & (table['method'] == 'a')
                         & ((table['landmark'] == 'k0') | (name == 'all'))]['error'].mean() for name in ('all', 'few')}
    for name, mean in means.items():
        assert content['conditions'][name]['methods']['a']['endpoints']['ME']['mean'] == pytest.approx(mean)
    said = [one['text'] for one in content['alerts'] if one['kind'] == 'landmarks never trained']
    assert said[0].startswith('few: k1 (6 test images; in no training image of 1 of 4 runs (b seed 1))')
    assert '2 under all, 1 under few' in said[1] and 'untrained' not in content['landmarks']


def test_a_condition_without_any_landmark_that_was_learned_is_refused():
    table, _ = photo_rows(np.random.default_rng(0), {'all': (1 / 8, 1 / 8)})
    with pytest.raises(TableError, match='no landmark of the test images'):
        analyze(validate(table.assign(trained='False')), **FAST)
    with pytest.raises(TableError, match='field trained: neither true nor false in data row 1'):
        validate(table.assign(trained=['perhaps'] + [True] * (len(table) - 1)))


SIZES = {'px64': (1 / 8, 1 / 8), 'px128': (1 / 4, 1 / 4)}


@pytest.mark.parametrize(('known', 'endpoint', 'factor'), [
    (dict(spacing=0.5), 'ME_mm', 0.5), (dict(), 'NME', 1 / 50), (dict(interocular=None), 'ME_photo', 1)])
def test_conditions_of_two_input_sizes_are_compared_in_one_unit(known, endpoint, factor):
    plan = dict(methods=[dict(name='a'), dict(name='b')],
                conditions=[dict(name='px64', value=64), dict(name='px128', value=128)],
                analysis=dict(proposed='a', threshold=0.9, unit='heatmap px'))
    table, offsets = photo_rows(np.random.default_rng(0), SIZES, **known)
    content = analyze(table, plan, **FAST)
    assert content['common_unit']['endpoint'] == endpoint == content['learning_curve']['endpoint']
    photo = np.hypot(*np.moveaxis(offsets, -1, 0)).mean(axis=(1, 2, 3))
    for method, mean in zip('ab', photo, strict=True):
        # The same networks' errors in the photograph: a flat line, the same FR and AUC, ME in the main one's pixels.
        assert content['learning_curve']['methods'][method]['mean'] == pytest.approx([factor * mean] * 2)
        first, second = (content['conditions'][name]['methods'][method]['endpoints'] for name in SIZES)
        assert first['ME']['mean'] == pytest.approx(mean / 8) == second['ME']['mean']
        assert 0 < first['FR']['mean'] < 1 and first['FR']['mean'] == second['FR']['mean']
        assert first['AUC']['mean'] == pytest.approx(second['AUC']['mean'])
    own = [one for one in content['contrasts'] if one['endpoint'] == endpoint and one['scope'] == 'networks'
           and one['family'] in ('planned', 'other condition', 'one unit')]
    assert [one['estimate'] for one in own] == pytest.approx([factor * (photo[0] - photo[1])] * 2)
    said, = (one['text'] for one in content['alerts'] if one['kind'] == 'inputs differ')
    assert '8 under px64, 4 under px128' in said and 'in those of px64 everywhere' in said


def test_with_photographs_of_several_sizes_each_image_has_its_own_threshold_in_the_photograph():
    main = [(1 / 8, 1 / 8)] * 3 + [(1 / 16, 1 / 16)] * 3
    other = [(1 / 4, 1 / 4)] * 3 + [(1 / 8, 1 / 8)] * 3
    content = analyze(photo_rows(np.random.default_rng(0), {'one': main, 'two': other})[0], threshold=0.7,
                      condition='one', **FAST)
    first, second = (content['conditions'][name]['methods']['a']['endpoints'] for name in ('one', 'two'))
    for endpoint in ('ME', 'FR', 'AUC', 'NME', 'ME_photo'):
        assert first[endpoint]['mean'] == pytest.approx(second[endpoint]['mean'])


def test_one_input_size_is_compared_as_ever():
    content = analyze(photo_rows(np.random.default_rng(0), {'x': (1 / 8, 1 / 8), 'y': (1 / 8, 1 / 8)})[0], **FAST)
    assert content['common_unit'] is None and 'inputs differ' not in kinds(content)
    assert {one['family'] for one in content['contrasts']} <= {'all pairs', 'planned', 'other condition'}


def test_methods_of_two_input_sizes_are_compared_in_the_pixels_of_the_first():
    table, offsets = photo_rows(np.random.default_rng(0), {'all': (1 / 8, 1 / 8)})
    finer = table['method'] == 'b'
    for column in ('error', 'scale_x', 'scale_y', 'normalizer'):
        table.loc[finer, column] *= 2
    content = analyze(validate(table), **FAST)
    photo = np.hypot(*np.moveaxis(offsets, -1, 0)).mean(axis=(1, 2, 3))
    for method, mean in zip('ab', photo, strict=True):
        ends = content['methods'][method]['endpoints']
        assert ends['ME']['mean'] == pytest.approx(mean / 8) and ends['NME']['mean'] == pytest.approx(mean / 50)
    assert kinds(content).count('inputs differ') == 1
