"""Tables as others have them: other names of columns, a column per method, Excel, words for what is missing."""

import builtins
import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

from benchmark.commands.analyze import COLUMNS, main
from benchmark.statistics import SCHEMA, TableError, analyze, read_table, validate
from benchmark.statistics.foreign import Foreign, check_errors, parse_columns, renamed, seeds_of
from benchmark.statistics.measures import ERRORS, HIGHER, Score, declared_scores, of_scores, own_cap
from benchmark.statistics.options import read_options
from benchmark.statistics.table import NOTES

DICE = Score('dice', HIGHER)


def long(seeds=2, images=12):
    rng = np.random.default_rng(0)
    rows = [(method, seed, f'case{i:02d}', round(0.8 + gain + rng.normal(0, 0.02), 4))
            for method, gain in (('unet', 0.0), ('ours', 0.05)) for seed in range(seeds) for i in range(images)]
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'dice'])


def wide(frame, name='{method}_{seed}'):
    columns = [name.format(method=m, seed=s) for m, s in zip(frame['method'], frame['seed'], strict=True)]
    return frame.assign(column=columns).pivot(index='image', columns='column', values='dice').reset_index()


def written(frame, path, **how):
    frame.to_csv(path, index=False, **how)
    return path


def same(found, expected):
    pd.testing.assert_frame_equal(found[[*expected.columns]], expected)


@pytest.mark.parametrize('name', ['{method}_{seed}', '{method} seed {seed}', '{method}-run{seed}', '{method}.{seed}'])
def test_a_wide_table_is_the_long_one(tmp_path, name):
    path = written(wide(long(), name).rename(columns={'image': 'Case'}), tmp_path / 'wide.csv', sep=';', decimal=',')
    found = read_table(path, scores=[DICE], foreign=Foreign({'image': 'Case'}, 'dice'))
    same(found, validate(long(), scores=[DICE]))
    said = ' '.join(found.attrs[NOTES])
    assert 'Case is image' in said and '4 columns' in said and '2 methods with seeds' in said


def test_columns_of_a_wide_table_are_methods_where_they_say_no_seed(tmp_path):
    path = written(wide(long(seeds=1), '{method}').assign(group_site='a', seed=3), tmp_path / 'wide.csv')
    found = read_table(path, scores=[DICE], foreign=Foreign(wide='dice'))
    same(found, validate(long(seeds=1).assign(seed=3), scores=[DICE]))
    assert (found['group_site'] == 'a').all()


@pytest.mark.parametrize(('names', 'found'), [
    (['ResNet_50', 'ResNet_101'], None), (['ResNet_50', 'VGG_16'], None), (['a_0', 'a_1', 'b_0'], None),
    ([f'{a}-{depth}' for a in ('resnet', 'vgg') for depth in (18, 34)], None), (['a_0', 'a_2', 'b_0', 'b_2'], None),
    (['a_0', 'b_0'], None), (['a', 'b_0'], None), (['a_1', 'a_01', 'b_1', 'b_2'], None),
    (['a_0', 'a_1', 'b_0', 'b_1'], {'a_0': ('a', 0), 'a_1': ('a', 1), 'b_0': ('b', 0), 'b_1': ('b', 1)}),
    (['ResNet_50 seed 0', 'VGG seed1'], {'ResNet_50 seed 0': ('ResNet_50', 0), 'VGG seed1': ('VGG', 1)})])
def test_numbers_after_names_are_seeds_only_where_all_say_so(names, found):
    assert seeds_of(names) == found


@pytest.mark.parametrize(('frame', 'parts'), [
    (long(), ('--wide', 'a column method')),
    (pd.DataFrame({'case': ['a', 'b'], 'x1': [1, 2], 'x2': [1, 2]}), ('column image missing', '--columns image=case')),
    (pd.DataFrame({'image': ['a', 'b'], 'unet': [1, 2]}), ('there is unet', 'at least two')),
    (wide(long()).assign(seed=0), ('seeds stand in a column and in names',)),
    (wide(long()).assign(landmark='a'), ('--wide', 'a column landmark')),
    (wide(long()).reset_index().rename(columns={'index': ''}), ('column 1 has no name',)),
])
def test_what_is_no_wide_table_is_refused(frame, parts, tmp_path):
    with pytest.raises(TableError) as caught:
        read_table(written(frame, tmp_path / 'wide.csv'), scores=[DICE], foreign=Foreign(wide='dice'))
    assert all(part in str(caught.value) for part in ('wide.csv', *parts)), caught.value


