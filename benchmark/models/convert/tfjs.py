"""TensorFlow.js models: a JSON file with the graph or layers and a manifest of the weights, and shards beside it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from .errors import ConversionError

GRAPH, LAYERS = 'graph-model', 'layers-model'
DTYPES = {'float32': '<f4', 'int32': '<i4', 'bool': '?'}
#: What a float32 may be kept as; integers have a scale and a smallest value.
QUANTISED = {'float16': '<f2', 'uint8': 'u1', 'uint16': '<u2'}
#: No float32 is larger.
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class TfjsModel:
    """A file as it stands.

    Attributes:
        kind: :data:`GRAPH` or :data:`LAYERS`.
        topology: The graph (``node``), or the Keras model.
        tensors: Name -> float32 array (what was quantised too), int32 or bool.
        about: ``generatedBy`` and ``convertedBy`` where the file says them.
        shards: Paths of the files of weights, as the manifest names them, and their SHA-256 (hex).
    """

    kind: str
    topology: dict[str, Any]
    tensors: dict[str, np.ndarray]
    about: dict[str, str] = field(default_factory=dict)
    shards: dict[str, str] = field(default_factory=dict)


def typed(path: str | Path, where: str, value: Any, kind: type | tuple[type, ...], words: str) -> Any:
    """A value of a file's JSON, once it is known to be of its kind; a truth value is no number.

    Args:
        path: The file.
        where: The field, for the message.
        value: What stands there.
        kind: What it must be.
        words: The same in words.

    Raises:
        ConversionError: It is of another kind.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds):
        return value
    text = repr(value)
    raise ConversionError(f'{path}: {where} is {text if len(text) <= 60 else text[:59] + "…"}, not {words}. Export the '
                          'model again.')


def read_tfjs(path: str | Path, data: bytes, read_shard: Callable[[str], bytes] | None = None) -> TfjsModel:
    """Reads a model and its shards.

    Args:
        path: The JSON file; shards lie in its folder.
        data: Its bytes.
        read_shard: Gives a shard's bytes by its path in the manifest; None reads beside ``path``.

    Raises:
        ConversionError: No such file, an unknown dtype, a shard that is missing, truncated, overlong or elsewhere.
    """
    read_shard = read_shard or (lambda name: _beside(Path(path), name))
    try:
        content = json.loads(data.decode('utf-8'))
    except (ValueError, RecursionError):
        raise ConversionError(f'{path}: is no JSON file, or cut short. Give the .json file of a TensorFlow.js model; '
                              'the files of its weights lie beside it.') from None
    topology = content.get('modelTopology') if isinstance(content, dict) else None
    manifest = content.get('weightsManifest') if isinstance(content, dict) else None
    if not isinstance(topology, dict) or not isinstance(manifest, list) or not manifest:
        raise ConversionError(f'{path}: has no modelTopology with a weightsManifest. Give the .json file of a '
                              'TensorFlow.js graph or layers model.')
    kind = GRAPH if 'node' in topology else LAYERS if {'model_config', 'config'} & topology.keys() else None
    if kind is None:
        raise ConversionError(f'{path}: modelTopology has neither node nor model_config (format '
                              f'{content.get("format")!r}). Convert the model to a TensorFlow.js graph or layers '
                              'model.')
    tensors: dict[str, np.ndarray] = {}
    shards: dict[str, str] = {}
    for group in manifest:
        paths, weights = _group(path, group)
        parts = [read_shard(_inside(path, name)) for name in paths]
        shards |= {name: hashlib.sha256(part).hexdigest() for name, part in zip(paths, parts)}
        for name, array in _tensors(path, paths, weights, b''.join(parts)):
            if name in tensors:
                raise ConversionError(f'{path}: the manifest names {name} twice. Export the model again.')
            tensors[name] = array
    about = {key: content[key] for key in ('generatedBy', 'convertedBy') if isinstance(content.get(key), str)}
    return TfjsModel(kind, topology, tensors, about, shards)


def _group(path: str | Path, group: object) -> tuple[list[str], list[dict]]:
    paths, weights = (group.get(key) if isinstance(group, dict) else None for key in ('paths', 'weights'))
    if (not isinstance(paths, list) or not all(isinstance(one, str) and one for one in paths)
            or not isinstance(weights, list) or not all(isinstance(one, dict) for one in weights)):
        raise ConversionError(f'{path}: weightsManifest has a group without paths and weights. Export the model again.')
    return paths, weights


