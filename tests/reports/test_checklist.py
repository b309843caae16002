"""Reporting forms: the official items, and evidence that is read off files and goes with them."""

import copy
import inspect
import json
import shutil

import pytest

from reports.forms import Files, as_json, as_markdown, evidence, filled
from reports.forms.checklist import EVIDENCE, OPEN, PART, TO_WRITE
from reports.forms.claim import CLAIM
from reports.forms.tripod import TRIPOD

RULES = {name: rule for name, rule in vars(evidence).items()
         if inspect.isfunction(rule) and rule.__module__ == evidence.__name__ and not name.startswith('_')}
ANNOTATORS = {'pairs': ['a-b'], 'unit': 'heatmap px', 'endpoints': {'ME': {'mean': 0.42}}}
#: Rule -> what takes its evidence away: a field of the analysis, or files of the suite or (``data:``) of its data set.
WITHOUT = {
    'question': ('question', ''), 'contrasts': ('contrasts', []), 'data_set': 'plan.json', 'licence': 'plan.json',
    'preparation': ('settings', {}), 'crops': 'data:originals.csv', 'missing': None, 'spacing': 'data:metainfo.json',
    'landmarks': 'plan.json', 'annotators': 'data:metainfo.json', 'variability': ('annotators', None),
    'partition': 'plan.json', 'disjoint': 'data:annotations/train.json', 'planning': ('planning', []),
    'images_used': None, 'characteristics': 'data:annotations/*.json', 'subgroups': ('subgroups', []),
    'architecture': 'runs/*/*/config.py', 'versions': ('runs.environments', []), 'start': ('settings', {}),
    'training': ('settings', {}), 'selection': 'runs/*/*/config.py', 'single_networks': 'plan.json',
    'endpoints': ('endpoints', {}), 'tests': None, 'sensitivity': ('sensitivity', []), 'internal': 'plan.json',
    'performance': ('methods', {}), 'measurements': ('agreement', None), 'failures': ('samples', []),
    'limits': ('report', {'sections': ['headline']}), 'plan': 'plan.json', 'program': ('program', None),
    'networks': 'runs/*/*/network.pth', 'decoding': ('settings', {}), 'amounts': ('runs.items', []),
    'doubt': ('trust', None),
}


def fields(images, split):
    return [{'id': place, 'file_name': f'{split}{place}.png', 'person': f'Smith-{split}{place}',
             'sex': 'f' if place % 2 else 'm'} for place in range(images)]


@pytest.fixture
def full(suite_folder, analysis, tmp_path):
    """A suite's folder, its data set and an analysis that together have evidence of every kind."""
    base, data = tmp_path / 'out', tmp_path / 'data'
    base.mkdir()
    shutil.copy(suite_folder / 'plan.json', base)
    changed = copy.deepcopy(analysis)
    changed['data'] |= {'root': str(data), 'licence': 'CC BY 4.0'}
    changed['settings'] |= {'input_size': [96, 96], 'encoder_starts_from': 'source', 'decoding': 'dark',
                            'network': 'ResNet-18'}
    changed |= {'annotators': ANNOTATORS, 'trust': {'methods': {}},
                'subgroups': [{'column': 'sex', 'contrasts': [], 'interactions': []}],
                'program': {'analysis': {'version': '0.1.0', 'commit': 'c' * 40}, 'runs': []}}
    for run in changed['runs']['items']:
        folder = base / run['folder']
        folder.mkdir(parents=True)
        (folder / 'config.py').write_text('default_hooks = dict(checkpoint=dict(interval=-1))\n')
        (folder / 'network.pth').write_bytes(b'')
    (data / 'annotations').mkdir(parents=True)
    for split, images in (('train', 5), ('val', 2), ('test', 3)):
        (data / f'annotations/{split}.json').write_text(json.dumps({
            'images': fields(images, split),
            'categories': [{'keypoints': ['a', 'b'], 'flip_indices': [0, 1]}]}))
    (data / 'metainfo.json').write_text(json.dumps({
        'name': 'mine', 'landmarks': ['a', 'b'], 'flip_indices': [0, 1], 'subject': 'person', 'groups': ['sex'],
        'annotators': ['second'], 'pixel_spacing': 0.1, 'licence': 'CC BY 4.0'}))
    (data / 'originals.csv').write_text('file\n')
    return changed, base, data


def states(analysis, base):
    return {(form.guideline.key, answer.item.number): answer.state
            for form in filled(Files(analysis, base)) for answer in form.answers}


