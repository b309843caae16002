"""The converter runs nothing that is in a file, and says what is wrong with it."""

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import benchmark

benchmark.register()

import numpy as np
import pytest
import torch

from benchmark.models.convert import ConversionError, convert, read_source


@pytest.mark.parametrize('protocol', [0, 2, 4, 5])
def test_pickle_protocols_and_memory_orders(protocol):
    generator = np.random.default_rng(0)
    shapes = {'conv1.weight': (8, 3, 7, 7), 'bn1.weight': (8,), 'fc.weight': (5, 8)}
    arrays = {k: generator.normal(size=shape).astype('f4') for k, shape in shapes.items()}
    stored = {k: np.asfortranarray(v.astype('>f8' if v.ndim == 4 else 'f4')) for k, v in arrays.items()}
    found, kind = read_source('in.pkl', pickle.dumps(OrderedDict(stored), protocol))
    assert kind == 'numpy pickle'
    assert list(found) == list(arrays)
    assert all(np.array_equal(found[k], v) for k, v in arrays.items())


class Malicious:
    """Runs a command where it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.system, (f'touch {self.target}',)


@pytest.mark.parametrize('kind', ['pickle', 'torch', 'old torch'])
def test_malicious_file_runs_nothing(tmp_path, kind):
    target, path = tmp_path / 'ran', tmp_path / 'in.pkl'
    if kind == 'pickle':
        path.write_bytes(pickle.dumps({'fc.bias': np.zeros(1), 'x': Malicious(target)}))
    else:
        torch.save({'fc.bias': torch.zeros(1), 'x': Malicious(target)}, path,
                   _use_new_zipfile_serialization=kind == 'torch')
    refusal = r'in\.pkl: refused, because it asks for posix\.system.*nothing was run'
    with pytest.raises(ConversionError, match=refusal):
        convert('vggface2', path, tmp_path / 'out.pth')
    assert os.listdir(tmp_path) == ['in.pkl']
    pickle.loads(pickle.dumps(Malicious(target)))  # the attack itself works
    assert target.exists()


@pytest.mark.parametrize('call', [
    b'cbuiltins\neval\n(S"1"\ntR.', b'cnumpy\nload\n(S"x"\ntR.', b'c_codecs\nencode\n(Vx\nVrot13\ntR.',
    b'cnumpy.core.multiarray\nfromfile\n(S"x"\ntR.',
])
def test_only_array_reconstruction_is_allowed(tmp_path, call):
    (tmp_path / 'in.pkl').write_bytes(call)
    with pytest.raises(ConversionError, match='refused'):
        convert('vggface2', tmp_path / 'in.pkl', tmp_path / 'out.pth')


@pytest.mark.parametrize('kind', ['pickle', 'torch', 'text', 'empty'])
def test_truncated_or_other_file(tmp_path, kind):
    state = {'conv1.weight': torch.randn(64, 3, 7, 7)}
    path = tmp_path / 'in.pkl'
    if kind == 'torch':
        torch.save(state, path)
    else:
        arrays = {k: v.numpy() for k, v in state.items()}
        contents = {'pickle': pickle.dumps(arrays), 'text': b'hello' * 99, 'empty': b''}
        path.write_bytes(contents[kind])
    if kind in ('pickle', 'torch'):
        path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ConversionError, match=r'in\.pkl: neither .* or cut short'):
        convert('vggface2', path, tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists()


@pytest.mark.parametrize('value', [np.array(['x']), np.array([None]), 'x', [1.0], True])
def test_pickled_value_that_is_no_array_of_numbers_is_named(tmp_path, value):
    content = {'layer1.0.conv1.weight': np.zeros(3)} | {f'layer{i}.1.bn1.bias': value for i in (1, 2, 3, 4)}
    (tmp_path / 'in.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(ConversionError, match=r'in\.pkl: layer1\.1\.bn1\.bias is a .*, not an array'):
        convert('vggface2', tmp_path / 'in.pkl', tmp_path / 'out.pth')


def array_checkpoint(tmp_path, content):
    path = tmp_path / 'in.pth'
    torch.save(content, path)
    return path


def test_checkpoints_of_mmengine_are_read_with_their_arrays_and_buffers(tmp_path):
    from mmengine.logging import HistoryBuffer

    from benchmark.models.checkpoint import load_plain, plain
    buffer = HistoryBuffer([1.0, 2.0], [1, 1], 10)
    meta = dict(sigmas=np.ones(3, 'f4'), names=['a'], number=np.float64(2), ids={1: np.arange(2)})
    path = array_checkpoint(tmp_path, dict(meta=meta, message_hub=dict(loss=buffer), state_dict={'w': torch.ones(1)}))
    found = load_plain(path)
    assert found['meta']['sigmas'].dtype == np.float32 and type(found['message_hub']['loss']).__name__ == '_LeftOut'
    assert plain(found['meta']) == dict(sigmas=[1.0] * 3, names=['a'], number=2.0, ids={1: [0, 1]})


@pytest.mark.parametrize('write', ['torch', 'old torch'])
def test_a_checkpoint_that_asks_for_more_is_refused_and_nothing_runs(tmp_path, write):
    from benchmark.models.checkpoint import CheckpointError, read_checkpoint
    target, path = tmp_path / 'ran', tmp_path / 'in.pth'
    torch.save({'state_dict': {'w': torch.ones(1)}, 'meta': Malicious(target)}, path,
               _use_new_zipfile_serialization=write == 'torch')
    with pytest.raises(CheckpointError, match=r'in\.pth: asks for posix\.system, which would be executed; nothing was'):
        read_checkpoint(path)
    assert not target.exists()
    torch.save({'state_dict': {'w': torch.ones(1)}, 'meta': getattr}, path)
    assert read_checkpoint(path)['meta'] is not getattr


@pytest.mark.parametrize(('content', 'message'), [
    (b'hello' * 99, 'no torch checkpoint, or cut short|cannot be read'), (b'', 'cannot be read|cut short'),
    (None, 'no such checkpoint')])
def test_a_checkpoint_that_is_none_is_named(tmp_path, content, message):
    from benchmark.models.checkpoint import CheckpointError, read_checkpoint
    if content is not None:
        (tmp_path / 'in.pth').write_bytes(content)
    with pytest.raises(CheckpointError, match=rf'in\.pth: ({message})'):
        read_checkpoint(tmp_path / 'in.pth')


def test_weights_fit_to_the_last_tensor_or_are_refused():
    from benchmark.models.checkpoint import CheckpointError, load_weights
    model = torch.nn.Linear(2, 1)
    load_weights(model, {'weight': torch.full((1, 2), 3.0), 'bias': torch.zeros(1)}, 'a.pth')
    assert model.weight.tolist() == [[3.0, 3.0]]
    for state, message in (({'weight': torch.ones(1, 2)}, 'a.pth: bias is missing'),
                           ({'weight': torch.ones(1, 3), 'bias': torch.ones(1)}, r'weight has shape \(1, 3\)'),
                           ({**model.state_dict(), 'more': torch.ones(1)}, 'a.pth: more has no place')):
        with pytest.raises(CheckpointError, match=message):
            load_weights(model, state, 'a.pth')
