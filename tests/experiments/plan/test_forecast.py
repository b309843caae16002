"""The time left that is shown, beside the time that was left: a demo's recorded runs are played again."""

import functools
import heapq
import json
import statistics

import pytest

from benchmark.experiments.plan.forecast import Forecast, cost, duration
from benchmark.experiments.run import progress
from benchmark.experiments.run.progress import Progress
from benchmark.experiments.state.records import write_record
from benchmark.experiments.state.tasks import EXECUTION, RUN, Task, Work
from benchmark.experiments.suite.configs import find_config, read_config

#: Processor seconds of the demo's runs on one thread, in the suite's order, with 40 steps instead of 300; two of each
#: method, the first with its imports, or what it computes of a frozen network for later ones.
DEMO = dict(fe=(6.2, 2.8), ftp=(5.9, 4.4), ft=(8.1, 7.4), hg=(6.7, 6.0), ctd_cd=(9.2, 7.9), ctd_ed=(9.3, 7.8),
            ctd_com=(10.2, 10.1))
HALF = 1.5


@functools.cache
def price(method: str) -> float:
    return cost(read_config(find_config('methods', method)), 40)


def tasks(tmp_path, order: list[str], seeds: int, price=price) -> list[Task]:
    return [Task(f'{name}/{seed}', RUN, tmp_path / f'{name}{seed}', f'{name}{seed}', dict(method=name), price(name))
            for seed in range(seeds) for name in order]


def play(work: list[Task], took: dict[str, float], places: int, monkeypatch, capsys) -> list[tuple[float, float]]:
    """Does runs on a clock of its own; gives shown and true time left after each end from the second on."""
    now = [0.0]
    monkeypatch.setattr(progress.time, 'time', lambda: now[0])
    shown = []
    monkeypatch.setattr(progress, 'duration', lambda seconds: shown.append((seconds, now[0])) or duration(seconds))
    waiting, ends = list(work), []
    with Progress('plain', len(work), 0, Forecast(work, places)) as display:
        while waiting or ends:
            while waiting and len(ends) < places:
                task = waiting.pop(0)
                heapq.heappush(ends, (now[0] + took[task.id], task.id))
                display.start(task.id, task.folder)
            now[0], name = heapq.heappop(ends)
            display.finish(name, dict(seconds=took[name]), True)
    assert capsys.readouterr().out.count(' left)') == len(shown) == len(work) - 2
    return [(left, now[0] - at) for left, at in shown]


@pytest.mark.parametrize('places', [1, 2])
@pytest.mark.parametrize('turn', range(7))
def test_from_the_second_run_on_it_is_right_to_half_as_much(tmp_path, monkeypatch, capsys, places, turn):
    """With the demo's three seeds, whichever methods come first.

    With two, a method's first run, which has the imports in it, is half of what is known of it, and the forecast can be
    off by a factor of 1.6.
    """
    seeds = 3
    order = [*DEMO][turn:] + [*DEMO][:turn]
    work = tasks(tmp_path, order, seeds)
    took = {task.id: DEMO[task.entry['method']][seed % 2] for seed in range(seeds) for task in work
            if task.id.endswith(f'/{seed}')}
    for shown, true in play(work, took, places, monkeypatch, capsys):
        # What is left at the end may be a fraction of a run, whose length varies.
        assert true / HALF <= shown <= true * HALF or abs(shown - true) < 0.2 * statistics.mean(took.values()), true


def test_a_tenth_of_the_labels_or_an_eighth_of_the_pixels_costs_as_much_less():
    config = read_config(find_config('methods', 'ft'))
    full = cost(config, 100)
    config.train_dataloader.dataset.num_labels = 10
    assert cost(config, 100) == pytest.approx(full / 10)
    config.train_dataloader.dataset.num_labels = 1000
    config.train_dataloader.dataset.input_size = (128, 64)
    assert cost(config, 100) == pytest.approx(full / 8)


def test_stages_of_another_encoder_are_counted_from_its_end():
    """All of three stages are FE, two of three FTP, whatever the network has before them."""
    config = read_config(find_config('methods', 'fe'))
    shares = []
    for backbone in (dict(type='ResNet', frozen_stages=4), dict(type='TappedBackbone', taps='abc', frozen_stages=3),
                     dict(type='ResNet', frozen_stages=3), dict(type='TappedBackbone', taps='abc', frozen_stages=2),
                     dict(type='ResNet'), dict(type='TappedBackbone', taps='abc')):
        config.model.backbone = backbone
        shares.append(cost(config, 100))
    assert shares[0] == shares[1] < shares[2] == shares[3] < shares[4] == shares[5]


def test_unlike_methods_of_ones_own_are_known_once_they_have_been_seen(tmp_path, monkeypatch, capsys):
    work = tasks(tmp_path, ['own_a', 'own_b'], 4, lambda method: 1.0)
    took = {task.id: dict(own_a=1.0, own_b=60.0)[task.entry['method']] for task in work}
    for shown, true in play(work, took, 1, monkeypatch, capsys):
        assert shown == pytest.approx(true)


def test_what_was_done_before_counts_and_what_failed_permanently_is_not_waited_for(tmp_path):
    work = tasks(tmp_path, ['own'], 5, lambda method: 2.0)
    for task in work:
        task.folder.mkdir()
    write_record(work[0].folder, dict(hash=work[0].hash, state='done', seconds=10.0))
    write_record(work[1].folder, dict(hash=work[1].hash, state='failed', error=dict(may_pass=False)))
    write_record(work[2].folder, dict(hash=work[2].hash, state='failed', error=dict(may_pass=True)))
    write_record(work[3].folder, dict(hash='of another plan', state='done', seconds=99.0))
    (work[4].folder / 'record.json').write_text(json.dumps('damaged'))
    plan = Work(tmp_path, work, None, EXECUTION)
    assert Forecast.of(plan, 1).left({}) == 30.0 and Forecast.of(plan, 2).left({}) == 20.0
    assert Forecast.of(plan, 1, retry_failed=True).left({}) == 40.0
    assert Forecast.of(plan, 1).left({work[2].id: 4.0}) == 26.0
    assert Forecast.of(plan, 1).left({work[2].id: 99.0}) == 21.0


def test_a_run_that_goes_on_from_a_state_says_nothing_of_others(tmp_path):
    work = tasks(tmp_path, ['own'], 3, lambda method: 1.0)
    forecast = Forecast(work, 1)
    with Progress('none', 3, 0, forecast) as display:
        work[0].folder.mkdir()
        (work[0].folder / 'progress').write_text('3 4')
        for task in work[:2]:
            display.start(task.id, task.folder)
            display.finish(task.id, dict(seconds=1.0 if task is work[0] else 4.0), True)
    assert forecast.left({}) == 4.0
