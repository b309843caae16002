"""What the sentences say: number, unit, direction, scope, margin and remedy."""

import re

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import analyze, validate
from benchmark.statistics.terms import (
    EQUIVALENT,
    INCONCLUSIVE,
    INFERIOR,
    INFERIOR_RELEVANT,
    NON_INFERIOR,
    NOT_ESTIMABLE,
    SUPERIOR,
    SUPERIOR_RELEVANT,
    VERDICTS,
)
from benchmark.statistics.wording import p_value, probability, statements

PLAN = {'methods': [{'name': 'a', 'label': 'CTD-ED'}, {'name': 'b', 'label': 'FT'}]}
LABELS = {'a': 'CTD-ED', 'b': 'FT'}
NEVER = ('no difference', 'significan', 'nan', 'None', 'inf ', '  ')

CONCLUSIONS = {
    SUPERIOR_RELEVANT: 'CTD-ED is better than FT, by more than the margin of 0.100 heatmap px',
    SUPERIOR: 'CTD-ED is better than FT',
    INFERIOR_RELEVANT: 'CTD-ED is worse than FT, by more than the margin of 0.100 heatmap px',
    INFERIOR: 'CTD-ED is worse than FT',
    EQUIVALENT: 'CTD-ED and FT are equivalent within the margin of 0.100 heatmap px',
    NON_INFERIOR: 'CTD-ED is not worse than FT by more than the margin of 0.100 heatmap px',
    INCONCLUSIVE: 'it is not settled which of CTD-ED and FT is better',
}
OPEN_FOR_PROCEDURES = ('As training procedures: it is not settled which of CTD-ED and FT is better. '
                       'For these trained models: CTD-ED is better than FT.')


def contrast(scope='procedure', verdict=SUPERIOR, estimate=-0.05, low=-0.09, high=-0.01, **changes):
    return {'endpoint': 'ME', 'a': 'a', 'b': 'b', 'scope': scope, 'verdict': verdict, 'estimate': estimate,
            'ci_low': low, 'ci_high': high, 'p': 0.0312, 'p_adjusted': 0.0624, 'p_false_claim': 0.0156, 'margin': None,
            'relevance': None, 'n_seeds': [5, 5], 'n_units': 310, 'reason': None, 'bound': None,
            'ci_low_equivalence': low / 2, 'ci_high_equivalence': high / 2, **changes}


def say(procedure, networks=None, plan=None, endpoint='ME', percent=-6.0, unit_of='image', alpha=0.05):
    networks = networks or {**procedure, 'scope': 'networks'}
    planned = [{**one, 'endpoint': endpoint} for one in (procedure, networks)]
    effect = {'endpoint': endpoint, 'a': 'a', 'b': 'b', 'percent': percent}
    plans = [] if plan is None else [{'endpoint': endpoint, 'a': 'a', 'b': 'b', **plan}]
    found, = statements(planned, [effect], plans, LABELS, 'heatmap px', unit_of, alpha)
    assert not any(word in found['headline'] + found['text'] for word in NEVER)
    return found['headline'], found['text']


def test_what_differs_in_several_things_is_said_with_the_contrast():
    one = contrast()
    found, = statements([one, {**one, 'scope': 'networks'}], [{'endpoint': 'ME', 'a': 'a', 'b': 'b', 'percent': -6.0}],
                        [], LABELS, 'heatmap px', 'image', 0.05, {('a', 'b'): 'source and network'})
    said = (" CTD-ED and FT differ in source and network, so this contrast can't tell which of what sets them apart "
            'makes the difference.')
    assert found['text'] == say(one)[1] + said


def data(difference, image_sd=0.05, seed_sd=0.0, seeds=4, images=40, draw=0, base=1.0):
    rng = np.random.default_rng(draw)
    common = base + 0.2 * rng.normal(size=images)
    rows = []
    for name, shift in (('a', difference), ('b', 0.0)):
        own = rng.normal(0, image_sd, images)
        effects = rng.normal(0, seed_sd, seeds)
        values = np.abs(common + shift + own + effects[:, None] + rng.normal(0, 0.05, (seeds, images)))
        rows += [(name, seed, f'i{image:02}', value, 20.0) for seed in range(seeds)
                 for image, value in enumerate(values[seed])]
    return validate(pd.DataFrame(rows, columns=['method', 'seed', 'image', 'error', 'normalizer']))


