"""A suite judges its source once, and never fails over it."""

import csv
import json
from types import SimpleNamespace

import pytest

from benchmark.datasets.synthetic.faces import write_identity_dataset
from benchmark.experiments.commands import judged_source
from benchmark.experiments.run.judging import perform
from benchmark.experiments.state.records import State
from benchmark.experiments.suite.inputs import (
    GivenSource,
    IdentityFolder,
    RandomSource,
    SyntheticFaces,
    SyntheticIdentities,
    TrainedSource,
)

SHARES = dict(auc=0.7, intervals=dict(auc=[0.6, 0.8]))
FOUND = dict(faces=dict(identities=3), trained=dict(verification=SHARES), untrained=dict(verification=SHARES),
             gain=dict(auc=0.1, interval=[0.05, 0.2]))


@pytest.fixture
def judged(tmp_path, monkeypatch, capsys):
    """Judges a made-up plan's source; gives the file, what was asked of processes, and what was said."""
    asked = []

    def judge(source, data=None, folder='out', images=20, answer=None, state=State.DONE, own=None):
        (out := tmp_path / folder).mkdir(exist_ok=True)
        (job := tmp_path / 'job').mkdir(exist_ok=True)
        trained = isinstance(source, TrainedSource)
        plan = SimpleNamespace(
            out=out, runs=[SimpleNamespace(source_hash=name) for name in ('h', *set((own or {}).values()))],
            sources={name: SimpleNamespace(hash=of, path=f'{of}.pth', kind='checkpoint', job=None, data=None)
                     for name, of in (own or {}).items()},
            source=SimpleNamespace(hash='h', path='source.pth', kind=source.type, job=job if trained else None,
                                   data='d'),
            content=dict(data=dict(splits=dict(train=dict(images=images), test=dict(images=5)), root='marked',
                                   input_size=[64, 64], fingerprint='f')))
        task = SimpleNamespace(status=lambda: SimpleNamespace(state=state))
        monkeypatch.setattr(judged_source, 'asked', lambda perform, request: (
            asked.append(request), answer or dict(judged=FOUND, reason=None))[1])
        judged_source.judge_source(SimpleNamespace(source=source, data=data or SyntheticFaces()), plan,
                                   SimpleNamespace(source=task if trained else None))
        return json.loads((out / judged_source.FILE).read_text()), asked, capsys.readouterr()

    return judge


def test_a_second_command_and_a_second_suite_take_what_was_judged(judged):
    source = TrainedSource(data=SyntheticIdentities(seed=4))
    first, asked, said = judged(source)
    assert first['judged'] == FOUND and first['source'] == 'h' and first['people'] == 'synthetic'
    assert asked[0]['synthetic']['seed'] == 5 and asked[0]['control'] and asked[0]['landmarks'] == 'marked'
    assert 'source: Judged on 3 people (synthetic, none of whom it was trained on)' in said.out and not said.err
    assert judged(source)[0] == judged(source, folder='other')[0] == first and len(asked) == 1
    judged(source, images=2000)
    assert len(asked) == 2 and asked[1]['landmarks'] is None


def test_on_whom(judged):
    made = TrainedSource(data=IdentityFolder(root='faces'))
    found, asked, _ = judged(made)
    assert found['people'] == 'val' and asked[-1]['split'] == 'val' and asked[-1]['root'].endswith('/faces')
    found, asked, _ = judged(RandomSource())
    assert found['people'] == 'synthetic' and not asked[-1]['control']
    found, asked, said = judged(GivenSource(path='x.pth'))
    assert len(asked) == 2 and found['judged'] is None and "source.judge=dict(type='identities'" in found['reason']
    assert said.out.startswith('note: the source was not judged: there are no faces') and not said.err