def test_a_wide_table_has_one_kind_of_numbers(tmp_path):
    with pytest.raises(TableError, match='--wide: dice.*one kind of numbers, and scores are dice, hd95'):
        read_table(written(wide(long()), tmp_path / 'wide.csv'), scores=[DICE, Score('hd95')],
                   foreign=Foreign(wide='dice'))


def test_missing_cells_are_counted_by_word_and_have_no_row(tmp_path):
    frame = long(seeds=1).assign(dice=lambda table: table['dice'].astype(object))
    frame.loc[[0, 3], 'dice'] = 'failed'
    frame.loc[5, 'dice'] = 'n/a'
    frame.loc[7, 'dice'] = -999
    path = written(frame, tmp_path / 'long.csv')
    found = read_table(path, scores=[DICE], foreign=Foreign(missing=('Failed', '-999')))
    same(found, validate(long(seeds=1).drop(index=[0, 3, 5, 7]), scores=[DICE]))
    said = ' '.join(found.attrs[NOTES])
    assert all(part in said for part in ('dice: 4 of 24 are missing', 'failed 2', 'n/a 1', '-999 1'))
    # A whole column of numbers is written as -999.0.
    numbers = long(seeds=1).assign(dice=lambda table: table['dice'].where(table.index != 7, -999.0))
    numbers.to_parquet(tmp_path / 'floats.parquet')
    for place in (written(numbers, tmp_path / 'floats.csv'), tmp_path / 'floats.parquet'):
        found = read_table(place, scores=[DICE], foreign=Foreign(missing=('-999',)))
        same(found, validate(long(seeds=1).drop(index=7), scores=[DICE]))
    twice = pd.concat([long(), long()[['dice']]], axis=1)
    for own in (Foreign(missing=()), Foreign(columns={'image': 'image'})):
        with pytest.raises(TableError, match='column dice occurs more than once'):
            read_table(written(twice, tmp_path / 'twice.csv'), scores=[DICE], foreign=own)
    with pytest.raises(TableError, match="not a number in data rows 1, 4 .as in 'failed'.*--na failed"):
        read_table(path, scores=[DICE])
    of_methods = wide(long(seeds=1), '{method}').astype(object)
    of_methods.loc[2, 'unet'] = 'failed'
    found = read_table(written(of_methods, tmp_path / 'wide.csv'), scores=[DICE],
                       foreign=Foreign(wide='dice', missing=('failed',)))
    assert len(found) == 23 and any('1 of 24 are missing (failed 1)' in note for note in found.attrs[NOTES])


def test_an_empty_secondary_score_stays_a_row(tmp_path):
    frame = long(seeds=1).assign(hd95=lambda table: (10 * table['dice']).where(table.index > 1))
    found = read_table(written(frame, tmp_path / 'long.csv'), scores=[DICE, Score('hd95')],
                       foreign=Foreign(missing=()))
    assert len(found) == 24 and any('hd95: 2 of 24 are missing (empty 2)' in note for note in found.attrs[NOTES])


def test_a_table_without_seeds_has_one_run_of_each(tmp_path):
    frame = long(seeds=1).drop(columns='seed')
    found = read_table(written(frame, tmp_path / 'long.csv'), scores=[DICE])
    assert (found['seed'] == 0).all() and 'No column of seeds: each method has one run.' in found.attrs[NOTES]
    with pytest.raises(TableError, match='column seed missing, and 48 rows share method, image.*--columns seed='):
        read_table(written(long().drop(columns='seed'), tmp_path / 'twice.csv'), scores=[DICE])


@pytest.mark.parametrize(('texts', 'parts'), [
    (['method'], ("'method' is not of the form", 'method=model')), (['method='], ('OURS=THEIRS',)),
    (['methods=model'], ('methods', 'did you mean method?')), (['q=model'], ('q', 'there are method')),
    (['method=a,method=b'], ('method: given twice',)), (['method=a', 'image=a'], ('a: given twice',))])