def spoken(rows, endpoint='ME', **options):
    content = analyze(rows, PLAN, draws=100, proposed='a', unit='heatmap px', **options)
    statement, = (one for one in content['statements'] if one['endpoint'] == endpoint)
    scopes = {one['scope']: one for one in content['contrasts']
              if one['family'] == 'planned' and one['endpoint'] == endpoint}
    plan = [one for one in content['planning'] if one['endpoint'] == endpoint]
    return statement, scopes, plan[0] if plan else None, content


@pytest.mark.parametrize('verdict', CONCLUSIONS)
def test_every_verdict_has_its_conclusion_in_headline_and_text(verdict):
    margin = 0.1 if 'margin' in CONCLUSIONS[verdict] else None
    relevance = None if margin is None else 'beyond' if 'relevant' in verdict else 'within'
    one = contrast(verdict=verdict, margin=margin, relevance=relevance)
    headline, text = say(one)
    assert headline == f'As training procedures and for these trained models: {CONCLUSIONS[verdict]}.'
    assert text.count(f': {CONCLUSIONS[verdict]}.') == 2
    other = contrast('networks', verdict=SUPERIOR if verdict != SUPERIOR else INFERIOR)
    headline, _ = say(one, other)
    assert headline == (f'As training procedures: {CONCLUSIONS[verdict]}. For these trained models: '
                        f'{CONCLUSIONS[other["verdict"]]}.')


def test_a_headline_says_where_the_margin_is_left_open_and_the_paragraph_once():
    open_, small = (contrast(margin=0.1, relevance=one) for one in ('unclear', 'within'))
    ends = (', but whether by more than the margin of 0.100 heatmap px is open.',
            ', but by less than the margin of 0.100 heatmap px.')
    for one, end in zip((open_, small), ends, strict=True):
        headline, text = say(one)
        assert headline == f'As training procedures and for these trained models: CTD-ED is better than FT{end}'
        assert ', but' not in text and text.count('margin of 0.100') == 1
    small = {**small, 'scope': 'networks'}
    assert say(open_, small)[0] == (f'As training procedures: CTD-ED is better than FT{ends[0]} '
                                    f'For these trained models: CTD-ED is better than FT{ends[1]}')


def test_no_verdict_is_without_words():
    assert {*CONCLUSIONS, NOT_ESTIMABLE} == set(VERDICTS)


def test_the_paragraph_on_mean_errors_in_full():
    networks = contrast('networks', verdict=SUPERIOR, low=-0.07, high=-0.03, p_adjusted=0.0004)
    headline, text = say(contrast(verdict=INCONCLUSIVE, low=-0.104, high=0.004), networks,
                         dict(target=0.05, target_is='observed difference', n_seeds=5, detectable=0.08, seeds_needed=12,
                              images_needed=None, floor_seeds=0.03, floor_images=0.06))
    assert headline == OPEN_FOR_PROCEDURES
    sentences = [
        'CTD-ED against FT, 5 seeds each, 310 images: the mean error of CTD-ED is 0.050 heatmap px lower (6.0 %).',
        'As training procedures (other seeds, other images) the 95 % interval is from 0.104 lower to 0.004 higher, '
        'p = 0.031, and p = 0.062 adjusted for the planned comparisons: it is not settled which of CTD-ED and FT is '
        'better.',
        'Looked at alone and under a flat prior, claiming that CTD-ED is better would be wrong with a probability of '
        '1.6 %.',
        'For these trained models (other images only) the interval is from 0.030 to 0.070 lower, adjusted p < 0.001: '
        'CTD-ED is better than FT.',
        'No margin was declared beforehand,',
        'To find a true difference as large as the one observed (0.050 heatmap px) with 80 % power would take 7 more '
        'seeds per method with these images (12 in all).',
        "More images alone would not do: they can't go below 0.060 heatmap px.",
    ]
    places = [text.index(sentence) for sentence in sentences]
    assert places == sorted(places) and places[0] == 0 and text.endswith(sentences[-1])