def test_the_items_are_those_of_the_publications():
    assert [one.number for one in CLAIM.items] == [str(number) for number in range(1, 45)]
    parts = {1: '', 2: '', 3: 'abc', 4: '', 5: 'ab', 6: 'abc', 7: '', 8: 'abc', 9: 'abc', 10: '', 11: '',
             12: 'abcdefg', **dict.fromkeys(range(13, 18), ''), 18: 'abcdef', 19: '', 20: 'abc', 21: '', 22: '',
             23: 'ab', 24: '', 25: '', 26: '', 27: 'abc'}
    expected = [f'{item}{part}' for item, letters in parts.items() for part in letters or ['']]
    assert len(parts) == 27 and len(expected) == 52
    assert [one.number for one in TRIPOD.items] == expected
    for guideline in (CLAIM, TRIPOD):
        assert 'doi:10.' in guideline.source and all(one.asks.endswith('.') for one in guideline.items)


def test_every_rule_is_asked_and_has_a_case():
    asked = {rule.__name__ for guideline in (CLAIM, TRIPOD) for item in guideline.items for rule in item.rules}
    assert asked == set(RULES) == set(WITHOUT)


def test_a_full_folder_has_evidence_of_every_kind(full):
    analysis, base, _ = full
    assert {name for name, rule in RULES.items() if not rule(Files(analysis, base))} == set()
    found = states(analysis, base)
    assert {found['claim_2024', number] for number in ('9', '12', '18', '19', '20', '22', '23', '26')} == {EVIDENCE}
    assert {found['claim_2024', number] for number in ('7', '14', '16', '35')} == {PART}
    assert {found['claim_2024', number] for number in ('1', '3', '34', '44')} == {OPEN}


@pytest.mark.parametrize('name', [name for name, gone in WITHOUT.items() if gone])
def test_without_the_evidence_the_item_is_open_or_says_what_is_lacking(full, name):
    analysis, base, data = full
    gone, before = WITHOUT[name], RULES[name](Files(analysis, base))
    if isinstance(gone, tuple):
        *path, last = gone[0].split('.')
        block = analysis
        for part in path:
            block = block[part]
        block[last] = gone[1]
    else:
        kind, _, pattern = gone.rpartition(':')
        files = list((data if kind else base).glob(pattern))
        assert files
        for path in files:
            path.unlink()
        if name == 'disjoint':
            (data / 'annotations/test.json').unlink()
    files = Files(analysis, base)
    assert before is not None and RULES[name](files) is None
    for form in filled(files):
        for answer in form.answers:
            if RULES[name] in answer.item.rules:
                assert answer.state != EVIDENCE
                assert answer.to_write == TO_WRITE if not answer.evidence else 'not found: ' in answer.to_write


def test_a_person_in_two_splits_leaves_the_item_open(full):
    analysis, base, data = full
    train = json.loads((data / 'annotations/train.json').read_text())
    train['images'][0]['person'] = 'Smith-test0'
    (data / 'annotations/train.json').write_text(json.dumps(train))
    assert states(analysis, base)['claim_2024', '20'] == OPEN


def test_a_cross_validation_has_folds_in_place_of_splits(full):
    analysis, base, _ = full
    analysis['folds'] = {'n_folds': 5, 'repetitions': 2, 'units': ['u1', 'u2'], 'sizes': None}
    said = {one.item.number: one.evidence[0].says for one in filled(Files(analysis, base))[0].answers if one.evidence}
    assert said['19'] == '5 folds, 2 repetitions' and 'each in one fold' in said['20']


def test_which_epoch_is_tested_is_read_off_the_configs(full):
    analysis, base, _ = full
    assert RULES['selection'](Files(analysis, base)).says == 'tested is the last epoch'
    for path in base.glob('runs/ft/*/config.py'):
        path.write_text("default_hooks = dict(checkpoint=dict(save_best='landmark/ME'))\n")
    assert RULES['selection'](Files(analysis, base)).says == (
        'tested is the epoch that was best on the validation images of ft, of others the last')


