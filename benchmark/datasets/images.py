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

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmark.datasets.dicom import decode_dicom, looks_like_dicom
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
    'imager-spacing': 'have their millimetres from ImagerPixelSpacing, which holds at the detector, not in the patient',
    'scanned-spacing': 'have their millimetres from NominalScannedPixelSpacing, those of the film',
    'no-spacing': 'are DICOM without a pixel spacing, so without millimetres',
    'anisotropic': 'have pixels that are not square and are enlarged along the wider side; landmarks go with them',
}
#: Pixels whose height and width differ by more than this share are not square.
SQUARE = 1e-3
#: NewSubfileType, width, height, bits, photometric interpretation, orientation, extra samples, sample format.
_TIFF_TAGS = (254, 256, 257, 258, 262, 274, 338, 339)
#: First bytes of formats whose header may be too damaged for Pillow.
_BEGINNINGS = {b'RIFF': 'WebP', b'BM': 'BMP', b'GIF8': 'GIF', b'\0\0\0\x0cjP': 'JPEG 2000'}
_SUPPORTED = 'JPEG, PNG, TIFF, BMP, WebP, GIF, JPEG 2000, AVIF, DICOM'

# A file that does not decode gets one line of ours.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True)
class Header:
    """What a file says before its pixels.

    Attributes:
        form: ``JPEG``, ``PNG``, ``TIFF``, ``DICOM`` or Pillow's name of the format; empty where nobody knows it.
        size: Width and height as stored, or None.
        bits: Bits a channel; 0 where only decoding tells.
        alpha: Whether pixels may be transparent.
        pages: Pages or frames.
        orientation: EXIF, 1 (as stored) to 8.
        white_is_zero: Whether zero is white in a TIFF.
        whole: False for a JPEG without an end marker.
        clear: The grey or RGB value, as it is decoded, that a PNG's tRNS chunk declares transparent, or None.
    """

    form: str = ''
    size: tuple[int, int] | None = None
    bits: int = 8
    alpha: bool = False
    pages: int = 1
    orientation: int = 1
    white_is_zero: bool = False
    whole: bool = True
    clear: tuple[int, ...] | None = None


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


def read_header(data: bytes, where: str) -> Header:
    """The header of an image file.

    Raises:
        DataError: An empty file, or one that no reader knows; ``where`` begins the message.
    """
    if not data:
        raise DataError(f'{where} is empty (0 bytes). Replace or delete it.')
    if data[:2] == b'\xff\xd8':
        return _jpeg_header(data)
    if data[:8] == b'\x89PNG\r\n\x1a\n':
        return _png_header(data)
    if data[:4] in (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+'):
        return _tiff_header(data, where)
    if looks_like_dicom(data):
        return Header('DICOM')
    try:
        with Image.open(io.BytesIO(data)) as image:
            alpha = image.mode in ('LA', 'La', 'PA', 'RGBA', 'RGBa') or 'transparency' in image.info
            orientation = image.getexif().get(0x0112, 1)
            return Header(image.format, image.size, 8 if image.format in ('WEBP', 'GIF', 'BMP', 'DIB') else 0, alpha,
                          getattr(image, 'n_frames', 1), orientation if orientation in range(1, 9) else 1)
    except Image.DecompressionBombError as error:
        raise DataError(f'{where}: {error}. Resize or replace it.') from None
    except Exception:  # noqa: BLE001  Pillow's plug-ins raise what they like; OpenCV may still know the format
        return Header(next((form for start, form in _BEGINNINGS.items() if data.startswith(start)), ''), bits=0)


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


def read_rgb(path: str | Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Decodes an image to RGB (H, W, 3) uint8 and resizes it (area when shrinking, linear when enlarging).

    Raises:
        DataError: The file is missing or does not decode.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f'{path}: no such image. Run tools/prepare_data.py check on the data set.')
    image = cv2.cvtColor(decode(path.read_bytes(), str(path)).pixels, cv2.COLOR_BGR2RGB)
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


def _jpeg_header(data: bytes) -> Header:
    at, size, orientation, end = 2, None, 1, len(data)
    while at + 4 <= end and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
        elif marker in (0xD9, 0xDA):
            break
        else:
            length = int.from_bytes(data[at + 2:at + 4], 'big')
            if marker == 0xE1 and data[at + 4:at + 10] == b'Exif\0\0':
                orientation = _exif_orientation(data[at + 10:at + 2 + length])
            elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and at + 9 <= end:
                height, width = struct.unpack_from('>HH', data, at + 5)
                size = width, height
            at += 2 + length
    # In the coded pixels 0xFF is never followed by 0xD9; of what a camera appends, an embedded picture has its own.
    return Header('JPEG', size, orientation=orientation, whole=data.rfind(b'\xff\xd9', at) >= 0)


def _png_header(data: bytes) -> Header:
    at, size, bits, alpha, pages, orientation, colour, clear = 8, None, 8, False, 1, 1, 0, None
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at:at + 4], 'big'), data[at + 4:at + 8]
        body = data[at + 8:at + 8 + length] if kind in (b'IHDR', b'acTL', b'eXIf', b'tRNS') else b''
        if kind == b'IHDR' and length >= 13:
            width, height, bits, colour = struct.unpack_from('>IIBB', body)
            size, alpha = (width, height), colour in (4, 6)
        elif kind == b'acTL' and length >= 4:
            pages = int.from_bytes(body[:4], 'big')
        elif kind == b'eXIf':
            orientation = _exif_orientation(body)
        elif kind == b'tRNS':
            alpha = True
            if colour in (0, 2) and length >= 2:
                scale = 255 // ((1 << bits) - 1) if bits < 8 else 1
                clear = tuple(value * scale for value in struct.unpack_from(f'>{length // 2}H', body))
        at += 12 + length
    return Header('PNG', size, max(bits, 8), alpha, pages, orientation, clear=clear)