def test_failure_rates_are_in_percentage_points():
    _, text = say(contrast(estimate=0.0262, low=-0.001, high=0.0533, verdict=INCONCLUSIVE), endpoint='FR', percent=38.0)
    assert 'the failure rate of CTD-ED is 2.6 percentage points higher.' in text
    assert 'interval is from 0.1 lower to 5.3 higher' in text and '38' not in text
    _, text = say(contrast(margin=0.02, relevance='unclear'), endpoint='FR')
    assert 'whether the difference reaches the declared margin of 2.0 percentage points.' in text


def test_auc_is_better_where_it_is_higher_and_has_no_unit():
    _, text = say(contrast(estimate=0.03, low=0.0123, high=0.0477), endpoint='AUC', percent=10.0)
    assert 'the AUC of CTD-ED is 0.030 higher.' in text and 'interval is from 0.012 to 0.048 higher' in text
    assert ': CTD-ED is better than FT.' in text and 'heatmap px' not in text and '10.0 %' not in text


def test_normalised_errors_are_in_percent_of_the_inter_ocular_distance():
    _, text = say(contrast(estimate=-0.0012, low=-0.002, high=-0.0004), endpoint='NME', percent=-2.4)
    assert 'the normalised mean error of CTD-ED is 0.12 % of the inter-ocular distance lower (2.4 %).' in text
    assert 'interval is from 0.04 to 0.20 lower' in text


def test_small_numbers_do_not_vanish_and_levels_are_named():
    _, text = say(contrast(estimate=-0.00042, low=-0.00071, high=-0.00013), alpha=0.01)
    assert 'is 0.00042 heatmap px lower' in text and 'the 99 % interval is from 0.00013 to 0.00071 lower' in text


def test_seeds_and_units_are_counted_as_they_are():
    assert 'CTD-ED against FT, 3 and 5 seeds, 120 subjects: ' in say(
        contrast(n_seeds=[3, 5], n_units=120), unit_of='subject')[1]
    assert '(other seeds, other subjects)' in say(contrast(), unit_of='subject')[1]
    assert 'image' not in say(contrast(), unit_of='subject')[1]


@pytest.mark.parametrize(('relevance', 'part'), [
    ('beyond', 'As training procedures the whole interval of this contrast lies beyond the declared margin of 0.020 '
               'heatmap px: it matters.'),
    ('within', 'As training procedures the 90 % interval, from 0.005 to 0.045 lower, lies within the declared margin '
               'of 0.020 heatmap px'),
    ('unclear', 'As training procedures it is open whether the difference reaches the declared margin of 0.020 heatmap '
                'px.'),
])
def test_the_margin_is_set_against_the_difference_between_procedures(relevance, part):
    assert part in say(contrast(margin=0.02, relevance=relevance))[1]


@pytest.mark.parametrize(('procedure', 'networks', 'end'), [
    ('unclear', 'beyond', '0.020 heatmap px; that of these trained models lies beyond it.'),
    ('unclear', 'within', '0.020 heatmap px; that of these trained models lies within it.'),
    ('within', 'unclear', 'too small to matter; of these trained models it is open.'),
])
def test_where_the_trained_models_stand_otherwise_to_the_margin_is_said(procedure, networks, end):
    _, text = say(contrast(margin=0.02, relevance=procedure), contrast('networks', margin=0.02, relevance=networks))
    assert end in text


def test_with_one_seed_the_margin_is_judged_for_the_networks():
    procedure = contrast(verdict=NOT_ESTIMABLE, reason='one seed only: why', margin=0.02, n_seeds=[1, 1])
    _, text = say(procedure, contrast('networks', margin=0.02, relevance='beyond', n_seeds=[1, 1]))
    assert 'For these trained models the whole interval of this contrast lies beyond the declared margin' in text


