"""Features of frozen networks: cached exactly, shared, never half-written, and done without where there is no room."""

import os
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.utils.feature_store import FeatureStore, StoreFull, stores, used_bytes

ROOT = Path(__file__).parents[2]


def store(path, rows=6):
    return FeatureStore(path / 'stage4', rows, (2, 3), np.float32)


def test_a_row_is_there_when_it_is_whole(tmp_path):
    first, value = store(tmp_path), np.arange(6, dtype=np.float32).reshape(2, 3)
    assert not first.has(2)
    first.write(2, value)
    second = store(tmp_path)  # another process
    assert second.has(2) and not second.has(1) and np.array_equal(second.read([2, 2]), [value, value])


def test_a_row_cut_short_is_not_taken(tmp_path):
    store(tmp_path).write(1, np.ones((2, 3)))
    with open(tmp_path / 'stage4', 'r+b') as file:
        file.seek(1 * 24 + 20)
        file.write(b'\0\0\0\0')
    again = store(tmp_path)
    assert not again.has(1)
    again.write(1, np.ones((2, 3)))
    assert store(tmp_path).has(1)


def test_a_row_of_zeros_is_not_taken_for_an_empty_one(tmp_path):
    assert not store(tmp_path).has(0)
    store(tmp_path).write(0, np.zeros((2, 3)))
    assert store(tmp_path).has(0)


def test_no_room_on_the_disk_is_seen_before_it_is_filled(tmp_path):
    with pytest.raises(StoreFull, match='MiB free'):
        FeatureStore(tmp_path / 'stage4', 10**9, (2, 3, 1000), np.float32)


class Network:
    """Counts what it computes."""

    def __init__(self):
        torch.manual_seed(0)
        self.layer, self.images = nn.Conv2d(3, 4, 3), 0

    @torch.no_grad()
    def __call__(self, images):
        self.images += len(images)
        return {'stage4': self.layer(images), 'pooled': self.layer(images).mean(dim=(2, 3))}


def outputs(registered, folder, **options):
    from benchmark.engine.frozen_forward import FrozenOutputs
    options = dict(precision='float32', limit=1 << 20, about={}, say=options.pop('say', print)) | options
    return FrozenOutputs(folder, 8, 4, **options)


def test_views_are_computed_once_and_shared(registered, tmp_path):
    network, images = Network(), torch.randn(8, 3, 5, 5)
    expected = network(images)
    network.images = 0
    kept = outputs(registered, tmp_path)
    for views in ([0, 1, 2, 3], [4, 5, 6, 7], [1, 7, 3, 5], [6]):
        kept.views = views
        found = kept(images[views], network)
        assert all(torch.equal(found[name], expected[name][views]) for name in expected)
    assert network.images == 8
    other = outputs(registered, tmp_path)
    other.views = [0, 1]
    other(images[:2], network)  # the shapes are seen once in each process
    before, other.views = network.images, [5, 2, 0, 7]
    assert torch.equal(other(images[[5, 2, 0, 7]], network)['stage4'], expected['stage4'][[5, 2, 0, 7]])
    assert network.images == before


def test_an_incomplete_batch_is_computed_as_a_whole_one(registered, tmp_path):
    kept, sizes = outputs(registered, None), []
    kept.views = [3]
    found = kept(torch.randn(1, 3, 5, 5), lambda images: sizes.append(len(images)) or {'x': images})
    assert sizes == [4] and found['x'].shape[0] == 1


def test_channels_last_maps_stay_so(registered, tmp_path):
    kept = outputs(registered, tmp_path)
    images = torch.randn(4, 3, 5, 5).contiguous(memory_format=torch.channels_last)
    kept.views = [0, 1, 2, 3]
    for _ in range(2):
        found = kept(images, lambda x: {'x': x})['x']
        assert torch.equal(found, images) and found.stride() == images.stride()


def test_half_precision_rounds_alike_each_time_and_within_its_tolerance(registered, tmp_path):
    network, images = Network(), torch.randn(4, 3, 5, 5)
    kept = outputs(registered, tmp_path, precision='float16')
    kept.views = [0, 1, 2, 3]
    first, second = kept(images, network)['stage4'], kept(images, network)['stage4']
    exact = network(images)['stage4']
    assert torch.equal(first, second) and not torch.equal(first, exact)
    assert torch.all((first - exact).abs() <= exact.abs() * 2**-11 + 2**-24)


