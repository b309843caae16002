"""The other decodings in ``analysis.json``: means by hand, and when they are left out."""

import copy
import hashlib
import itertools
import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import SCHEMA, analyze, validate
from benchmark.statistics.decodings import OLDER, read_decodings, used

IMAGES = ['i0', 'i1', 'i2', 'i3']
#: How much of the used decoding's error another one leaves.
LEFT = {'argmax': 1.0, 'quarter': 0.9, 'dark': 0.75}


def error(method, seed, image, landmark):
    return {'a': 1.0, 'b': 2.0}[method] + 0.1 * seed + 0.2 * IMAGES.index(image) + 0.05 * landmark


def table(**more):
    keys = itertools.product('ab', range(2), IMAGES, range(2))
    rows = [(m, s, i, f'k{k}', error(m, s, i, k), 20.0) for m, s, i, k in keys]
    frame = pd.DataFrame(rows, columns=['method', 'seed', 'image', 'landmark', 'error', 'normalizer'])
    return validate(frame.assign(**more))


def run(method, seed, decoding='argmax'):
    """What a run leaves, its images in another order than the table's."""
    names = IMAGES[::-1]
    mean = [np.mean([error(method, seed, image, k) for k in range(2)]) for image in names]
    return {'used': decoding, 'images': names, 'scores': {
        name: {'ME': [float(f'{share / LEFT[decoding] * one:.8g}') for one in mean],
               'NME': [float(f'{share / LEFT[decoding] * one / 20:.8g}') for one in mean]}
        for name, share in LEFT.items()}}


def suite(make=run, **settings):
    runs = [{'id': f'{m}/{s}', 'method': m, 'condition': 'all', 'seed': s} for m in 'ab' for s in range(2)]
    records = [{**one, 'state': 'done', 'decodings': make(one['method'], one['seed'])} for one in runs]
    return {'runs': runs, 'conditions': [{'name': 'all'}], 'settings': settings}, records


def analysed(plan, records, frame=None, **choices):
    content = analyze(table() if frame is None else frame, plan, records, draws=100, **choices)
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))
    return content


def test_means_over_seeds_of_the_same_images_by_hand():
    content = analysed(*suite())
    block = content['decodings']
    # b: 2 + 0.05 (seeds) + 0.3 (images) + 0.025 (landmarks)
    assert block['names'] == ['argmax', 'quarter', 'dark'] and block['endpoints'] == ['ME', 'NME']
    assert block['reason'] is None and [*block['methods']] == ['a', 'b']
    means = block['methods']['b']['means']
    assert {name: own['ME'] for name, own in means.items()} == pytest.approx(
        {'argmax': 2.375, 'quarter': 2.375 * 0.9, 'dark': 2.375 * 0.75})
    assert means['dark']['NME'] == pytest.approx(2.375 * 0.75 / 20)
    for name in 'ab':
        one = block['methods'][name]
        assert (one['used'], one['n_seeds']) == ('argmax', 2)
        assert all(one['means']['argmax'][end] == content['methods'][name]['endpoints'][end]['mean']
                   for end in block['endpoints'])


def test_a_subject_takes_the_images_place():
    subjects = [f's{min(IMAGES.index(image), 1)}' for image in table()['image']]
    content = analysed(*suite(), frame=table(subject=subjects))
    assert content['unit_of_analysis'] == 'subject'
    # Subjects: i0 (0.0) and the mean of the others (0.4): 0.2 instead of 0.3
    means = content['decodings']['methods']['a']['means']
    assert means['quarter']['ME'] == pytest.approx(0.9 * (1 + 0.05 + 0.2 + 0.025))


def test_older_runs_are_left_out_with_the_reason():
    plan, records = suite()
    for record in records:
        del record['decodings']
    block = analysed(plan, records)['decodings']
    assert block == {'names': [], 'endpoints': [], 'methods': {}, 'reason': OLDER}
    plan, records = suite()
    records[-1]['decodings'] = None
    block = analysed(plan, records)['decodings']
    assert [*block['methods']] == ['a'] and block['reason'] == f'b: {OLDER}'


def test_a_bare_table_says_nothing_of_decodings():
    assert analysed({}, [])['decodings'] is None


def test_what_a_run_gives_as_reason_is_told():
    plan, records = suite(lambda method, seed: {'reason': 'no <heatmaps>'} if method == 'a' else run(method, seed))
    block = analysed(plan, records)['decodings']
    assert [*block['methods']] == ['b'] and block['reason'] == 'a: no <heatmaps>'