def test_methods_sources_are_judged_once_each(judged, tmp_path):
    write_identity_dataset(root := tmp_path / 'people', identities=2, shots=2, image_size=32)
    own = dict(ft_a='a', ctd_a='a', ft_b='b')
    source = RandomSource(judge=IdentityFolder(root=str(root)))
    found, asked, said = judged(source, own=own)
    assert [one['checkpoint'] for one in asked] == ['source.pth', 'a.pth', 'b.pth']
    assert [one['control'] for one in asked] == [False, True, True] and {one['root'] for one in asked} == {str(root)}
    assert {name: one['judged'] for name, one in found['others'].items()} == dict(a=FOUND, b=FOUND)
    assert [line.split(':')[0] for line in said.out.splitlines()] == ['source', 'source of ft_a', 'source of ft_b']
    again, asked, _ = judged(source, own=own)
    assert again == found and len(asked) == 3
    # Without people to judge on only a random source has some: synthetic ones, if the data are.
    found, asked, said = judged(RandomSource(), own=own, folder='nobody')
    assert found['judged'] == FOUND and found['others']['a']['reason'] == judged_source.NOBODY and len(asked) == 4


def test_what_goes_wrong_is_a_warning_and_tried_again(judged):
    source = TrainedSource(data=SyntheticIdentities())
    found, asked, said = judged(source, answer=dict(judged=None, reason='no disk.'))
    assert found['judged'] is None and found['reason'] == 'no disk.'
    assert said.err == 'warning: the source was not judged: no disk.\n'
    assert judged(source)[0]['judged'] == FOUND and len(asked) == 2
    found, asked, said = judged(TrainedSource(data=SyntheticIdentities(), judge=IdentityFolder(root='nowhere')))
    assert 'nowhere/index.csv: no such file' in found['reason'] and said.err.count('\n') == 1 and len(asked) == 2
    assert judged(source, folder='new', images=21, state=State.FAILED)[0]['reason'] == 'it was not made.'


def test_what_is_raised_in_the_process_is_a_reason(registered, tmp_path):
    write_identity_dataset(root := tmp_path / 'faces', identities=2, shots=2, image_size=32)
    perform(dict(checkpoint=tmp_path / 'none.pth', size=[64, 64], control=True, draws=10, most=9, landmarks=None,
                 root=str(root), split=None, synthetic=None, cache=str(tmp_path)), str(tmp_path / 'answer.json'))
    answer = json.loads((tmp_path / 'answer.json').read_text())
    assert answer['judged'] is None and 'none.pth' in answer['reason']


def test_the_suite_judges_its_source_in_a_process_of_its_own(done):
    found = json.loads((done.out / judged_source.FILE).read_text())
    plan = json.loads((done.out / 'plan.json').read_text())
    assert found['source'] == plan['source']['hash'] and found['reason'] is None
    judged = found['judged']
    assert judged['faces']['identities'] == judged_source.PEOPLE and judged['input_size'] == [64, 64]
    assert judged['gain']['interval'][0] <= judged['gain']['auc'] <= judged['gain']['interval'][1]
    assert judged['landmarks']['test_images'] == 4 and len(judged['trained']['taps']) == 4
    kept = list(done.cache.glob('sources/*/judged-*.json'))
    assert json.loads(kept[0].read_text())['judged'] == judged


def test_a_suite_finishes_though_its_source_can_not_be_judged(tiny, tmp_path):
    write_identity_dataset(root := tmp_path / 'faces', identities=1, shots=3, image_size=32)
    judge = f"\nsource = dict(judge=dict(type='identities', root={str(root)!r}))"
    text = judge.replace('source = dict(', 'source = dict(data=dict(identities=4, shots=4), epochs=1, batch_size=4, ')
    done = tiny.run('--methods', 'ft', text=text)
    assert done.returncode == 0 and '1 of 1 runs done' in done.stdout
    assert f'warning: the source was not judged: {root}/index.csv: shows one identity' in done.stderr
    with (root / 'index.csv').open('w', newline='') as stream:
        csv.writer(stream).writerow(['file', 'identity'])
    told = tiny.run('--methods', 'ft', text=text)
    assert told.returncode == 0 and f'warning: tiny.py: source.judge: {root}/index.csv: ' in told.stderr
    assert 'The runs go on without' in told.stderr
