"""Measuring works; how fast things are is no test's business."""

import itertools
import json
import runpy
import time
from pathlib import Path

import pytest

from benchmark.speed import statistics
from benchmark.speed.table import Measurement, markdown

TOOL = runpy.run_path(str(Path(__file__).parents[1] / 'tools/measure_speed.py'))


def test_a_measurement_stands_beside_its_target():
    rows = [Measurement('a', 12.0, 's', 11.0, 14.0, 3, 20.0), Measurement('b', 5.0, 'GiB', 5.0, 5.0, 1, 4.0),
            Measurement('c', 1.0, 's', 1.0, 1.0, 1)]
    assert [one.reached for one in rows] == [True, False, None]
    lines = markdown(rows).splitlines()
    assert lines[2] == '| a | 12 s | 11 to 14 (3) | at most 20 s | yes |'
    assert lines[3].endswith('at most 4 GiB | **no** |') and lines[4].endswith('| – | – |')


def test_more_may_be_better():
    rate = Measurement('runs', 9.0, '', 9.0, 9.0, 1, at_least=8.0)
    assert rate.reached and not Measurement('runs', 7.0, '', 7.0, 7.0, 1, at_least=8.0).reached
    assert '| at least 8  | yes |' in markdown([rate])


def test_exponents_by_hand(registered):
    from benchmark.speed.growth import Curve
    square = Curve('cost', 'images', 's', (1, 2, 4), ((3.0,), (12.0,), (40.0, 48.0, 50.0)))
    assert square.exponent == pytest.approx(2) and square.last_exponent == pytest.approx(2)
    late = Curve('cost', 'images', 's', (1, 10, 100), ((1.0,), (1.0,), (10.0,)))
    assert late.exponent == pytest.approx(0.5) and late.last_exponent == pytest.approx(1)
    rows = late.measurements()
    assert [row.value for row in rows] == pytest.approx([1, 1, 10, 0.5, 1])
    assert rows[2].what == 'cost, images 100' and rows[2].unit == 's'


def test_curves_are_drawn(registered, tmp_path):
    from benchmark.speed.growth import Curve, draw
    curves = [Curve('training: time', axis, 's', (1, 2), ((3.0,), (5.0,))) for axis in ('images', 'seeds')]
    draw(curves, tmp_path / 'a.svg')
    text = (tmp_path / 'a.svg').read_text()
    assert text.count('training: time') == 2 and 'exponent 0.74' in text


def test_made_faces_with_more_landmarks_are_read(registered, tmp_path):
    from benchmark.datasets.prepared import read_split
    from benchmark.datasets.synthetic.faces import write_landmark_dataset
    from benchmark.speed.growth import repeat_landmarks
    write_landmark_dataset(tmp_path / 'faces', dict(train=2, val=1, test=1), image_size=64, seed=0)
    repeat_landmarks(tmp_path / 'faces', 28)
    split = read_split(tmp_path / 'faces', 'train')
    assert len(set(split.meta.landmarks)) == 28 and split.meta.flip_indices[14:18] == (17, 16, 15, 14)


def test_without_a_gpu_nothing_of_one_is_measured(registered, monkeypatch, capsys):
    from benchmark.speed import gpu
    monkeypatch.setattr(gpu.torch.cuda, 'is_available', lambda: False)
    assert gpu.measure(1, quick=False, clock=None) == []
    assert 'no device' in capsys.readouterr().out


def test_operations_of_a_step_by_hand(registered):
    from benchmark.speed.contestants import Size
    from benchmark.speed.counts import step_flops
    size = Size(18, 64, 2, 8, width=64, decoder=32)
    # Maps of 2 x 2 places become 4, 8 and 16; a deconvolution is places in x channels in x channels out x 16.
    first, second, third = (2 * 2 * 512 * 32 * 16, 4 * 4 * 32 * 32 * 16, 8 * 8 * 32 * 32 * 16)
    last = 16 * 16 * 32 * 14
    # Forward and two gradients; a frozen output needs none. Twice for two images, twice for multiplying and adding.
    assert step_flops('fe', size) == 2 * 2 * (2 * first + 3 * (second + third + last))
    # The last stage: 4 x 4 places of 256 channels to 2 x 2 of 512.
    entry, skip, inner = 2 * 2 * 256 * 512 * 9, 2 * 2 * 256 * 512, 2 * 2 * 512 * 512 * 9
    stage = 2 * (entry + skip) + 3 * 3 * inner
    assert step_flops('ftp', size) == 2 * 2 * (stage + 3 * (first + second + third + last))
    assert step_flops('ft', size) > step_flops('ftp', size)