def test_what_does_not_fit_is_computed_on_the_fly_and_said(registered, tmp_path):
    said, network = [], Network()
    kept = outputs(registered, tmp_path, limit=10, say=said.append)
    kept.views = [0, 1, 2, 3]
    images = torch.randn(4, 3, 5, 5)
    assert all(torch.equal(kept(images, network)['stage4'], network(images)['stage4']) for _ in range(2))
    assert len(said) == 1 and 'on the fly' in said[0] and 'GiB' in said[0]


def test_a_disk_that_fills_up_does_not_end_the_training(registered, tmp_path, monkeypatch):
    said, network = [], Network()
    kept = outputs(registered, tmp_path, say=said.append)
    kept.views = [0, 1, 2, 3]

    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'pwrite', full)
    images = torch.randn(4, 3, 5, 5)
    assert torch.equal(kept(images, network)['stage4'], network(images)['stage4'])
    assert 'No space left' in said[0]


@pytest.mark.parametrize(('change', 'reason'), [
    (dict(scale_range=(0.8, 1.2)), 'interval'), (None, 'may change the image')])
def test_views_without_numbers_are_computed_on_the_fly(registered, change, reason):
    from types import SimpleNamespace

    from benchmark.datasets.views import DrawView
    from benchmark.engine import FeatureCacheHook

    class Blur:
        pass

    steps = [DrawView(**(change or {}))] + ([] if change else [Blur()])
    data = SimpleNamespace(total=3, pipeline=SimpleNamespace(transforms=steps))
    assert reason in FeatureCacheHook._why_not(data, None)


def test_each_view_has_a_number_of_its_own(registered):
    from benchmark.datasets.views import DrawView, View
    view = DrawView(scales=(1.0, 0.8, 0.6))
    views = [View(flip, scale) for flip in (False, True) for scale in view.scales]
    numbers = [view.number(row, one) for row in range(3) for one in views]
    assert numbers == list(range(18)) and view.count == 6
    assert [(v['flip'], v['scale']) for v in view.described()][4] == (True, 0.8)


def test_another_network_or_other_arithmetic_has_another_key(registered):
    from benchmark.engine.frozen_forward import key_of, weights_digest
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    before = weights_digest([layer])
    layer[1].running_mean[0] += 1e-6
    assert weights_digest([layer]) != before
    assert len({key_of(dict(weights=before, threads=n)) for n in (1, 2)}) == 2


def test_the_cache_is_shown_and_cleared(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('CTD_CACHE', str(tmp_path))
    main = runpy.run_path(str(ROOT / 'tools/cache.py'))['main']
    folder = tmp_path / 'features' / 'abc'
    store(folder).write(0, np.ones((2, 3)))
    (folder / 'about.json').write_text('{"network": "source"}')
    (tmp_path / 'data').mkdir()
    assert main(['show']) == 0 and 'abc: source' in capsys.readouterr().out
    assert used_bytes(folder) > 0 and len(stores(tmp_path / 'features')) == 1
    assert main(['clear']) == 0 and not folder.exists() and (tmp_path / 'data').exists()
    with pytest.raises(SystemExit, match='2'):
        main(['clear', 'everything'])


def test_features_of_padded_images_are_kept_apart(registered):
    from types import SimpleNamespace

    from benchmark.engine.feature_cache_hook import _resizing
    assert _resizing(SimpleNamespace(resize='squeeze')) == _resizing(SimpleNamespace()) == {}
    assert _resizing(SimpleNamespace(resize='letterbox')) == dict(resize='letterbox')


@pytest.mark.parametrize('change', ['numerics', 'deciding', 'opencv', 'pillow'])
def test_other_code_reads_no_features_of_this_one(registered, monkeypatch, change):
    from benchmark.engine import feature_cache_hook as hook
    from benchmark.engine.frozen_forward import key_of
    before = key_of(hook._code())
    assert key_of(hook._code()) == before
    if change == 'numerics':
        monkeypatch.setattr(hook, 'NUMERICS', hook.NUMERICS + 1)
    elif change == 'deciding':
        monkeypatch.setattr(hook, 'deciding_digest', lambda: 'f' * 64)
    elif change == 'opencv':
        monkeypatch.setattr(hook.cv2, 'getBuildInformation', lambda: 'JPEG: another')
    else:
        monkeypatch.setattr(hook, 'version', lambda name: '0.0' if name == 'pillow' else '1')
    assert key_of(hook._code()) != before
