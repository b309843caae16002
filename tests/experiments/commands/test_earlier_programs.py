"""Output folders of earlier and later programs: what is read, what is done again, what is refused, what is said."""

import json
import shutil
from pathlib import Path

import pandas
import pytest

from benchmark.experiments.commands import run_suite
from benchmark.experiments.commands import status as status_command
from benchmark.experiments.commands import work as work_command
from benchmark.experiments.commands.results import collect, tuned
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.plan import content, identity, plan, source
from benchmark.experiments.state.records import LaterFormat, State, read_record, status, write_record
from benchmark.experiments.state.tasks import check_numerics, read_work
from benchmark.experiments.suite.fields import changed
from benchmark.experiments.suite.inputs import RandomSource
from benchmark.experiments.suite.suite import load_suite
from benchmark.numerics import NUMERICS
from benchmark.statistics import TableError, analyze, read_suite, write_analysis
from benchmark.statistics.ledger import LOOKS, Ledger, read_ledger
from reports import build_report

FINISHED = Path(__file__).parents[2] / 'data/finished_suites'
ROOT = Path(__file__).parents[3]
COMMIT = '7c27aedb5d'
PLAIN = f"""
_base_ = {str(ROOT / 'mmconfigs/suites/smoke.py')!r}
methods = dict(_delete_=True, ft={{}}, ctd_com={{}})
seeds = 2
data = dict(train=6, val=2, test=6)
source = dict(data=dict(identities=4, shots=4), epochs=1, batch_size=4)
analysis = dict(proposed='ctd_com', reference='ft', groups=[])
settings = dict(iterations=4, batch_size=3, decoder_channels=16)
"""


@pytest.fixture
def old(tmp_path):
    """Gives a copy of a finished suite, by name."""
    def copy(name: str) -> Path:
        return Path(shutil.copytree(FINISHED / name, tmp_path / name))
    return copy


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    """A cache that the module's plans share."""
    return tmp_path_factory.mktemp('cache')


@pytest.fixture
def planned(tmp_path, cache, monkeypatch):
    """Plans the suite that ``plain`` was made of, for a folder."""
    monkeypatch.setenv('CTD_CACHE', str(cache))
    (tmp_path / 'suite.py').write_text(PLAIN)

    def make(out: Path = tmp_path / 'plain', **options) -> plan.Plan:
        return plan.make_plan(load_suite(str(tmp_path / 'suite.py')), out, **options)
    return make


# -- reading ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(('name', 'planned', 'runs', 'methods'), [('plain', 4, 4, ['ft', 'ctd_com']),
                                                                  ('tuned', 8, 6, ['ft', 'ctd_ed'])])
def test_a_suite_that_an_older_version_finished_is_analysed_and_shown(old, name, planned, runs, methods):
    folder = old(name)
    suite = read_suite(folder)
    analysis = analyze(suite.table, suite.plan, suite.records, draws=100)
    assert (analysis['runs']['planned'], analysis['runs']['done']) == (planned, planned)
    # Several conditions may share a training; it was made once.
    assert analysis['program']['runs'] == [dict(version='0.1.0', commit=analysis['program']['runs'][0]['commit'],
                                                dirty=False, runs=runs)]
    assert not {'mixed programs', 'part of a suite'} & {one['kind'] for one in analysis['alerts']}
    for condition, block in analysis['conditions'].items():
        rows = suite.table[suite.table.condition == condition]
        for method in methods:
            means = rows[rows.method == method].groupby(['seed', 'image']).error.mean().groupby('seed').mean()
            assert block['methods'][method]['endpoints']['ME']['mean'] == pytest.approx(means.mean())
    write_analysis(folder / 'analysis.json', dict(analysis, report=dict(sections=['headline', 'environment'])))
    page = build_report(folder / 'analysis.json', folder).read_text()
    footer = page[page.index('<footer'):]
    assert f'Runs: version 0.1.0, commit {COMMIT}, numerics 0.' in footer
    assert f', numerics {NUMERICS}.' in footer.partition('Analysis and page: ')[2]
    assert f'Runs: version 0.1.0, commit {COMMIT}, numerics 0.' in (folder / 'report/summary.md').read_text()


def test_an_older_suites_table_is_collected_from_its_runs_as_it_was(old):
    folder = old('plain')
    work = read_work(folder)
    assert (work.numerics, work.trials, len(work.runs)) == (0, None, 4)
    assert {task.status().state for task in work.runs} == {State.DONE}
    before = pandas.read_parquet(folder / 'results.parquet')
    (folder / 'results.parquet').unlink()
    now = pandas.read_parquet(collect(work, tuned(work)))
    assert now.pop('trained').all()
    pandas.testing.assert_frame_equal(now, before)
    assert {row['state'] for row in status_command.rows(work)} == {'done'}