def test_a_converted_network_stands_beside_itself_in_stock_mmpose(registered, tmp_path):
    import torch
    from mmpose.registry import MODELS

    from benchmark.speed.contestants import Size, config, make_inputs
    size = Size(18, 64, 2, 4, decoder=16, backbone='mobilenet_v1', stride=16)
    data, source = make_inputs(tmp_path, size)
    ours, theirs, frozen = (config(name, size, data, source, 1).model for name in ('ft', 'stock', 'stock_fe'))
    assert ours.backbone.network.type == theirs.backbone.type == 'MobileNetV1'
    assert ours.backbone.taps[-1] == 'layer3' and theirs.backbone.out_indices == (2,)
    assert frozen.backbone.frozen_stages == 3
    plain = MODELS.build(theirs)
    kinds = {type(module).__name__ for module in plain.backbone.modules()}
    assert 'ReLU6' in kinds and 'PlainSameConv2d' in kinds and not {'ClampedReLU6', 'SameConv2d'} & kinds
    images, tapped = torch.rand(2, 3, 64, 64), MODELS.build(ours.backbone)
    tapped.load_state_dict(plain.backbone.state_dict(), strict=False)
    assert torch.equal(plain.eval().backbone(images)[-1], tapped.eval()(images)[-1])
    head, own = MODELS.build(theirs.head), MODELS.build(ours.head)
    assert [one.shape for one in head.parameters()] == [one.shape for one in own.parameters()]


@pytest.mark.parametrize('arguments', [['training', 'check', '--processor-time'], ['--backbone', 'mobilenet_v1'],
                                       ['training', '--backbone', 'resnet50'], ['check', '--resnet', '50'],
                                       ['training', '--backbone', 'mobilenet_v1', '--resnet', '50'],
                                       ['training', '--contestants', 'ctd_ed,ctd_com'],
                                       ['training', '--contestants', 'ft,ctd']])
def test_options_of_the_training_part_stand_with_it_alone(arguments, capsys):
    with pytest.raises(SystemExit, match='2'):
        TOOL['parse_args'](arguments)


def test_the_names_of_contestants_are_those_that_there_are(registered):
    from benchmark.speed.contestants import CONTESTANTS
    assert sorted(TOOL['COMPARED']) == sorted(CONTESTANTS)


@pytest.mark.slow
def test_features_come_from_the_cache_while_trainings_are_timed(registered):
    from benchmark.speed import training
    found = training.measure(1, quick=True, clock=time.perf_counter, processor=True, only=('ft', 'ctd_ed'))
    rows = {one.what.partition(': ')[2]: one.value for one in found}
    assert rows['ctd_ed, steps with frozen outputs from the cache'] == 1
    assert rows['CTD-ED / FT, time of an epoch'] > 0 and not any('stock' in what for what in rows)


def test_a_choice_left_out_is_one_change(registered, tmp_path):
    from benchmark.speed import choices
    from benchmark.speed.contestants import CHOICES, Size, config, make_inputs
    size = Size(18, 64, 4, 4, 16, 16)
    data, source = make_inputs(tmp_path, size)
    ft = config('ft', size, data, source, 1)
    changed = {}
    for name in CHOICES:
        one = config(name, size, data, source, 1)
        changed[name] = [key for key in ft if ft[key] != one[key]]
    assert [*choices.NAMES] == [*CHOICES]
    assert changed == {'ft_nchw': ['custom_hooks'], 'ft_kernels': ['custom_hooks'], 'ft_adam': ['optim_wrapper'],
                       'ft_views': ['train_dataloader']}


@pytest.mark.slow
def test_trainings_take_turns_epoch_by_epoch(registered, tmp_path):
    from dataclasses import asdict

    from benchmark.speed.contestants import Size, make_inputs
    from benchmark.speed.training import apart
    size = Size(18, 64, 4, 4, 8, 8)
    data, source = make_inputs(tmp_path / 'inputs', size)
    spec = dict(names=['ft', 'ft_nchw'], size=asdict(size), data=str(data), source=str(source), threads=1, warm=1,
                epochs=2)
    seconds = apart('alternating', spec, tmp_path)
    assert [*seconds] == spec['names'] and all(len(own) == 2 and min(own) > 0 for own in seconds.values())
    with pytest.raises(RuntimeError, match='(?s)^alternating: .*nothing'):
        apart('alternating', spec | dict(names=['nothing']), tmp_path)


