"""What a run's folder says about it: its state is read off the disk, and only what checksums confirm is a result."""

from __future__ import annotations

import json
import os
import shutil
import traceback
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from benchmark.experiments.errors import SuiteError
from benchmark.program import RECORD_FORMAT, too_late
from benchmark.utils.files import digest, file_digest, write_json

from .locks import NAME as LOCK
from .locks import is_locked

RECORD = 'record.json'
PROGRESS = 'progress'
#: What a run may leave beside its result, covered by the record's ``files`` (name -> SHA-256).
HEATMAPS, HISTORY, DECODINGS, VALIDATION = 'heatmaps.npz', 'history.json', 'decodings.json', 'validation.json'


class LaterFormat(SuiteError):
    """A file that a later version of the suite has written."""


class State(str, Enum):
    """What has become of a run."""

    MISSING = 'missing'
    RUNNING = 'running'
    INTERRUPTED = 'interrupted'
    FAILED = 'failed'
    DONE = 'done'
    DAMAGED = 'damaged'


@dataclass(frozen=True)
class Status:
    """A run's state and what explains it.

    Attributes:
        state: The state.
        record: Its record where there is one that is whole.
        reason: In words, where the state needs some: what is damaged, why it failed, where it stopped.
    """

    state: State
    record: dict | None = None
    reason: str = ''

    @property
    def transient(self) -> bool:
        """Whether it failed, and may succeed when it is run again as it is."""
        return bool(((self.record or {}).get('error') or {}).get('may_pass'))

    @property
    def permanent(self) -> bool:
        """Whether it failed, and would fail again as it is."""
        return self.state is State.FAILED and not self.transient


def in_words(error: BaseException) -> str:
    """What an exception says; of one without words, such as a bare assertion, the line that raised it."""
    if said := str(error):
        return said
    frames = traceback.extract_tb(error.__traceback__)
    return f'{Path(frames[-1].filename).name}:{frames[-1].lineno}: {frames[-1].line}' if frames else ''


def write_record(folder: Path, content: dict[str, Any]) -> None:
    """Writes ``record.json`` with the number of its format and a checksum of its own content."""
    content = dict(format_version=RECORD_FORMAT) | {k: v for k, v in content.items()
                                                    if k not in ('format_version', 'record_sha256')}
    content = json.loads(json.dumps(content))
    write_json(folder / RECORD, content | dict(record_sha256=digest(content)))


def read_record(folder: Path) -> dict | None:
    """A record that is whole, or None where there is none.

    Raises:
        ValueError: There is one, and it is cut short or edited.
        LaterFormat: It is whole, and of a later format than this program reads.
    """
    try:
        content = json.loads((folder / RECORD).read_text(encoding='utf-8'))
    except FileNotFoundError:
        return None
    except (ValueError, UnicodeDecodeError):
        raise ValueError(f'{folder / RECORD}: is truncated or not JSON') from None
    if not isinstance(content, dict) or content.pop('record_sha256', None) != digest(content):
        raise ValueError(f'{folder / RECORD}: does not match its own checksum')
    check_format(content, RECORD_FORMAT, folder / RECORD)
    return content


def check_format(content: dict[str, Any], known: int, path: Path) -> None:
    """Checks that a file's ``format_version`` is one that this program reads; files without one are older.

    Raises:
        LaterFormat: It is a later one. What a later program has written is neither damaged nor to be done again.
    """
    if found := too_late(content, known):
        raise LaterFormat(f'{path}: {found}. Use that version, or give another --out.')


def status(folder: Path, hash: str, result: str = 'predictions.parquet') -> Status:
    """Reads a run's state off its folder.

    Args:
        folder: The folder of a run, or of a source.
        hash: The hash that its record must carry.
        result: The file whose checksum the record holds. Those of other files stand in its ``files``; records of runs
            that were made before there were such files have none.
    """
    if not folder.is_dir():
        return Status(State.MISSING)
    try:
        record = read_record(folder)
    except LaterFormat:
        raise
    except ValueError as error:
        return Status(State.DAMAGED, reason=str(error))
    if record is None:
        if is_locked(folder):
            return Status(State.RUNNING)
        if any(folder.glob('state-*.pth')):
            done, of = epochs(folder) or (0, 0)
            return Status(State.INTERRUPTED, reason=f'stopped in epoch {min(done + 1, of) or 1}'
                                                    + (f' of {of}' if of else ''))
        return Status(State.MISSING)
    if record.get('hash') != hash:
        return Status(State.DAMAGED, reason=f'{folder / RECORD}: belongs to another run ({record.get("hash")})')
    if record.get('state') == 'failed':
        error = record.get('error') or {}
        return Status(State.FAILED, record, f'{error.get("type")}: {first_line(error.get("message"))}')
    for name, expected in {**(record.get('files') or {}), result: record.get('result_sha256')}.items():
        path = folder / name
        if not path.is_file():
            return Status(State.DAMAGED, reason=f'{path}: is missing')
        if file_digest(path) != expected:
            return Status(State.DAMAGED, reason=f'{path}: does not match the checksum in {RECORD}')
    return Status(State.DONE, record)


def set_aside(folder: Path, place: Path) -> Path:
    """Moves a damaged run's files, but for lock and config, to a new folder below ``place``, where nothing reads them.

    Returns:
        The new folder.
    """
    number = 1
    while True:
        target = place / f'{folder.parent.name}-{folder.name}-{number}'
        try:
            target.mkdir(parents=True)
            break
        except FileExistsError:
            number += 1
    for path in folder.iterdir():
        if path.name in (LOCK, 'config.py'):
            continue
        shutil.move(path, target / path.name)
    return target


def epochs(folder: Path) -> tuple[int, int] | None:
    """Finished epochs and their number; None before the first."""
    try:
        done, of = (folder / PROGRESS).read_text().split()
        return int(done), int(of)
    except (OSError, ValueError):
        return None


def log_tail(folder: Path, lines: int = 20) -> list[str]:
    """The last lines of a run's log."""
    try:
        with open(folder / 'log', 'rb') as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 16384))
            return file.read().decode(errors='replace').splitlines()[-lines:]
    except OSError:
        return []


def first_line(text: Any) -> str:
    """The first line of a message."""
    return next(iter(str(text or '').splitlines()), '')
