"""Converts a public pre-trained ResNet to a source checkpoint that holds tensors only.

Reads, without running anything that is in the file:

- ``vggface2``: the VGGFace2 networks, as a pickled dict of numpy arrays (``resnet50_ft_weight.pkl``) or a
  torch state dict, with torch-style names (``layer1.0.conv1.weight``, ``fc.weight``) or Caffe's
  (``conv2_1_1x1_reduce.weight``, ``classifier.weight``);
- ``torchvision`` and ``timm``: state dicts of the plain ResNets (18, 34, 50, 101, 152).

The checkpoint is ``dict(meta, state_dict)``: ``backbone.*`` as MMPose's ResNet names its tensors,
``classifier.weight`` (C, d) and ``classifier.bias`` (C,). Its input is RGB, normalised as
``meta['normalisation']`` says. It loads with ``torch.load(weights_only=True)``.

Symbols: C: source classes, d: encoder width (2048 for ResNet-50).
"""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from mmpose.models.backbones import ResNet
from torch import Tensor, nn

from benchmark.utils.files import atomic_path

from .backbones.vggface2_resnet import VGGFACE2_NORMALISATION, VGGFace2ResNet
from .checkpoint import load_plain

FORMAT_VERSION = 1

#: ImageNet's statistics per RGB channel in 0..255, of torchvision's networks and most of timm's.
IMAGENET_NORMALISATION = {'mean': (123.675, 116.28, 103.53), 'std': (58.395, 57.12, 57.375)}

#: Format -> (architecture, normalisation).
FORMATS = {
    'vggface2': (VGGFace2ResNet, VGGFACE2_NORMALISATION),
    'torchvision': (ResNet, IMAGENET_NORMALISATION),
    'timm': (ResNet, IMAGENET_NORMALISATION),
}
CHANNEL_ORDERS = ('auto', 'rgb', 'bgr')

#: Keys under which training scripts keep the state dict.
NESTED = ('state_dict', 'model_state_dict', 'model', 'net', 'network', 'weights', 'params')

_CAFFE_UNIT = re.compile(r'conv([2-5])_(\d+)_(1x1_reduce|3x3|1x1_increase|1x1_proj)(_bn)?\.(\w+)')
_CAFFE_PARTS = {'1x1_reduce': ('conv1', 'bn1'), '3x3': ('conv2', 'bn2'), '1x1_increase': ('conv3', 'bn3'),
                '1x1_proj': ('downsample.0', 'downsample.1')}
_CAFFE_OTHERS = {'conv1_7x7_s2': 'conv1', 'conv1_7x7_s2_bn': 'bn1', 'classifier': 'fc'}
#: A plain ResNet's first convolution, and first names of its first block, as torch and Caffe call them.
_STEM = re.compile(r'(?<![^.])conv1(_7x7_s2)?\.weight$')
_FIRST_BLOCK = ('layer1.0.conv1.weight', 'conv2_1_1x1_reduce.weight')
_OLD_TORCH = b'\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'
#: What a broken pickle or torch file may raise.
_BROKEN = (RuntimeError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError, AssertionError,
           EOFError, ImportError, MemoryError, OSError, SystemError, struct.error)
_ARRAYS_ONLY = 'Only numbers in numpy arrays or torch tensors are read.'


class ConversionError(ValueError):
    """A source that cannot be converted: the message names the file, the key and the remedy."""


def _encode_latin1(text: str, encoding: str = 'latin1') -> bytes:
    """What old pickle protocols call to rebuild bytes; other codecs are refused."""
    if encoding not in ('latin1', 'latin-1'):
        raise _RefusedError(f'the codec {encoding!r}')
    return text.encode('latin1')


def _allowed_globals() -> dict[tuple[str, str], object]:
    """Everything that a pickle of numpy arrays may name; numpy 1 and 2 differ in the name of their core."""
    allowed = {('numpy', 'ndarray'): np.ndarray, ('numpy', 'dtype'): np.dtype,
               ('collections', 'OrderedDict'): OrderedDict, ('_codecs', 'encode'): _encode_latin1}
    core = np._core if hasattr(np, '_core') else np.core
    for name in ('numpy.core', 'numpy._core'):
        allowed[name + '.multiarray', '_reconstruct'] = core.multiarray._reconstruct
        allowed[name + '.numeric', '_frombuffer'] = core.numeric._frombuffer
    return allowed


class _RefusedError(pickle.UnpicklingError):
    """A pickle names an object that is no part of an array."""


class _ArrayUnpickler(pickle.Unpickler):
    """Reads a pickle of numpy arrays in dicts; refuses to look up anything else, before it is called."""

    allowed = _allowed_globals()

    def find_class(self, module: str, name: str) -> object:
        """Gives one of the allowed objects.

        Raises:
            _RefusedError: The pickle names another one.
        """
        if (module, name) not in self.allowed:
            raise _RefusedError(f'{module}.{name}')
        return self.allowed[module, name]