@pytest.mark.parametrize('text, expected', [
    ('model name\t: Some\nflags\t\t: fpu avx2 avx512f avx512_bf16\n\nflags: x', (True, 'avx512_bf16')),
    ('model name\t: Some\nflags\t\t: fpu avx2\n\nflags: avx512_bf16', (False, 'avx2')),
    ('Features\t: fp asimd bf16\n', (True, 'asimd')),
    ('', (False, 'unknown'))])
def test_the_processor_is_read(monkeypatch, text, expected):
    from benchmark.utils import machine
    monkeypatch.setattr(machine.Path, 'read_text', lambda self: text)
    assert (machine.computes_in_bfloat16(), machine.describe()['instructions']) == expected


@pytest.mark.parametrize('built, expected', [('cuda = None\nhip = None', 0), ("cuda = '13.0'\nhip = None", 3)])
def test_a_torch_for_processors_is_not_imported_to_find_no_gpu(tmp_path, monkeypatch, built, expected):
    import sys
    from types import SimpleNamespace

    from benchmark.utils import machine
    (tmp_path / 'version.py').write_text(built)
    monkeypatch.setattr(machine.importlib.util, 'find_spec',
                        lambda name: SimpleNamespace(origin=str(tmp_path / '__init__.py')))
    monkeypatch.setitem(sys.modules, 'torch', SimpleNamespace(cuda=SimpleNamespace(device_count=lambda: 3)))
    assert machine.gpus_here() == expected


def test_the_median_of_the_calls_is_what_counts(monkeypatch):
    calls = iter([(3.0, 1.0), (1.0, 2.0), (2.0, 3.0)])
    monkeypatch.setattr(statistics, 'analysis_cost', lambda folder, clock: next(calls))
    monkeypatch.setattr(statistics, 'foreign_cost', lambda *_: [])
    seconds, gib = statistics.measure(3, quick=True, clock=itertools.count().__next__)
    assert (seconds.value, seconds.low, seconds.high, gib.value) == (2.0, 1.0, 3.0, 2.0)


def test_the_command_measures_and_writes(tmp_path, capsys):
    assert TOOL['main'](['statistics', '--quick', '--repeats', '1', '--json', str(tmp_path / 'speed.json')]) == 0
    content = json.loads((tmp_path / 'speed.json').read_text())
    assert {one['unit'] for one in content['measurements']} == {'s', 'GiB', ''}
    assert all(one['value'] > 0 for one in content['measurements'])
    assert '| what | median |' in capsys.readouterr().out


def test_predicting_is_measured_beside_mmpose(registered):
    from benchmark.speed import predict
    rows = predict.measure(1, quick=True, clock=time.perf_counter)
    assert [row.unit for row in rows] == ['x', 'x', '', 'photographs/s', 'photographs/s']
    assert all(row.value > 0 and row.reached is None for row in rows)
    assert rows[0].value == pytest.approx(rows[3].value / rows[4].value)


def test_the_check_is_measured_beside_a_plain_decode(monkeypatch, tmp_path):
    from benchmark.speed import checking
    monkeypatch.setattr(checking, 'cores', lambda: 1)
    seconds = {'plain': iter([4.0, 2.0]), 'kept': iter([2.0, 2.0]), 'check': iter([4.0, 3.0])}
    order = []
    monkeypatch.setattr(checking, '_call', lambda name, number, root: (order.append(name), next(seconds[name]))[1])
    ratio, kept, each = checking.measure(2, quick=True, clock=None)
    assert order == ['plain', 'kept', 'check', 'kept', 'check', 'plain']
    assert (ratio.low, ratio.high, ratio.reached) == (1.0, 1.5, None) and ratio.what.endswith('64 x 64, 1 core)')
    assert (kept.low, kept.high) == (1.5, 2.0) and (each.low, each.high) == pytest.approx((500, 4000 / 6))


@pytest.mark.parametrize('name', ['plain', 'kept', 'check'])
def test_contestants_of_the_check(tmp_path, name):
    from benchmark.speed import checking
    checking.make_photographs(tmp_path / 'set', 6, 64)
    assert 0 < checking._call(name, 1, tmp_path / 'set') < 60
    with pytest.raises(RuntimeError, match=name):
        checking._call(name, 1, tmp_path / 'nowhere')