def test_pairs_of_columns_that_can_t_be_meant_are_refused(texts, parts):
    with pytest.raises(TableError) as caught:
        parse_columns(texts, COLUMNS)
    assert all(part in str(caught.value) for part in ('--columns', *parts)), caught.value


def test_a_name_may_be_that_of_several_columns(tmp_path):
    frame = pd.DataFrame({'clinic': ['A', 'A', 'B'], 'case': [1.0, np.nan, 1.0], 'error': 1.0})
    found = renamed(frame, {'image': 'clinic+case'}, 't', notes := [])
    assert [*found['image']] == ['A/1', '', 'B/1'] and [*found.columns] == ['error', 'image']
    assert notes == ['Columns: clinic+case is image.']
    assert 'clinic' in renamed(frame, {'image': 'clinic+case'}, 't', [], ['clinic'])
    assert [*renamed(frame, {'image': 'clinic+case', 'dataset': 'clinic'}, 't', [])['dataset']] == ['A', 'A', 'B']
    literal = renamed(frame.assign(**{'clinic+case': 'x'}), {'image': 'clinic+case'}, 't', [])
    assert {*literal['image']} == {'x'} and 'clinic' in literal
    with pytest.raises(TableError, match='no column clinc, which --columns names; there are clinic, case, error'):
        renamed(frame, {'image': 'clinc+case'}, 't', [])
    with pytest.raises(TableError, match=r'no column a\+case'):  # a number is that of one column
        renamed(frame, {'error': 'a+case'}, 't', [])
    # Leading zeros of a case stay, and parts are no methods of a wide table.
    frame = pd.DataFrame({'clinic': ['A', 'B'], 'case': ['01', '01'], 'ours': [1.0, 2.0], 'ft': [2.0, 3.0]})
    frame.to_csv(tmp_path / 't.csv', index=False)
    found = read_table(tmp_path / 't.csv', foreign=Foreign({'image': 'clinic+case'}, 'error'))
    assert {*found['image']} == {'A/01', 'B/01'} and {*found['method']} == {'ours', 'ft'}


def test_columns_take_other_names():
    assert parse_columns(['method=model, image=case', 'group_site=clinic'], COLUMNS) == {
        'method': 'model', 'image': 'case', 'group_site': 'clinic'}
    frame, notes = long().rename(columns={'method': 'Model'}), []
    same(renamed(frame, {'method': 'Model'}, 't.csv', notes), long())
    with pytest.raises(TableError, match=r't\.csv: no column model, which --columns names; did you mean Model\?'):
        renamed(frame, {'method': 'model'}, 't.csv', notes)
    with pytest.raises(TableError, match='has a column method beside Model'):
        renamed(frame.assign(method='x'), {'method': 'Model'}, 't.csv', notes)
    swapped = renamed(long().rename(columns={'method': 'image', 'image': 'method'}),
                      {'method': 'image', 'image': 'method'}, 't.csv', notes)
    same(swapped[[*long().columns]], long())


def test_an_excel_sheet_is_read_as_text_is(tmp_path):
    try:
        import openpyxl
    except ImportError:
        pytest.skip('openpyxl is not installed')
    book = openpyxl.Workbook()
    book.active.title = 'read me'
    sheet = book.create_sheet('dice')
    table = wide(long())
    for row in [[*table.columns], *table.itertuples(index=False)]:
        sheet.append([*row])
    path = tmp_path / 'study.xlsx'
    book.save(path)
    found = read_table(path, scores=[DICE], foreign=Foreign(wide='dice'))
    same(found, validate(long(), scores=[DICE]))
    assert "study.xlsx: sheet 'dice' was read, not 'read me' (--worksheet)." in found.attrs[NOTES]
    with pytest.raises(TableError, match='--worksheet: .* has no sheet'):
        read_table(path, scores=[DICE], foreign=Foreign(wide='dice', worksheet='a'))


def test_a_workbook_needs_openpyxl_and_a_worksheet_a_workbook(tmp_path, monkeypatch):
    real = builtins.__import__

    def absent(name, *rest, **more):
        if name == 'openpyxl':
            raise ImportError(name)
        return real(name, *rest, **more)

    path = tmp_path / 'study.xlsx'
    path.write_bytes(b'PK\x03\x04')
    monkeypatch.setattr(builtins, '__import__', absent)
    with pytest.raises(TableError, match=r'study\.xlsx: an Excel workbook, which takes openpyxl: pip install openpyxl'):
        read_table(path)
    with pytest.raises(TableError, match=r'--worksheet: .*long\.csv is no Excel workbook'):
        read_table(written(long(), tmp_path / 'long.csv'), foreign=Foreign(worksheet='a'))


