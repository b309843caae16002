"""The one reader of images: preparing, checking and training all see what is decoded here.

An image becomes (h, w, 3) uint8. The rules:

- **8 bits, grey or three colours**: as OpenCV decodes it (``IMREAD_COLOR``); grey is repeated three times, CMYK is
  converted.
- **More than 8 bits** (16-bit PNG and TIFF, 32-bit and float TIFF): ``round(255 (v - low) / (high - low))`` with the
  image's own least and greatest value, one scale for all channels. A TIFF whose zero is white is inverted.
- **Alpha**: laid on white, ``a v + (1 - a) 255``.
- **An EXIF rotation**: the pixels are turned, as viewers and OpenCV do; ``turned=False`` leaves them as stored.
- **Several pages or frames**: refused with their number. Of a JPEG with further pictures (MPO) the first one is
  the photograph.
- **DICOM**: see :mod:`benchmark.datasets.dicom`.

Whatever goes beyond the first rule stands in ``Decoded.said``, so that it can be told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from benchmark.datasets.dicom import decode_dicom
from benchmark.datasets.image_headers import Header, read_header
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.rescale import rescale

#: Most pixels of an image by its header.
MAX_PIXELS = 1 << 28
#: What was done to an image, by its kind.
PHRASES = {
    'deep': 'have more than 8 bits a channel; each is rescaled from its own least and greatest value to 0 and 255',
    'few-levels': 'keep few grey values, because a few pixels lie far from the others: mask or clip those in SRC',
    'alpha': 'are partly transparent and are laid on white',
    'rotation': 'carry an EXIF rotation and are read turned, as viewers and OpenCV do; where the landmarks were made '
                'on unturned pixels (PIL, dlib, ImageJ, sleap-io), prepare with --rotation stored',
    'rotation-stored': 'carry an EXIF rotation and are read as stored, unturned, the frame of their landmarks',
    'truncated': 'are JPEGs without an end marker and may be cut short: look at them',
    'dicom': 'are DICOM; grey values are rescaled over the full range of the image, without the window of the file '
             '(--dicom-window takes it)',
    'dicom-window': 'are DICOM; grey values are rescaled over the first window of the file',
    'monochrome1': 'are DICOM of MONOCHROME1, whose zero is white, and are inverted',
    'pixel-spacing': 'have their millimetres from PixelSpacing',
    'unsaid-spacing': 'are radiographs whose millimetres are from PixelSpacing; the files do not say whether it is '
                      'calibrated or holds at the detector only',
    'imager-spacing': 'have their millimetres from ImagerPixelSpacing, which holds at the detector; in the patient '
                      'they are smaller by the magnification',
    'scanned-spacing': 'have their millimetres from NominalScannedPixelSpacing, those of the film',
    'no-spacing': 'are DICOM without a pixel spacing, so without millimetres',
    'anisotropic': 'have pixels that are not square and are enlarged along the wider side; landmarks go with them',
}
#: Pixels whose height and width differ by more than this share are not square.
SQUARE = 1e-3
_SUPPORTED = 'JPEG, PNG, TIFF, BMP, WebP, GIF, JPEG 2000, AVIF, DICOM'

# A file that does not decode gets one line of ours.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True)
class Decoded:
    """An image as everything else sees it.

    Attributes:
        pixels: (h, w, 3) uint8, BGR.
        stored: Width and height before an EXIF rotation.
        orientation: EXIF, 1 (as stored) to 8.
        spacing: Millimetres from row to row and from column to column (DICOM), or None; without a known length the
            two numbers of an aspect ratio are in ``aspect``.
        aspect: Height and width of a pixel in any unit.
        said: What was done, a key of ``PHRASES`` -> the detail of this image.
    """

    pixels: np.ndarray
    stored: tuple[int, int]
    orientation: int = 1
    spacing: tuple[float, float] | None = None
    aspect: tuple[float, float] = (1.0, 1.0)
    said: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of ``pixels``."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def as_it_is(self) -> bool:
        """Whether any reader of images gets these pixels from the file, so that it may be copied."""
        return not set(self.said) - {'truncated'}


def decode(data: bytes, where: str, turned: bool = True, window: bool = False) -> Decoded:
    """Decodes an image by the rules of this module.

    Args:
        data: The file's bytes.
        where: What begins a message: the file.
        turned: Whether an EXIF rotation is applied.
        window: Whether a DICOM is rescaled over its first window rather than its full range.

    Raises:
        DataError: The file does not decode, has several pages, or is larger than ``MAX_PIXELS``.
    """
    header = read_header(data, where)
    if header.pages > 1:
        raise DataError(f'{where} has {header.pages} pages or frames, and only one can be annotated. Save each as a '
                        'file of its own.')
    if header.size and header.size[0] * header.size[1] > MAX_PIXELS:
        raise DataError(f'{where} is {header.size[0]} x {header.size[1]} by its header, more than '
                        f'{MAX_PIXELS} pixels. Resize or replace it.')
    if header.form == 'DICOM':
        pixels, spacing, aspect, said = decode_dicom(data, where, window)
        return Decoded(pixels, (pixels.shape[1], pixels.shape[0]), 1, spacing, aspect, said)
    said: dict[str, str] = {}
    if not header.whole:
        said['truncated'] = ''
    # OpenCV turns a TIFF whatever it is told, and other formats by IMREAD_COLOR alone.
    turns, is_turned = header.orientation > 1, True
    if header.bits == 8 and not header.alpha:
        still = cv2.IMREAD_IGNORE_ORIENTATION if turns and not turned and header.form != 'TIFF' else 0
        pixels = _imdecode(data, cv2.IMREAD_COLOR | still)
        is_turned = not still
    else:
        raw = _imdecode(data, cv2.IMREAD_UNCHANGED)
        if raw is not None and raw.dtype == np.uint8 and not header.alpha:
            pixels = _imdecode(data, cv2.IMREAD_COLOR)
        else:
            pixels = None if raw is None else _to_colour(raw, header, where, said)
            is_turned = header.form == 'TIFF'
    if pixels is None:
        raise DataError(f'{where}: {_undecodable(data, header)}')
    if turns and turned != is_turned:
        pixels = np.ascontiguousarray(_turn(pixels, header.orientation, undo=is_turned))
    if turns:
        said['rotation' if turned else 'rotation-stored'] = f'orientation {header.orientation}'
    height, width = pixels.shape[:2]
    stored = (height, width) if turned and header.orientation > 4 else (width, height)
    return Decoded(pixels, stored, header.orientation, said=said)


def read(path: str | Path) -> Decoded:
    """Decodes an image file.

    Raises:
        DataError: The file is missing or does not decode.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f'{path}: no such image. Run tools/prepare_data.py check on the data set.')
    return decode(path.read_bytes(), str(path))


