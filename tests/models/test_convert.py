"""The converter of public source networks, against independent networks with the public names."""

import io
import os
import pickle
import runpy
import struct
import subprocess
from pathlib import Path
from typing import ClassVar

import benchmark

benchmark.register()

import numpy as np
import pytest
import torch
from mmpose.registry import MODELS
from torch import nn

from benchmark.models.convert import ConversionError, convert, rename

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'convert_source.py'
MEAN = torch.tensor([131.0912, 103.8827, 91.4953]).view(1, 3, 1, 1)
CLASSES = 7


class Block(nn.Module):
    """A residual block with torchvision's names; ``stride_at`` names the convolution that has the stride."""

    def __init__(self, inputs: int, width: int, outputs: int, stride: int, stride_at: int,
                 kernels: tuple) -> None:
        super().__init__()
        sizes = [inputs, *[width] * (len(kernels) - 1), outputs]
        self.count = len(kernels)
        for i, kernel in enumerate(kernels, 1):
            step = stride if i == stride_at else 1
            conv = nn.Conv2d(sizes[i - 1], sizes[i], kernel, step, kernel // 2, bias=False)
            setattr(self, f'conv{i}', conv)
            setattr(self, f'bn{i}', nn.BatchNorm2d(sizes[i]))
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                                            nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = x
        for i in range(1, self.count + 1):
            y = getattr(self, f'bn{i}')(getattr(self, f'conv{i}')(y))
            y = y.relu() if i < self.count else y
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class Public(nn.Module):
    """A ResNet as published: ``caffe`` is VGGFace2's geometry, else torchvision's."""

    def __init__(self, depth: int, caffe: bool, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        blocks, kernels, expansion = {18: ((2, 2, 2, 2), (3, 3), 1), 50: ((3, 4, 6, 3), (1, 3, 1), 4)}[depth]
        stride_at = 1 if caffe or depth == 18 else 2
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, 2, 0, ceil_mode=True) if caffe else nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for stage, count in enumerate(blocks):
            layers = []
            for block in range(count):
                width = 64 * 2 ** stage
                stride = 2 if stage and not block else 1
                layers.append(Block(inputs, width, width * expansion, stride, stride_at, kernels))
                inputs = width * expansion
            setattr(self, f'layer{stage + 1}', nn.Sequential(*layers))
        self.fc = nn.Linear(inputs, CLASSES)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                    nn.init.uniform_(tensor, 0.5, 1.0)
        self.eval()

    def forward(self, x):
        x, stages = self.pool(self.bn1(self.conv1(x)).relu()), []
        for stage in range(1, 5):
            stages.append(x := getattr(self, f'layer{stage}')(x))
        return stages, self.fc(x.mean(dim=(2, 3)))


def in_other_geometry(public: Public, depth: int, caffe: bool) -> Public:
    """A network with the same weights."""
    with torch.device('meta'):
        other = Public(depth, caffe)
    other.load_state_dict(public.state_dict(), assign=True)
    return other


def caffe_name(key: str) -> str:
    """Caffe's name of a torch-style one, as in the public files; written apart from the converter."""
    head, field = key.rsplit('.', 1)
    if head in ('conv1', 'bn1'):
        return 'conv1_7x7_s2' + ('_bn' if head == 'bn1' else '') + '.' + field
    if head == 'fc':
        return 'classifier.' + field
    layer, block, *part = head.split('.')
    unit = f'conv{int(layer[-1]) + 1}_{int(block) + 1}_'
    name = {'conv1': '1x1_reduce', 'bn1': '1x1_reduce_bn', 'conv2': '3x3', 'bn2': '3x3_bn',
            'conv3': '1x1_increase', 'bn3': '1x1_increase_bn', 'downsample.0': '1x1_proj',
            'downsample.1': '1x1_proj_bn'}['.'.join(part)]
    return f'{unit}{name}.{field}'


def as_arrays(model: nn.Module) -> dict:
    """A state dict as the public pickles have it: numpy, no batch norm counters."""
    return {k: v.numpy() for k, v in model.state_dict().items() if not k.endswith('num_batches_tracked')}


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch):
    """The disk's speed is not under test."""
    monkeypatch.setattr(os, 'fsync', lambda _: None)


@pytest.fixture(scope='module')
def resnet18() -> Public:
    return Public(18, caffe=True)


@pytest.fixture(scope='module')
def shapes50() -> dict:
    """Names and shapes of a ResNet-50, without values."""
    with torch.device('meta'):
        return Public(50, caffe=True).state_dict()


@pytest.fixture
def pickled(tmp_path, resnet18) -> Path:
    path = tmp_path / 'source.pkl'
    path.write_bytes(pickle.dumps(as_arrays(resnet18)))
    return path


