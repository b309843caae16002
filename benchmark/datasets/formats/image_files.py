"""Finds the image files that annotations name: other machines' paths, addresses, other spelling."""

from __future__ import annotations

import filecmp
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from benchmark.datasets.identities import leaves_folder
from benchmark.datasets.metainfo import IMAGE_ENDINGS, DataError

_ADDRESS = re.compile(r'[a-z][a-z0-9+.-]+://', re.IGNORECASE)


class Found(NamedTuple):
    """An image file, and its name below ``images/``."""

    path: Path
    name: str


def find_images(entries: Sequence[tuple[str, str]], folders: Sequence[Path]) -> tuple[list[Found], list[str]]:
    """Finds the image of each entry below the folders.

    A name is looked for as it is, then with backslashes for separators. Where all names are absolute paths, addresses
    or climb out of the folder, what they all begin with is taken off; it must be the same for all of them, so that no
    two folders are taken for one. Then case and Unicode form are ignored, and an ending is added where there is none.
    A name without a folder may lie in any folder below, where exactly one file has it.

    Args:
        entries: Name, and file and record for messages, of each image.
        folders: Where to look, in this order.

    Returns:
        What was found, one for each entry, and notes on names that are not the files'.

    Raises:
        DataError: A file is not found, two files fit a name, or two names fit one file.
    """
    folders = list(dict.fromkeys(folders))
    entries = [(name.strip(), where) for name, where in entries]
    notes: list[str] = []
    paths = [_as_path(name) for name, _ in entries]
    outside = [i for i, (name, _) in enumerate(entries) if _ADDRESS.match(name) or leaves_folder(name)]
    if outside and len(outside) < len(entries):
        name, where = entries[outside[0]]
        inside = next(n for n, _ in entries if not (_ADDRESS.match(n) or leaves_folder(n)))
        message = leaves_folder(name) or 'leaves the folder. Use a relative name.'
        raise DataError(f'{where}: {message} Use --images for the folder; {inside!r} needs no change.')
    if outside:
        paths = _take_off(entries, paths, folders, notes)
    finder, taken = _Finder(folders), {}
    result, odd = [], {}
    for (name, where), path in zip(entries, paths, strict=True):
        found = finder.find(name, path, where, odd)
        if found.path in taken:
            other, at = taken[found.path]
            raise DataError(f'{where}: {found.path} is also the image of {other!r} ({at}). Give each image a file of '
                            'its own: with --images for the folder that holds their folders, or names with folders.')
        taken[found.path] = name, where
        result.append(found)
    for what, names in odd.items():
        notes.append(f'image names: {what} ({len(names)}, the first {names[0][0]!r}: {names[0][1]})')
    return result, notes


def _as_path(name: str) -> str:
    """A name with forward slashes; of an address its path, or what Label Studio's ``?d=`` names."""
    if _ADDRESS.match(name):
        parts = urlsplit(name)
        return parse_qs(parts.query).get('d', [unquote(parts.path)])[0]
    if name.startswith('/data/local-files/?d='):
        return parse_qs(urlsplit(name).query)['d'][0]
    return name.replace('\\', '/')


def _take_off(entries: Sequence[tuple[str, str]], paths: list[str], folders: Sequence[Path],
              notes: list[str]) -> list[str]:
    """The paths without the part that they all begin with and that does not lie below the folders."""
    first = PurePosixPath(paths[0]).parts
    finder = _Finder(folders)
    for count in range(len(first)):
        tails = []
        for path in paths:
            parts = PurePosixPath(path).parts
            tail = PurePosixPath(*parts[count:]).as_posix() if parts[:count] == first[:count] else ''
            if not tail or len(parts) <= count or _leaves(tail):
                break
            tails.append(tail)
        if len(tails) == len(paths) and finder.exists(tails[0]) and all(map(finder.exists, tails)):
            if count:
                start = PurePosixPath(*first[:count]).as_posix()
                notes.append(f'image names: {start!r} was taken off all {len(paths)} names')
            return tails
    for (name, where), path in zip(entries, paths, strict=True):
        if not any(finder.exists(tail) for tail in _tails(path)):
            raise DataError(f'{where}: {leaves_folder(name) or "an address, no file."} Nothing that it ends with is in '
                            f'{_listed(folders)}. Use --images for the folder that holds the images.')
    (name, where), (other, at) = entries[0], next(
        ((n, w) for (n, w), p in zip(entries, paths) if p.rsplit('/', 1)[0] != paths[0].rsplit('/', 1)[0]),
        entries[-1])
    raise DataError(f'{where}: {name!r} and {other!r} ({at}) lie in different folders, which are not below '
                    f'{_listed(folders)}. Use --images for the folder that holds both.')


