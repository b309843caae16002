"""From a public file to a source checkpoint."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmpose.registry import MODELS

from benchmark.utils.files import atomic_path

from .converted import Converted, Options
from .dlib import convert_dlib
from .efficientnet import convert_efficientnet_lite
from .errors import ConversionError
from .folded import NONE, SYNTHETIC, batches, face_images, take_statistics
from .mobilenet import convert_tfjs
from .mobilenet_v2 import convert_mobilenet_v2
from .resnet import RESNETS, convert_resnet

FORMAT_VERSION = 1
CHANNEL_ORDERS = ('auto', 'rgb', 'bgr')

#: Format -> what reads and checks a file of it.
FORMATS: dict[str, Callable[[Path, bytes, Options], Converted]] = {
    **dict.fromkeys(RESNETS, convert_resnet), 'tfjs': convert_tfjs, 'dlib': convert_dlib,
    'efficientnet_lite': convert_efficientnet_lite, 'mobilenet_v2': convert_mobilenet_v2}


def convert(source_format: str, src: str | Path, dst: str | Path, *, overwrite: bool = False,
            classifier: bool = True, channel_order: str = 'auto', mean: tuple | None = None,
            std: tuple | None = None, prefix: str | None = None, faces: str | Path = SYNTHETIC,
            about: dict[str, Any] | None = None) -> dict:
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
        prefix: See :func:`.resnet.unwrap`.
        faces: What the statistics of batch norms are measured on where a file has them folded away (``tfjs``,
            ``dlib``): a folder of face crops, ``synthetic`` for the suite's drawn faces, ``none`` for mean 0 and
            variance 1. Nothing that the network computes in evaluation mode depends on it, but training starts from it:
            see :func:`.folded.take_statistics`.
        about: What else ``meta`` is to say, such as licence and citation.

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
    found = FORMATS[source_format](src, data, Options(source_format, classifier, channel_order, prefix))
    meta = {'format_version': FORMAT_VERSION, **found.meta, 'normalisation': _normalisation(src, found, mean, std),
            'source_format': source_format, **found.origin, 'source_sha256': hashlib.sha256(data).hexdigest(),
            **(about or {})}
    if found.folded:
        meta['statistics'] = _measure(found, meta, faces)
    elif faces != SYNTHETIC:
        raise ConversionError(f'{src}: has batch norms with statistics of their own. Leave --faces out.')
    _write(dst, {'meta': meta, 'state_dict': found.state})
    return meta


def _normalisation(src: Path, found: Converted, mean: tuple | None, std: tuple | None) -> dict[str, list[float]]:
    """What is given, else the format's own."""
    if found.normalisation is None and (mean is None or std is None):
        raise ConversionError(f'{src}: does not say how its images are normalised. Give --mean and --std per channel '
                              'R, G, B in 0..255.')
    default = found.normalisation or {}
    values = {name: [float(v) for v in (given if given is not None else default[name])]
              for name, given in (('mean', mean), ('std', std))}
    if any(len(three) != 3 for three in values.values()) or min(values['std']) <= 0:
        raise ConversionError('normalisation: give three values for the mean and three positive ones for the '
                              'standard deviation, for R, G and B in 0..255.')
    return values


def _measure(found: Converted, meta: dict[str, Any], faces: str | Path) -> str:
    """Fills the statistics of folded batch norms; says what they are of."""
    if faces == NONE:
        return 'of mean 0 and variance 1'
    parts = {name: MODELS.build(meta[key]) for name, key in (('backbone', 'arch'), ('embedding', 'embedding'))
             if key in meta}
    for name, part in parts.items():
        part.load_state_dict({key[len(name) + 1:]: value for key, value in found.state.items()
                              if key.startswith(f'{name}.')})
    images, words = face_images(faces, tuple(meta['input_size']))
    take_statistics([*parts.values()], batches(images, meta['normalisation']))
    for name, part in parts.items():
        found.state |= {f'{name}.{key}': value for key, value in part.state_dict().items()}
    return f'measured on {words}'


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