@pytest.fixture
def small(resnet18) -> dict:
    """A state dict whose file is small: right names and shapes, each of one stored value."""
    return {k: torch.full((1,) * v.ndim, 0.5, dtype=v.dtype).expand(v.shape)
            for k, v in resnet18.state_dict().items()}


@pytest.fixture
def light(tmp_path, small) -> Path:
    torch.save(small, tmp_path / 'source.pth')
    return tmp_path / 'source.pth'


def features(path: Path, images: torch.Tensor) -> tuple:
    """Stages and logits of a checkpoint in the network that its meta names."""
    checkpoint = torch.load(path, weights_only=True)
    state = checkpoint['state_dict']
    with torch.device('meta'):
        backbone = MODELS.build({**checkpoint['meta']['arch'], 'out_indices': (0, 1, 2, 3)})
    backbone.load_state_dict({k[9:]: v for k, v in state.items() if k.startswith('backbone.')}, strict=True,
                             assign=True)
    backbone.train(False)
    with torch.no_grad():
        stages = backbone(images)
        return stages, stages[-1].mean(dim=(2, 3)) @ state['classifier.weight'].T + state['classifier.bias']


def assert_same(path: Path, images: torch.Tensor, expected: tuple) -> None:
    """The checkpoint gives the public network's stages and logits."""
    stages, logits = features(path, images)
    for own, public in zip([*stages, logits], [*expected[0], expected[1]], strict=True):
        torch.testing.assert_close(own, public, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_pickled_network_on_rgb_equals_the_public_one_on_bgr(tmp_path, pickled, resnet18):
    images = torch.rand(2, 3, 64, 64) * 255
    meta = convert('vggface2', pickled, tmp_path / 'out.pth')
    assert meta['arch'] == {'type': 'VGGFace2ResNet', 'depth': 18}
    assert (meta['source_channel_order'], meta['channel_order']) == ('bgr', 'rgb')
    assert meta['num_classes'] == CLASSES
    assert_same(tmp_path / 'out.pth', images - MEAN, resnet18((images - MEAN).flip(1)))


@torch.no_grad()
def test_channel_order_can_be_given(tmp_path, pickled, resnet18):
    images = torch.randn(1, 3, 64, 64)
    convert('vggface2', pickled, tmp_path / 'out.pth', channel_order='rgb')
    assert_same(tmp_path / 'out.pth', images, resnet18(images))


@torch.no_grad()
def test_caffe_names_of_the_real_depth(tmp_path):
    public, images = Public(50, caffe=True), torch.randn(1, 3, 72, 72)
    expected, state = public(images), {caffe_name(k): v for k, v in public.state_dict().items()}
    state['classifier.weight'] = state['classifier.weight'][:, :, None, None]
    assert 'conv5_3_1x1_increase_bn.running_var' in state
    torch.save(state, tmp_path / 'dag.pth')
    del public, state  # A network of the real size is held once at a time.
    meta = convert('vggface2', tmp_path / 'dag.pth', tmp_path / 'out.pth')
    assert meta['arch'] == {'type': 'VGGFace2ResNet', 'depth': 50}
    assert meta['source_channel_order'] == 'rgb'
    assert_same(tmp_path / 'out.pth', images, expected)
    state = torch.load(tmp_path / 'out.pth', weights_only=True, mmap=True)['state_dict']
    assert state['classifier.weight'].shape == (CLASSES, 2048)


def test_every_torch_style_name_is_reached_from_caffe(shapes50):
    keys = list(shapes50)
    assert [rename(caffe_name(key)) for key in keys] == keys
    assert [rename(key) for key in keys] == keys


@pytest.mark.parametrize('source_format', ['torchvision', 'timm'])
@torch.no_grad()
def test_plain_resnet(tmp_path, resnet18, source_format):
    public, images = in_other_geometry(resnet18, 18, caffe=False), torch.randn(1, 3, 64, 64)
    state = {f'module.{k}': v for k, v in public.state_dict().items()}
    torch.save({'epoch': 3, 'state_dict': state}, tmp_path / 'in.pth')
    meta = convert(source_format, tmp_path / 'in.pth', tmp_path / 'out.pth')
    assert meta['arch'] == {'type': 'ResNet', 'depth': 18}
    assert meta['normalisation'] == {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375]}
    assert_same(tmp_path / 'out.pth', images, public(images))


