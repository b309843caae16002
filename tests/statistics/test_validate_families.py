"""The simulated families and looks of the validation: their law, the former rule, what is skipped, and their tables."""

from dataclasses import replace

import numpy as np
import pytest

from benchmark.statistics.crossed import Block, MeanSquares, crossed_contrast
from benchmark.statistics.families import adjusted, half_width
from benchmark.statistics.parts import Part, Parts
from benchmark.statistics.sequential.levels import nominal, sequential_p
from benchmark.statistics.sequential.plan import SequentialPlan
from benchmark.validation import few, looks, tables
from benchmark.validation.few import CLOSE, CLOSE_IN_FAMILY, TODAY, Families
from benchmark.validation.looking import World
from benchmark.validation.looking import draw as draw_looks
from benchmark.validation.model import Cell
from benchmark.validation.plan import QUICK
from benchmark.validation.procedures import FORMER
from benchmark.validation.squares import METHODS, PAIRS, Suite, draw, former
from benchmark.validation.studies import STUDIES

ABSENT = np.full(1, np.nan)


def squares(seed, residual, n_seeds=3, n_images=310):
    return MeanSquares(np.array([seed]), ABSENT, np.array([residual]), n_seeds, n_images)


@pytest.mark.parametrize('mean, images, seeds, se, df, p', [
    (0.10, 0.035 / 310, [squares(0.50, 0.0225), squares(0.10, 0.0225)], 0.02663977, 3.349808, 0.027266258),
    (0.07, 0.075 / 930, [squares(0.06, 0.045)], 0.00983739, 4.446932, 0.001368001)])
def test_the_former_rule_in_two_worked_examples(mean, images, seeds, se, df, p):
    found = former(np.array([mean]), np.array([images]), 310, seeds)
    assert found.se[0] == pytest.approx(se, rel=1e-6) and found.df[0] == pytest.approx(df, rel=1e-6)
    assert found.p[0] == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize('suite', [Suite('paired', 0.05, 3, 3, 30), Suite('nested', 0.05, 2, 4, 30, 'proposed x 3')])
def test_suites_have_the_law_of_whole_tables(suite):
    rng, count = np.random.default_rng(1), 4000
    drawn = Families.of(draw(rng, suite, count))
    paired = suite.design == 'paired'
    common = 0.05 * np.sqrt(0.5) * rng.normal(size=(count, 4, 1)) if paired else np.zeros((count, 4, 1))
    image = 0.4 * rng.normal(size=(count, 1, 30))
    blocks = []
    for seeds in suite.counts[:3]:
        own = 0.05 * (np.sqrt(0.5) if paired else 3.0 if not blocks else 1.0)
        blocks.append(Block(common[:, :seeds] + image + 0.1 * rng.normal(size=(count, 1, 30))
                            + own * rng.normal(size=(count, seeds, 1)) + 0.15 * rng.normal(size=(count, seeds, 30))))
    for place, (a, b) in ((0, (0, 1)), (PAIRS.index((1, 2)), (1, 2))):
        whole, ours = crossed_contrast(blocks[a], blocks[b], suite.design), drawn.ours[place]
        assert ours.estimate.std() == pytest.approx(whole.estimate.std(), rel=0.06)
        for name in ('seed_variance', 'variance', 'spread'):
            theirs, mine = getattr(whole.parts, name), getattr(ours.parts, name)
            assert mine.mean() == pytest.approx(theirs.mean(), rel=0.08), name
        assert ours.se.std() == pytest.approx(whole.se.std(), rel=0.12)
    # Two contrasts of one method go together as in whole tables.
    one, two = (crossed_contrast(blocks[0], other, suite.design) for other in blocks[1:])
    for name in ('estimate', 'se'):
        theirs = np.corrcoef(getattr(one, name), getattr(two, name))[0, 1]
        assert np.corrcoef(*(getattr(drawn.ours[k], name) for k in (0, 1)))[0, 1] == pytest.approx(theirs, abs=0.07)


def test_tables_of_scores_give_the_same_families():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(METHODS, 5, 3, 40))
    for design in ('nested', 'paired'):
        found = Families.of_tables([Block(one) for one in values], design)
        assert len(found.ours) == len(found.theirs) == METHODS - 1 and found.pooled.methods == METHODS
        # With fewer than twelve images the engine still holds on to the former test, as its least p-value.
        least = crossed_contrast(values[0, :, :, :8], values[1, :, :, :8], design).least
        short = Families.of_tables([Block(one[..., :8]) for one in values], design).theirs[0]
        assert short.se == pytest.approx(least[0]) and short.df == pytest.approx(least[1])


