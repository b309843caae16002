"""What was judged of the source: on the first screen where it knows nothing, and beside data and source."""

import json
import re

import pytest

from benchmark.judging.judged import NOT_TAKEN, knows


def network(auc, error):
    return dict(tap='pooled', verification=dict(
        auc=auc, centred_auc=auc, rates={'0.01': 0.1, '0.001': 0.05}, identities=20, positives=120, negatives=3040,
        intervals={'auc': [0.5, 0.75], '0.01': [0.0, 0.2], '0.001': [0.0, 0.1]}),
        identification=dict(accuracy=0.5, interval=[0.25, 0.75], images=80, chance=0.05),
        taps=dict(stage3=dict(error=error, interval=[error - 1, error + 1])))


def judged(gain=-0.05, **more):
    return dict(input_size=[64, 64], faces=dict(name='faces', fingerprint='f', images=80, identities=20, clips=False),
                trained=network(0.6125, 12.5), untrained=network(0.6575, 13.5),
                gain=dict(auc=gain, interval=[-0.075, 0.0] if gain < 0 else [0.1, 0.3]),
                landmarks=dict(name='marked', fingerprint='m', unit='%', train_images=8, test_images=7,
                               mean_shape=14.25)) | more


@pytest.fixture(scope='module')
def folder(tmp_path_factory, suites):
    out = suites.small(tmp_path_factory.mktemp('judged'))
    plan = json.loads((out / 'plan.json').read_text())
    (out / 'plan.json').write_text(json.dumps(plan | dict(report=dict(sections=['headline', 'data']))))
    return out


def report(folder, suites, **content):
    """Analysis, page and summary of a suite whose source was judged so."""
    (folder / 'source_judged.json').write_text(json.dumps(dict(
        source='77aa01bc93de', people='synthetic', judged=None, reason=None) | content))
    page = suites.analyse(folder)
    return (json.loads((folder / 'analysis.json').read_text()), page.read_text(),
            (page.parent / 'summary.md').read_text())


def test_a_source_that_knows_nothing_is_told_first_and_shown_with_its_numbers(folder, suites):
    analysis, page, summary = report(folder, suites, judged=judged())
    block = analysis['source']['judged']
    assert block == judged() | dict(people='synthetic', reason=None)
    lacks = 'The source knows no more of faces than an untrained network (AUC 0.613 against 0.657): these results can'
    first = page.index(lacks)
    assert first < page.index('<h3>Source network</h3>') < page.index(knows(block)) and lacks in summary
    numbers = {path: text for path, _, _, text in suites.Reader(page).numbers if path.startswith('/source/judged')}
    assert numbers['/source/judged/trained/verification/auc'] == '0.613'
    assert numbers['/source/judged/gain/auc'] == '−0.050'
    assert numbers['/source/judged/untrained/taps/stage3/interval/1'] == '14.50'
    assert all(suites.resolve(analysis, path) is not None for path in numbers)


def test_a_source_that_knows_something_needs_no_warning(folder, suites):
    alone = {name: value for name, value in judged(0.2).items() if name != 'landmarks'}
    _, page, summary = report(folder, suites, judged=alone)
    assert 'worth to hold on to' not in page + summary and 'more than the same network with random weights.' in page
    assert 'Landmarks were not probed' in page and 'linear probe of stage3' not in page


def test_methods_with_their_own_source_are_told_with_what_it_knows(folder, suites):
    plan = json.loads((folder / 'plan.json').read_text())
    own = {name: dict(description=f'{name} <net>', hash=name * 8, path='x.pth') for name in ('ctd_ed', 'ft')}
    (folder / 'plan.json').write_text(json.dumps(plan | dict(source=plan['source'] | dict(methods=own))))
    try:
        known = {name: value for name, value in judged(0.2).items() if name != 'landmarks'}
        analysis, page, summary = report(folder, suites, judged=judged(), others={
            'ctd_ed' * 8: dict(people='given', judged=known, reason=None),
            'ft' * 8: dict(people=None, judged=None, reason='no <faces> there.')})
    finally:
        (folder / 'plan.json').write_text(json.dumps(plan))
    assert analysis['source']['methods']['ctd_ed']['judged'] == known | dict(people='given', reason=None)
    numbers = {path: text for path, _, _, text in suites.Reader(page).numbers if path.startswith('/source/methods')}
    assert numbers['/source/methods/ctd_ed/judged/trained/verification/auc'] == '0.613'
    assert numbers['/source/methods/ctd_ed/judged/gain/interval/0'] == '0.100'
    assert 'ctd_ed &lt;net&gt;' in page and page.count('no &lt;faces&gt; there.') == page.count('not judged') == 1
    assert 'The source of FT was not judged, so it is not known what it knows of faces: no &lt;faces&gt; there.' in page
    # The suite's own source knows nothing, but the proposed method's does.
    assert analysis['proposed'] == 'ctd_ed' and 'worth to hold on to' not in page + summary
    assert 'fall from left to right' in page and 'fig-knowledge' in page