def read_rgb(path: str | Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Decodes an image to RGB (H, W, 3) uint8 and resizes it (area when shrinking, linear when enlarging).

    Raises:
        DataError: The file is missing or does not decode.
    """
    image = cv2.cvtColor(read(path).pixels, cv2.COLOR_BGR2RGB)
    return image if size is None else resized(image, size)


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image (H, W, 3) at a width and height, by area when shrinking, linearly when enlarging."""
    if image.shape[1::-1] == tuple(size):
        return image
    shrinks = image.shape[1] > size[0]
    return cv2.resize(image, tuple(size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def notes(said: Iterable[tuple[str, dict[str, str]]]) -> list[str]:
    """A line for each kind of what was done, with its count and the first three images.

    Args:
        said: Name and ``Decoded.said`` of each image.
    """
    found: dict[str, list[str]] = {}
    for name, kinds in said:
        for kind, detail in kinds.items():
            found.setdefault(kind, []).append(f'{name} ({detail})' if detail else name)
    return [f'{len(found[kind])} images {phrase}: {", ".join(found[kind][:3])}{", ..." if len(found[kind]) > 3 else ""}'
            for kind, phrase in PHRASES.items() if kind in found]


def _imdecode(data: bytes, flags: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None


def _to_colour(raw: np.ndarray, header: Header, where: str, said: dict[str, str]) -> np.ndarray:
    """(h, w, 3) uint8 of what OpenCV decoded unchanged: rescaled where deep, laid on white where transparent."""
    raw = raw if raw.ndim == 3 else raw[:, :, None]
    channels = raw.shape[2]
    if channels not in (1, 3, 4) or channels == 4 and not header.alpha and header.form == 'TIFF':
        raise DataError(f'{where} has {channels} channels. Save it as grey or RGB, with 8 or 16 bits.')
    colour, alpha = (raw[:, :, :3], raw[:, :, 3:]) if channels == 4 else (raw, None)
    if header.clear is not None:
        # OpenCV leaves that of grey images out.
        hidden = (colour == np.array(header.clear[::-1], raw.dtype)).all(axis=2, keepdims=True)
        alpha = None if not hidden.any() else np.where(hidden, 0.0, 1.0)
    elif alpha is not None:
        full = np.iinfo(raw.dtype).max if raw.dtype.kind == 'u' else 1.0
        alpha = None if (alpha == full).all() else alpha / full
    if raw.dtype != np.uint8:
        if not np.isfinite(colour).all():
            raise DataError(f'{where} has values that are not finite. Replace them and save it again.')
        if header.form == 'TIFF' and alpha is not None:
            raise DataError(f'{where} is a TIFF of {8 * raw.dtype.itemsize} bits with an alpha channel. Save it '
                            'without alpha, or as PNG.')
        seen = None if alpha is None else np.broadcast_to(alpha > 0, colour.shape)
        colour = rescale(colour, seen, said)
        if header.white_is_zero:
            colour = 255 - colour
    if alpha is not None:
        said['alpha'] = ''
        # libtiff multiplies by alpha, other formats leave that to the reader.
        front = colour if header.form == 'TIFF' else alpha * colour
        colour = np.clip(np.rint(front + (1 - alpha) * 255), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(colour if colour.shape[2] == 3 else colour.repeat(3, axis=2))


def _turn(image: np.ndarray, orientation: int, undo: bool = False) -> np.ndarray:
    """The image turned by an EXIF orientation, or back."""
    if undo:
        orientation = {6: 8, 8: 6}.get(orientation, orientation)
    return {1: lambda x: x, 2: lambda x: x[:, ::-1], 3: lambda x: x[::-1, ::-1], 4: lambda x: x[::-1],
            5: lambda x: x.swapaxes(0, 1), 6: lambda x: np.rot90(x, -1),
            7: lambda x: x[::-1, ::-1].swapaxes(0, 1), 8: np.rot90}[orientation](image)


def _undecodable(data: bytes, header: Header) -> str:
    """Why a file does not decode, and what helps."""
    if data[4:12] in (b'ftypheic', b'ftypheix', b'ftypmif1', b'ftyphevc', b'ftypmsf1'):
        return 'is HEIC, which is not read. Convert it to JPEG or PNG.'
    if not header.whole:
        return 'cannot be decoded: the JPEG has no end marker, it is cut short. Replace or delete it.'
    if header.form:
        return f'cannot be decoded: a {header.form} that is damaged or of an unusual kind. Save it as 8-bit PNG, or ' \
            'replace or delete it.'
    return f'cannot be decoded: no image format that is known ({_SUPPORTED}). Replace or delete it.'