def test_an_older_suites_tries_are_read(old):
    folder = old('tuned')
    work = read_work(folder)
    assert work.trials == 2 and len(work.runs) == 12
    suite = read_suite(folder)
    groups = suite.plan['tuning']['groups']
    assert len(groups) == 8 and all(len(group['tries']) == 2 and group['chosen'] for group in groups)
    assert len(suite.plan['runs']) == 8


# -- done again -------------------------------------------------------------------------------------------------------

def test_a_dry_run_says_which_runs_an_earlier_program_made(old, planned, capsys):
    status_command.describe(planned(old('plain')))
    said = capsys.readouterr().out
    assert '4 of 4 runs were made by an earlier version (numerics 0; this one has ' in said
    assert 'and are repeated; nothing is removed from ' in said and '4 of 4 runs to do' in said
    assert said.count(f'numerics of the suite 0 -> {NUMERICS}') == 4


def test_the_number_is_part_of_the_hash_of_every_run_and_source(planned, monkeypatch):
    before = planned()
    for module in (identity, source, content):
        monkeypatch.setattr(module, 'NUMERICS', NUMERICS + 1)
    after = planned()
    assert not {run.hash for run in before.runs} & {run.hash for run in after.runs}
    assert before.source.hash != after.source.hash and before.source.path != after.source.path
    assert (before.content['numerics'], after.content['numerics']) == (NUMERICS, NUMERICS + 1)
    assert before.content['format_version'] == 1
    untrained = changed(load_suite(str(before.out.parent / 'suite.py')), source=RandomSource())
    kinds = [source.plan_source(untrained, None, Path()).hash]
    monkeypatch.setattr(source, 'NUMERICS', NUMERICS)
    kinds.append(source.plan_source(untrained, None, Path()).hash)
    assert kinds[0] != kinds[1], 'a random source'


def test_the_sources_hash_is_the_same_under_both_names_of_the_plug_ins(planned, monkeypatch):
    def earlier(*args):
        cfg = config(*args)
        assert cfg.custom_imports.imports == ['benchmark.plugins']
        cfg.custom_imports.imports = ['benchmark']
        return cfg

    after, config = planned(), source._config
    monkeypatch.setattr(source, '_config', earlier)
    before = planned()
    assert before.source.hash == after.source.hash
    assert [run.hash for run in before.runs] == [run.hash for run in after.runs]


def test_what_an_earlier_program_made_is_kept_beside_the_new_plan(old, planned, capsys):
    folder = old('plain')
    write_analysis(folder / 'analysis.json', dict(of='the old results'))
    (folder / 'report').mkdir()
    (folder / 'report/index.html').write_text('the old page')
    table = (folder / 'results.parquet').read_bytes()
    Ledger(folder, 'plain').with_look(dict(seeds={}, planned={}, failed={}, runs={}, plan=dict(sequential=None),
                                           look=None)).write()
    looks = (folder / LOOKS).read_bytes()
    run_suite.store(planned(folder))
    place = folder / 'earlier/numerics-0'
    assert (place / LOOKS).read_bytes() == looks and read_ledger(folder).looks == ()
    entry, = read_ledger(folder).earlier
    assert entry['why'] == 'other numerics' and entry['looks'] == 1 and entry['file'] == f'earlier/numerics-0/{LOOKS}'
    assert f'(numerics 0) are moved to {place}' in capsys.readouterr().out
    assert (place / 'results.parquet').read_bytes() == table
    assert (place / 'report/index.html').read_text() == 'the old page' and (place / 'analysis.json').is_file()
    assert not [name for name in run_suite.MADE if (folder / name).exists()]
    assert json.loads((folder / 'plan.json').read_text())['numerics'] == NUMERICS
    suite = read_suite(place)
    assert len(suite.records) == 4 and suite.plan['runs'][0]['id'].startswith('ft/')
    assert analyze(suite.table, suite.plan, suite.records, draws=100)['runs']['done'] == 4
    assert len(list(folder.glob('runs/*/*/predictions.parquet'))) == 4
    run_suite.store(planned(folder))
    assert [path.name for path in (folder / 'earlier').iterdir()] == ['numerics-0']


def test_a_second_earlier_program_gets_a_folder_of_its_own(old):
    folder = old('plain')
    run_suite.keep_earlier(folder)
    for name in ('plan.json', 'results.parquet'):
        shutil.copy(FINISHED / 'plain' / name, folder)
    run_suite.keep_earlier(folder)
    assert sorted(path.name for path in (folder / 'earlier').iterdir()) == ['numerics-0', 'numerics-0-1']


def test_a_plan_of_the_same_numerics_only_outdates_what_was_made(planned, tmp_path):
    out = tmp_path / 'out'
    run_suite.store(planned(out))
    (out / 'results.parquet').write_bytes(b'of the plan')
    run_suite.store(planned(out))
    assert (out / 'results.parquet').exists()
    run_suite.store(planned(out, only='ft/*'))
    assert not (out / 'results.parquet').exists() and not (out / 'earlier').exists()