def test_small_differences_have_large_p_values():
    share = np.concatenate([np.geomspace(1e-6, 0.5, 12), 1 - np.geomspace(0.4, 1e-6, 12)])
    for df in (1.0, 2.0, 9.0):
        for images in (47.0, 999.0):
            rest = Part(1 - share, np.full(share.shape, images))
            one = Parts((Part(share, np.full(share.shape, df)),), rest, share)
            two = Parts((Part(share / 3, np.full(share.shape, df)), Part(share / 1.5, np.full(share.shape, 9.0))), rest,
                        share)
            assert min(parts.p(np.full(share.shape, CLOSE)).min() for parts in (one, two)) > 0.05


@pytest.mark.parametrize('design', ['nested', 'paired'])
def test_what_is_skipped_changes_no_family_and_no_interval(design):
    suite = Suite(design, 0.05, 3, 3, 48)
    every = Families.of(draw(np.random.default_rng(3), suite, 400)).first(6)
    skipped, _ = every.today(CLOSE_IN_FAMILY)
    missed = ~every.held(skipped)
    whole = [replace(one) for one in every.ours]
    full = adjusted(whole, every.seeds, every.pooled)
    assert ((full < 0.05).any(axis=1) == (skipped < 0.05).any(axis=1)).all()
    halves = [half_width(one, seeds, every.pooled, 0.05, 6) for one, seeds in zip(whole, every.seeds, strict=True)]
    outside = np.any([np.abs(one.estimate) > half for one, half in zip(whole, halves, strict=True)], axis=0)
    assert (outside == missed).all() and 0 < missed.sum() < 60


def test_todays_rule_holds_where_the_former_one_does_not():
    rows = few.errors(Suite('paired', 0.05, 3, 3, 310), 800, 0, 'first')
    rates = {(row['test'], row['size']): row['rate'] for row in rows if row['study'] == 'families at one look'}
    assert rates[FORMER, 6] > 0.12 and rates[FORMER, 21] > 0.25
    assert rates[TODAY, 6] < 0.07 and rates[TODAY, 21] < 0.07
    assert all(not row['inside'] for row in rows if row['test'] == FORMER and row['size'] > 1)


def test_repeated_intervals_miss_where_the_looks_reject():
    plan = SequentialPlan(6, futility=None)
    drawn = draw_looks(np.random.default_rng(4), World('nested', 310, 0.05), 150, 6).at(plan.schedule())
    times = tuple(count / 6 for count in plan.schedule())
    crossed = sequential_p(drawn.p(), times, plan.spending)[..., -1] < 0.05
    halves = [drawn.taken(place).parts.half_width(1 - nominal(times[:place + 1], 0.05, plan.spending))
              for place in range(len(times))]
    assert (crossed == (np.abs(drawn.estimate) > np.stack(halves, axis=-1)).any(axis=-1)).all() and crossed.any()


def test_the_new_studies_fill_their_tables():
    world = World('paired', 310, 0.02, METHODS - 1)
    effort = replace(QUICK, suites=60, confirmed=60, looked=40, stopped=8)
    tasks = [('few', Suite('nested', 0.05, 3, 3, 310)), ('few', Suite('nested', 0.05, 3, 10, 48, 'another alone')),
             ('looks', world), ('looked', Cell('skewed', 'paired', 0.05, 5, 50))]
    rows = [row for study, cell in tasks for row in STUDIES[study](cell, effort)]
    again = [row for study, cell in tasks for row in STUDIES[study](cell, effort)]
    assert rows == again
    text = tables.report(rows, effort)
    for title in tables.TABLES:
        wanted = title.startswith(('Families at one look', 'Looking again')) and 'cells' not in title
        assert (f'## {title}' in text) >= wanted
        if wanted:
            header, rule, *lines = text.split(f'## {title}\n\n')[1].split('\n\n')[0].splitlines()
            assert lines and all(line.count('|') == header.count('|') for line in (rule, *lines)), title
    assert '## Type-I error' not in text
    trained = {row['times']: row['rate'] for row in rows if row['study'] == 'trainings' and row['size'] == 1}
    assert trained[2.0] < trained[1.0] and trained[0.0] < 0.9
    bad = {**rows[0], 'rate': 0.09, 'inside': False, 'test': TODAY}
    assert '310 0.05 equal: .090' in tables.TABLES['Families at one look: cells above .06'](tables.Rows([bad]))
    error = next(row for row in rows if row['study'] == 'error over all looks' and row['test'] == looks.DECLARED)
    named = tables.TABLES['Looking again: cells outside of [.01, .07]'](
        tables.Rows([{**error, 'rate': 0.081, 'inside': False}]))
    assert '.081' in named
