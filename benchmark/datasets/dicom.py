"""Radiographs and other single images in DICOM files.

- Grey values of more than 8 bits, or with a modality transformation, are rescaled over the full range of the image to 0
  to 255 (padding does not count and is black); with ``window`` over the file's first window or VOI LUT
  (PS3.3 C.11.2.1). 8 bits are kept.
- MONOCHROME1, whose zero is white, is inverted afterwards.
- Millimetres (PS3.3 10.7.1.3): PixelSpacing where the file calibrates it (PixelSpacingCalibrationType, or another value
  than ImagerPixelSpacing) or is no projection (CT, MR); else ImagerPixelSpacing, which holds at the detector and is
  larger than in the patient by the magnification; else PixelSpacing of a projection that says nothing of calibration;
  else NominalScannedPixelSpacing. The first value is from row to row, the second from column to column.
- Nothing else of the file is read or copied: no names, no ids, no dates. :func:`names_patient` reads them to keep them
  out of what is written.
"""

from __future__ import annotations

import io
import math
import re
import unicodedata
from pathlib import Path

import numpy as np

from benchmark.datasets.metainfo import DataError
from benchmark.datasets.rescale import rescale

#: What is said of a spacing -> the attribute that it is from, and what is known of it.
SPACINGS = {'pixel-spacing': 'PixelSpacing', 'unsaid-spacing': 'PixelSpacing, calibration not stated',
            'imager-spacing': 'ImagerPixelSpacing, at the detector',
            'scanned-spacing': 'NominalScannedPixelSpacing, of the film'}
#: Modalities of projections, whose lengths depend on where in the beam something lies.
PROJECTIONS = ('CR', 'DX', 'IO', 'PX', 'MG', 'RF', 'XA', 'RG', 'RTIMAGE', 'GXR')
#: Attributes that tell a person, and the shortest part of one that is looked for.
_PERSONAL = ('PatientName', 'PatientID', 'OtherPatientNames', 'OtherPatientIDs', 'PatientBirthName', 'PatientBirthDate')
_PART = 3
#: Spacings that differ by a smaller share are the same.
SAME = 1e-3


def looks_like_dicom(data: bytes) -> bool:
    """Whether the bytes begin as DICOM does, with or without its preamble."""
    if data[128:132] == b'DICM':
        return True
    # An element of group 2 or 8, then the two letters of its type or a small length.
    typed = data[4:6].isalpha() and data[4:6].isupper()
    return data[:2] in (b'\x02\0', b'\x08\0') and data[3:4] == b'\0' and (typed or data[6:8] == b'\0\0')


def decode_dicom(data: bytes, where: str, window: bool = False) -> tuple[
        np.ndarray, tuple[float, float] | None, tuple[float, float], dict[str, str]]:
    """Pixels, spacing and what was done.

    Args:
        data: The file's bytes.
        where: What begins a message.
        window: Whether grey values are rescaled over the file's first window, where it has one.

    Returns:
        (h, w, 3) uint8 BGR; millimetres from row to row and from column to column, or None; height and width of a
        pixel in any unit; and what ``benchmark.datasets.images.Decoded.said`` holds.

    Raises:
        DataError: No image, several frames, a compression that is not read here, or a malformed spacing.
    """
    import pydicom
    from pydicom import config

    # Warnings would quote values of the file, which may be a patient's.
    config.settings.reading_validation_mode = config.IGNORE
    try:
        file = pydicom.dcmread(io.BytesIO(data), force=True)
        frames = int(file.get('NumberOfFrames') or 1)
    except Exception as error:  # noqa: BLE001  a damaged file fails anywhere in the parser
        raise DataError(f'{where}: the DICOM file is damaged ({type(error).__name__}). Export it again.') from None
    if not any(key in file for key in ('PixelData', 'FloatPixelData', 'DoubleFloatPixelData')):
        raise DataError(f'{where}: the DICOM file holds no image. Give the files of the images only.')
    if frames > 1:
        raise DataError(f'{where} has {frames} frames, and only one can be annotated. Save each as a file of its own.')
    values = _values(file, where)
    spacing, aspect, said = _spacing(file, where)
    interpretation = str(file.get('PhotometricInterpretation', ''))
    if values.ndim == 3 or interpretation == 'PALETTE COLOR':
        return _colour(file, values, where), spacing, aspect, said
    if interpretation not in ('MONOCHROME1', 'MONOCHROME2'):
        raise DataError(f'{where}: the DICOM file has the photometric interpretation {interpretation!r}, which is not '
                        'read. Export it as MONOCHROME2 or RGB.')
    try:
        grey = _grey(file, values, window, said)
    except DataError as error:
        raise DataError(f'{where}: {error}') from None
    except Exception as error:  # noqa: BLE001  tables of any form
        raise DataError(f'{where}: the DICOM file\'s rescaling or window is malformed ({type(error).__name__}). Export '
                        'it again.') from None
    if interpretation == 'MONOCHROME1':
        grey = 255 - grey
        said['monochrome1'] = ''
    return np.ascontiguousarray(grey[:, :, None].repeat(3, axis=2)), spacing, aspect, said