def test_preparing_is_measured_beside_a_plain_loop(monkeypatch):
    from benchmark.speed import preparing
    monkeypatch.setattr(preparing, 'cores', lambda: 1)
    seconds = dict(loop=iter([4.0, 2.0]), kept=iter([2.0, 2.0]), prepare=iter([4.0, 3.0]), copy=iter([2.0, 4.0]))
    order = []

    def call(name, number, root):
        order.append(name)
        return preparing.Cost(9.0, next(seconds[name]), 300.0 + number)

    monkeypatch.setattr(preparing, '_call', call)
    found = preparing.measure(2, quick=True, clock=None)
    assert order == ['loop', 'kept', 'prepare', 'copy', 'kept', 'prepare', 'copy', 'loop']
    assert [(one.low, one.high) for one in found] == [(1, 1.5), (1.5, 2), (301, 301), (.5, 2), (1, 2), (301, 301),
                                                      (1500, 1500)]
    assert all(one.reached is None for one in found)
    monkeypatch.setattr(preparing, 'make_photographs', lambda *options: None)
    seconds |= {name: iter([4.0, 2.0]) for name in seconds}
    assert [one.at_most for one in preparing.measure(2, quick=False, clock=None)] == [1.15, None, 500, None, None, 500,
                                                                                      None]


@pytest.mark.parametrize('name', ['loop', 'kept', 'prepare', 'copy'])
def test_contestants_of_preparing(tmp_path, name):
    from benchmark.speed import preparing
    preparing.make_photographs(tmp_path, 8, (64, 48), 4)
    cost = preparing._call(name, 1, tmp_path)
    assert cost.wall > 0 and cost.processor > 0 and 20 < cost.memory < 2000
    (tmp_path / 'photographs' / '00003.jpg').write_bytes(b'no image')
    with pytest.raises(RuntimeError, match=name):
        preparing._call(name, 1, tmp_path)


def test_a_missed_target_is_an_exit_code(monkeypatch, capsys):
    missed = Measurement('x', 2.0, 's', 2.0, 2.0, 1, 1.0)
    monkeypatch.setitem(TOOL['main'].__globals__['PARTS'], 'statistics', lambda *_: [missed])
    assert TOOL['main'](['statistics']) == 1
    with pytest.raises(SystemExit, match='2'):
        TOOL['main'](['nothing'])


def checkout(folder):
    """A checkout whose tools leave what the real ones leave."""
    (folder / 'tools').mkdir(parents=True)
    (folder / 'tools/analyze.py').write_text('')
    (folder / 'tools/report.py').write_text('')
    (folder / 'tools/work.py').write_text("import pathlib; pathlib.Path('runs/smoke').mkdir(parents=True)\n")
    for name, command in dict(run_all='work.py', run_tests='report.py').items():
        (folder / f'tools/{name}.sh').write_text(
            f'root=$(pwd)\n"$root/tools/setup_env.sh"\n"$CTD_VENV/bin/python" "$root/tools/{command}" "$@"\n')
    return folder


def test_two_checkouts_are_measured_in_turn(tmp_path, monkeypatch):
    from benchmark.speed import against
    monkeypatch.setattr(against, 'ROOT', checkout(tmp_path / 'this'))
    monkeypatch.setattr(against, 'PACKAGE', Path(__file__).parents[1])
    other = checkout(tmp_path / 'other')
    found = list(against.measure(2, False, time.perf_counter, other, tests=True))
    assert [one.what.partition(' (')[0] for one in found] == [
        'run_all.sh smoke after set-up, wall time', 'analyze.py on smoke, processor time',
        'report.py on smoke, processor time', 'run_tests.sh, wall time', 'run_tests.sh, memory of its largest process']
    assert all(one.value > 0 for one in found) and [one.repeats for one in found] == [2, 2, 2, 1, 1]
    (other / 'tools/run_all.sh').write_text('exit 3\n')
    with pytest.raises(RuntimeError, match='what is measured is unknown'):
        next(against.measure(1, True, time.perf_counter, other))
    (other / 'tools/run_all.sh').write_text('tools/setup_env.sh\necho gone wrong\nexit 3\n')
    with pytest.raises(RuntimeError, match='exit code 3\n.*gone wrong'):
        next(against.measure(1, True, time.perf_counter, other))
    for wrong in (['against'], ['check', '--checkout', str(other)]):
        with pytest.raises(SystemExit):
            TOOL['parse_args'](wrong)