def test_each_score_has_a_cap_of_its_own(monkeypatch):
    monkeypatch.setattr('benchmark.statistics.scores.LOST_BY_CAP', 0.25)  # three cells of twelve
    frame = long(seeds=1).assign(hd95=lambda table: (10 * table['dice']).where(table.index > 1))
    frame = frame.drop(index=[5])
    table = validate(frame, scores=[DICE, Score('hd95')])
    found = analyze(table, draws=100, proposed='ours', missing_cap=0.0, caps={'hd95': 50.0})
    means = found['methods']['unet']['endpoints']
    own = frame[frame['method'] == 'unet']
    assert means['dice']['mean'] == pytest.approx(own['dice'].sum() / 12)
    assert means['hd95']['mean'] == pytest.approx((own['hd95'].sum() + 150) / 12) and means['hd95']['n_images'] == 12
    assert any('3 of 24 values of hd95 are missing and count as 50' in note for note in found['notes'])
    assert found['missing_caps'] == {'hd95': 50.0}
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize(('texts', 'scores', 'part'), [
    (['x=1'], [DICE], 'x: no score; there are dice'), (['x=1'], [], 'x: no score; the table has errors'),
    (['0', 'dice=1'], [DICE], 'dice: given twice'), (['dice=a'], [DICE], "'dice=a' is no number"),
    (['inf'], [], "'inf' is not finite")])
def test_caps_that_can_t_be_meant_are_refused(texts, scores, part):
    with pytest.raises(TableError, match=f'--missing-cap: {part}'):
        own_cap(texts, scores)
    assert own_cap(['hd95=50', '0'], [DICE, Score('hd95')]) == (0.0, {'hd95': 50.0})
    assert own_cap(['3.5'], []) == (3.5, {}) and own_cap(None, [DICE]) == (None, {})


def test_one_family_adjusts_over_all_scores():
    frame = long(seeds=1)
    frame = frame.assign(hd95=10 * (1 - frame['dice']) + np.random.default_rng(1).normal(0, 0.6, len(frame)))
    table = validate(frame, scores=[DICE, Score('hd95')])
    each, one = (analyze(table, draws=100, proposed='ours', one_family=both) for both in (False, True))
    assert (each['tests']['family'], one['tests']['family']) == ('endpoint', 'all endpoints')

    def planned(content, field):
        return {row['endpoint']: row[field] for row in content['contrasts']
                if row['family'] == 'planned' and row['scope'] == 'networks'}

    p = planned(each, 'p')
    assert planned(each, 'p_adjusted') == p == planned(one, 'p')
    small, large = sorted(p, key=p.get)
    assert planned(one, 'p_adjusted')[small] == pytest.approx(min(1, 2 * p[small]))
    assert planned(one, 'p_adjusted')[large] == pytest.approx(max(p[large], min(1, 2 * p[small])))
    widths = [planned(content, 'ci_high_simultaneous')['dice'] - planned(content, 'ci_low_simultaneous')['dice']
              for content in (each, one)]
    assert widths[1] > widths[0]
    told = [note for note in one['notes'] if note.startswith('One family')]
    assert told and 'over dice, hd95 at once. Higher is better in dice and lower is better in hd95; signs' in told[0]
    assert not any(note.startswith('One family') for note in each['notes'])


@pytest.mark.parametrize(('scores', 'choices', 'part'), [
    ((), {}, 'is for several scores'),
    ((DICE,), {}, 'there is one endpoint'),
    ((DICE, Score('hd95')), {'sequential': {'max_seeds': 10, 'first_look': 2, 'look_every': 1}}, 'declared looks')])
def test_one_family_is_refused_where_there_is_none(scores, choices, part):
    measures = of_scores(scores, {one.name: 1.0 for one in scores}, None) if scores else ERRORS
    with pytest.raises(TableError, match=f'--one-family: .*{part}'):
        read_options(choices, measures, one_family=True)