@pytest.mark.parametrize(('proposed', 'own', 'weak'), [
    ('ctd_ed', {}, True), ('ctd_ed', {'ft': 0.2}, True), ('ctd_ed', {'ctd_ed': 0.2}, False),
    ('ctd_ed', {'ctd_ed': -0.05}, True), (None, {'ctd_ed': -0.05}, True), (None, {'ctd_ed': 0.2}, False)])
def test_whose_source_the_first_screen_speaks_of(proposed, own, weak):
    from reports.answers import weak_source
    methods = {name: dict(hash=name, judged=judged(gain)) for name, gain in own.items()}
    source = dict(judged=judged()) | (dict(methods=methods) if methods else {})
    contrasts = [dict(family='planned', endpoint='ME', scope='procedure', a='ctd_ed', b='ft')]
    assert bool(weak_source(dict(source=source, proposed=proposed, contrasts=contrasts))) is weak


def test_gains_are_of_starting_from_a_source_or_of_holding_on_to_it():
    from reports.figures.knowledge import HOLDING, STARTING, gains
    known = dict(judged=dict(trained={}))
    own = dict(ctd_a=dict(hash='a', **known), ft_a=dict(hash='a', **known), ft_b=dict(hash='b', **known),
               unjudged=dict(hash='c', judged=dict(reason='why')))
    pairs = [('ctd_a', 'ft_a'), ('ft_a', 'ft_b'), ('ft_a', 'scratch'), ('unjudged', 'ft_a'), ('scratch', 'ft_a')]
    contrasts = [dict(family='planned', endpoint=endpoint, scope=scope, a=a, b=b) for a, b in pairs
                 for endpoint in ('ME', 'FR') for scope in ('procedure', 'networks')]
    analysis = dict(source=dict(methods=own), contrasts=contrasts, proposed=None,
                    methods={name: dict(n_seeds=2) for pair in pairs for name in pair})
    found = {kind: [(one['a'], one['b'], one['endpoint'], one['scope']) for one in items]
             for kind, items in gains(analysis).items()}
    assert found == {STARTING: [('ft_a', 'ft_b', 'ME', 'procedure'), ('ft_a', 'scratch', 'ME', 'procedure')],
                     HOLDING: [('ctd_a', 'ft_a', 'ME', 'procedure')]}
    assert gains(dict(analysis, source=None)) == {}


NOBODY = 'there are no <faces>.'
SO, NONE = 'so it is not known what it knows of faces:', 'so it is not known what they know of faces:'


@pytest.mark.parametrize(('reason', 'others', 'said'), [
    (NOBODY, dict(a=NOBODY, b=NOBODY), [f'None of the sources was judged, {NONE} there are no &lt;faces&gt;.']),
    (NOBODY, {}, [f'The source was not judged, {SO} there are no &lt;faces&gt;.']),
    (NOT_TAKEN, dict(a=NOBODY, b=NOBODY), [f'None of the sources was judged, {NONE} there are no &lt;faces&gt;.']),
    (NOBODY, dict(a='no disk.', b='no disk.'), [
        f'The source of the suite was not judged, {SO} there are no &lt;faces&gt;.',
        f'The source of CTD-ED and FT was not judged, {SO} no disk.'])])
def test_why_sources_were_not_judged_is_said_once(folder, suites, reason, others, said):
    plan = json.loads((folder / 'plan.json').read_text())
    own = {name: dict(description='net', hash=of, path='x.pth') for name, of in dict(ctd_ed='a', ft='b').items()}
    (folder / 'plan.json').write_text(json.dumps(plan | dict(source=plan['source'] | dict(methods=own))))
    try:
        _, page, _ = report(folder, suites, people=None, reason=reason, others={
            of: dict(people=None, judged=None, reason=why) for of, why in others.items()})
    finally:
        (folder / 'plan.json').write_text(json.dumps(plan))
    found = [text for text in re.findall(r'<p>(.*?)</p>', page) if 'judged, so' in text]
    assert found == said and page.count('judged, so') == len(said)
    assert NOT_TAKEN not in page and 'verification AUC' not in page and 'Not judged' not in page


def test_why_it_was_not_judged(folder, suites):
    _, page, summary = report(folder, suites, people=None, reason='there are no <faces>.')
    assert 'The source was not judged' in page and 'there are no &lt;faces&gt;.' in page
    assert 'What the source knows' not in page and 'hold on to a source' not in page + summary


def test_what_was_judged_of_another_source_changes_nothing(folder, suites):
    other = report(folder, suites, source='another', judged=judged())
    (folder / 'source_judged.json').unlink()
    page = suites.analyse(folder)
    assert other[1] == page.read_text() and 'judged' not in other[0]['source']
