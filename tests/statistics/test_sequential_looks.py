"""A look and the next one: what is declared, decided, carried on and refused."""

import inspect
import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmark.statistics.crossed import crossed_contrast
from benchmark.statistics.errors import TableError
from benchmark.statistics.options import parse_margins, read_options
from benchmark.statistics.scores import Scores
from benchmark.statistics.sequential.levels import bound, nominal, reached
from benchmark.statistics.sequential.looks import (
    FUTILE,
    OPEN,
    Look,
    chance_at_maximum,
    next_look,
    open_methods,
    plan_digest,
    primary_endpoints,
)
from benchmark.statistics.sequential.plan import SequentialPlan, parse_sequential, read_sequential
from benchmark.statistics.sequential.repeated import Looked
from benchmark.statistics.terms import EQUIVALENT, INFERIOR, NON_INFERIOR, SUPERIOR

PLAN = dict(max_seeds=12, spending='hsd:-1')
IMAGES = 120


class World:
    """A suite whose seeds can be drawn on: the first method against each other one."""

    def __init__(self, means, seed=1, spread=0.02, images=IMAGES, **declared):
        rng = np.random.default_rng(seed)
        self.names = [f'm{place}' for place in range(len(means))]
        shape = (len(means), 12, images)
        self.values = (np.array(means)[:, None, None] + spread * rng.normal(size=shape[:2])[:, :, None]
                       + 0.4 * rng.normal(size=images) + 0.1 * rng.normal(size=(len(means), 1, images))
                       + 0.15 * rng.normal(size=shape))
        self.options = read_options({'proposed': 'm0', 'sequential': PLAN, **declared})
        self.pairs = [('m0', name) for name in self.names[1:]]

    def scores(self, counts):
        values = {name: own[:count] for name, own, count in zip(self.names, self.values, counts, strict=True)}
        return Scores('condition', [*map(str, range(self.values.shape[2]))], [],
                      {name: [*range(count)] for name, count in zip(self.names, counts, strict=True)},
                      {'ME': values, 'FR': {name: (own > 1.2).astype(float) for name, own in values.items()}},
                      dict.fromkeys(('ME', 'FR'), np.ones(self.values.shape[2], bool)))

    def look(self, counts, earlier=()):
        return next_look(self.scores(counts), 'c', self.pairs, earlier, self.options)

    def until_settled(self, first=3):
        looks, counts = [], dict.fromkeys(self.names, first)
        while not looks or not looks[-1].last:
            looks.append(self.look([*counts.values()], looks))
            for name in open_methods(looks[-1]):
                counts[name] += 1
        return looks


def main(look, b='m1'):
    return look.of(('c', 'ME', 'm0', b))


@pytest.mark.parametrize('declared, told', [
    (3, 'sequential: 3 is not a mapping; write dict(max_seeds=20)'),
    (dict(first_look=3), 'field max_seeds: missing'),
    (dict(max_seeds=20, look_every=0), 'field look_every: 0 is not a whole number of at least 1; give the seeds'),
    (dict(max_seeds=20, first_look=1), 'field first_look: 1 is not a whole number of at least 2; one seed says'),
    (dict(max_seeds=True), 'field max_seeds: True is not a whole number'),
    (dict(max_seeds=4, first_look=5), 'field max_seeds: 4 is below the first look, at 5 seeds; raise it'),
    (dict(max_seeds=20, spending='bonferroni'), "spending: 'bonferroni' is not one of obrien_fleming, pocock, hsd:"),
    (dict(max_seeds=20, spending='hsd:steep'), 'has no number from -40 to 40'),
    (dict(max_seeds=20, spending='hsd:99'), 'has no number from -40 to 40'),
    (dict(max_seeds=20, futility=0.7), 'futility: 0.7 is not a chance above 0 and below 0.5'),
    (dict(max_seeds=20, futility=True), 'futility: True is not a chance'),
    (dict(max_seeds=20, non_inferiority='yes'), "non_inferiority: 'yes' is neither True nor False"),
    (dict(max_seeds=100_000), 'field look_every: up to max_seeds=100000 these would be 99998 looks, and at most 200 '
                              'are planned; look every 503 seeds'),
    (dict(max_seeds=20, maximum=3), 'field maximum: unknown; known are max_seeds, first_look'),
])
def test_a_plan_that_can_not_be_meant_is_one_line(declared, told):
    with pytest.raises(TableError, match='^sequential: ') as caught:
        read_options({'sequential': declared})
    assert told in str(caught.value) and '\n' not in str(caught.value)