@pytest.mark.parametrize(('wrap', 'prefix'), [
    (lambda state: {'state_dict': {f'model.{k}': v for k, v in state.items()} | {'loss.weight': torch.ones(3)},
                    'pytorch-lightning_version': '2.5', 'epoch': 1}, 'model.'),
    (lambda state: {f'_orig_mod.{k}': v for k, v in state.items()}, '_orig_mod.'),
    (lambda state: {f'module._orig_mod.{k}': v for k, v in state.items()}, 'module._orig_mod.'),
    (lambda state: {'net': state, 'acc': 91.2, 'epoch': 3}, ''),
    (lambda state: {'meta': dict(dataset_meta=dict(sigmas=np.ones(3, 'f4'))), 'state_dict': {
        f'backbone.{k}' if not k.startswith('fc.') else f'head.{k}': v for k, v in state.items()}}, 'backbone.'),
])
@torch.no_grad()
def test_what_training_programs_wrap_around_a_network_is_taken_off(tmp_path, resnet18, wrap, prefix):
    public, images = in_other_geometry(resnet18, 18, caffe=False), torch.randn(1, 3, 64, 64)
    torch.save(wrap(public.state_dict()), tmp_path / 'in.pth')
    meta = convert('torchvision', tmp_path / 'in.pth', tmp_path / 'out.pth')
    assert meta['source_prefix'] == prefix
    assert_same(tmp_path / 'out.pth', images, public(images))


def test_of_two_networks_in_a_file_one_is_named(tmp_path, small):
    both = {f'encoder_q.{k}': v for k, v in small.items()} | {f'encoder_k.{k}': v for k, v in small.items()}
    torch.save(both, tmp_path / 'in.pth')
    with pytest.raises(ConversionError, match=r"in\.pth: holds 2 networks.*'encoder_k\.', 'encoder_q\.'.*--prefix"):
        convert('torchvision', tmp_path / 'in.pth', tmp_path / 'out.pth')
    with pytest.raises(ConversionError, match=r"begin with 'encoder\.'. There are: 'encoder_k\.', 'encoder_q\.'"):
        convert('torchvision', tmp_path / 'in.pth', tmp_path / 'out.pth', prefix='encoder.')
    assert convert('torchvision', tmp_path / 'in.pth', tmp_path / 'out.pth', prefix='encoder_q.')['arch']['depth'] == 18


@torch.no_grad()
def test_depth_50_of_torchvision_has_the_stride_where_it_belongs(tmp_path):
    public, images = Public(50, caffe=False), torch.randn(1, 3, 64, 64)
    expected = public(images)
    torch.save(public.state_dict(), tmp_path / 'in.pth')
    del public
    convert('torchvision', tmp_path / 'in.pth', tmp_path / 'out.pth')
    assert_same(tmp_path / 'out.pth', images, expected)