def _values(file, where: str) -> np.ndarray:
    """The stored pixels, (h, w) or (h, w, 3)."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if getattr(file, 'file_meta', None) is None or 'TransferSyntaxUID' not in file.file_meta:
        implicit, little = file.original_encoding
        file.ensure_file_meta()
        file.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else (
            ExplicitVRLittleEndian if little else ExplicitVRBigEndian)
    syntax = file.file_meta.TransferSyntaxUID
    try:
        values = np.asarray(file.pixel_array)
    except Exception as error:  # noqa: BLE001  decoders raise what they like
        if syntax.is_compressed:
            raise DataError(f'{where}: the DICOM file is compressed as {syntax.name}, which is not read here. '
                            'Decompress it (`gdcmconv --raw IN OUT` or `dcmdjpeg IN OUT`), or install pylibjpeg and '
                            'pylibjpeg-libjpeg.') from None
        raise DataError(f'{where}: the DICOM file\'s pixels cannot be read ({type(error).__name__}). Export it '
                        'again.') from None
    bits, allocated = int(file.get('BitsStored') or 16), int(file.get('BitsAllocated') or 16)
    if values.dtype.kind == 'u' and bits < allocated:
        # Old files keep overlays in the bits above the stored ones.
        values = values & values.dtype.type((1 << bits) - 1)
    if not np.isfinite(values).all():
        raise DataError(f'{where} has values that are not finite. Export it again.')
    return values


def _spacing(file, where: str) -> tuple[tuple[float, float] | None, tuple[float, float], dict[str, str]]:
    """Spacing, height and width of a pixel, and what is said; see the module for the rule."""
    pixel, imager, film = (_pair(file, attribute, where) for attribute in (
        'PixelSpacing', 'ImagerPixelSpacing', 'NominalScannedPixelSpacing'))
    kind, how = str(file.get('PixelSpacingCalibrationType') or ''), ''
    differs = pixel is not None and imager is not None and not np.allclose(pixel, imager, rtol=SAME, atol=0)
    if pixel is not None and (kind or differs):
        pair, said = pixel, 'pixel-spacing'
        how = f', calibrated ({kind if kind in ("GEOMETRY", "FIDUCIAL") else "another value than ImagerPixelSpacing"})'
    elif pixel is not None and imager is None:
        pair, said = pixel, 'unsaid-spacing' if file.get('Modality') in PROJECTIONS else 'pixel-spacing'
    elif imager is not None:
        pair, said = imager, 'imager-spacing'
    elif film is not None:
        pair, said = film, 'scanned-spacing'
    else:
        return None, _pair(file, 'PixelAspectRatio', where) or (1.0, 1.0), {'no-spacing': ''}
    return pair, pair, {said: (f'{pair[0]:g} mm' if pair[0] == pair[1] else f'{pair[0]:g} x {pair[1]:g} mm') + how}


def names_patient(path: str | Path, name: str) -> bool:
    """Whether a name holds what a DICOM file says of the person: a part of the name, an id, the date of birth.

    Letters and digits count, case does not; parts of fewer than three of them are not looked for.

    Args:
        path: The file; False for one that is not DICOM.
        name: A file's name with its folders, or a person's in a table.
    """
    with open(path, 'rb') as stream:
        if not looks_like_dicom(stream.read(132)):
            return False
    import pydicom
    from pydicom import config

    config.settings.reading_validation_mode = config.IGNORE
    try:
        file = pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=list(_PERSONAL))
        values = [str(file.get(key) or '') for key in _PERSONAL]
    except Exception:  # noqa: BLE001  a damaged file fails anywhere in the parser, and is refused when it is decoded
        return False
    parts = [part for key, value in zip(_PERSONAL, values, strict=True)
             for part in (re.split(r'[\^=\\\s]+', value) if 'Name' in key else [value])]
    plain = _letters(name)
    return any(len(part) >= _PART and part in plain for part in map(_letters, parts))


def _letters(text: str) -> str:
    """Letters and digits of a text, in one case and without accents."""
    return ''.join(c for c in unicodedata.normalize('NFKD', text).casefold() if c.isalnum())


def _pair(file, attribute: str, where: str) -> tuple[float, float] | None:
    """Two positive numbers of an attribute, or None where it is missing or empty."""
    value = file.get(attribute)
    if value is None or value == '':
        return None
    try:
        pair = tuple(float(part) for part in value)
    except (TypeError, ValueError):
        pair = ()
    if len(pair) != 2 or not all(math.isfinite(part) and part > 0 for part in pair):
        raise DataError(f'{where}: the DICOM file\'s {attribute} is no pair of numbers above 0. Correct or delete it.')
    return pair


def _colour(file, values: np.ndarray, where: str) -> np.ndarray:
    """(h, w, 3) uint8 BGR of a colour image."""
    from pydicom.pixels import apply_color_lut

    if file.get('PhotometricInterpretation') == 'PALETTE COLOR':
        try:
            values = apply_color_lut(values, file)
        except Exception as error:  # noqa: BLE001  tables of any form
            raise DataError(f'{where}: the DICOM file\'s palette is malformed ({type(error).__name__}). Export it '
                            'again.') from None
        if values.dtype == np.uint16:
            values = np.rint(values / 257).astype(np.uint8)
    if values.ndim != 3 or values.shape[2] not in (3, 4):
        raise DataError(f'{where}: the DICOM file\'s pixels have the shape {values.shape}. Export it as grey or RGB.')
    values = values[:, :, :3]
    return np.ascontiguousarray((values if values.dtype == np.uint8 else rescale(values))[:, :, ::-1])


def _grey(file, values: np.ndarray, window: bool, said: dict[str, str]) -> np.ndarray:
    """(h, w) uint8 of a grey image, before MONOCHROME1 is inverted."""
    from pydicom.pixels import apply_modality_lut, apply_voi

    has_window = bool(file.get('WindowCenter') not in (None, '') and file.get('WindowWidth') not in (None, '')
                      or file.get('VOILUTSequence'))
    padding = file.get('PixelPaddingValue')
    seen = None
    if padding is not None:
        low, high = sorted((int(padding), int(file.get('PixelPaddingRangeLimit', padding))))
        seen = (values < low) | (values > high)
        seen = None if seen.all() else seen
    plain = file.get('ModalityLUTSequence') is None and float(file.get('RescaleSlope') or 1) == 1
    if plain and int(file.get('BitsStored') or 16) <= 8 and values.dtype == np.uint8 and not (window and has_window):
        said['dicom'] = '8 bits, as they are'
        return values
    measured = apply_modality_lut(values, file)
    if window and has_window:
        said['dicom-window'] = ''
        if file.get('VOILUTSequence'):
            table = apply_voi(measured if measured.dtype.kind in 'iu' else np.rint(measured).astype(np.int64), file)
            most = (1 << int(file.VOILUTSequence[0].LUTDescriptor[2])) - 1
            scaled = table / most
        else:
            centre, width = (_first(file, key) for key in ('WindowCenter', 'WindowWidth'))
            said['dicom-window'] = f'centre {centre:g}, width {width:g}'
            scaled = _windowed(measured, centre, width, str(file.get('VOILUTFunction') or 'LINEAR'))
        grey = np.rint(255 * np.clip(scaled, 0, 1)).astype(np.uint8)
    else:
        ranged: dict[str, str] = {}
        grey = rescale(measured, seen, ranged)
        said['dicom'] = ranged.pop('deep', 'padding only') + (', a window that is not taken' if has_window else '')
        said |= ranged
    if seen is not None:
        grey[~seen] = 255 if file.PhotometricInterpretation == 'MONOCHROME1' else 0
    return grey


def _windowed(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    """Grey values over a window, 0 to 1 after clipping (PS3.3 C.11.2.1.2 and C.11.2.1.3)."""
    least = 1 if function == 'LINEAR' else 0
    if not width >= least or function != 'LINEAR' and not width > 0:
        raise DataError(f'the DICOM file\'s window has a width of {width:g}. Leave out --dicom-window.')
    if function == 'SIGMOID':
        return 1 / (1 + np.exp(-4 * (values - centre) / width))
    if function == 'LINEAR_EXACT':
        return (values - centre) / width + 0.5
    if width == 1:
        return (values > centre - 0.5).astype(float)
    return (values - (centre - 0.5)) / (width - 1) + 0.5


def _first(file, key: str) -> float:
    """The first value of an attribute that may have several."""
    value = file.get(key)
    return float(value[0] if getattr(file[key], 'VM', 1) > 1 else value)