def test_a_plan_and_its_schedule():
    assert read_sequential(None) is None and read_sequential({}) is None
    plan = read_sequential(dict(max_seeds=10, look_every=3, first_look=2, spending='hsd:-4.0', futility=None))
    assert plan == SequentialPlan(10, 2, 3, 'hsd:-4', None)
    assert plan.schedule() == (2, 5, 8, 10)
    assert read_sequential(dict(max_seeds=3)).schedule() == (3,)
    assert read_sequential(plan) is plan


def test_a_plan_of_the_command_line():
    found = parse_sequential(['max_seeds=20', 'spending=hsd:-4', 'futility=none', 'look_every = 2'])
    assert read_sequential(found) == SequentialPlan(20, 3, 2, 'hsd:-4', None)
    assert parse_sequential(['futility=0.2', 'non_inferiority=True']) == dict(futility=0.2, non_inferiority=True)
    with pytest.raises(TableError, match="'max_seeds' is not of the form FIELD=VALUE"):
        parse_sequential(['max_seeds'])
    with pytest.raises(TableError, match='^sequential: field max_seeds: given twice; give it once$'):
        parse_sequential(['max_seeds=10', 'max_seeds=20'])
    with pytest.raises(TableError, match='^margin: ME: given twice; give it once$'):
        parse_margins(['ME=0.1', 'ME =0.2'])


def test_many_looks_need_no_deep_stack():
    times = tuple(count / 100_000 for count in read_sequential(dict(max_seeds=100_000, look_every=503)).schedule())
    assert len(times) == 200
    depth = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 150)
    try:
        found = bound(times, 0.05, 'pocock')
    finally:
        sys.setrecursionlimit(depth)
    assert 2.5 < found < 4


def test_a_first_look_is_the_test_of_its_seeds_at_the_level_that_is_spent():
    world = World([0.8, 0.85, 0.8], margin=dict(ME=0.05))
    look = world.look([4, 4, 4])
    one, estimate = main(look), crossed_contrast(world.values[0, :4], world.values[1, :4])
    assert (look.number, look.seeds, one.n_seeds) == (1, dict(m0=4, m1=4, m2=4), (4, 4))
    numbers = tuple(map(float, (estimate.estimate, estimate.se, estimate.p)))
    assert (one.estimate, one.se, one.p) == pytest.approx(numbers)
    assert one.fraction == pytest.approx(4 / 12) and one.information == pytest.approx(float(estimate.se) ** -2)
    assert {one.level for one in look.contrasts if one.endpoint == 'ME'} == {0.05, 0.025}
    assert one.boundary == pytest.approx(nominal((4 / 12,), one.level, 'hsd:-1'))
    assert one.boundary == pytest.approx(one.spent) == pytest.approx(one.level * np.expm1(1 / 3) / np.expm1(1))
    assert one.p_sequential == pytest.approx(float(reached(one.p, (4 / 12,), 'hsd:-1')))
    assert one.p_below == pytest.approx(float(reached(2 * (1 - float(estimate.below(0.05))), (4 / 12,), 'hsd:-1')) / 2)
    missed = nominal((4 / 12,), 0.05, 'hsd:-1')
    assert (one.low, one.high) == pytest.approx(tuple(map(float, estimate.interval(1 - missed))))
    assert one.low_simultaneous < one.low < one.high < one.high_simultaneous


def test_methods_whose_contrasts_are_settled_get_no_more_seeds_and_nothing_is_taken_back():
    world = World([0.8, 1.0, 0.8, 0.83])
    looks = world.until_settled()
    assert looks[-1].settled and open_methods(looks[-1]) == ()
    far = [main(look) for look in looks]
    settled = far[-1].settled_at
    assert far[-1].decision == SUPERIOR and settled < len(looks)
    assert all(replace(one, p_adjusted=0.0) == replace(far[-1], p_adjusted=0.0) for one in far[settled - 1:])
    assert looks[-1].seeds['m1'] == looks[settled - 1].seeds['m1'] < looks[-1].seeds['m0']
    for before, after in zip(looks, looks[1:], strict=False):
        for one in before.contrasts:
            then = after.of(one.key)
            assert then.p_sequential <= one.p_sequential and then.fraction >= one.fraction
            assert not one.settled or then.decision == one.decision


