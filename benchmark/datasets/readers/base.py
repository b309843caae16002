"""What a reader of annotation files is: a registered class, here or in a file of one's own."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from benchmark.datasets.findings import Finding
from benchmark.datasets.metainfo import DataError

#: Where the centre of the first pixel lies, by the word that a reader declares and ``--pixel-origin`` takes.
PIXEL_ORIGINS = dict(centre=0.0, corner=0.5) | {'one-based': 1.0}
#: Bytes of a file that are looked at to recognise it, and files of a folder.
PEEK, FEW = 65536, 5

Point = Sequence[float]
Points = Mapping[str, Point] | Sequence[Point | None]


@dataclass
class Annotated:
    """One annotated image, or one annotated person of an image that shows several, as a file has it.

    Attributes:
        image: The image's name relative to SRC's folder; :meth:`Reader.beside` makes it of a name that is relative to
            an annotation file. Absolute paths and addresses stay as they are.
        points: Landmarks by name, ``{'nasion': (61.5, 80)}``; or a list where the file only counts them, None for what
            is not annotated (``--names`` names them). A point is x, y, or x, y, v with v = 0 for 'not annotated'. The
            numbers are the file's own: ``pixel_origin``, ``units`` and ``y_from`` of the reader say what they mean.
        where: File and record, for messages.
        size: Width and height of the image that the file states, or None.
        split: ``train``, ``val`` or ``test`` where the file says so.
        spacing: Millimetres per pixel, or None.
        box: x, y, width and height around what is annotated, in the file's own numbers, or None.
        fields: What else is known of the image, by name: ``--subject``, ``--groups`` and ``--spacing`` take them from
            here; the rest is told and not kept.
        annotators: ``points`` of further annotators, by the annotator's name; ``--annotators`` takes them.
        unused: What the file says here that a prepared set has no place for, such as 'shapes of type polygon'; each
            is told once, with its number.
    """

    image: str
    points: Points
    where: str
    size: tuple[int, int] | None = None
    split: str | None = None
    spacing: float | None = None
    box: tuple[float, float, float, float] | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    annotators: Mapping[str, Points] = field(default_factory=dict)
    unused: Sequence[str] = ()


@dataclass
class Landmarks:
    """What a file says of all its landmarks; a reader yields at most one.

    Attributes:
        names: Their names in the file's order, also of points that are only counted; None where it has none.
        flip_indices: For each the index of its mirror image, or None.
    """

    names: Sequence[str] | None
    flip_indices: Sequence[int] | None = None


class Reader:
    """Reads one kind of annotation file.

    A subclass declares the attributes below and yields what it finds; images, splits, persons, mirroring, crops and
    checks are common to all readers. ``@register`` makes it a FORMAT of ``tools/prepare_data.py``.

    Attributes:
        name: FORMAT on the command line.
        summary: One line of help.
        description: What SRC looks like, with an example command.
        patterns: Names of its files, such as ``*.json``.
        pixel_origin: Where the numbers count from, a key of ``PIXEL_ORIGINS``: ``centre`` (the first pixel's centre is
            0), ``corner`` (the image's corner is 0, pixel centres are at .5) or ``one-based``. ``--pixel-origin`` goes
            before it.
        units: ``pixels``, or ``relative`` (0 to 1) or ``percent`` (0 to 100) of width and height.
        y_from: ``top-left``, or ``bottom-left`` where y grows upwards.
        rotation: Frame in which its program shows a photograph with an EXIF rotation: ``turned``, ``stored``, or None
            where that is not known (then as ``--rotation`` says by itself).
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    description: ClassVar[str] = ''
    patterns: ClassVar[tuple[str, ...]] = ('*',)
    pixel_origin: ClassVar[str] = 'centre'
    units: ClassVar[str] = 'pixels'
    y_from: ClassVar[str] = 'top-left'
    rotation: ClassVar[str | None] = None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds options of this reader alone."""

    def sniff(self, path: Path) -> str | None:
        """Why ``path``, a file with a name that fits, is one of this kind, or None; a cheap look, see :func:`peek`."""
        return None

    def recognise(self, src: Path) -> str | None:
        """Why SRC, a file or folder, is of this kind, or None: what :meth:`sniff` says of one of its first files."""
        for path in self.files(src)[:FEW]:
            if reason := self.sniff(path):
                return reason
        return None

    def read(self, src: Path, options: argparse.Namespace) -> Iterator[Annotated | Landmarks | str | Finding]:
        """Yields what is annotated, and between it notes and findings that a person should see.

        Args:
            src: A file or folder.
            options: The command line's.

        Raises:
            DataError: A malformed file; the message names file, record and remedy.
        """
        raise NotImplementedError

    def files(self, src: Path) -> list[Path]:
        """The files of SRC whose names fit, sorted: SRC itself where it is a file, else those in it and below."""
        if src.is_file():
            return [src] if any(src.match(pattern) for pattern in self.patterns) else []
        found = {path for pattern in self.patterns for path in src.rglob(pattern) if path.is_file()}
        return sorted(path for path in found if not path.name.startswith('.'))

    def some_files(self, src: Path) -> list[Path]:
        """:meth:`files`, at least one; a file that is named itself may be called whatever it is.

        Raises:
            DataError: SRC does not exist, or there is none in it.
        """
        if not src.exists():
            raise DataError(f'{src}: no such file or folder. For `{self.name}` SRC is a file or a folder of '
                            f'{" or ".join(self.patterns)}.')
        found = [src] if src.is_file() else self.files(src)
        if not found:
            raise DataError(f'{src}: no {" or ".join(self.patterns)} in it or below. Give the folder of the '
                            'annotation files.')
        return found

    @staticmethod
    def beside(src: Path, path: Path, name: str) -> str:
        """An image's name relative to SRC's folder, of a name that is relative to the annotation file ``path``."""
        name = name.replace('\\', '/')
        if src.is_file() or name.startswith('/') or ':' in name.partition('/')[0]:
            return name
        return os.path.normpath(f'{path.parent.relative_to(src).as_posix()}/{name}').replace('\\', '/')


#: All registered readers, by name.
READERS: dict[str, Reader] = {}


def register(cls: type[Reader]) -> type[Reader]:
    """Class decorator: makes a reader a FORMAT.

    Raises:
        DataError: It has no name or no summary, declares an unknown word, or its name is taken.
    """
    for key in ('name', 'summary'):
        if not isinstance(getattr(cls, key, None), str):
            raise DataError(f'reader {cls.__name__}: {key} is missing. Give it as a class attribute.')
    for key, words in (('pixel_origin', PIXEL_ORIGINS), ('units', ('pixels', 'relative', 'percent')),
                       ('y_from', ('top-left', 'bottom-left')), ('rotation', (None, 'turned', 'stored'))):
        if getattr(cls, key) not in words:
            raise DataError(f'reader {cls.name}: {key} is {getattr(cls, key)!r}. Use one of: '
                            f'{", ".join(map(str, words))}.')
    if cls.name in READERS:
        raise DataError(f'reader {cls.name}: the name is taken. Choose another.')
    READERS[cls.name] = cls()
    return cls


def peek(path: Path, size: int = PEEK) -> str:
    """The beginning of a file as text, bytes that are no UTF-8 replaced; empty where it cannot be read."""
    try:
        with path.open('rb') as file:
            return file.read(size).decode('utf-8', 'replace')
    except OSError:
        return ''


def finite_number(text: str, where: str, remedy: str) -> float:
    """A finite number.

    Raises:
        DataError: Anything else; ``where`` begins the message, ``remedy`` ends it.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f'{where} is {text!r}, no finite number. {remedy}')
    return value


def has_keys(path: Path, keys: Iterable[str], size: int = PEEK) -> bool:
    """Whether the beginning of a JSON file (of each, the first ``size`` bytes) has all of these keys."""
    text = peek(path, size)
    return text.lstrip('\ufeff \n\r\t')[:1] in ('{', '[') and all(f'"{key}"' in text for key in keys)
