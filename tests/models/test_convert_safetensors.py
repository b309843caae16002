"""The reader of safetensors files: little files written by hand, whole and broken."""

import json
import struct

import benchmark

benchmark.register()

import numpy as np
import pytest
import torch

from benchmark.models.convert import ConversionError, convert, read_source


def file_of(header: object, body: bytes = b'') -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack('<Q', len(text)) + text + body


def entry(dtype: str, shape: list, start: int, stop: int) -> dict:
    return {'dtype': dtype, 'shape': shape, 'data_offsets': [start, stop]}


def test_each_number_comes_out_as_it_went_in():
    values = [1.0, -2.5, 3.0]
    parts = {'F64': np.array(values, '<f8').tobytes(), 'F32': np.array(values, '<f4').tobytes(),
             'F16': np.array(values, '<f2').tobytes(), 'BF16': struct.pack('<3H', 0x3F80, 0xC020, 0x4040),
             'I64': np.array([1, -2, 3], '<i8').tobytes(), 'U8': bytes([1, 2, 3]), 'BOOL': bytes([1, 0, 1])}
    header, body = {'__metadata__': {'format': 'pt'}}, b''
    for dtype, part in reversed(parts.items()):
        header[dtype] = entry(dtype, [3, 1], len(body), len(body) + len(part))
        body += part
    header['nothing'] = entry('F32', [0, 4], len(body), len(body))
    found, kind = read_source('weights.bin', file_of(header, body))
    assert kind == 'safetensors'
    assert {name: found[name].ravel().tolist() for name in ('F64', 'F32', 'F16', 'BF16')} == dict.fromkeys(
        ('F64', 'F32', 'F16', 'BF16'), values)
    assert found['BF16'].dtype == np.float32 and found['F32'].shape == (3, 1) and found['nothing'].shape == (0, 4)
    assert (found['I64'].ravel().tolist(), found['U8'].ravel().tolist()) == ([1, -2, 3], [1, 2, 3])
    assert found['BOOL'].ravel().tolist() == [True, False, True]


F32 = entry('F32', [2], 0, 8)


@pytest.mark.parametrize(('data', 'message'), [
    (b'', 'no safetensors file, or cut short'), (b'hello' * 99, 'no safetensors file, or cut short'),
    (file_of({'a': F32}, bytes(8))[:30], 'its header would have 61 bytes, the file has 30'),
    (file_of({'a': F32}, bytes(7)), 'a of 8 bytes stands at bytes 0 to 8 of 7'),
    (file_of({'a': F32}, bytes(9)), '1 bytes follow the last tensor'),
    (file_of({'a': F32, 'b': entry('F32', [1], 4, 8)}, bytes(8)), 'b starts at byte 4 .* overlaps a, which ends at 8'),
    (file_of({'a': F32, 'b': entry('F32', [1], 12, 16)}, bytes(16)), 'b starts at byte 12 .* leaves a gap behind a'),
    (file_of({'a': entry('F32', [2], 4, 12)}, bytes(12)), 'a starts at byte 4 .* leaves a gap behind the header'),
    (file_of({'a': entry('F32', [3], 0, 8)}, bytes(8)), 'a of 12 bytes stands at bytes 0 to 8'),
    (file_of({'a': entry('F32', [2], -8, 0)}, bytes(8)), r'data_offsets=\[-8, 0\]'),
    (file_of({'a': entry('F32', [True], 0, 4)}, bytes(4)), r'shape=\[True\]'),
    (file_of({'a': entry('F8_E4M3', [8], 0, 8)}, bytes(8)), "a has dtype 'F8_E4M3'. Read are F64, F32"),
    (file_of({'a': entry(['F32'], [2], 0, 8)}, bytes(8)), r"a has dtype \['F32'\]"),
    (file_of({'a': 5}, bytes(8)), 'a has dtype None'), (file_of({}), 'holds no tensor'),
    (file_of(b'{"a": '), 'no JSON object'), (file_of([1]), 'no JSON object'),
    (file_of(b'[' * 100_000), 'no JSON object'), (file_of(b'{"\xff": 1}'), 'no JSON object'),
])
def test_a_broken_file_is_refused_with_what_was_found(data, message):
    with pytest.raises(ConversionError, match=rf'in\.safetensors: .*{message}'):
        read_source('in.safetensors', data)


def test_a_resnet_is_converted_whatever_the_file_is_called(tmp_path):
    from mmpose.models.backbones import ResNet
    with torch.device('meta'):
        shapes = {key: value.shape for key, value in ResNet(18).state_dict().items()}
    header, body = {}, b''
    for number, (key, shape) in enumerate({**shapes, 'fc.weight': (5, 512), 'fc.bias': (5,)}.items()):
        counter = key.endswith('num_batches_tracked')
        part = (np.zeros(shape, '<i8') if counter else np.full(shape, number / 8, '<f2')).tobytes()
        header[key] = entry('I64' if counter else 'F16', list(shape), len(body), len(body) + len(part))
        body += part
    for name in ('resnet18.safetensors', 'resnet18.pth'):
        (tmp_path / name).write_bytes(file_of(header, body))
        meta = convert('timm', tmp_path / name, tmp_path / f'{name}.out')
        assert (meta['source_kind'], meta['num_classes'], meta['arch']['depth']) == ('safetensors', 5, 18)
        state = torch.load(tmp_path / f'{name}.out', weights_only=True)['state_dict']
        assert state['backbone.conv1.weight'].dtype == torch.float32 and state['backbone.bn1.weight'][0] == 1 / 8
