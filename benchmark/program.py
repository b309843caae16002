"""Which program this process is: version, commit, the files changed since, the number of its numerics."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path
from typing import Any

import benchmark
from benchmark.numerics import NUMERICS, deciding_digest

#: The folders whose files make the program.
FOLDERS = ('benchmark', 'mmconfigs', 'reports', 'tools')
#: How ``plan.json`` and ``record.json`` are written. Those before there were such numbers have none, and are read as
#: they are.
PLAN_FORMAT, RECORD_FORMAT = 1, 1
#: Names of changed files that are kept; all are counted.
SHOWN = 5


@functools.cache
def program() -> dict[str, Any]:
    """The program, as of this function's first call in the process.

    Returns:
        ``version``; ``numerics`` (:data:`benchmark.numerics.NUMERICS`); ``commit`` of the checkout, ``changed``, the
        number of files under :data:`FOLDERS` that differ from it, and ``changed_files``, the first of them by name:
        None, None and empty where the package lies in no git checkout of its own.
    """
    root = Path(benchmark.__file__).resolve().parents[1]
    found = dict(version=benchmark.__version__, numerics=NUMERICS, commit=None, changed=None, changed_files=[])
    if not (root / '.git').exists():
        return found
    # The checkout's code runs in this process anyway, so that whoever owns it is trusted; its own programs are not run.
    command = ['git', '--no-optional-locks', '-c', f'safe.directory={root}', '-c', 'core.fsmonitor=false', '-C',
               str(root), 'status', '--porcelain=v2', '--branch', '--untracked-files=all', '-z', '--', *FOLDERS]
    # A hook's process is told of another repository by its environment.
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith('GIT_')}
    try:
        text = subprocess.run(command, capture_output=True, check=True, timeout=30, env=surroundings).stdout
    except (OSError, subprocess.SubprocessError):
        return found
    commit, files = _status(text.decode(errors='replace'))
    return found | dict(commit=commit, changed=len(files), changed_files=files[:SHOWN])


@functools.cache
def deciding_program() -> dict[str, Any]:
    """:func:`program` and ``deciding``, the digest of the files that decide results: what a run's record says of it.

    Two programs whose digests are equal give the same results, whatever their commits.
    """
    return program() | dict(deciding=deciding_digest())


def _status(text: str) -> tuple[str | None, list[str]]:
    """Commit and names of changed files out of ``git status --porcelain=v2 --branch -z``."""
    commit, files, entries = None, [], iter(text.split('\0'))
    for entry in entries:
        if entry.startswith('# branch.oid '):
            commit = entry.split(' ')[2]
        elif entry.startswith('2 '):
            # A renamed file: its old name is an entry of its own.
            files += [entry.split(' ', 9)[9], next(entries)]
        elif entry[:2] in ('1 ', 'u '):
            files.append(entry.split(' ', 8 if entry[0] == '1' else 10)[-1])
        elif entry.startswith('? '):
            files.append(entry[2:])
    return (commit if commit != '(initial)' else None), sorted(set(files))


def too_late(content: dict[str, Any], known: int) -> str | None:
    """Why a file's ``format_version`` can't be read; None where it can.

    Args:
        content: The file's content; without the field it is older than that.
        known: The last one that this program reads.
    """
    found = content.get('format_version', 0)
    if type(found) is int and 0 <= found <= known:
        return None
    return f'format_version {found!r} is of a later version of the suite; this one reads up to {known}'


def described(code: dict[str, Any] | None) -> str:
    """A program in words: 'version 0.1.0, commit 0123456789, 2 files changed (a.py, b.py), numerics 1'.

    Args:
        code: As :func:`program` gives it, or as records held it before there was a number of the numerics, with
            ``dirty`` instead of ``changed``.
    """
    if not code:
        return 'a program that left no name'
    parts = [f'version {code.get("version")}']
    if code.get('commit'):
        parts.append(f'commit {code["commit"][:10]}')
    if code.get('changed'):
        names = ', '.join(code.get('changed_files') or [])
        more = code['changed'] - len(code.get('changed_files') or [])
        names += f' and {more} more' if more > 0 else ''
        parts.append(f'{code["changed"]} file{"" if code["changed"] == 1 else "s"} changed ({names})')
    elif code.get('dirty'):
        parts.append('files changed')
    parts.append(f'numerics {code.get("numerics", 0)}')
    return ', '.join(parts)
