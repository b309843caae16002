"""The ledger of looks: when a suite was looked at, with which runs; it only grows; a changed one is refused."""

import importlib.util
import json
import multiprocessing
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from benchmark.statistics import TableError, analyze_suite, looking, read_suite
from benchmark.statistics.ledger import LOOKS, Ledger, locked, read_ledger, sealed, start_anew
from benchmark.statistics.sequential.records import Look
from benchmark.utils.files import digest

LOOKS_PLAN = dict(max_seeds=8, first_look=2)


def run_of(method: str, seed: int, hash: str = '') -> dict:
    hash = hash or f'{method}{seed}'.ljust(8, '0')
    return dict(id=f'{method}/all-seed{seed}-{hash[:8]}', condition='all', method=method, seed=seed, hash=hash)


class Small:
    """A suite of two methods as it lies in its folder, without what no look asks for."""

    def __init__(self, folder) -> None:
        self.folder = folder
        folder.mkdir()

    def has(self, a: int, b: int = 0, failed: tuple = (), hashes: dict | None = None, suite: str = 'small',
            **analysis) -> 'Small':
        """So many seeds of each method, of which some failed."""
        runs = [run_of(method, seed, (hashes or {}).get(f'{method}{seed}', ''))
                for method, seeds in dict(a=a, b=b or a).items() for seed in range(seeds)]
        plan = dict(suite=suite, methods=[dict(name='a'), dict(name='b')], conditions=[dict(name='all')], runs=runs,
                    seeds=[*range(max(a, b))], analysis=dict(reference='b', draws=100) | analysis)
        (self.folder / 'plan.json').write_text(json.dumps(plan))
        done = [run for run in runs if (run['method'], run['seed']) not in failed]
        rows = [dict(method=run['method'], seed=run['seed'], image=f'i{n}', error=1 + n / 9 + (run['seed'] * n) % 3 / 7
                     + (run['method'] == 'a') / 5) for run in done for n in range(5)]
        pd.DataFrame(rows).to_csv(self.folder / 'results.csv', index=False)
        for run in runs:
            place = self.folder / 'runs' / run['id']
            place.mkdir(parents=True, exist_ok=True)
            state = 'done' if run in done else 'failed'
            (place / 'record.json').write_text(json.dumps(dict(id=run['id'], hash=run['hash'], state=state)))
        return self

    def look(self, anew: bool = False, **choices) -> dict:
        return analyze_suite(self.folder, read_suite(self.folder), anew, **choices)

    @property
    def looks(self) -> list[dict]:
        return json.loads((self.folder / LOOKS).read_text())['looks']


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A suite whose analysis computes nothing: what is recorded of a look does not depend on it."""
    def analyze(table, plan, records, looks=(), **choices) -> dict:
        seeds = {name: int(count) for name, count in table.groupby('method').seed.nunique().items()}
        new = [] if looks and looks[-1].seeds == seeds else [Look(len(looks) + 1, seeds, (), 'd', False)]
        return dict(alerts=[], notes=[], sequential=dict(looks=[one.to_json() for one in (*looks, *new)]))

    monkeypatch.setattr(looking, 'analyze', analyze)
    return Small(tmp_path / 'small')


def test_the_tool_records_what_it_analyses(tmp_path, capsys):
    suite = Small(tmp_path / 'small').has(2)
    assert tool().main([str(suite.folder), '--out', str(tmp_path / 'out')]) == 0
    assert len(suite.looks) == 1 and not (tmp_path / 'out' / LOOKS).exists()
    assert tool().main([str(suite.folder), '--start-anew']) == 0
    alerts = json.loads((suite.folder / 'analysis.json').read_text())['alerts']
    assert 'looks begun anew' in [one['kind'] for one in alerts]
    assert tool().main([str(suite.folder / 'results.csv')]) == 0 and len(suite.looks) == 1
    assert tool().main([str(suite.folder / 'results.csv'), '--start-anew']) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith("results.csv: --start-anew is for a suite's folder with its runs; leave it out")
    edit(suite.folder / 'plan.json', lambda plan: [run.pop('hash') for run in plan['runs']])
    assert tool().main([str(suite.folder)]) == 0 and len(suite.looks) == 1, 'runs that nobody can tell from others'


def tool():
    spec = importlib.util.spec_from_file_location('tool_analyze', Path(__file__).parents[2] / 'tools/analyze.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def edit(path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_look_at_the_same_seeds_is_recorded_once_and_at_others_again(small):
    small.has(3).look()
    first = (small.folder / LOOKS).read_bytes()
    small.look()
    assert (small.folder / LOOKS).read_bytes() == first
    small.has(3, 4).look()
    one, two = small.looks
    assert json.loads(first)['looks'] == [one] and (one['number'], two['number']) == (1, 2)
    assert (one['seeds'], two['seeds']) == (dict(a=[0, 1, 2], b=[0, 1, 2]), dict(a=[0, 1, 2], b=[0, 1, 2, 3]))
    assert two['planned'] == dict(a=3, b=4) and two['runs']['b/all-seed3-b3000000'] == 'b3000000'
    assert two['plan']['pairs'] == [['a', 'b']] and two['plan']['alpha'] == 0.05 and two['plan']['sequential'] is None


def test_seeds_that_failed_are_counted_and_looked_at_when_they_are_done(small):
    small.has(3, failed=[('a', 1)]).look()
    small.has(3).look()
    one, two = small.looks
    assert one['failed'] == dict(a=[1]) and one['seeds']['a'] == [0, 2] and one['planned'] == dict(a=3, b=3)
    assert two['failed'] == {} and two['seeds']['a'] == [0, 1, 2]


def test_a_part_of_what_was_seen_is_no_look(small):
    small.has(3).look()
    suite = read_suite(small.folder)
    rows = suite.table[suite.table.method == 'b']
    runs = [run for run in suite.plan['runs'] if run['method'] == 'b']
    part = type(suite)(rows, suite.plan | dict(runs=runs, methods=[dict(name='b')]), suite.records)
    analyze_suite(small.folder, part)
    assert len(small.looks) == 1


def test_a_copied_folder_keeps_its_looks(small, tmp_path):
    small.has(2).look()
    other = Small(tmp_path / 'made')
    shutil.rmtree(other.folder)
    shutil.copytree(small.folder, other.folder)
    other.has(4).look()
    assert [one['number'] for one in other.looks] == [1, 2] and other.looks[0] == small.looks[0]


# -- what can't be gone on with ---------------------------------------------------------------------------------------

@pytest.mark.parametrize(('change', 'words'), [
    (lambda c: c['looks'].pop(), 'field digest: does not fit'),
    (lambda c: c['looks'].pop(0), r'field looks\[0\].previous: does not fit'),
    (lambda c: c['looks'][0]['seeds'].update(a=[0]), r'field looks\[0\].digest: does not fit'),
    (lambda c: c['looks'][1].pop('runs'), r"field looks\[1\]: 'runs' is a required property"),
    (lambda c: c['earlier'].append(dict(file='x', why='x', looks=1, sha256='')), r'looks\[0\].previous: does not fit'),
    (lambda c: c.update(looks=[]), 'field digest: does not fit'),
    (lambda c: c.update(looks=c['looks'][1:]), r'looks\[0\].previous: does not fit'),
    (lambda c: c.update(sealed({k: v for k, v in c.items() if k != 'digest'} | dict(looks=c['looks'][::-1]))),
     r'looks\[0\].previous: does not fit'),
])
def test_a_ledger_that_was_cut_or_edited_is_refused(small, change, words):
    small.has(2).look()
    small.has(3).look()
    edit(small.folder / LOOKS, change)
    before = (small.folder / LOOKS).read_bytes()
    with pytest.raises(TableError, match=f'looks.json: .*{words}.* was cut or edited; put the right one back, or begin '
                                         'again with --start-anew, which keeps this one in earlier/') as found:
        small.has(4).look()
    assert '\n' not in str(found.value) and (small.folder / LOOKS).read_bytes() == before


def test_a_ledger_that_is_cut_in_the_middle_of_the_file_is_refused(small):
    small.has(2).look()
    path = small.folder / LOOKS
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(TableError, match='looks.json: the whole file is not JSON .*: it was cut or edited; put'):
        small.look()


def test_a_ledger_of_another_suite_or_of_a_later_version_is_refused(small, tmp_path):
    other = Small(tmp_path / 'other').has(2, suite='other')
    other.look()
    shutil.copy(other.folder / LOOKS, small.folder)
    with pytest.raises(TableError, match="looks.json: field suite: these are looks at 'other', and the plan beside it "
                                         "is of 'small'; put the right one back"):
        small.has(2).look()
    edit(small.folder / LOOKS, lambda c: c.update(format_version=9))
    with pytest.raises(TableError, match='looks.json: format_version 9 is of a later version.*analyse it with that'):
        small.look()


@pytest.mark.parametrize(('now', 'words'), [
    (dict(sequential=dict(LOOKS_PLAN, max_seeds=9)), 'since look 1: sequential.max_seeds 8 -> 9. Looks hold'),
    (dict(margin=dict(ME=0.1)), 'margin.ME none -> 0.1'),
    (dict(alpha=0.1), 'alpha 0.05 -> 0.1'),
    (dict(pairs=[['b', 'a']], reference=None), r'pairs \[\["a", "b"\]\] -> \[\["b", "a"\]\]'),
    (dict(sequential=None), r'sequential \{"max_seeds": 8, .* -> none'),
])
def test_a_plan_that_has_changed_after_a_look_is_refused_with_what_has(small, now, words):
    small.has(2, sequential=LOOKS_PLAN).look()
    with pytest.raises(TableError, match=f'looks.json: the analysis plan has changed {"" if "since" in words else ".*"}'
                                         f'{words}.*put it back, or begin again with --start-anew') as found:
        small.has(3, **dict(sequential=LOOKS_PLAN) | now).look()
    assert '\n' not in str(found.value) and len(small.looks) == 1
    small.has(3, sequential=LOOKS_PLAN, groups=[], seed=3).look()
    assert len(small.looks) == 2


def test_a_choice_of_the_command_line_is_a_changed_plan_too(small):
    small.has(2, sequential=LOOKS_PLAN).look()
    with pytest.raises(TableError, match='since look 1: alpha 0.05 -> 0.1.'):
        small.look(alpha=0.1)


def test_a_sequential_plan_is_not_declared_after_a_look(small):
    small.has(2).look()
    with pytest.raises(TableError, match=r'since look 1: sequential none -> \{"max_seeds": 8'):
        small.has(3, sequential=LOOKS_PLAN).look()


@pytest.mark.parametrize(('plan', 'words'), [({}, 'declares none'), (dict(sequential=LOOKS_PLAN), 'declares others')])
@pytest.mark.parametrize('anew', [False, True])
def test_looks_are_not_declared_by_who_has_the_results(small, plan, words, anew):
    small.has(2, **plan)
    with pytest.raises(TableError, match='small: --sequential: looks are declared before there are results, and the '
                                         f'plan of this suite {words}; leave the option out, or declare') as told:
        small.look(anew, sequential=dict(LOOKS_PLAN, max_seeds=9))
    assert '\n' not in str(told.value) and not (small.folder / LOOKS).exists()
    small.has(2, sequential=LOOKS_PLAN).look(sequential=LOOKS_PLAN)
    assert len(small.looks) == 1, 'the same looks say nothing new'


def test_without_a_sequential_plan_a_changed_declaration_is_recorded_and_not_refused(small):
    small.has(2).look()
    small.has(3, alpha=0.1).look()
    assert [one['plan']['alpha'] for one in small.looks] == [0.05, 0.1]


def test_runs_of_an_earlier_look_that_are_gone_are_named(small):
    small.has(3, sequential=LOOKS_PLAN).look()
    with pytest.raises(TableError, match='look 1 was taken with b/all-seed2-b2000000, which are not among the runs '
                                         'now: run the suite as it was then, or begin again'):
        small.has(3, 2, sequential=LOOKS_PLAN).look()
    with pytest.raises(TableError, match='look 1 was taken with a/all-seed0-a0000000, which are'):
        small.has(3, sequential=LOOKS_PLAN, hashes=dict(a0='changed')).look()


# -- beginning again --------------------------------------------------------------------------------------------------

def test_who_begins_again_keeps_the_old_ledger_and_the_page_says_so(small):
    small.has(2).look()
    small.has(3).look()
    before = (small.folder / LOOKS).read_bytes()
    content = small.has(4, sequential=LOOKS_PLAN).look(anew=True)
    assert (small.folder / 'earlier/looks-1.json').read_bytes() == before and len(small.looks) == 1
    told, = [one['text'] for one in content['alerts'] if one['kind'] == 'looks begun anew']
    assert '2 earlier looks (earlier/looks-1.json) saw 6 of the 8 runs that are analysed here, and no error' in told
    assert told in [one['text'] for one in small.look()['alerts']], 'as long as there is the folder'
    small.has(5).look(anew=True)
    assert read_ledger(small.folder).before == 3 and len([*(small.folder / 'earlier').iterdir()]) == 2


def test_a_new_ledger_without_a_look_is_not_kept_and_none_is_nothing(small):
    assert start_anew(small.folder, 'small') is None and not (small.folder / LOOKS).exists()
    small.has(2).look()
    assert start_anew(small.folder, 'small') and start_anew(small.folder, 'small') is None
    assert [path.name for path in (small.folder / 'earlier').iterdir()] == ['looks-1.json']


def test_a_new_beginning_that_was_killed_counts_the_old_looks_once(small, monkeypatch):
    small.has(2).look()

    def killed(self):
        raise KeyboardInterrupt
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Ledger, 'write', killed)
        start_anew(small.folder, 'small')
    assert len(small.looks) == 1
    start_anew(small.folder, 'small')
    assert read_ledger(small.folder).before == 1 and small.looks == []
    assert [path.name for path in (small.folder / 'earlier').iterdir()] == ['looks-1.json']


def test_a_ledger_that_cannot_be_read_is_kept_too_and_counts_as_one_look(small):
    small.has(2).look()
    small.has(3).look(anew=True)
    (small.folder / LOOKS).write_text('{"looks": [')
    small.look(anew=True)
    found = read_ledger(small.folder)
    assert [one['looks'] for one in found.earlier] == [1, None] and found.before == 2
    assert (small.folder / 'earlier/looks-2.json').read_text() == '{"looks": ['


def test_a_cut_ledger_counts_once_though_its_new_beginning_was_killed(small, monkeypatch):
    small.has(2).look()
    (small.folder / LOOKS).write_text('{"looks": [')

    def killed(self):
        raise KeyboardInterrupt
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Ledger, 'write', killed)
        start_anew(small.folder, 'small')
    assert start_anew(small.folder, 'small').name == 'looks-1.json'
    found = read_ledger(small.folder)
    assert [one['file'] for one in found.earlier] == ['earlier/looks-1.json'] and found.before == 1


def test_other_runs_under_the_same_names_begin_a_ledger_which_a_note_says(small):
    small.has(2).look()
    content = small.has(2, hashes=dict(a0='otherwise')).look()
    assert len(small.looks) == 1 and 'otherwise' in small.looks[0]['runs'].values()
    assert not [one for one in content['alerts'] if 'anew' in one['kind']]
    told, = [text for text in content['notes'] if 'begun anew' in text]
    assert '1 earlier look (earlier/looks-1.json) saw 3 of the 4 runs' in told


# -- killed, and at the same time -------------------------------------------------------------------------------------

def test_a_look_that_was_killed_is_taken_again_and_counts_once(small, monkeypatch):
    small.has(2)

    def killed(*args, **more):
        raise KeyboardInterrupt
    for name in ('analyze', '_record', '_tell_before'):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(looking, name, killed)
            small.look()
        assert not (small.folder / LOOKS).exists() or len(small.looks) == (name == '_tell_before')
    small.look()
    assert len(small.looks) == 1


def test_looks_of_two_processes_at_the_same_time_are_one(small):
    small.has(2)
    fork = multiprocessing.get_context('fork')
    with locked(small.folder):
        others = [fork.Process(target=small.look) for _ in range(2)]
        for one in others:
            one.start()
        others[0].join(1.5)
        assert others[0].exitcode is None and not (small.folder / LOOKS).exists()
    for one in others:
        one.join(60)
    assert [one.exitcode for one in others] == [0, 0] and len(small.looks) == 1


def test_somebody_elses_look_in_the_meantime_is_not_written_over(small, monkeypatch):
    small.has(2).look()
    analyze = looking.analyze

    def meanwhile(*args, **more):
        ledger = read_ledger(small.folder)
        kept = {name: ledger.looks[0][name] for name in ('planned', 'failed', 'runs', 'plan', 'look')}
        ledger.with_look(kept | dict(seeds=dict(a=[7], b=[7]))).write()
        return analyze(*args, **more)
    monkeypatch.setattr(looking, 'analyze', meanwhile)
    with pytest.raises(TableError, match='somebody else has looked at other seeds just now; run the command again'):
        small.has(3).look()
    assert len(small.looks) == 2


def test_a_ledger_that_cannot_be_written_is_a_note_unless_looks_are_declared(small, monkeypatch):
    def refused(self):
        raise PermissionError(13, 'Permission denied', str(self.path))
    monkeypatch.setattr(Ledger, 'write', refused)
    assert [text for text in small.has(2).look()['notes'] if 'not in the ledger of the suite' in text]
    with pytest.raises(PermissionError):
        small.has(2, sequential=LOOKS_PLAN).look()


def test_other_runs_in_a_folder_that_cannot_be_written_are_analysed_and_the_old_looks_counted(small, monkeypatch):
    small.has(2).look()
    before = (small.folder / LOOKS).read_bytes()

    def refused(path, *args):
        raise OSError(30, 'Read-only file system', str(path))
    monkeypatch.setattr('benchmark.statistics.ledger.write_bytes', refused)
    content = small.has(2, hashes=dict(a0='otherwise')).look()
    assert (small.folder / LOOKS).read_bytes() == before
    not_in, told = content['notes']
    assert not_in == f'This look is not in the ledger of the suite, {small.folder / LOOKS}: Read-only file system.'
    assert '1 earlier look (looks.json) saw 3 of the 4 runs that are analysed here' in told

    def full(path, *args):
        raise OSError(28, 'No space left on device', str(path))
    monkeypatch.setattr('benchmark.statistics.ledger.write_bytes', full)
    with pytest.raises(OSError, match='No space left'):
        small.look()


def test_the_chain_is_what_is_said_of_it(small):
    small.has(2).look()
    small.has(3).look()
    content = json.loads((small.folder / LOOKS).read_text())
    one, two = content['looks']
    assert one['previous'] == digest({name: content[name] for name in ('format_version', 'suite', 'begun', 'earlier')})
    assert two['previous'] == one['digest'] == digest({k: v for k, v in one.items() if k != 'digest'})
    assert os.listdir(small.folder / 'runs') and content['digest'] == digest(
        {k: v for k, v in content.items() if k != 'digest'})