def test_a_contrast_is_inferior_the_other_way_round():
    looks = World([1.0, 0.8]).until_settled()
    assert main(looks[-1]).decision == INFERIOR and main(looks[-1]).high_simultaneous > 0


def test_where_more_seeds_change_nothing_a_contrast_is_futile_and_images_are_asked_for():
    world = World([0.8, 0.8], seed=5, spread=0.0, margin=dict(ME=0.012), images=60)
    looks = world.until_settled()
    one = main(looks[-1])
    assert one.decision == FUTILE and one.chance < 0.1 and len(looks) < 5
    assert one.images_needed > 60
    bold = replace(world.options, sequential=replace(world.options.sequential, futility=None))
    world.options = bold
    assert main(world.until_settled()[-1]).fraction == 1.0


def test_a_futile_contrast_that_got_more_seeds_is_tested_again():
    world = World([0.8, 0.8], seed=5, spread=0.0, margin=dict(ME=0.012), images=60)
    looks = world.until_settled()
    most = {**looks[-1].seeds}
    again = world.look([12, 12], looks)
    assert main(again).n_seeds == (12, 12) and main(again).fraction == 1.0 and most['m0'] < 12
    one_more = world.look([12, most['m1']], looks)
    assert main(one_more) == main(looks[-1])


def test_equivalence_and_non_inferiority_settle():
    world = World([0.8, 0.8], margin=dict(ME=0.15))
    assert main(world.until_settled()[-1]).decision == EQUIVALENT
    goal = dict(margin=dict(ME=0.06), sequential={**PLAN, 'non_inferiority': True, 'futility': None})
    ends = [main(World([0.8, 0.82], seed=seed, **goal).until_settled()[-1]) for seed in range(6)]
    shown = [one for one in ends if one.decision == NON_INFERIOR]
    assert shown and all(one.settled and one.p_below < 0.025 and one.p_adjusted >= 0.05 for one in shown)


def test_what_was_given_up_is_called_different_where_holm_comes_to_it():
    world = World([0.8, 0.8, 0.8], seed=4)
    first = world.look([5, 5, 5])
    waiting = replace(main(first), p_sequential=0.04, p_adjusted=0.08, decision=FUTILE, settled=True, settled_at=1)
    others = [replace(one, p_sequential=0.01) if one.key == ('c', 'ME', 'm0', 'm2') else one for one in first.contrasts]
    before = replace(first, contrasts=tuple(waiting if one.key == waiting.key else one for one in others))
    now = main(world.look([6, 5, 6], [before]))
    assert now.p_adjusted == 0.04 and now.decision == (SUPERIOR if now.estimate < 0 else INFERIOR)
    assert now.settled_at == 2 and now.n_seeds == (5, 5)


def test_a_verdict_points_the_way_of_the_look_that_crossed_its_level():
    """Holm comes to a contrast at a later look, at which its estimate has changed sides; with new seeds or without."""
    world = World([0.8, 0.8, 1.3], seed=4)
    first = world.look([3, 3, 3])
    sign = -1 if main(world.look([4, 4, 4])).estimate > 0 else 1
    low, high = sorted((sign * 0.1, sign * 0.3))
    waiting = replace(main(first), estimate=sign * 0.2, low=low, high=high, p=0.004, p_sequential=0.03, p_adjusted=0.06,
                      decision=OPEN, settled=False, settled_at=None)
    last = replace(main(first, 'm2'), p_sequential=0.9, p_adjusted=0.9, decision=OPEN, settled=False, settled_at=None)
    before = replace(first, contrasts=(waiting, last), last=False)
    now = world.look([4, 4, 4], [before])
    assert main(now, 'm2').settled and main(now).p_adjusted == 0.03
    carried = replace(main(now), estimate=-sign * 0.01, decision=OPEN, settled=False, settled_at=None)
    second = replace(before, number=2, seeds=dict(m0=4, m1=4, m2=3), contrasts=(carried, last))
    for look in (now, world.look([4, 4, 4], [before, second])):
        assert main(look).decision == (SUPERIOR if sign < 0 else INFERIOR) and main(look).settled_at == look.number
        assert (main(look).estimate, main(look).low, main(look).high, main(look).p) == (sign * 0.2, low, high, 0.004)
        assert main(look).n_seeds == (3, 3) and main(look).chance is None