def test_frozen_source_reads_what_the_converter_writes(tmp_path, pickled, resnet18):
    convert('vggface2', pickled, tmp_path / 'out.pth')
    source = MODELS.build({'type': 'FrozenSource', 'backbone': {'type': 'VGGFace2ResNet', 'depth': 18},
                           'checkpoint': str(tmp_path / 'out.pth')})
    images = torch.rand(1, 3, 64, 64) * 255
    with torch.no_grad():
        stages, logits = resnet18((images - MEAN).flip(1))
    taps = source(images)
    torch.testing.assert_close(taps['stage4'], stages[3], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(taps['logits'], logits, rtol=1e-4, atol=1e-4)


def test_meta_and_tensors_only(tmp_path, light):
    meta = convert('vggface2', light, tmp_path / 'sub' / 'out.pth')
    checkpoint = torch.load(tmp_path / 'sub' / 'out.pth', weights_only=True)
    assert checkpoint['meta'] == meta
    assert meta['format_version'] == 1
    assert meta['normalisation'] == {'mean': [131.0912, 103.8827, 91.4953], 'std': [1.0, 1.0, 1.0]}
    digest = subprocess.run(['sha256sum', light], capture_output=True, text=True, check=True).stdout
    assert meta['source_sha256'] == digest.split()[0]
    assert all(type(v) is torch.Tensor for v in checkpoint['state_dict'].values())
    assert {k.split('.')[0] for k in checkpoint['state_dict']} == {'backbone', 'classifier'}
    assert os.listdir(tmp_path / 'sub') == ['out.pth']


class Python2Pickler(pickle._Pickler):
    """Writes texts and bytes as Python 2 wrote its one string type."""

    dispatch: ClassVar[dict] = dict(pickle._Pickler.dispatch)

    def save_python2(self, text):
        raw = text.encode('latin1') if isinstance(text, str) else text
        self.write(pickle.BINSTRING + struct.pack('<i', len(raw)) + raw)

    dispatch[str] = dispatch[bytes] = save_python2


def test_python_2_pickle(tmp_path, resnet18):
    buffer = io.BytesIO()
    arrays = {k: np.asfortranarray(v.astype('>f8' if k.startswith('layer1') else 'f4'))
              for k, v in as_arrays(resnet18).items()}
    Python2Pickler(buffer, protocol=2).dump(arrays)
    (tmp_path / 'py2.pkl').write_bytes(buffer.getvalue().replace(b'numpy._core', b'numpy.core'))
    with pytest.raises(UnicodeDecodeError):  # as Python 2's it needs an encoding
        pickle.loads(buffer.getvalue())
    convert('vggface2', tmp_path / 'py2.pkl', tmp_path / 'out.pth', channel_order='rgb')
    state = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    for key in ('layer1.0.conv1.weight', 'layer3.1.conv2.weight', 'layer4.1.bn2.running_var'):
        assert state[f'backbone.{key}'].dtype == torch.float32
        assert torch.equal(state[f'backbone.{key}'], resnet18.state_dict()[key])


def without(key):
    return lambda state: state.pop(key)


def put(key, *shape, value=0.0):
    return lambda state: state.update({key: torch.full(shape, value)})


@pytest.mark.parametrize(('change', 'message'), [
    (without('layer2.0.downsample.0.weight'), r'layer2\.0\.downsample\.0\.weight is missing'),
    (without('fc.bias'), r'fc\.bias is missing.*--no-classifier'),
    (put('layer1.0.se.weight', 3), r'layer1\.0\.se\.weight has no place in VGGFace2ResNet-18'),
    (put('conv1.weight', 64, 1, 7, 7),
     r'conv1\.weight has shape \(64, 1, 7, 7\), VGGFace2ResNet-18 needs \(64, 3, 7, 7\)'),
    (put('fc.weight', CLASSES, 100), r'fc\.weight has shape \(7, 100\)'),
    (put('fc.bias', CLASSES + 1), r'fc\.bias has shape \(8,\)'),
    (put('bn1.bias', 64, value=float('nan')), r'bn1\.bias holds values that are not finite'),
    (put('bn1.bias', 64, value=True), r'bn1\.bias is a Tensor, not an array of numbers'),
    (put('layer4.2.conv1.weight', 3), r'has \(2, 2, 2, 3\) residual blocks'),
])
def test_unfitting_content_is_named(tmp_path, small, change, message):
    change(small)
    torch.save(small, tmp_path / 'in.pth')
    with pytest.raises(ConversionError, match=r'in\.pth: ' + message):
        convert('vggface2', tmp_path / 'in.pth', tmp_path / 'out.pth')
    assert os.listdir(tmp_path) == ['in.pth']


def test_error_names_the_key_as_it_stands_in_the_file(tmp_path, shapes50):
    state = {caffe_name(k): torch.zeros(()).expand(v.shape) for k, v in shapes50.items()}
    state['conv3_2_3x3.weight'] = torch.zeros(1, 1)
    torch.save(state, tmp_path / 'dag.pth')
    with pytest.raises(ConversionError, match=r'dag\.pth: conv3_2_3x3\.weight has shape \(1, 1\)'):
        convert('vggface2', tmp_path / 'dag.pth', tmp_path / 'out.pth')


def test_encoder_alone(tmp_path, small):
    torch.save({k: v for k, v in small.items() if not k.startswith('fc.')}, tmp_path / 'in.pth')
    meta = convert('vggface2', tmp_path / 'in.pth', tmp_path / 'out.pth', classifier=False)
    state = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    assert meta['num_classes'] == 0
    assert all(k.startswith('backbone.') for k in state)


def test_existing_file_is_kept(tmp_path, light):
    out = tmp_path / 'out.pth'
    out.write_text('precious')
    with pytest.raises(ConversionError, match=r'out\.pth: exists.*--overwrite'):
        convert('vggface2', light, out)
    with pytest.raises(ConversionError, match='the source itself'):
        convert('vggface2', light, light, overwrite=True)
    assert out.read_text() == 'precious'
    convert('vggface2', light, out, overwrite=True)
    assert 'state_dict' in torch.load(out, weights_only=True)


def test_failed_write_leaves_what_was_there(tmp_path, light, monkeypatch):
    out = tmp_path / 'out.pth'
    out.write_text('precious')

    def full(_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(ConversionError, match='No space left on device'):
        convert('vggface2', light, out, overwrite=True)
    assert out.read_text() == 'precious'
    assert sorted(os.listdir(tmp_path)) == ['out.pth', 'source.pth']


def test_command_line(tmp_path, light, capsys):
    main = runpy.run_path(str(TOOL))['main']
    out = str(tmp_path / 'out.pth')
    assert main(['vggface2', str(light), out, '--mean', '1', '2', '3']) == 0
    assert 'VGGFace2ResNet-18, 7 classes' in capsys.readouterr().out
    assert torch.load(out, weights_only=True)['meta']['normalisation']['mean'] == [1.0, 2.0, 3.0]
    assert main(['vggface2', str(light), out]) == 2
    assert main(['vggface2', str(tmp_path / 'absent'), out, '--overwrite']) == 2
    assert main(['torchvision', str(light), str(light / 'x.pth')]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3
    assert all(line.startswith('error: ') for line in errors)
