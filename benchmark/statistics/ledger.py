"""The ledger of looks, ``looks.json``: when a suite's results were looked at, with which runs, and what was decided.

It lies in the suite's folder and only grows. Each look carries the digest of the one before it, the first that of the
ledger's head, and the file that of all of it, so that a ledger that was cut or edited, or that is another suite's, is
refused. Whoever wants to begin again moves it to ``earlier/`` (:func:`start_anew`), where it stays and is counted.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmark.program import too_late
from benchmark.utils.files import digest, file_digest, write_bytes, write_json

from .errors import TableError
from .inputs import problem

LOOKS = 'looks.json'
EARLIER = 'earlier'
#: How the ledger is written.
LOOKS_FORMAT = 1
LOCK = '.looks.lock'
#: Why a ledger was begun in the place of another one.
ASKED, OTHER_RUNS, OTHER_NUMERICS = 'asked for', 'other runs', 'other numerics'
#: What to do about a ledger that can't be gone on with.
REMEDY = 'put the right one back, or begin again with --start-anew, which keeps this one in earlier/ and counts it'


@dataclass(frozen=True)
class Ledger:
    """The looks at a suite's results.

    Attributes:
        folder: The suite's folder.
        suite: The suite's name.
        earlier: What was kept of earlier ledgers, in their order: ``file`` (from the suite's folder), ``why`` a new one
            was begun, ``looks``, their number (None where the file can't be read), and ``sha256`` of the file.
        begun: When it was begun (UTC).
        looks: The looks, each as the file holds it.
    """

    folder: Path
    suite: str
    earlier: tuple[dict[str, Any], ...] = ()
    begun: str = field(default_factory=lambda: now())
    looks: tuple[dict[str, Any], ...] = ()

    @property
    def path(self) -> Path:
        return self.folder / LOOKS

    @property
    def head(self) -> dict[str, Any]:
        """What stands before the looks."""
        return {'format_version': LOOKS_FORMAT, 'suite': self.suite, 'begun': self.begun, 'earlier': [*self.earlier]}

    @property
    def before(self) -> int:
        """The number of looks of earlier ledgers; one that can't be read counts as one."""
        return sum(1 if one['looks'] is None else one['looks'] for one in self.earlier)

    def with_look(self, content: Mapping[str, Any]) -> Ledger:
        """The ledger with one more look.

        Args:
            content: What is said of it; number, time and digests are added.
        """
        previous = self.looks[-1]['digest'] if self.looks else digest(self.head)
        look = json.loads(json.dumps({'number': len(self.looks) + 1, 'time': now(), **content, 'previous': previous}))
        return Ledger(self.folder, self.suite, self.earlier, self.begun, (*self.looks, sealed(look)))

    def write(self) -> None:
        """Writes the file, atomically."""
        write_json(self.path, sealed({**self.head, 'looks': [*self.looks]}))


def now() -> str:
    """This second, UTC."""
    return datetime.now(timezone.utc).isoformat(timespec='seconds')


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """Content with its own digest."""
    return {**content, 'digest': digest(content)}


def read_ledger(folder: Path, suite: str | None = None) -> Ledger | None:
    """The ledger of a suite's folder, checked link by link; None where there is none.

    Args:
        folder: The folder.
        suite: The suite whose ledger it must be; None: any.

    Raises:
        TableError: It was cut or edited, is another suite's, or of a later version; names the field and the remedy.
    """
    path = folder / LOOKS
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TableError(f"{path}: can't be read ({error.strerror}); check the path") from error
    except ValueError as error:
        raise TableError(f'{path}: the whole file is not JSON ({error}): it was cut or edited; {REMEDY}') from error
    if isinstance(content, dict) and (found := too_late(content, LOOKS_FORMAT)):
        raise TableError(f'{path}: {found}; analyse it with that version')
    if found := problem(content, 'looks'):
        raise TableError(f'{path}: {found}: it was cut or edited; {REMEDY}')
    if broken := _broken(content):
        raise TableError(f'{path}: field {broken}: does not fit its digest: the ledger was cut or edited; {REMEDY}')
    if suite is not None and content['suite'] != suite:
        raise TableError(f'{path}: field suite: these are looks at {content["suite"]!r}, and the plan beside it is of '
                         f'{suite!r}; {REMEDY}')
    return Ledger(folder, content['suite'], tuple(content['earlier']), content['begun'], tuple(content['looks']))


def _broken(content: dict[str, Any]) -> str | None:
    """The first field of a ledger that does not fit its digest, or the chain; None where all do."""
    previous = digest({name: content[name] for name in ('format_version', 'suite', 'begun', 'earlier')})
    for place, look in enumerate(content['looks']):
        if look['previous'] != previous or look['number'] != place + 1:
            return f'looks[{place}].previous'
        if not _fits(look):
            return f'looks[{place}].digest'
        previous = look['digest']
    return None if _fits(content) else 'digest'


def _fits(content: dict[str, Any]) -> bool:
    return bool(digest({name: value for name, value in content.items() if name != 'digest'}) == content['digest'])


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps others from writing the folder's ledger meanwhile; the lock ends with the process, however that ends."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        # File systems without locks are written to by one machine at a time anyway (docs/reliability.md).
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        # Not only closed: a process that was forked meanwhile has it open too.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def start_anew(folder: Path, suite: str, why: str = ASKED, place: Path | None = None) -> Path | None:
    """Begins an empty ledger; the present one is kept and stays counted.

    Killed at any moment, the ledger is the old one or the new one, and nothing is counted twice.

    Args:
        folder: The suite's folder.
        suite: The suite's name.
        why: :data:`ASKED`, or what else made it begin again.
        place: Where the present one is kept; None: the first free ``earlier/looks-<number>.json``, or the one that
            holds the same already.

    Returns:
        Where it is kept; None where there is none, or none with a look in it.
    """
    with locked(folder):
        path = folder / LOOKS
        if not path.exists():
            return None
        content = path.read_bytes()
        number, before = _counted(folder, content)
        if number == 0:
            return None
        kept = place or next(one for one in _places(folder) if not one.exists() or one.read_bytes() == content)
        write_bytes(kept, content)
        Ledger(folder, suite, (*before, _entry(folder, kept, why, number))).write()
        return kept


def _counted(folder: Path, content: bytes) -> tuple[int | None, tuple[dict[str, Any], ...]]:
    """Number of looks of the present ledger (None: it can't be read), and what it says of earlier ones.

    Args:
        folder: The suite's folder.
        content: The present ledger, which a beginning that was killed may have kept already.
    """
    try:
        ledger = read_ledger(folder)
    except TableError:
        # What it said of them is not to be trusted either.
        found = [one for one in sorted(folder.glob(f'{EARLIER}/**/looks*.json')) if one.read_bytes() != content]
        return None, tuple(_entry(folder, path, ASKED, _number(path)) for path in found)
    return (len(ledger.looks), ledger.earlier) if ledger else (0, ())


def _number(path: Path) -> int | None:
    """The number of looks that an earlier ledger tells of; None where it can't be read."""
    try:
        return len(json.loads(path.read_text(encoding='utf-8'))['looks'])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def runs_before(ledger: Ledger) -> set[str]:
    """Hashes of the runs that earlier ledgers looked at, as far as these can be read."""
    found: set[str] = set()
    for one in ledger.earlier:
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            content = json.loads((ledger.folder / one['file']).read_text(encoding='utf-8'))
            found |= {value for look in content['looks'] for value in look['runs'].values()}
    return found


def as_put_away(ledger: Ledger, why: str) -> Ledger:
    """What :func:`start_anew` would begin where the folder can't be written to; it is not on the disk.

    Args:
        ledger: The present one, with a look or more.
        why: What makes it begin again.
    """
    return Ledger(ledger.folder, ledger.suite,
                  (*ledger.earlier, _entry(ledger.folder, ledger.path, why, len(ledger.looks))))


def _entry(folder: Path, kept: Path, why: str, looks: int | None) -> dict[str, Any]:
    return {'file': str(kept.relative_to(folder)), 'why': why, 'looks': looks, 'sha256': file_digest(kept)}


def _places(folder: Path) -> Iterator[Path]:
    number = 1
    while True:
        yield folder / EARLIER / f'looks-{number}.json'
        number += 1
