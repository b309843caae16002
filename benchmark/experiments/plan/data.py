"""The data that a plan runs on: synthetic faces, drawn once, or a prepared folder; whether they are sound."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from benchmark.datasets import synthetic
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import check_dataset
from benchmark.datasets.synthetic.faces import write_identity_dataset, write_landmark_dataset
from benchmark.experiments.state.locks import FolderLock
from benchmark.experiments.state.records import set_aside
from benchmark.experiments.suite.inputs import (
    Data,
    Identities,
    IdentityFolder,
    PreparedData,
    SyntheticFaces,
    SyntheticIdentities,
)
from benchmark.utils.files import digest, file_digest, write_json, write_text

MANIFEST, MAKING = 'complete.json', '.making-'


def drawn_once(folder: Path, make) -> Path:
    """A folder that ``make(path)`` writes, once; a half-made one is never taken for whole.

    ``complete.json`` in it holds what its files are; where they no longer fit, it is set aside and written again.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FolderLock(folder.parent, patience=600.0):
        for left in folder.parent.glob(f'{MAKING}*'):
            shutil.rmtree(left, ignore_errors=True)  # Of a process that was killed: nobody else makes any now.
        return _drawn_once(folder, make)


def _drawn_once(folder: Path, make) -> Path:
    manifest = folder / MANIFEST
    if folder.exists():
        try:
            whole = json.loads(manifest.read_text()) == contents(folder)
        except (OSError, ValueError):
            whole = False
        if not whole:
            print(f'{folder}: synthetic data that were changed or cut short; set aside as '
                  f'{set_aside(folder, folder.parent / "set_aside")} and drawn again', flush=True)
            shutil.rmtree(folder)
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=MAKING) as temporary:
            made_here = Path(temporary) / 'data'
            make(made_here)
            write_json(made_here / MANIFEST, contents(made_here))
            os.rename(made_here, folder)
    return folder


def contents(folder: Path) -> dict[str, str]:
    """Digest of each file below a folder, by its relative path."""
    return {str(path.relative_to(folder)): file_digest(path) for path in sorted(folder.rglob('*'))
            if path.is_file() and path.name not in (MANIFEST, '.lock')}


def draw_again(root: Path, data: dict, source: bool, thorough: bool) -> None:
    """Draws a plan's synthetic data again where somebody has deleted or changed them; the same words, the same bytes.

    Args:
        root: Where the plan has them.
        data: What the suite says of them.
        source: Whether they are the source task's.
        thorough: Whether the content of each file is looked at, not only whether it is there.
    """
    if data['type'] != 'synthetic' or (not thorough and _all_there(root)):
        return
    cache = root.parent.parent
    folder = _identities(SyntheticIdentities(**data), cache)[0] if source else _faces(SyntheticFaces(**data), cache)[0]
    if folder != root:
        print(f'{root}: is not drawn again: this program would draw {folder.name}', flush=True)
    elif source:
        source_data(SyntheticIdentities(**data), cache)
    else:
        target_data(SyntheticFaces(**data), cache)


def _all_there(root: Path) -> bool:
    try:
        return all((root / name).is_file() for name in json.loads((root / MANIFEST).read_text()))
    except (OSError, ValueError):
        return False


def target_data(data: Data, cache: Path) -> Path:
    """The folder of the target data; synthetic faces are drawn on the first call."""
    if isinstance(data, PreparedData):
        return Path(data.root).expanduser().resolve()
    folder, (splits, size, seed) = _faces(data, cache)
    return drawn_once(folder, lambda path: write_landmark_dataset(path, splits, image_size=size, seed=seed))


def source_data(data: Identities, cache: Path) -> Path:
    """The folder of the source task's faces; synthetic ones are drawn on the first call."""
    if isinstance(data, IdentityFolder):
        return Path(data.root).expanduser().resolve()
    folder, (number, shots, size, seed) = _identities(data, cache)
    return drawn_once(folder, lambda path: write_identity_dataset(path, number, shots, image_size=size, seed=seed))


def _faces(data: SyntheticFaces, cache: Path) -> tuple[Path, list]:
    """Folder of synthetic faces, and what they are drawn from."""
    words = [dict(train=data.train, val=data.val, test=data.test), data.image_size, data.seed]
    return cache / 'data' / f'synthetic-faces-{digest([*words, _drawing()])[:12]}', words


def _identities(data: SyntheticIdentities, cache: Path) -> tuple[Path, list]:
    """Folder of the source task's synthetic faces, and what they are drawn from."""
    words = [data.identities, data.shots, data.image_size, data.seed]
    return cache / 'data' / f'synthetic-identities-{digest([*words, _drawing()])[:12]}', words


#: Raised when the check looks for more, so that what has passed an earlier one is looked at again.
CHECK = 1


def sound(root: Path, content: str, cache: Path) -> None:
    """Checks a data set as ``tools/prepare_data.py check`` does, once for each content.

    Args:
        root: The data set.
        content: Its fingerprint.
        cache: Where it is noted that this content has passed.

    Warnings are counted by kind in one line, each time.

    Raises:
        DataError: The first problem: a subject in two splits, an image that does not decode, and so on.
    """
    passed = cache / 'checked' / f'{content}-{CHECK}.txt'
    if not passed.exists():
        report = check_dataset(root)
        if not report.ok:
            more = len(report.errors) - 1
            raise DataError(report.errors[0] + (f' ({more} more: `tools/prepare_data.py check {root}` lists them.)'
                                                if more else ''))
        counts = Counter(one.kind for one in report.findings)
        passed.parent.mkdir(parents=True, exist_ok=True)
        write_text(passed, ', '.join(f'{kind} {count}' for kind, count in counts.items()))
    if told := passed.read_text(encoding='utf-8'):
        print(f'note: {root}: the check warns: {told}. `tools/prepare_data.py check {root}` says where.')


def _drawing() -> str:
    """Hash of the generator's source: a changed drawing is another data set."""
    here = Path(synthetic.__file__).parent
    return digest([path.read_text() for path in sorted(here.glob('*.py'))])