def test_unequal_numbers_of_seeds_count_by_their_harmonic_mean():
    world = World([0.8, 0.8])
    one = main(world.look([3, 6]))
    assert one.fraction == pytest.approx(4 / 12) and one.n_seeds == (3, 6)
    assert main(world.look([12, 12])).fraction == 1.0


def test_no_further_look_where_nothing_is_new():
    world = World([0.8, 0.83])
    first = world.look([3, 3])
    assert world.look([3, 3], [first]) is first
    second = world.look([4, 4], [first])
    assert second.number == 2 and world.look([4, 4], [first, second]) is second
    # One seed more of a method alone is a look; what has no new seeds of either method is not tested again.
    assert main(world.look([4, 3], [first])).fraction > main(first).fraction


def test_planned_contrasts_without_results_stay_open_and_ask_for_no_seeds():
    world = World([0.8, 1.0, 0.8])
    world.pairs.append(('m0', 'failed'))
    look = world.look([5, 5, 5])
    assert look.lacking == (('ME', 'm0', 'failed'),) and Look.from_json(json.loads(json.dumps(look.to_json()))) == look
    assert not look.last and not look.settled and 'failed' not in open_methods(look)
    assert [one.b for one in look.contrasts if one.primary] == ['m1', 'm2']
    again = world.look([12, 12, 12], [look])
    assert not again.last and all(one.settled or one.fraction == 1 for one in again.contrasts if one.primary)
    alone = next_look(world.scores([5, 5, 5]), 'c', [('m0', 'failed')], [], world.options)
    assert alone.lacking == look.lacking and not alone.settled and open_methods(alone) == ()
    old = {name: value for name, value in look.to_json().items() if name != 'lacking'}
    assert Look.from_json(old).lacking == (), 'of a ledger that does not know them'


def test_more_seeds_than_the_maximum_are_refused():
    world = World([0.8, 0.85], sequential=dict(PLAN, max_seeds=4))
    assert world.look([4, 4]).last
    with pytest.raises(TableError, match='field max_seeds: 4 is below the 6 seeds of m1; the last look is at the '
                                         'maximum: declare 6 or more before there are results, or leave') as told:
        world.look([5, 6])
    assert '\n' not in str(told.value)


def test_a_look_survives_its_file():
    for look in World([0.8, 0.9], margin=dict(FR=0.1)).until_settled():
        read = Look.from_json(json.loads(json.dumps(look.to_json())))
        assert read.to_json() == look.to_json()
        assert read.contrasts[0].estimate == pytest.approx(look.contrasts[0].estimate, rel=1e-11)


def test_a_ledger_that_was_read_goes_on_as_if_it_had_not_been_written():
    world = World([0.8, 0.83])
    looks = world.until_settled()
    read = [Look.from_json(look.to_json()) for look in looks[:-1]]
    again = world.look([*looks[-1].seeds.values()], read)
    assert main(again).p_sequential == pytest.approx(main(looks[-1]).p_sequential, rel=1e-6)
    assert [one.decision for one in again.contrasts] == [one.decision for one in looks[-1].contrasts]


@pytest.mark.parametrize('change, told', [
    (lambda content: content.pop('seeds'), 'look: field seeds: missing'),
    (lambda content: content['contrasts'][0].pop('spent'), 'look 1, contrast: field spent: missing'),
    (lambda content: content.update(more=1), 'look: field more: unknown'),
    (lambda content: content['contrasts'][0].update(decision='better'), "field decision: 'better' is not one of"),
])
def test_a_look_that_was_cut_is_refused(change, told):
    content = World([0.8, 0.8]).look([3, 3]).to_json()
    change(content)
    with pytest.raises(TableError, match=told):
        Look.from_json(content)