def test_errors_that_are_not_those_of_the_analysis_are_not_shown():
    """A landmark that is left out of the analysis, another unit, an image that a run does not know."""
    trained = [not (m == 'a' and s == 0 and k == 'k1') for m, s, k in
               zip(*(table()[name] for name in ('method', 'seed', 'landmark')), strict=True)]
    block = analysed(*suite(), frame=table(trained=trained))['decodings']
    assert block['methods'] == {} and 'not over the same landmarks' in block['reason']
    other = table()
    other['error'] *= 2
    other['normalizer'] *= 2
    block = analysed(*suite(), frame=other)['decodings']
    assert block['endpoints'] == ['NME'] and [*block['methods']] == ['a', 'b']
    plan, records = suite()
    for record in records:
        record['decodings']['images'][0] = 'another'
    assert analysed(plan, records)['decodings']['methods'] == {}


def test_a_decoding_that_is_not_known_of_an_image_is_left_out_alone():
    plan, records = suite()
    records[0]['decodings']['scores']['dark']['ME'][2] = None
    block = analysed(plan, records)['decodings']
    assert block['endpoints'] == ['NME']
    del records[0]['decodings']['scores']['dark']
    block = analysed(plan, records)['decodings']
    assert [*block['methods']['a']['means']] == ['argmax', 'quarter'] and [*block['methods']['b']['means']] == [*LEFT]


def test_seeds_that_are_decoded_in_different_ways_are_not_averaged():
    plan, records = suite(lambda method, seed: run(method, seed, 'dark' if (method, seed) == ('a', 1) else 'argmax'))
    block = analysed(plan, records)['decodings']
    assert [*block['methods']] == ['b'] and 'decoded in different ways (argmax, dark)' in block['reason']


def test_the_main_condition_counts_and_a_run_that_stands_for_several_has_its_own():
    plan, records = suite()
    extra = [dict(copy.deepcopy(one), id=f'{one["id"]}-few', condition='few') for one in plan['runs']]
    plan.update(runs=[*plan['runs'], *extra], conditions=[{'name': 'all'}, {'name': 'few'}])
    frame = pd.concat([table(), table(condition='few')])
    few = [dict(record, id=f'{record["id"]}-few', condition='few') for record in records]
    block = analysed(plan, few, frame=validate(frame), condition='few')['decodings']
    assert [*block['methods']] == ['a', 'b']
    assert analysed(plan, few, frame=validate(frame))['decodings']['reason'] == OLDER


@pytest.mark.parametrize(('settings', 'floor'), [
    ({}, True), ({'decoding': 'argmax'}, True), ({'decoding': 'dark'}, False), ({'all': {'decoding': 'dark'}}, False),
    ({'few': {'decoding': 'dark'}, 'all': {'decoding': 'argmax'}}, True)])
def test_the_floor_of_plain_argmax_stands_where_argmax_was_used(settings, floor):
    plan, records = suite(**settings)
    assert (analysed(plan, records)['decoder_floor'] is not None) == floor


def test_which_decoding_all_methods_share():
    assert used({'decoding': 'dark'}, 'all') == 'dark' and used({'all': {'decoding': 'dark'}}, 'all') == 'dark'
    assert used({'few': {'decoding': 'dark'}, 'all': 'x'}, 'all') is None and used({}, 'all') is None


@pytest.mark.parametrize('content', [
    '', '[]', '{}', 'null', '{"used": "argmax", "images": ["a"], "scores": {"dark": {"ME": [1.0]}}}',
    '{"used": "argmax", "images": ["a"], "scores": {"argmax": {"ME": [1.0, 2.0]}}}'])
def test_a_file_that_is_none_is_not_read(tmp_path, content):
    (tmp_path / 'decodings.json').write_text(content)
    record = {'files': {'decodings.json': hashlib.sha256(content.encode()).hexdigest()}}
    assert read_decodings(tmp_path, record) is None


def test_a_file_counts_where_it_fits_its_checksum(tmp_path):
    content = json.dumps(run('a', 0))
    (tmp_path / 'decodings.json').write_text(content)
    record = {'files': {'decodings.json': hashlib.sha256(content.encode()).hexdigest()}}
    assert read_decodings(tmp_path, record) == run('a', 0)
    (tmp_path / 'decodings.json').write_text(content.replace('i0', 'i9'))
    assert read_decodings(tmp_path, record) is None and read_decodings(tmp_path, {}) is None
