"""dlib's stream and network, against the network written down once more; the statistics of folded batch norms."""

import struct

import benchmark

benchmark.register()

import numpy as np
import pytest
import torch
from mmpose.registry import MODELS
from torch.nn import functional

from benchmark.models.convert import ConversionError, convert
from benchmark.models.source import FrozenSource


def integer(value: int) -> bytes:
    raw = value.to_bytes(8, 'little').rstrip(b'\0')
    return struct.pack('<B', len(raw)) + raw


def tensor(values: np.ndarray) -> bytes:
    return b'\x01\x02' + integer(values.size) + b'\x01\x01' * 3 + values.astype('<f4').tobytes()


def plan() -> list[tuple[int, int, int, bool]]:
    """Of each convolution its inputs, outputs and kernel, and whether it halves a map without zeros."""
    found, before = [(3, 32, 7, True)], 32
    for stage, (channels, blocks) in enumerate([(32, 3), (64, 4), (128, 3), (256, 3), (256, 1)]):
        for block in range(blocks):
            found += [(before, channels, 3, stage > 0 and not block), (channels, channels, 3, False)]
            before = channels
    return found


class Public:
    """A network of random weights; its file holds convolution, biases, scales and offsets in turn."""

    def __init__(self) -> None:
        draw = np.random.default_rng(0)
        self.layers = [((draw.normal(size=(after, before, k, k)) * np.sqrt(1 / (k * k * before))).astype('f4'),
                        *(draw.uniform(low, 1, after).astype('f4') for low in (0, .5, -.5)), halves)
                       for before, after, k, halves in plan()]
        self.matrix = draw.normal(size=(256, 128)).astype('f4')

    def data(self, layers: int = 29) -> bytes:
        parts = [b'\x01\x01\x01\rloss_metric_2' + b'\x01\x02' * 60]
        for weight, bias, scale, offset, _ in self.layers[:layers]:
            parts += [b'\x05con_4', tensor(np.concatenate([weight.ravel(), bias])), b'\x07affine_',
                      tensor(np.concatenate([scale, offset]))]
        last = b'\x01\x02' + integer(256) + integer(128) + b'\x01\x01\x01\x01' + self.matrix.tobytes()
        return b''.join([*parts, last, b'\x01\x00' * 50])

    def convolve(self, x: torch.Tensor, number: int) -> torch.Tensor:
        weight, bias, scale, offset, halves = (torch.as_tensor(one) for one in self.layers[number])
        x = functional.conv2d(x, weight, bias, 2 if halves else 1, 0 if halves else weight.shape[-1] // 2)
        return x * scale.view(1, -1, 1, 1) + offset.view(1, -1, 1, 1)

    @torch.no_grad()
    def forward(self, images: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        x = functional.max_pool2d(self.convolve(images, 0).relu(), 3, 2)
        maps = []
        for number in range(1, 29, 2):
            y = self.convolve(self.convolve(x, number).relu(), number + 1)
            if self.layers[number][-1]:
                maps.append(x)
                x = functional.avg_pool2d(x, 2)
            total = torch.zeros(len(x), y.shape[1], *(max(a, b) for a, b in zip(x.shape[2:], y.shape[2:])))
            total[:, :x.shape[1], :x.shape[2], :x.shape[3]] += x
            total[:, :, :y.shape[2], :y.shape[3]] += y
            x = total.relu()
        return maps, x.mean(dim=(2, 3)) @ torch.tensor(self.matrix)


@pytest.fixture(scope='module')
def public():
    return Public()


@pytest.fixture(scope='module')
def file(public, tmp_path_factory):
    path = tmp_path_factory.mktemp('dlib') / 'model.dat'
    path.write_bytes(public.data())
    return path


@pytest.fixture
def images():
    return torch.rand(2, 3, 150, 150, generator=torch.Generator().manual_seed(0)) * 255


def normalised(images):
    return (images - torch.tensor([122.782, 117.001, 104.298]).view(1, 3, 1, 1)) / 256


def near(found, expected):
    return ((found - expected).norm() / expected.norm()).item() < 1e-5


@pytest.mark.parametrize('faces', ['none', 'synthetic'])
def test_the_network_computes_what_it_did_whatever_its_statistics(tmp_path, public, file, images, faces):
    meta = convert('dlib', file, tmp_path / 'out.pth', faces=faces)
    assert (meta['arch'], meta['embedding']) == ({'type': 'DlibResNet'}, {'type': 'DlibEmbedding'})
    assert meta['statistics'] == ('of mean 0 and variance 1' if faces == 'none' else 'measured on 64 drawn faces')
    source = FrozenSource(meta['arch'], str(tmp_path / 'out.pth'))
    maps, embedding = public.forward(normalised(images))
    taps = source(images)
    assert source.taps == ('stage1', 'stage2', 'stage3', 'stage4', 'pooled', 'embedding')
    assert [taps[f'stage{n}'].shape[-1] for n in (1, 2, 3, 4)] == [35, 17, 8, 4]
    assert all(near(taps[f'stage{number}'], expected) for number, expected in enumerate(maps, 1))
    assert near(taps['embedding'], embedding)


def test_images_of_another_size_are_enlarged_inside(tmp_path, public, file, images):
    convert('dlib', file, tmp_path / 'out.pth', faces='none')
    small = images[:, :, :128, :128]
    taps = FrozenSource({'type': 'DlibResNet'}, str(tmp_path / 'out.pth'))(small)
    larger = functional.interpolate(normalised(small), (150, 150), mode='bilinear', align_corners=False)
    assert near(taps['embedding'], public.forward(larger)[1])


def test_training_starts_near_the_network_where_statistics_are_those_of_faces(tmp_path, file):
    """In training mode a batch norm takes its batch's statistics: with none of its own it is far from what it was."""
    from benchmark.datasets.synthetic.faces import FaceGenerator
    faces = FaceGenerator(150, seed=1)
    drawn = np.stack([faces.render(number, 0).image for number in range(8)])
    images = normalised(torch.tensor(drawn).permute(0, 3, 1, 2).float())
    away = {}
    for kind in ('none', 'synthetic'):
        meta = convert('dlib', file, tmp_path / f'{kind}.pth', faces=kind)
        backbone = MODELS.build(meta['arch'] | dict(init_cfg=dict(
            type='Pretrained', checkpoint=str(tmp_path / f'{kind}.pth'), prefix='backbone.')))
        backbone.init_weights()
        with torch.no_grad():
            expected, found = backbone.eval()(images)[2], backbone.train()(images)[2]
        away[kind] = ((found - expected).norm() / expected.norm()).item()
    assert away['synthetic'] < .5 < away['none']


def test_statistics_are_those_of_the_crops_that_were_given(tmp_path, public, file):
    import cv2
    draw = np.random.default_rng(0)
    crops = [draw.integers(0, 256, (150, 150, 3), np.uint8) for _ in range(3)]
    (tmp_path / 'crops').mkdir()
    for number, crop in enumerate(crops):
        cv2.imwrite(str(tmp_path / 'crops' / f'{number}.png'), crop[:, :, ::-1])
    meta = convert('dlib', file, tmp_path / 'out.pth', faces=tmp_path / 'crops')
    assert meta['statistics'] == 'measured on 3 images of crops'
    state = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    x = normalised(torch.tensor(np.stack(crops)).permute(0, 3, 1, 2).float())
    seen = functional.conv2d(x, torch.tensor(public.layers[0][0]), stride=2)
    torch.testing.assert_close(state['backbone.stem.2.running_mean'], seen.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(state['backbone.stem.2.running_var'], seen.var((0, 2, 3)), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(('crops', 'message'), [
    (None, 'is no folder of face crops'), ([], r'has 0 images \(\.png, .*Give some dozens'),
    ([b'hello', b'hello'], '0.png: ')])
def test_crops_that_are_none_are_refused(tmp_path, file, crops, message):
    if crops is not None:
        (tmp_path / 'crops').mkdir()
        for number, crop in enumerate(crops):
            (tmp_path / 'crops' / f'{number}.png').write_bytes(crop)
    with pytest.raises(ConversionError, match=message):
        convert('dlib', file, tmp_path / 'out.pth', faces=tmp_path / 'crops')
    assert not (tmp_path / 'out.pth').exists()


@pytest.mark.parametrize(('data', 'message'), [
    (lambda public: b'', 'tensor 1 of 59, of 4736 numbers, is not there'),
    (lambda public: b'hello' * 9999, 'tensor 1 of 59, of 4736 numbers, is not there'),
    (lambda public: public.data(layers=7), 'tensor 15 of 59, of 18496 numbers, is not there'),
    (lambda public: public.data()[:-60_000], r'tensor 59 of 59 needs 131072 bytes, \d+ are left'),
    (lambda public: public.data() + bytes(2000), '2100 bytes follow the last tensor'),
    (lambda public: public.data()[:300] + b'\xff' * 40 + public.data()[340:], 'tensor 1 of 59 holds values that'),
])
def test_a_broken_stream_is_refused(tmp_path, public, data, message):
    (tmp_path / 'in.dat').write_bytes(data(public))
    with pytest.raises(ConversionError, match=rf'in\.dat: {message}'):
        convert('dlib', tmp_path / 'in.dat', tmp_path / 'out.pth', faces='none')


@pytest.mark.parametrize(('options', 'message'), [
    (dict(prefix='net.'), '--prefix .net.. has no meaning for the format dlib'),
    (dict(channel_order='bgr'), "--channel-order bgr: dlib's network takes RGB"),
])
def test_what_has_no_meaning_here_is_refused(tmp_path, file, options, message):
    with pytest.raises(ConversionError, match=message):
        convert('dlib', file, tmp_path / 'out.pth', faces='none', **options)


def test_command_line(tmp_path, file, capsys):
    import runpy
    from pathlib import Path
    main = runpy.run_path(str(Path(__file__).resolve().parents[2] / 'tools' / 'convert_source.py'))['main']
    assert main(['dlib', str(file), str(tmp_path / 'out.pth'), '--faces', 'none']) == 0
    said = capsys.readouterr().out
    assert 'out.pth: DlibResNet, 0 classes, input RGB, batch norms of mean 0 and variance 1, source' in said
    assert main(['dlib', str(file), str(tmp_path / 'other.pth'), '--faces', str(tmp_path / 'absent')]) == 2
    assert 'absent: is no folder of face crops' in capsys.readouterr().err