@pytest.mark.parametrize(('units', 'part'), [
    (['x=mm'], '--unit: x: no score; there are dice, hd95'), (['hd95=mm', 'hd95=cm'], '--unit: hd95: given twice')])
def test_units_of_no_score_are_refused(units, part):
    with pytest.raises(TableError, match=part):
        declared_scores(['dice', 'hd95'], ['dice'], units=units)
    assert declared_scores(['hd95', 'dice'], ['dice'], units=['mm', 'dice=%']) == (
        Score('hd95', unit='mm'), Score('dice', HIGHER, '%'))


def drawn(kind, size=(30, 3)):
    """Numbers of a kind of table, images x methods."""
    rng = np.random.default_rng(3)
    return {
        'dice': lambda: rng.beta(12, 2, size), 'poor dice': lambda: rng.beta(2.5, 2, size),
        'dice with failures': lambda: np.where(rng.random(size) < 0.2, 0.0, rng.beta(12, 2, size)),
        'perfect': lambda: np.ones(size), 'right or wrong': lambda: (rng.random(size) < 0.8).astype(float),
        'NME as a share': lambda: rng.gamma(4, 0.012, size), 'hard NME': lambda: rng.beta(2, 8, size),
        'NME with failures': lambda: np.where(rng.random(size) < 0.3, 0.9, rng.gamma(4, 0.02, size)),
        'small mm': lambda: rng.gamma(8, 0.09, size), 'px': lambda: rng.gamma(3, 1.2, size),
        'failure rates': lambda: (rng.random(size) < 0.1).astype(float), 'signed': lambda: rng.beta(12, 2, size) - 0.5,
        'per cent': lambda: 100 * rng.beta(2, 30, size)}[kind]()


@pytest.mark.parametrize(('kind', 'asked'), [
    *((kind, True) for kind in ('dice', 'poor dice', 'dice with failures', 'perfect', 'right or wrong')),
    *((kind, False) for kind in ('NME as a share', 'hard NME', 'NME with failures', 'small mm', 'px', 'failure rates',
                                 'signed', 'per cent'))])
def test_numbers_without_a_name_are_asked_about_where_they_look_like_overlaps(kind, asked):
    values = [*drawn(kind).ravel(), np.nan, 'failed']
    if not asked:
        assert check_errors(values, 'a.csv') is None
        return
    with pytest.raises(TableError, match=r'^a.csv: --wide: all 90 numbers lie between 0 and 1 and their median is '
                                         r'\d\.\d\d, .*--wide dice --higher-is-better dice .* --wide error'):
        check_errors(values, 'a.csv')


@pytest.mark.parametrize(('options', 'asked'), [
    (['--wide'], True), (['--wide', '--na'], True), (['--wide', '--unit', 'Dice'], True),
    (['--wide', 'error'], False), (['--wide', '--unit', 'mm'], False),
    (['--wide', '--higher-is-better', 'dice'], False), (['--wide', 'dice', '--higher-is-better', 'dice'], False),
    (['--wide', 'overlap', '--lower-is-better', 'overlap'], False)])
def test_what_is_said_of_the_numbers_is_not_asked(options, asked, tmp_path, capsys):
    path = written(wide(long()), tmp_path / 'wide.csv', sep=';', decimal=',')
    assert main([str(path), *options, '--proposed', 'ours', '--draws', '100']) == 2 * asked
    told = capsys.readouterr().err
    assert ('say what they are' in told) == asked and (not asked or len(told.splitlines()) == 1)


def test_the_command_reads_a_table_of_others(tmp_path, capsys):
    path = written(wide(long()).rename(columns={'image': 'case'}), tmp_path / 'wide.csv')
    assert main([str(path), '--wide', '--columns', 'image=case', '--higher-is-better', 'dice', '--unit', 'dice=points',
                 '--proposed', 'ours', '--draws', '100']) == 0
    assert 'ours_0 is ours, seed 0' in capsys.readouterr().err
    assert main([str(path), '--proposed', 'ours']) == 2
    assert 'the table is wide' in (said := capsys.readouterr().err) and '--wide' in said
    assert main([str(tmp_path), '--wide']) == 2
    assert '--wide, --na and --worksheet are for a table of others' in capsys.readouterr().err