# -- other programs ---------------------------------------------------------------------------------------------------

def test_a_worker_refuses_the_plan_of_another_program(old, capsys):
    folder = old('plain')
    assert work_command.main([str(folder)]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and said.startswith(f'error: {folder}/plan.json was made for numerics 0, and ')
    assert f'computes with numerics {NUMERICS}' in said and 'run the command that made it again' in said
    assert not list(folder.glob('runs/*/*/log'))
    check_numerics(NUMERICS, 'a plan')


def test_a_run_whose_process_is_another_program_fails_transiently(registered):
    from benchmark.experiments.run import one_run
    one_run._same_numerics(dict(numerics=NUMERICS))
    with pytest.raises(one_run.OtherProgram, match=f'numerics {NUMERICS + 1}, and this program .* numerics {NUMERICS}'):
        one_run._same_numerics(dict(numerics=NUMERICS + 1))
    assert one_run._failure(one_run.OtherProgram(''))['may_pass']
    assert one_run.CODE['numerics'] == NUMERICS and len(one_run.CODE['deciding']) == 64


def finished(made: plan.Plan, **code) -> None:
    """Makes the plan's runs look done by some program."""
    for run in made.runs:
        folder = made.folder(run)
        folder.mkdir(parents=True)
        (folder / 'predictions.parquet').write_bytes(b'rows')
        digest = identity.file_digest(folder / 'predictions.parquet')
        write_record(folder, dict(state='done', hash=run.hash, result_sha256=digest, code=code))


def test_done_runs_of_a_program_that_computes_otherwise_are_told(planned, tmp_path, capsys):
    made = planned(tmp_path / 'out')
    finished(made, version='0.1.0', numerics=NUMERICS, commit='f' * 40, changed=0, changed_files=[], deciding='0' * 64)
    status_command.describe(made)
    said = capsys.readouterr().out
    assert '4 of 4 runs are done, by a version whose code that decides results differs from this one' in said
    assert 'commit ffffffffff' in said and '0 of 4 runs to do' in said


def test_done_runs_of_another_commit_that_computes_alike_are_not(planned, tmp_path, capsys):
    made = planned(tmp_path / 'out')
    finished(made, version='0.1.0', numerics=NUMERICS, commit='f' * 40, changed=0, changed_files=[],
             deciding=status_command.deciding_digest())
    status_command.describe(made)
    assert 'differs' not in capsys.readouterr().out


# -- later formats ----------------------------------------------------------------------------------------------------

def test_a_record_carries_its_format_and_a_later_one_is_neither_damaged_nor_done_again(tmp_path):
    write_record(tmp_path, dict(state='failed', hash='h'))
    assert read_record(tmp_path)['format_version'] == 1
    content = {k: v for k, v in json.loads((tmp_path / 'record.json').read_text()).items() if k != 'record_sha256'}
    content['format_version'] = 2
    run_suite.write_json(tmp_path / 'record.json', content | dict(record_sha256=identity.digest(content)))
    with pytest.raises(LaterFormat, match=r'record\.json: format_version 2 is of a later version.*reads up to 1\. Use'):
        status(tmp_path, 'h')


@pytest.mark.parametrize('version', [2, '2', 1.5, -1, None])
def test_a_later_plan_is_refused_by_workers_and_by_the_analysis(old, version):
    folder = old('plain')
    content = json.loads((folder / 'plan.json').read_text()) | dict(format_version=version)
    (folder / 'plan.json').write_text(json.dumps(content))
    with pytest.raises(SuiteError, match=r'plan\.json: format_version .* is of a later version of the suite'):
        read_work(folder)
    with pytest.raises(TableError, match=r'plan\.json: format_version .* later version.*; analyse it with that'):
        read_suite(folder)


def test_a_later_record_is_refused_by_the_analysis(old):
    folder = old('plain')
    path = next(folder.glob('runs/*/*/record.json'))
    path.write_text(json.dumps(json.loads(path.read_text()) | dict(format_version=9)))
    with pytest.raises(TableError, match=r'record\.json: format_version 9 is of a later version'):
        read_suite(folder)


# -- a part of a suite ------------------------------------------------------------------------------------------------

def test_a_plan_says_what_was_asked_for(planned):
    assert 'part' not in planned().content and 'part' not in planned(only='*').content
    assert 'part' not in planned(methods=['ctd_com', 'ft']).content
    assert planned(only='ft/*').content['part'] == dict(only='ft/*', runs=2, of_runs=4)
    assert planned(methods=['ft']).content['part'] == dict(methods=['ft'], of_methods=2)
    assert planned(methods=['ft'], only='*seed1*').content['part'] == dict(
        only='*seed1*', runs=1, of_runs=2, methods=['ft'], of_methods=2)