PLANS = {'target': 0.05, 'target_is': 'margin', 'n_seeds': 5, 'detectable': 0.08, 'floor_seeds': 0.03,
         'floor_images': 0.06}


@pytest.mark.parametrize(('needed', 'parts'), [
    ((12, 900), ['7 more seeds per method with these images (12 in all), or 900 images with these numbers of seeds.']),
    ((12, None), ['7 more seeds per method with these images (12 in all).', 'More images alone would not do',
                  '0.060 heatmap px']),
    ((None, 900), ['would take 900 images with these numbers of seeds.', 'More seeds alone would not do',
                   '0.030 heatmap px']),
    ((None, None), ['neither more seeds nor more images alone would do', 'with infinitely many seeds',
                    '0.030 heatmap px', 'with infinitely many images', '0.060 heatmap px']),
    ((4, 200), ['These data find a true difference of 0.080 heatmap px with 80 % power', 'probably have shown']),
])
@pytest.mark.parametrize('verdict', [INCONCLUSIVE, NON_INFERIOR])
def test_the_remedy_names_what_would_settle_it(verdict, needed, parts):
    plan = {**PLANS, 'seeds_needed': needed[0], 'images_needed': needed[1]}
    _, text = say(contrast(verdict=verdict, margin=0.05, relevance='unclear'), plan=plan)
    assert all(part in text for part in parts), text
    assert 'as large as the margin' in text and 'observed' not in text


@pytest.mark.parametrize('verdict', [SUPERIOR, SUPERIOR_RELEVANT, INFERIOR, INFERIOR_RELEVANT, EQUIVALENT])
def test_what_is_settled_needs_no_remedy(verdict):
    _, text = say(contrast(verdict=verdict, margin=0.05, relevance='unclear'),
                  plan={**PLANS, 'seeds_needed': 12, 'images_needed': 900})
    assert '80 % power' not in text and 'more seeds' not in text


@pytest.mark.parametrize(('options', 'difference', 'noise', 'verdict'), [
    ({'margin': {'ME': 0.1}}, -0.3, 0.05, SUPERIOR_RELEVANT),
    ({}, -0.2, 0.05, SUPERIOR),
    ({'margin': {'ME': 0.1}}, 0.3, 0.05, INFERIOR_RELEVANT),
    ({}, 0.2, 0.05, INFERIOR),
    ({'margin': {'ME': 0.1}}, 0.0, 0.05, EQUIVALENT),
    ({'margin': {'ME': 0.1}}, -0.08, 0.2, NON_INFERIOR),
    ({}, 0.0, 0.4, INCONCLUSIVE),
])
def test_verdicts_of_data_are_told_with_their_own_numbers(options, difference, noise, verdict):
    statement, scopes, plan, content = spoken(data(difference, noise), **options)
    one, text = scopes['procedure'], statement['text']
    assert one['verdict'] == verdict
    assert CONCLUSIONS[verdict] + '.' in text and CONCLUSIONS[verdict] in statement['headline']
    direction = 'lower' if one['estimate'] < 0 else 'higher'
    effect = next(effect for effect in content['effects'] if effect['endpoint'] == 'ME')
    shown = re.search(r'mean error of CTD-ED is ([0-9.]+) heatmap px (lower|higher) \(([0-9.]+) %\)', text)
    assert float(shown[1]) == pytest.approx(abs(one['estimate']), rel=0.06) and shown[2] == direction
    assert float(shown[3]) == pytest.approx(abs(effect['percent']), abs=0.051)
    ends = re.search(r'the 95 % interval is from ([0-9.]+)( lower| higher)? to ([0-9.]+) (lower|higher)', text)
    signs = {' lower': -1, ' higher': 1}
    last = signs[f' {ends[4]}']
    first = signs[ends[2]] if ends[2] else last
    found = sorted([first * float(ends[1]), last * float(ends[3])])
    assert found == pytest.approx([one['ci_low'], one['ci_high']], rel=0.06)
    assert f'p {p_value(one["p"])}, and p {p_value(one["p_adjusted"])} adjusted' in text
    assert text.count('4 seeds each, 40 images') == 1
    assert f'would be wrong with a probability of {probability(one["p_false_claim"])}.' in text
    if verdict in (SUPERIOR, SUPERIOR_RELEVANT):
        assert one['p_false_claim'] < 0.025
    if verdict in (INFERIOR, INFERIOR_RELEVANT):
        assert one['p_false_claim'] > 0.975
    if options:
        assert 'the declared margin of 0.100 heatmap px' in text
    else:
        assert 'No margin was declared beforehand' in text
    if verdict in (INCONCLUSIVE, NON_INFERIOR):
        assert '80 % power' in text or plan['seeds_needed'] and plan['seeds_needed'] <= 4
        if plan['seeds_needed'] and plan['seeds_needed'] > 4:
            assert f'{plan["seeds_needed"] - 4} more seeds per method' in text
    else:
        assert '80 % power' not in text


