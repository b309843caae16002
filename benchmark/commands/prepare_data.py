"""Converts a data set to validated COCO keypoints, checks a prepared one, or writes its card."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmark.command_line import Parser
from benchmark.datasets import readers
from benchmark.datasets.croissant import CARD, Told, card
from benchmark.datasets.findings import Report, default_file
from benchmark.datasets.formats import FORMATS, OTHERS, add_readers, check_prepared, prepare
from benchmark.datasets.formats.recognise import recognise
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.sheet import write_sheet
from benchmark.utils.files import write_text
from benchmark.utils.machine import keep_freed_memory
from benchmark.utils.refusals import refuse

EXAMPLES = """examples:
  tools/prepare_data.py photos data/faces --size 256      recognises the format, or asks
  tools/prepare_data.py csv faces.csv data/faces --interocular exocanthion_r:exocanthion_l
  tools/prepare_data.py coco downloads/faces data/faces --size 256
  tools/prepare_data.py 300w downloads/300w data/300w --size 256
  tools/prepare_data.py isbi2015 downloads/isbi data/ceph --size 512
  tools/prepare_data.py synthetic faces data/faces --splits train=60,val=15,test=45
  tools/prepare_data.py check data/faces
  tools/prepare_data.py card data/faces --licence CC-BY-4.0 --citation 'Doe 2026'

exit codes: 0 done, 1 `check` found errors, 2 bad input (one line on stderr)

A prepared set is a folder with images/, annotations/{train,val,test}.json (COCO keypoints, x = 0 is the
centre of the first pixel) and metainfo.json (landmark names, flip indices, subject and group fields). DST
appears only when it is complete and has passed the check. `prepare_data.py FORMAT --help` describes SRC and
the options. `prepare_data.py SRC DST [options]` recognises the format of SRC and says which and why; where two fit, it
asks. `--reader FILE` takes a reader of your own from a Python file (docs/extending.md), before or after FORMAT."""


def build_parser() -> argparse.ArgumentParser:
    """The command line, a subcommand per format and ``check``."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = Parser(prog='prepare_data.py', description=__doc__, epilog=EXAMPLES,
                    formatter_class=raw)
    commands = parser.add_subparsers(dest='command', required=True, metavar='FORMAT | check | card')
    for name, converter in FORMATS.items():
        sub = commands.add_parser(name, help=converter.summary, description=converter.description,
                                  formatter_class=raw)
        sub.add_argument('src', metavar='SRC', help='what to convert, see above')
        sub.add_argument('dst', metavar='DST', help='folder to make; must not exist')
        converter.add_arguments(sub)
    sub = commands.add_parser('check', help='check a prepared landmark or identity set', formatter_class=raw,
                              description='Lists the problems of a prepared set by kind, the first of each, and '
                                          'writes all of them to a file; exit code 1 if there are errors.')
    sub.add_argument('dst', metavar='DST', help='folder of the prepared set')
    sub.add_argument('--limit', metavar='N', type=int, help='problems to show of each kind (default 3, or 1 where '
                                                            'there are many kinds)')
    sub.add_argument('--report', metavar='FILE', type=Path,
                     help='where to write all problems, a table of severity, kind and message (default: '
                          'DST.check.txt beside DST, where the screen has no room for them)')
    sub.add_argument('--sheet', metavar='FILE', type=Path,
                     help='draw a contact sheet, FILE.html or FILE.png: mean shape, mirrored views, and images with '
                          'their landmarks, those that stand out first')
    sub.add_argument('--sheet-images', metavar='N', type=int, default=24, help='images on the sheet (default 24)')
    _add_card(commands, raw)
    return parser


def _add_card(commands: argparse._SubParsersAction[argparse.ArgumentParser], raw: type) -> None:
    """The subcommand ``card``."""
    sub = commands.add_parser('card', help='write a Croissant 1.1 card of a prepared landmark set', formatter_class=raw,
                              description=f'Writes {CARD} into the set: what its files are and hold, for data portals '
                              'and loaders.\nIt names fields, never values; what it is not told it leaves out, and '
                              'says so.')
    sub.add_argument('dst', metavar='DST', help='folder of the prepared set')
    sub.add_argument('--out', metavar='FILE', type=Path,
                     help=f'the card (default: {CARD} in DST, where its relative addresses of files fit)')
    sub.add_argument('--licence', '--license', metavar='TEXT', default='',
                     help='name or address of the licence (default: that of metainfo.json)')
    sub.add_argument('--citation', metavar='TEXT', default='', help='how to cite the set')
    sub.add_argument('--url', metavar='URL', default='', help='where the set is to be had')
    sub.add_argument('--set-version', metavar='X.Y.Z', default='', help='version of the set')
    sub.add_argument('--published', metavar='DAY', default='', help='day of publication, as 2026-11-30')


def complete(argv: list[str]) -> tuple[list[str], list[str]]:
    """Loads the readers that ``--reader`` names, and puts the format in front where SRC stands alone.

    Returns:
        The command line with a format and without ``--reader``, and notes.

    Raises:
        DataError: A reader that cannot be loaded, or a format that is not recognised.
    """
    readers.load_installed()
    for at in [i for i, word in enumerate(argv) if word.split('=')[0] == '--reader'][::-1]:
        word, argv = argv[at], [*argv]
        file = word.partition('=')[2] if '=' in word else ''.join(argv[at + 1:at + 2])
        del argv[at:at + (1 if '=' in word else 2)]
        readers.load(file)
    add_readers()
    if not argv or argv[0].startswith('-') or argv[0] in FORMATS or argv[0] in OTHERS:
        return argv, []
    name, reason = recognise(argv[0], ''.join(argv[1:2]) or 'DST', FORMATS)
    return [name, *argv], [f'read as {name}: {reason}']


def _card(args: argparse.Namespace) -> int:
    """Writes the card and says what it lacks."""
    content, notes = card(args.dst, Told(args.licence, args.citation, args.url, args.set_version, args.published))
    path = args.out or Path(args.dst) / CARD
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + '\n')
    for note in notes:
        print(f'note: {note}')
    print(path)
    return 0


def _write(report: Report, limit: int | None, path: Path | None) -> None:
    """Writes all findings where the screen left some out, where an older list lies, or where a file is asked for."""
    target = path or default_file(report.root)
    if path or report.cut(limit) or target.exists():
        report.write(target)
        print(f'all of them: {target}')


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    try:
        argv, said = complete(sys.argv[1:] if argv is None else argv)
    except DataError as error:
        return refuse(error, None)
    args = build_parser().parse_args(argv)
    keep_freed_memory()  # an image's pixels, which the next one needs
    try:
        if args.command == 'card':
            return _card(args)
        if args.command == 'check':
            report, notes = check_prepared(args.dst), []
        else:
            report, notes = prepare(args.command, args.src, args.dst, args)
    except (DataError, OSError) as error:
        return refuse(error, args.dst)
    for note in [*said, *notes]:
        print(f'note: {note}')
    limit = getattr(args, 'limit', None)
    print(report.text(limit))
    try:
        _write(report, limit, getattr(args, 'report', None))
    except (DataError, OSError) as error:
        print(f'error: the list of all problems was not written: {error}', file=sys.stderr)
        return 2
    if getattr(args, 'sheet', None):
        try:
            write_sheet(report.root, args.sheet, report, args.sheet_images)
            print(f'contact sheet: {args.sheet}')
        except (DataError, OSError) as error:
            return refuse(error, args.sheet)
    return 0 if report.ok else 1