def _inside(path: str | Path, name: str) -> str:
    """A shard's path, once it is known to stay in the folder."""
    parts = PurePosixPath(name)
    if parts.is_absolute() or '..' in parts.parts or '\\' in name or ':' in name or '\0' in name:
        raise ConversionError(f'{path}: weightsManifest names {name!r}, which is not below the folder of the file; it '
                              'was not read. Put the weights beside the file, and correct the path.')
    return name


def _beside(path: Path, name: str) -> bytes:
    shard = path.parent / name
    try:
        if not shard.resolve().is_relative_to(path.parent.resolve()):
            raise ConversionError(f'{path}: weightsManifest names {name!r}, a link to another folder; it was not read. '
                                  'Put the weights beside the file.')
        return shard.read_bytes()
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else 'no name of a file'
        raise ConversionError(f'{path}: its weights {name!r} cannot be read ({why}). Put all files of the model in one '
                              'folder.') from None


def _tensors(path: str | Path, paths: list[str], weights: list[dict], body: bytes) -> list[tuple[str, np.ndarray]]:
    """The tensors of a group, which follow each other without a gap."""
    plans = [_plan(path, entry) for entry in weights]
    wanted = sum(math.prod(shape) * kind.itemsize for _, shape, kind, _ in plans)
    if wanted != len(body):
        raise ConversionError(f'{path}: the weights in {", ".join(paths)} have {len(body)} bytes, the manifest asks '
                              f'for {wanted}. Download all of the model again, of one version.')
    found, place = [], 0
    for name, shape, kind, quantised in plans:
        array = np.frombuffer(body, kind, math.prod(shape), place).reshape(shape)
        place += array.nbytes
        if quantised is not None:
            scale, smallest = quantised
            array = (array.astype(np.float32) * np.float32(scale) + np.float32(smallest)).astype(np.float32)
        elif kind == np.dtype('<f2'):
            array = array.astype(np.float32)
        found.append((name, array))
    return found


def _plan(path: str | Path, entry: dict) -> tuple[str, tuple[int, ...], np.dtype, tuple[float, float] | None]:
    """A tensor's name, shape, dtype in the shard, and scale and smallest value of quantised integers."""
    name, shape, dtype, quantisation = (entry.get(key) for key in ('name', 'shape', 'dtype', 'quantization'))
    if not isinstance(name, str) or not isinstance(shape, list) or not all(
            type(side) is int and side >= 0 for side in shape):
        raise ConversionError(f'{path}: weightsManifest has a tensor with name {name!r} and shape {shape!r}. Export '
                              'the model again.')
    typed(path, f'weightsManifest: dtype of {name}', dtype, str, 'a text')
    if quantisation is None:
        if dtype not in DTYPES:
            raise ConversionError(f'{path}: {name} has dtype {dtype!r}. Read are {", ".join(DTYPES)}, quantised to '
                                  f'{", ".join(QUANTISED)} or not: export the model with one of these.')
        return name, tuple(shape), np.dtype(DTYPES[dtype]), None
    kept = typed(path, f'weightsManifest: quantization of {name}', quantisation, dict, 'a dict').get('dtype')
    if not isinstance(kept, str) or kept not in QUANTISED or dtype != 'float32':
        raise ConversionError(f'{path}: {name}, {dtype}, is quantised to {kept!r}. Read are float32 quantised to '
                              f'{", ".join(QUANTISED)}: export the model with one of these, or none.')
    if kept == 'float16':
        return name, tuple(shape), np.dtype(QUANTISED[kept]), None
    scale, smallest = (quantisation.get(key) for key in ('scale', 'min'))
    if not all(type(one) in (int, float) and abs(one) <= LARGEST for one in (scale, smallest)):
        raise ConversionError(f'{path}: {name} is quantised to {kept} with scale={scale!r}, min={smallest!r}, which '
                              'are no two numbers. Export the model again.')
    return name, tuple(shape), np.dtype(QUANTISED[kept]), (scale, smallest)