def _tails(path: str) -> list[str]:
    parts = PurePosixPath(path).parts
    return [tail for k in range(len(parts)) if not _leaves(tail := PurePosixPath(*parts[k:]).as_posix())]


def _leaves(path: str) -> bool:
    return bool(leaves_folder(path))


def _listed(folders: Sequence[Path]) -> str:
    return ', '.join(map(str, folders))


class _Finder:
    """Looks names up below folders."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders
        self._listings: dict[Path, list[str]] = {}
        self._trees: dict[Path, dict[str, list[str]]] = {}

    def exists(self, path: str) -> bool:
        return any((f / path).is_file() or self._loosely(f, path) for f in self.folders)

    def find(self, name: str, path: str, where: str, odd: dict[str, list[tuple[str, str]]]) -> Found:
        exact = [Found(f / n, PurePosixPath(n).as_posix()) for f in self.folders for n in dict.fromkeys((name, path))
                 if not leaves_folder(n) and (f / n).is_file()]
        loose = [] if exact else [Found(f / p, p) for f in self.folders for p in self._loosely(f, path)]
        hits = exact or loose
        below = [] if hits or '/' in path else [Found(f / n, n) for f in self.folders for n in self._below(f, path)]
        if len(below) == 1:
            odd.setdefault('files in other folders', []).append((name, below[0].name))
            return below[0]
        if len(below) > 1:
            raise DataError(f'{where}: {len(below)} files fit: {below[0].path} and {below[1].path}. Write the folder '
                            'into the name, or use --images for one folder.')
        if not hits:
            raise DataError(f'{where}: {self._missing(path)}')
        for other in hits[1:]:
            if not filecmp.cmp(hits[0].path, other.path, shallow=False):
                raise DataError(f'{where}: {hits[0].path} and {other.path} both fit, and differ. Use --images for one '
                                'folder, or write the name as the file has it.')
        found = hits[0]
        if loose:
            added = PurePosixPath(found.name).stem.casefold() == PurePosixPath(path).name.casefold()
            odd.setdefault('an ending was added' if added else 'case or Unicode form of a file differs', []).append(
                (name, found.name))
        elif '\\' in name and found.name != name:
            odd.setdefault('backslashes were read as separators', []).append((name, found.name))
        return found

    def _loosely(self, folder: Path, path: str) -> list[str]:
        """Files that fit a path but for case, Unicode form or a missing ending, relative to the folder."""
        done = [PurePosixPath()]
        parts = PurePosixPath(path).parts
        for depth, part in enumerate(parts):
            last, key, next_done = depth == len(parts) - 1, _fold(part), []
            for before in done:
                names = self._names(folder / before)
                same = [n for n in names if _fold(n) == key]
                if last and not same:
                    same = [n for n in names if _fold(PurePosixPath(n).stem) == key
                            and PurePosixPath(n).suffix.lower() in IMAGE_ENDINGS]
                next_done += [before / n for n in ([part] if part in same else same)]
            done = next_done
        return [p.as_posix() for p in done if (folder / p).is_file()] if parts else []

    def _below(self, folder: Path, name: str) -> list[str]:
        """Files of a name, with or without its ending, in any folder below; relative to the folder."""
        if folder not in self._trees:
            tree = self._trees[folder] = defaultdict(list)
            for path in sorted(folder.rglob('*')) if folder.is_dir() else ():
                if path.suffix.lower() in IMAGE_ENDINGS:
                    for key in {_fold(path.name), _fold(path.stem)}:
                        tree[key].append(path.relative_to(folder).as_posix())
        return self._trees[folder].get(_fold(name), [])

    def _names(self, folder: Path) -> list[str]:
        if folder not in self._listings:
            self._listings[folder] = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
        return self._listings[folder]

    def _missing(self, path: str) -> str:
        stem, base = _fold(PurePosixPath(path).stem), PurePosixPath(path).name
        parent = PurePosixPath(path).parent
        near = next((n for f in self.folders for n in self._names(f / parent) if _fold(PurePosixPath(n).stem) == stem
                     and PurePosixPath(n).suffix.lower() in IMAGE_ENDINGS), None)
        if near:
            hint = f' Did you mean {near!r}?'
        elif len(PurePosixPath(path).parts) > 1 and any((f / base).is_file() for f in self.folders):
            hint = (f' {base!r} lies there without its folder: where it is the image, delete the folder from the name; '
                    'else use --images for the folder above.')
        else:
            hint = ' Add it or use --images for the folder.'
        if len(self.folders) == 1:
            return f'{self.folders[0] / path} does not exist.{hint}'
        return f'found in none of {_listed(self.folders)}.{hint}'


def _fold(text: str) -> str:
    return unicodedata.normalize('NFC', text).casefold()