def test_the_same_data_are_told_in_the_direction_of_each_endpoint():
    rows = data(-0.3, base=1.3)
    told = {endpoint: spoken(rows, endpoint)[0]['text'] for endpoint in ('ME', 'FR', 'AUC', 'NME')}
    assert all(': CTD-ED is better than FT.' in text for text in told.values())
    assert re.match(r'.*the mean error of CTD-ED is 0\.\d{3} heatmap px lower \(\d+\.\d %\)\.', told['ME'])
    assert re.match(r'.*the failure rate of CTD-ED is \d+\.\d percentage points lower\.', told['FR'])
    assert re.match(r'.*the AUC of CTD-ED is 0\.\d{3} higher\.', told['AUC'])
    assert re.match(r'.*the normalised mean error of CTD-ED is \d\.\d\d % of the inter-ocular', told['NME'])
    assert 'inter-ocular distance lower' in told['NME']


def test_an_open_question_between_seeds_asks_for_more_seeds():
    statement, scopes, plan, _ = spoken(data(-0.1, seed_sd=0.08, seeds=3, draw=5))
    assert scopes['procedure']['verdict'] == INCONCLUSIVE and scopes['networks']['verdict'] == SUPERIOR
    assert plan['seeds_needed'] > 3
    assert f'{plan["seeds_needed"] - 3} more seeds per method with these images ({plan["seeds_needed"]} in all)' in (
        statement['text'])
    assert statement['headline'] == OPEN_FOR_PROCEDURES


def test_a_single_run_says_nothing_about_the_procedure():
    statement, scopes, plan, _ = spoken(data(-0.2, seeds=1))
    assert scopes['procedure']['verdict'] == NOT_ESTIMABLE and plan is None
    assert statement['headline'] == ('A single run cannot tell whether CTD-ED or FT is the better training procedure. '
                                     'For these trained models: CTD-ED is better than FT.')
    text = statement['text']
    assert "As training procedures they can't be judged: one seed only" in text and '1 seed each' in text
    assert 'For these trained models (other images only) the interval is from' in text
    assert 'at least five seeds' in text and 'claiming' not in text


def test_a_single_run_of_one_of_them_says_nothing_about_the_procedure():
    rows = data(-0.2)
    rows = rows[(rows['method'] == 'a') | (rows['seed'] == 0)].reset_index(drop=True)
    statement, *_ = spoken(rows)
    assert statement['headline'].startswith('A single run cannot tell') and '4 and 1 seeds' in statement['text']
    assert 'at least five seeds' in statement['text']