def _exif_orientation(tiff: bytes) -> int:
    """The orientation in the TIFF structure of EXIF, 1 where it has none."""
    order = {b'II': '<', b'MM': '>'}.get(tiff[:2])
    try:
        start, = struct.unpack_from(order + 'I', tiff, 4)
        count, = struct.unpack_from(order + 'H', tiff, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + 'HH', tiff, at)
            if tag == 0x0112:
                value, = struct.unpack_from(order + ('H' if kind == 3 else 'I'), tiff, at + 8)
                return value if 1 <= value <= 8 else 1
    except (struct.error, TypeError):
        pass
    return 1


def _tiff_header(data: bytes, where: str) -> Header:
    """Of the first page; reduced copies and masks are no pages.

    Raises:
        DataError: A damaged directory, or a channel of unknown meaning.
    """
    try:
        pages = [page for number, page in enumerate(_tiff_pages(data)) if not number or not page.get(254, [0])[0] & 5]
        page = pages[0]
        width, height, orientation = page[256][0], page[257][0], page.get(274, [1])[0]
    except (struct.error, LookupError):
        raise DataError(f'{where}: the TIFF is damaged. Replace or delete it.') from None
    extra = page.get(338, [])
    if any(value not in (1, 2) for value in extra):
        raise DataError(f'{where} is a TIFF with a channel of unknown meaning. Save it as grey or RGB.')
    # Signed and floating values are deep, whatever their bits.
    deep = max(page.get(258, [1])) > 8 or any(value != 1 for value in page.get(339, [1]))
    return Header('TIFF', (width, height), 16 if deep else 8, bool(extra), len(pages),
                  orientation if 1 <= orientation <= 8 else 1, page.get(262, [1])[0] == 0)


def _tiff_pages(data: bytes) -> Iterator[dict[int, tuple[int, ...]]]:
    """The whole numbers of each directory of a TIFF or BigTIFF, by their tag.

    Raises:
        struct.error, LookupError: The file is damaged.
    """
    order = {b'II': '<', b'MM': '>'}[data[:2]]
    big = data[2:4] in (b'+\0', b'\0+')
    counts, offsets, inline = ('Q', 'Q', 8) if big else ('H', 'I', 4)
    entry = struct.Struct(order + ('HHQ' if big else 'HHI'))
    at, = struct.unpack_from(order + offsets, data, 8 if big else 4)
    seen: set[int] = set()
    while at and at not in seen:
        seen.add(at)
        count, = struct.unpack_from(order + counts, data, at)
        at += struct.calcsize(counts)
        page = {}
        for _ in range(count):
            tag, kind, number = entry.unpack_from(data, at)
            form = {1: 'B', 3: 'H', 4: 'I', 16: 'Q'}.get(kind)
            if form and tag in _TIFF_TAGS:
                value = at + entry.size
                if number * struct.calcsize(form) > inline:
                    value, = struct.unpack_from(order + offsets, data, value)
                page[tag] = struct.unpack_from(f'{order}{number}{form}', data, value)
            at += entry.size + inline
        yield page
        at, = struct.unpack_from(order + offsets, data, at)