def test_tests_are_named_with_what_they_compare(full):
    analysis, base, _ = full
    analysis['tests'] = {'procedure': 'two-part', 'networks': 'paired t', 'adjusted': 'Holm or either key',
                         'family': 'endpoint'}
    said = RULES['tests'](Files(analysis, base)).says
    assert said.partition('; ')[2] == ('training procedures: two-part test; trained networks: paired t test; '
                                       'p adjusted within endpoint by Holm (of procedures: Holm or either key)')
    analysis['tests'] |= {'adjusted': 'Holm', 'family': 'all endpoints'}
    assert RULES['tests'](Files(analysis, base)).says.endswith('p adjusted over all endpoints by Holm')
    analysis['tests']['adjusted'] = 'Holm or either key'
    analysis['contrasts'] = [one for one in analysis['contrasts'] if one['scope'] == 'networks']
    said = RULES['tests'](Files(analysis, base)).says
    assert 'two-part' not in said and said.endswith('by Holm')


def test_networks_that_were_averaged_are_told_beside_single_ones(full):
    analysis, base, _ = full
    alone = RULES['single_networks'](Files(analysis, base))
    assert alone.says.endswith('each prediction is of one network') and alone.file == 'plan.json'
    analysis['averaging'] = {'methods': {'ft': {'n_seeds': 3}}, 'contrasts': []}
    found = RULES['single_networks'](Files(analysis, base))
    assert found.says == f'{alone.says}, and beside them heatmaps were averaged over 3 networks of ft'
    assert found.field == 'averaging.methods, runs'


def test_what_a_missing_score_counts_as_is_told_of_each(full):
    analysis, base, _ = full
    analysis |= {'scores': [{'name': 'ME', 'better': 'higher'}], 'missing_cap': 0, 'missing_caps': {'hd': 50.0}}
    assert 'a missing prediction is a ME of 0 and a missing hd counts as 50;' in RULES['missing'](
        Files(analysis, base)).says
    analysis |= {'scores': None, 'missing_cap': 9, 'missing_caps': None}
    assert 'a missing prediction is an error of 9;' in RULES['missing'](Files(analysis, base)).says


def test_versions_are_those_of_all_environments_and_what_differs_comes_first(full):
    analysis, base, _ = full
    analysis['runs']['environments'] = [{'versions': {'mmpose': '1', 'torch': '2.1'}},
                                        {'versions': {'mmpose': '1', 'torch': '2.3', 'cuda': '12'}}, {'versions': {}}]
    assert RULES['versions'](Files(analysis, base)).says == (
        '2 environments: torch 2.1 or 2.3, cuda absent or 12, mmpose 1')
    del analysis['runs']['environments'][1]
    assert RULES['versions'](Files(analysis, base)).says == 'mmpose 1, torch 2.1'


def test_images_without_a_person_are_no_person(full):
    analysis, base, data = full
    assert RULES['disjoint'](Files(analysis, base)).says == '10 persons, none in two splits'
    for split in ('train', 'test'):
        content = json.loads((data / f'annotations/{split}.json').read_text())
        content['images'][0].pop('person')
        (data / f'annotations/{split}.json').write_text(json.dumps(content))
    assert RULES['disjoint'](Files(analysis, base)).says == (
        '8 persons, none in two splits; 2 images without a person')


def test_no_person_is_named(full):
    analysis, base, _ = full
    forms = filled(Files(analysis, base))
    assert 'Smith' not in as_json(forms) + as_markdown(forms) and str(base.parent) not in as_json(forms)


def test_page_markdown_and_json_agree(page, suites):
    content = json.loads((page.parent / 'checklist.json').read_text())
    markdown, html = (page.parent / 'checklist.md').read_text(), page.read_text()
    for form in content.values():
        counts = form['counts']
        assert sum(counts.values()) == len(form['items']) and counts[EVIDENCE] and counts[OPEN]
        told = f'{counts[EVIDENCE] + counts[PART]} of {len(form["items"])} have evidence'
        assert f'## {form["name"]}: {told}' in markdown and f'<b>{form["name"]}:</b> {told}' in html
    rows = [line for line in markdown.splitlines() if line.startswith('| ') and not line.startswith('| item')]
    assert len(rows) == 96
    assert html.count(TO_WRITE) == 0 and markdown.count(TO_WRITE) == sum(
        one['counts'][OPEN] for one in content.values())


def test_a_bare_table_leaves_most_open(tmp_path, analysis):
    bare = copy.deepcopy(analysis) | {'data': {}, 'settings': {}, 'question': '', 'source': None}
    claim = filled(Files(bare, tmp_path))[0]
    open_items = {one.item.number for one in claim.answers if one.state == OPEN}
    assert {'7', '9', '14', '19', '20', '22', '24', '25', '26', '27', '32', '42'} <= open_items