def read_source(path: str | Path, data: bytes) -> tuple[dict[str, object], bool]:
    """Reads a file of named arrays without running what it holds.

    Args:
        path: Name of the file, for messages.
        data: Its bytes.

    Returns:
        Name -> numpy array or tensor, and whether the file was a numpy pickle.

    Raises:
        ConversionError: Not such a file, truncated, or with more than arrays in it.
    """
    if Path(path).suffix == '.safetensors':
        raise ConversionError(f'{path}: safetensors files are not read. Save it with torch.save('
                              'safetensors.torch.load_file(FILE), NEW) and convert NEW.')
    is_torch = data.startswith((b'PK\x03\x04', _OLD_TORCH))
    try:
        if is_torch:
            content = load_plain(io.BytesIO(data))
        else:
            content = _ArrayUnpickler(io.BytesIO(data), encoding='latin1').load()
    except pickle.UnpicklingError as error:
        named = re.search(r'GLOBAL (\S+)', str(error))  # torch's own refusal
        if not named and not isinstance(error, _RefusedError):
            raise ConversionError(_unreadable(path)) from None
        name = named.group(1) if named else error
        raise ConversionError(f'{path}: refused, because it asks for {name}, which is no part of an array; '
                              f'nothing was run. {_ARRAYS_ONLY} Save the state dict alone with torch.save.'
                              ) from None
    except _BROKEN:
        raise ConversionError(_unreadable(path)) from None
    if isinstance(content, dict):
        content = next((content[key] for key in NESTED if isinstance(content.get(key), dict)), content)
    if not isinstance(content, dict) or not content or not all(isinstance(key, str) for key in content):
        raise ConversionError(f'{path}: holds no dict of named arrays. Save the state dict with torch.save.')
    return dict(content), not is_torch


def unwrap(path: str | Path, content: dict[str, object], prefix: str | None = None) -> tuple[dict[str, object], str]:
    """The network's own tensors under their own names, out of what training programs wrap around them.

    DataParallel puts ``module.`` before every name, Lightning ``model.`` or whatever the attribute is called,
    torch.compile ``_orig_mod.``, detectors and classifiers ``backbone.``; tensors that lie elsewhere (heads, losses)
    are left out, but for the classifier that MMPretrain keeps as ``head.fc``.

    Args:
        path: Name of the file, for messages.
        content: Name -> array.
        prefix: What stands before the network's names; None finds it.

    Returns:
        The tensors, and the prefix that was taken off.

    Raises:
        ConversionError: There are several such networks in the file, or none under the prefix that was given.
    """
    found = sorted(key[:match.start()] for key in content if (match := _STEM.search(key))
                   and any(key[:match.start()] + first in content for first in _FIRST_BLOCK))
    if prefix is not None:
        if prefix not in found:
            have = ', '.join(map(repr, found)) or 'none'
            raise ConversionError(f'{path}: no ResNet whose names begin with {prefix!r}. There are: {have}.')
        found = [prefix]
    if len(found) > 1:
        raise ConversionError(f'{path}: holds {len(found)} networks, with names that begin with '
                              f'{", ".join(map(repr, found))}. Say with --prefix which one is meant.')
    start = found[0] if found else ''
    own = {key[len(start):]: value for key, value in content.items() if key.startswith(start)}
    if start.endswith('backbone.'):
        head = start[:-len('backbone.')] + 'head.'
        own |= {key[len(head):]: value for key, value in content.items() if key.startswith(head + 'fc.')}
    return own, start


def _unreadable(path: str | Path) -> str:
    return (f'{path}: neither a pickle of numpy arrays nor a torch file, or cut short. Download it again and '
            'compare its size.')


def _as_tensor(path: str | Path, key: str, value: object) -> Tensor:
    """One array as a contiguous float32 tensor, int64 for batch norm's counter."""
    original = value
    if isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized:
        value = (value.float() if value.is_floating_point() else value).detach().numpy()
    if not isinstance(value, (np.ndarray, int)) or np.asarray(value).dtype.kind not in 'fiu':
        raise ConversionError(f'{path}: {key} is a {type(original).__name__}, not an array of numbers. '
                              f'{_ARRAYS_ONLY} Remove it from the file.')
    counter = key.endswith('num_batches_tracked')
    array = np.array(value, dtype=np.int64 if counter else np.float32, order='C')
    if not np.isfinite(array).all():
        raise ConversionError(f'{path}: {key} holds values that are not finite. Download or train it again.')
    return torch.from_numpy(array.reshape(()) if counter and array.size == 1 else array)


