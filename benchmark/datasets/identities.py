"""Reads and checks an identity set, the data of the source task.

An identity set is a folder with ``index.csv``; of its columns ``file``, ``identity``, ``label`` and
``split`` are read.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from benchmark.datasets.metainfo import DataError

IDENTITY_SPLITS = ('train', 'val')


def read_identities(root: str | Path) -> list[tuple[Path, int, str]]:
    """Reads and checks an identity set, the data of the source task.

    Args:
        root: Folder with ``index.csv``: ``file`` (below the folder), ``identity``, ``label`` (0 to n - 1,
            one per identity) and ``split`` (``train`` or ``val``; every identity of ``val`` is in
            ``train`` too).

    Returns:
        Image path, label and split of each row, in the file's order.

    Raises:
        DataError: A column, file or value is missing or wrong; the message names the row's file.
    """
    root = Path(root)
    index = root / 'index.csv'
    try:
        with index.open(encoding='utf-8-sig', newline='') as stream:
            reader = csv.DictReader(stream)
            rows, columns = list(reader), reader.fieldnames or []
    except FileNotFoundError:
        raise DataError(f'{index}: no such file. An identity set is a folder with index.csv and images; '
                        '`tools/prepare_data.py synthetic identities DST` makes one.') from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f'{index}: not a UTF-8 CSV file ({error}).') from None
    for column in ('file', 'identity', 'label', 'split'):
        if column not in columns:
            raise DataError(f'{index}: column {column!r} is missing. Needed: file, identity, label, split.')
    if not rows:
        raise DataError(f'{index}: no rows. List at least one image.')
    result, seen, label_of, identity_of = [], set(), {}, {}
    for line, row in enumerate(rows, 2):
        where = f'{index}: line {line}: {row["file"]!r}'
        if any(not row[c] for c in ('file', 'identity', 'label', 'split')):
            raise DataError(f'{where}: an empty cell. Fill in file, identity, label and split.')
        if message := leaves_folder(row['file']):
            raise DataError(f'{where}: {message}')
        if row['file'] in seen:
            raise DataError(f'{where}: listed twice. Keep one row per image.')
        if not (root / row['file']).is_file():
            raise DataError(f'{where}: no such file below {root}. Add the image or delete the row.')
        if row['split'] not in IDENTITY_SPLITS:
            raise DataError(f'{where}: split is {row["split"]!r}. Use train or val.')
        if not (row['label'].isascii() and row['label'].isdigit()):
            raise DataError(f'{where}: label is {row["label"]!r}. Labels are whole numbers from 0.')
        label, identity = int(row['label']), row['identity']
        if label_of.setdefault(identity, label) != label:
            raise DataError(f'{where}: identity {identity!r} has labels {label_of[identity]} and {label}. '
                            'Give each identity one label.')
        if identity_of.setdefault(label, identity) != identity:
            raise DataError(f'{where}: label {label} is shared by identities {identity_of[label]!r} and '
                            f'{identity!r}. Give each identity its own label.')
        seen.add(row['file'])
        result.append((root / row['file'], label, row['split']))
    if max(identity_of) >= len(identity_of):
        unused = next(label for label in range(len(identity_of)) if label not in identity_of)
        raise DataError(f'{index}: label {unused} is unused although labels reach {max(identity_of)}. '
                        'Labels must be 0 to n - 1 without gaps.')
    trained = {label for _, label, split in result if split == 'train'}
    for path, label, split in result:
        if label not in trained:
            name = path.relative_to(root).as_posix()
            raise DataError(f'{index}: {name!r}: identity {identity_of[label]!r} is in {split} '
                            'but not in train. Move some of its images to train or delete it.')
    return result


def identity_fingerprint(root: str | Path) -> str:
    """SHA-256 (hex) over names and contents of ``index.csv`` and the images that it lists.

    Raises:
        DataError: The set is not valid, see ``read_identities``.
    """
    root = Path(root)
    return hash_files(root, [root / 'index.csv', *(path for path, _, _ in read_identities(root))])


def content_digest(path: Path) -> str:
    """SHA-256 (hex) of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hash_files(root: Path, files: Iterable[Path], digest: Callable[[Path], str] = content_digest) -> str:
    """SHA-256 (hex) over the files' names below ``root`` and their contents, in the order of the names.

    Args:
        root: The folder.
        files: Files in it or below.
        digest: Gives a file's :func:`content_digest`; who hashes folders that share files may keep what it gave.
    """
    total = hashlib.sha256()
    for name, path in sorted((p.relative_to(root).as_posix(), p) for p in files):
        total.update(f'{digest(path)} {name}\n'.encode())
    return total.hexdigest()


def leaves_folder(name: str) -> str | None:
    """Why a file name is refused, or None. Both POSIX and Windows paths are considered."""
    for flavour in (PurePosixPath(name), PureWindowsPath(name)):
        if flavour.anchor or '..' in flavour.parts:
            return 'leaves the folder. Use a relative name without `..`.'
    return None
