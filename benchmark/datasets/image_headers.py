"""What an image file says before its pixels: form, size, depth, alpha, pages and rotation."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from benchmark.datasets.dicom import looks_like_dicom
from benchmark.datasets.metainfo import DataError

#: NewSubfileType, width, height, bits, photometric interpretation, orientation, extra samples, sample format.
_TIFF_TAGS = (254, 256, 257, 258, 262, 274, 338, 339)
#: First bytes of formats whose header may be too damaged for Pillow.
_BEGINNINGS = {b'RIFF': 'WebP', b'BM': 'BMP', b'GIF8': 'GIF', b'\0\0\0\x0cjP': 'JPEG 2000'}


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