def rename(key: str) -> str:
    """A torch-style name from Caffe's (``conv2_1_3x3_bn.bias`` -> ``layer1.0.bn2.bias``); others stay.

    Caffe counts the stem as stage 1 and blocks from 1.
    """
    if unit := _CAFFE_UNIT.fullmatch(key):
        stage, block, part, is_norm, field = unit.groups()
        return f'layer{int(stage) - 1}.{int(block) - 1}.{_CAFFE_PARTS[part][bool(is_norm)]}.{field}'
    owner, _, field = key.rpartition('.')
    return f'{_CAFFE_OTHERS[owner]}.{field}' if owner in _CAFFE_OTHERS else key


def build_architecture(path: str | Path, source_format: str, keys: set[str]) -> tuple[nn.Module, dict]:
    """The backbone that a file's names belong to, without memory for its weights.

    Args:
        path: Name of the file, for messages.
        source_format: One of :data:`FORMATS`.
        keys: Torch-style names.

    Returns:
        The backbone on torch's meta device, and its MMPose config.

    Raises:
        ConversionError: The number of blocks per stage is no plain ResNet's.
    """
    kind, _ = FORMATS[source_format]
    found: dict[int, int] = {}
    for key in keys:
        if match := re.match(r'layer(\d+)\.(\d+)\.', key):
            found[int(match[1])] = max(found.get(int(match[1]), 0), int(match[2]) + 1)
    blocks = tuple(found[stage] for stage in sorted(found))
    bottleneck = any(re.fullmatch(r'layer\d+\.\d+\.conv3\.weight', key) for key in keys)
    for depth, (_, sizes) in ResNet.arch_settings.items():
        if sizes == blocks and bottleneck == (depth >= 50):
            with torch.device('meta'):
                return kind(depth), {'type': kind.__name__, 'depth': depth}
    names = ', '.join(sorted(keys)[:3])
    raise ConversionError(f'{path}: has {blocks or "no"} residual blocks per stage, unlike any ResNet of '
                          f'depth 18, 34, 50, 101 or 152 (its names are like {names}). Convert a plain ResNet.')


def _check(path: str | Path, expected: dict[str, tuple], found: dict[str, Tensor], arch: dict,
           source_format: str, names: dict[str, str]) -> None:
    """Compares names and shapes; the first difference is named as it stands in the file."""
    what = f'{arch["type"]}-{arch["depth"]}'
    others = ', '.join(sorted(set(FORMATS) - {source_format}))

    def fail(keys: list[str], problem: str, remedy: str) -> None:
        more = f' (and {len(keys) - 1} more)' if len(keys) > 1 else ''
        raise ConversionError(f'{path}: {names.get(keys[0], keys[0])}{more} {problem}. {remedy}')

    if missing := sorted(set(expected) - set(found)):
        only_classifier = all(key.startswith('fc.') for key in missing)
        fail(missing, f'is missing, which {what} needs',
             'Give --no-classifier to convert the encoder only.' if only_classifier else
             f'Use the complete weights of a plain ResNet; other formats: {others}.')
    if unexpected := sorted(set(found) - set(expected)):
        fail(unexpected, f'has no place in {what}',
             f'Squeeze-and-excitation, deep-stem and other variants do not fit; other formats: {others}.')
    for key, shape in expected.items():
        if tuple(found[key].shape) != shape:
            fail([key], f'has shape {tuple(found[key].shape)}, {what} needs {shape}',
                 'Use the weights of a plain ResNet: no ResNeXt, no wide one, RGB input.')


