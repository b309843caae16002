"""Doubt against error in ``analysis.json``: by hand, regions checked, and when nothing is said."""

import hashlib
import itertools
import json

import jsonschema
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.statistics import SCHEMA, analyze, validate
from benchmark.statistics.trust import OLDER, SHARES, read_validation

IMAGES = [f'i{number:02d}' for number in range(20)]


def table(images=20, **more):
    """Method a doubts what it errs on; b always the same."""
    rows = []
    for m, s, i, k in itertools.product('ab', range(2), range(images), range(2)):
        rows.append((m, s, IMAGES[i], f'k{k}', 0.1 * (i + 1) + 0.01 * k, 0.4 * (i + 1), i + 0.02 * i * s, 1.0,
                     0.9 - 0.02 * i if m == 'a' else 0.5))
    names = ['method', 'seed', 'image', 'landmark', 'error', 'error_input', 'x', 'y', 'score']
    frame = pd.DataFrame(rows, columns=names)
    return validate(frame.assign(**more))


def suite(units=20):
    runs = [{'id': f'{m}/{s}', 'method': m, 'condition': 'all', 'seed': s} for m in 'ab' for s in range(2)]
    names = [f'v{number}' for number in range(units)]
    kept = {'images': names, 'subjects': names, 'landmarks': ['k1', 'k0'],
            'errors': [[0.5 + 0.1 * number, None] for number in range(units)], 'scores': [[0.5, 0.5]] * units}
    records = [one | {'state': 'done', 'validation': kept} for one in runs]
    return {'runs': runs, 'conditions': [{'name': 'all'}]}, records


def analysed(frame, plan=None, records=()):
    content = analyze(frame, plan, records, draws=100)
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))
    return content['trust']


def test_order_risk_and_abstaining_by_hand():
    block = analysed(table())
    assert [*block['methods']] == ['a'] and block['shares'] == SHARES and block['abstained'] == 0.1
    one = block['methods']['a']
    assert one['doubt']['estimate'] == pytest.approx(1) and one['spread']['estimate'] == pytest.approx(1)
    # Means of 0.105, 0.205, ...; the first two images are a tenth.
    assert one['risk'] == one['best']
    assert (one['risk'][0], one['risk'][-1]) == (pytest.approx(0.155), pytest.approx(1.055))
    assert (one['error'], one['error_rest']) == (pytest.approx(1.055), pytest.approx(0.955))
    # Above 1.2 are nine of 20 images, seven of the 18 without the two most doubtful ones.
    assert (one['failures'], one['failures_rest']) == (pytest.approx(9 / 20), pytest.approx(7 / 18))
    assert one['ratio'] == pytest.approx(7 / 18 / (9 / 20))


def test_correlation_and_its_interval():
    rng = np.random.default_rng(2)
    frame = table()
    frame['score'] = rng.uniform(0, 1, len(frame))
    own = frame[frame['method'] == 'b']
    means = own.groupby(['seed', 'image'])[['error', 'score']].mean()
    r = np.mean([stats.spearmanr(1 - one['score'], one['error'])[0] for _, one in means.groupby('seed')])
    found = analysed(frame)['methods']['b']['doubt']
    half = stats.norm.ppf(0.975) * np.sqrt((1 + r**2 / 2) / 17)
    assert [found[key] for key in ('estimate', 'low', 'high')] == pytest.approx(
        [r, np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)])


def test_regions_are_checked_on_the_test_images():
    one = analysed(table(), *suite())['methods']['a']['regions']
    # The ceil(.9 * 21) = 19th of 0.5, 0.6, ...: 2.3. Errors are 0.4, 0.8, ..., so that 5 of 20 images lie in it; k0 has
    # no validation image.
    assert (one['units'], one['expected']) == (20, pytest.approx(19 / 21))
    assert one['landmarks'] == one['images'] == pytest.approx(5 / 20) and one['reason'] is None
    few = analysed(table(), *suite(8))['methods']['a']['regions']
    assert few == {'reason': '8 validation images, one a subject, can promise at most 88.8 %; 90 % takes 9'}
    plan, records = suite()
    del records[1]['validation']
    assert analysed(table(), plan, records)['methods']['a']['regions'] == {'reason': OLDER}


def test_what_says_nothing():
    assert analysed(table(images=9)) is None
    assert analysed(table().drop(columns='score')) is None
    assert analysed(table(score=0.5)) is None
    assert analysed(table().drop(columns=['x', 'y', 'error_input']))['methods']['a']['regions'] is None


def test_a_file_that_is_not_what_the_record_says_is_left_out(tmp_path):
    content = json.dumps(suite()[1][0]['validation'])
    record = {'files': {'validation.json': hashlib.sha256(content.encode()).hexdigest()}}
    (tmp_path / 'validation.json').write_text(content)
    assert read_validation(tmp_path, record)['landmarks'] == ['k1', 'k0']
    (tmp_path / 'validation.json').write_text(content.replace('v1', 'v2'))
    assert read_validation(tmp_path, record) is None
    for odd in ('[]', '{}', content.replace('[0.5, 0.5], ', '', 1), content.replace('"k1"', '"k1", "k2"')):
        (tmp_path / 'validation.json').write_text(odd)
        record['files']['validation.json'] = hashlib.sha256(odd.encode()).hexdigest()
        assert read_validation(tmp_path, record) is None