def test_without_any_failure_the_bound_is_told():
    statement, scopes, plan, _ = spoken(data(-0.2, base=0.6), 'FR', threshold=10.0)
    bound = 1 - 0.05 ** (1 / 40)
    assert scopes['procedure']['verdict'] == NOT_ESTIMABLE and plan is None
    assert scopes['procedure']['bound'] == pytest.approx(bound)
    text = statement['text']
    assert 'both have the same failure rate.' in text
    assert f'At most {100 * bound:.1f} % of all images can differ (95 % one-sided bound, for these networks).' in text
    assert 'all differences between the images are equal' in text and 'three seeds' not in text
    assert statement['headline'].startswith('As training procedures and for these trained models: CTD-ED and FT '
                                            "can't be judged (all differences")


def test_p_values_are_never_0_or_1():
    shown = {0.0: '< 0.001', 0.0009: '< 0.001', 0.001: '= 0.001', 0.0312: '= 0.031', 0.05: '= 0.050', 0.123: '= 0.123',
             0.5: '= 0.500', 0.999: '= 0.999', 0.9995: '> 0.999', 1.0: '> 0.999'}
    assert {p: p_value(p) for p in shown} == shown


def test_probabilities_are_never_0_or_100_percent():
    shown = {0.0: 'less than 0.1 %', 0.0009: 'less than 0.1 %', 0.013: '1.3 %', 0.5: '50 %', 0.87: '87 %',
             0.9995: 'more than 99.9 %', 1.0: 'more than 99.9 %'}
    assert {p: probability(p) for p in shown} == shown


@pytest.mark.parametrize('p', [0.995, 0.997, 0.999])
def test_probabilities_near_1_are_written_out(p):
    number = float(probability(p).split()[0])
    assert 'e' not in probability(p) and 99 <= number < 100


def test_what_is_open_is_not_said_to_be_larger_than_the_margin():
    rng = np.random.default_rng(4)
    rows = []
    for name in ('a', 'b', 'c', 'd', 'e', 'f'):
        values = 1 + 0.04 * (name == 'a') + rng.normal(0, 0.1, (1, 40)) + rng.normal(0, 0.02, (3, 40))
        rows += [(name, seed, f'i{image:02}', values[seed, image]) for seed in range(3) for image in range(40)]
    rows = validate(pd.DataFrame(rows, columns=['method', 'seed', 'image', 'error']))
    content = analyze(rows, draws=100, proposed='a', margin={'ME': 1e-4})
    open_ones = [(one['a'], one['b']) for one in content['contrasts']
                 if (one['family'], one['endpoint'], one['scope']) == ('planned', 'ME', 'procedure')
                 and one['verdict'] == INCONCLUSIVE]
    texts = [one['text'] for one in content['statements']
             if one['endpoint'] == 'ME' and (one['a'], one['b']) in open_ones]
    assert len(texts) == 5 and not any('it matters' in text for text in texts)


def test_methods_with_the_same_mean_are_said_to_have_it():
    values = np.array([[0.1], [0.2], [0.3]]) * np.arange(1, 13)
    rows = [(name, seed, f'i{image:02}', table[seed, image]) for name, table in (('a', values), ('b', values[::-1]))
            for seed in range(3) for image in range(12)]
    statement, *_ = spoken(validate(pd.DataFrame(rows, columns=['method', 'seed', 'image', 'error'])))
    assert 'both have the same mean error' in statement['text']


def test_some_words_never_occur():
    texts = []
    for draw in range(12):
        rows = data([-0.3, 0.0, 0.02][draw % 3], [0.02, 0.5][draw % 2], [0.0, 0.1][draw % 4 // 2], 1 + draw % 3,
                    [3, 30][draw % 5 > 0], draw)
        content = analyze(rows, PLAN, draws=100, proposed='a', design=['nested', 'paired'][draw % 2],
                          margin={'ME': 0.05, 'FR': 0.02} if draw % 3 else {}, threshold=[1.2, 5.0][draw % 4 == 0])
        texts += [one[key] for one in content['statements'] for key in ('headline', 'text')]
        assert len(content['statements']) == 4
        for one in content['statements']:
            assert one['headline'].endswith('.') and one['text'].endswith('.') and '..' not in one['text']
    for text in texts:
        assert text and not any(word in text for word in NEVER), text