def convert(source_format: str, src: str | Path, dst: str | Path, *, overwrite: bool = False,
            classifier: bool = True, channel_order: str = 'auto', mean: tuple | None = None,
            std: tuple | None = None, prefix: str | None = None) -> dict:
    """Converts a file to a source checkpoint, checking every name and shape.

    The public VGGFace2 networks differ in the order of their input's channels: the pickles with torch-style
    names keep Caffe's BGR (their authors' loader flips the images), those with Caffe's names are run on RGB.
    ``auto`` decides by these names. A BGR network's first convolution is flipped, so that every checkpoint
    takes RGB.

    Args:
        source_format: One of :data:`FORMATS`.
        src: The file.
        dst: The checkpoint; its folder is made where missing.
        overwrite: Replace an existing ``dst``.
        classifier: Convert the classifier too; without it the source has no ``logits``.
        channel_order: ``rgb`` or ``bgr``, what ``src`` takes; ``auto``: see above.
        mean: Normalisation per RGB channel in 0..255, where the format's own is not the file's (some of
            timm's).
        std: As ``mean``.
        prefix: See :func:`unwrap`.

    Returns:
        The checkpoint's ``meta``.

    Raises:
        ConversionError: Anything wrong with the arguments or the file.
    """
    src, dst = Path(src), Path(dst)
    if source_format not in FORMATS:
        raise ConversionError(f'format {source_format!r} is unknown. Choose one of: {", ".join(FORMATS)}.')
    if channel_order not in CHANNEL_ORDERS:
        raise ConversionError(f'channel order {channel_order!r} is unknown. Choose one of: '
                              f'{", ".join(CHANNEL_ORDERS)}.')
    if dst.exists() and (dst.is_dir() or not overwrite):
        raise ConversionError(f'{dst}: exists. ' + ('It is a folder: name a file.' if dst.is_dir() else
                                                    'Choose another name, or give --overwrite.'))
    if src.resolve() == dst.resolve():
        raise ConversionError(f'{dst}: is the source itself. Choose another name.')
    try:
        data = src.read_bytes()
    except OSError as error:
        raise ConversionError(f'{src}: cannot be read ({error.strerror}). Check the path.') from None
    content, is_pickle = read_source(src, data)
    content, prefix = unwrap(src, content, prefix)

    meta, state = _checkpoint(src, source_format, content, classifier, channel_order)
    default = FORMATS[source_format][1]
    normalisation = {name: [float(v) for v in (given if given is not None else default[name])]
                     for name, given in (('mean', mean), ('std', std))}
    if any(len(values) != 3 for values in normalisation.values()) or min(normalisation['std']) <= 0:
        raise ConversionError('normalisation: give three values for the mean and three positive ones for the '
                              'standard deviation, for R, G and B in 0..255.')
    meta = {'format_version': FORMAT_VERSION, **meta, 'normalisation': normalisation,
            'source_format': source_format, 'source_prefix': prefix,
            'source_kind': 'numpy pickle' if is_pickle else 'torch', 'source_sha256': hashlib.sha256(data).hexdigest()}
    _write(dst, {'meta': meta, 'state_dict': state})
    return meta


def _checkpoint(src: Path, source_format: str, content: dict[str, object], classifier: bool,
                channel_order: str) -> tuple[dict, dict[str, Tensor]]:
    """Renames, checks and turns to RGB what :func:`read_source` read.

    Args:
        src: Name of the file, for messages.
        source_format: One of :data:`FORMATS`.
        content: Name -> array, as in the file.
        classifier: See :func:`convert`.
        channel_order: See :func:`convert`.

    Returns:
        The architecture's part of ``meta``, and the state dict.

    Raises:
        ConversionError: A name or a shape does not fit.
    """
    names = {rename(key) if source_format == 'vggface2' else key: key for key in content}
    if len(names) < len(content):
        raise ConversionError(f'{src}: names the same tensor in two ways. Keep one of the two.')
    caffe_names = any(new != old for new, old in names.items())
    if not classifier:
        names = {new: old for new, old in names.items() if not new.startswith('fc.')}
    backbone, arch = build_architecture(src, source_format, set(names))
    found = {new: _as_tensor(src, old, content[old]) for new, old in names.items()}

    expected = {key: tuple(value.shape) for key, value in backbone.state_dict().items()}
    for key in expected:
        if key.endswith('num_batches_tracked'):  # not known to Caffe and to torch before 0.4.1
            found.setdefault(key, torch.tensor(0))
    classes = 0
    if classifier:
        weight = found.get('fc.weight')
        if weight is not None and weight.ndim == 4 and weight.shape[2:] == (1, 1):
            weight = found['fc.weight'] = weight.flatten(1)
        classes = len(weight) if weight is not None and weight.ndim else 0
        expected |= {'fc.weight': (classes, backbone.feat_dim), 'fc.bias': (classes,)}
    _check(src, expected, found, arch, source_format, names)

    if channel_order == 'auto':
        channel_order = 'bgr' if source_format == 'vggface2' and not caffe_names else 'rgb'
    if channel_order == 'bgr':
        found['conv1.weight'] = found['conv1.weight'].flip(1)
    meta = {'arch': arch, 'num_classes': classes, 'channel_order': 'rgb',
            'source_channel_order': channel_order}
    state = {f'backbone.{key}': found[key] for key in backbone.state_dict()}
    if classifier:
        state |= {f'classifier.{field}': found[f'fc.{field}'] for field in ('weight', 'bias')}
    return meta, state


def _write(dst: Path, checkpoint: dict) -> None:
    """Saves beside ``dst`` and moves into place, so that a checkpoint is there as a whole or not at all."""
    buffer = io.BytesIO()  # torch.save to a full disk raises no OSError
    torch.save(checkpoint, buffer)
    try:
        with atomic_path(dst) as temporary:
            temporary.write_bytes(buffer.getbuffer())
    except OSError as error:
        raise ConversionError(f'{dst}: cannot be written ({error.strerror}). Check the folder and the disk.'
                              ) from None