def test_a_plan_that_changed_after_a_look_and_lost_seeds_are_refused():
    world = World([0.8, 0.8])
    first = world.look([4, 4])
    with pytest.raises(TableError, match='look 1: had 4 seeds of m1, and there are 3'):
        world.look([4, 3], [first])
    world.options = replace(world.options, margin=dict(ME=0.1))
    with pytest.raises(TableError, match='look 1: was taken under another plan'):
        world.look([5, 5], [first])


def test_the_digest_is_of_what_must_not_change():
    options = World([0.8, 0.8]).options
    digest = plan_digest(options, [('a', 'b')])
    assert digest == plan_digest(replace(options, draws=500, unit='mm', groups=('sex',)), [('a', 'b')])
    for other in (replace(options, alpha=0.01), replace(options, margin=dict(ME=0.1)),
                  replace(options, sequential=None), replace(options, threshold=2.0),
                  replace(options, design='paired'),
                  replace(options, sequential=replace(options.sequential, max_seeds=13))):
        assert digest != plan_digest(other, [('a', 'b')])
    assert digest != plan_digest(options, [('b', 'a')])


def test_a_suite_goes_on_for_the_endpoints_with_a_margin_else_for_the_mean_error():
    options = read_options(dict(margin=dict(FR=0.02, AUC=0.02)))
    assert primary_endpoints(['ME', 'FR', 'AUC'], options) == ('FR', 'AUC')
    assert primary_endpoints(['ME', 'FR', 'AUC'], read_options({})) == ('ME',)
    assert primary_endpoints(['ME', 'FR'], read_options(dict(margin=dict(NME=0.02)))) == ('ME',)


def test_without_a_plan_a_look_says_when_it_was():
    world = World([0.8, 0.8])
    world.options = replace(world.options, sequential=None)
    first = world.look([3, 3])
    assert first.contrasts == () and not first.last and world.look([3, 3], [first]) is first
    assert world.look([5, 5], [first]).number == 2


def test_other_contrasts_have_no_more_seeds_at_a_look_than_they_have_at_all():
    """Common seeds in a paired design, another condition's own: 4 of 6."""
    looks = tuple(Look(number, dict(a=count, b=count), (), '', False) for number, count in ((1, 3), (2, 6)))
    looked = Looked(looks, SequentialPlan(12))
    assert looked.times('a', 'b', (6, 6)) == (3 / 12, 6 / 12) and looked.times('a', 'b', (4, 4)) == (3 / 12, 4 / 12)


def test_the_chance_at_the_maximum_by_hand():
    # Half of the variance is left to come, far degrees of freedom: P(|x + sqrt(.5) z| > 1.96 sqrt(.5)).
    found = chance_at_maximum(0.0, 1.0, 0.5, 1e9, 1.959964)
    assert found == pytest.approx(0.05, abs=1e-5)
    assert chance_at_maximum(3.0, 1.0, 1.0, 1e9, 1.959964) == pytest.approx(1.0)
    assert chance_at_maximum(1.0, 1.0, 1.0, 1e9, 1.959964) == pytest.approx(0.0)
    # A margin of 4 standard errors: nothing left to come, and well within it.
    assert chance_at_maximum(0.1, 1.0, 1.0, 1e9, 1.96, 4.0, 1.645) == pytest.approx(1.0)
    # Non-inferiority: above -margin + 1.96 counts, whatever the rest.
    assert chance_at_maximum(-0.5, 1.0, 1.0, 1e9, 1.96, 3.0, np.inf, good=1.0) == pytest.approx(1.0)
    assert chance_at_maximum(-1.5, 1.0, 1.0, 1e9, 1.96, 3.0, np.inf, good=1.0) == pytest.approx(0.0)
    assert chance_at_maximum(1.5, 1.0, 1.0, 1e9, 1.96, 3.0, np.inf, good=-1.0) == pytest.approx(0.0)
    # By its own boundary, which Holm does not raise with the family.
    own = dict(margin=3.0, critical_equivalence=np.inf, good=1.0)
    assert chance_at_maximum(-0.5, 1.0, 1.0, 1e9, 3.0, **own) == pytest.approx(0.0)
    assert chance_at_maximum(-0.5, 1.0, 1.0, 1e9, 3.0, **own, critical_non_inferiority=1.96) == pytest.approx(1.0)
