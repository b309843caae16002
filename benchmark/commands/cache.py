"""Show or clear what is cached between suites: features of frozen networks, synthetic data, trained sources."""

from __future__ import annotations

import argparse
import shutil

from benchmark.command_line import Parser
from benchmark.utils.feature_store import stores, used_bytes
from benchmark.utils.files import cache_folder

KINDS = ('features', 'data', 'sources')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(
        description=__doc__, epilog='Whatever is cleared is computed again when needed. CTD_CACHE names the folder. '
        'Exit codes: 0 done, 2 bad input.')
    parser.add_argument('action', choices=('show', 'clear'), nargs='?', default='show',
                        help='show its size (the default), or remove it')
    parser.add_argument('kinds', nargs='*', metavar='KIND',
                        help=f'{", ".join(KINDS)} or all (default: show all, clear features)')
    args = parser.parse_args(argv)
    if unknown := set(args.kinds) - {*KINDS, 'all'}:
        parser.error(f'unknown kind {sorted(unknown)[0]}; there are {", ".join(KINDS)} and all')
    kinds = args.kinds or (['features'] if args.action == 'clear' else ['all'])
    args.kinds = KINDS if 'all' in kinds else tuple(dict.fromkeys(kinds))
    return args


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_args(argv)
    root = cache_folder()
    for kind in args.kinds:
        folder = root / kind
        size = used_bytes(folder) if folder.is_dir() else 0
        print(f'{folder}: {size / 2**20:.1f} MiB')
        if args.action == 'clear' and folder.is_dir():
            # Renamed first: a run that looks for it in this moment finds it whole or not at all.
            gone = folder.with_name(f'.clearing-{kind}')
            shutil.rmtree(gone, ignore_errors=True)
            folder.rename(gone)
            shutil.rmtree(gone)
            print('  cleared')
        elif kind == 'features':
            for path, about, taken in stores(folder):
                print(f'  {path.name}: {about.get("network", "?")}, {taken / 2**20:.1f} MiB')
    return 0
