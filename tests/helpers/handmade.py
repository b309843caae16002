"""Small tables of errors, their analysis, and where its numbers stand."""

import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import SCHEMA, analyze, validate

VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding='utf-8')))


def gamma(draw, seeds=3, images=20, shift=0.0):
    """Errors (S, N) of a method: images of different difficulty, seeds that differ."""
    common = np.random.default_rng(99).gamma(4, 0.25, images)
    rng = np.random.default_rng(draw)
    return np.abs(common + shift + rng.normal(0, 0.1, (seeds, 1)) + rng.normal(0, 0.2, (seeds, images)))


def frame(errors, seeds=None, **columns):
    """Method -> errors (S, N) as a table; columns: name -> value of each image."""
    rows = [(name, (seeds or {}).get(name, range(len(values)))[seed], f'i{image:03}', values[seed][image],
             *(column[image] for column in columns.values()))
            for name, values in errors.items() for seed in range(len(values)) for image in range(len(values[seed]))]
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'error', *columns])


def analyzed(errors, plan=None, missing_allowed=False, every=1, **options):
    table = errors if isinstance(errors, pd.DataFrame) else frame(errors)
    content = analyze(validate(table, missing_allowed=missing_allowed), plan, **{'draws': 100, **options})
    thinned = {**content, 'contrasts': content['contrasts'][::every]}  # the validator is slow
    VALIDATOR.validate(json.loads(json.dumps(thinned, allow_nan=False)))
    return content


def planned(content, endpoint='ME', scope='procedure', family='planned', condition='all'):
    wanted = {'endpoint': endpoint, 'scope': scope, 'family': family, 'condition': condition}
    return {(one['a'], one['b']): one for one in content['contrasts'] if wanted.items() <= one.items()}


def numbers_of(one):
    return [one[key] for key in ('estimate', 'se', 'df', 't', 'p', 'ci_low', 'ci_high')]


def numbers(estimate):
    return [float(value) for value in (estimate.estimate, estimate.se, estimate.df, estimate.t, estimate.p,
                                       *estimate.interval(0.95))]


def same(found, expected):
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-11)


def row(content, analysis, place=0):
    return next(one for one in content['sensitivity'][place]['rows'] if one['analysis'] == analysis)


def incomplete():
    """i001 has an empty error in b, i003 has no row in a; both in one seed."""
    errors = {'a': gamma(1, 3, 6), 'b': gamma(2, 3, 6, 0.2)}
    table = frame(errors)
    at = {(one.method, one.seed, one.image): one.Index for one in table.itertuples()}
    table.loc[at['b', 0, 'i001'], 'error'] = np.nan
    return table.drop(at['a', 1, 'i003']), errors
