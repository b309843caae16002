"""Procedural faces: no source files, everything follows from a seed."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.metainfo import SPLITS, DataError

DESCRIPTION = """SRC is `faces` (landmarks, one image a person) or `identities` (for the source task).

  tools/prepare_data.py synthetic faces data/faces --splits train=60,val=15,test=45
  tools/prepare_data.py synthetic identities data/identities --identities 64 --shots 8"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--splits', metavar='train=N,...', default='train=60,val=15,test=45',
                        help='faces: images per split (default train=60,val=15,test=45)')
    parser.add_argument('--identities', metavar='N', type=int, default=64, help='identities: persons '
                                                                                '(default 64)')
    parser.add_argument('--shots', metavar='N', type=int, default=8,
                        help='identities: images per person (default 8)')
    parser.add_argument('--val-share', type=float, default=0.25,
                        help='identities: share of each person\'s images for validation (default 0.25)')
    parser.add_argument('--image-size', metavar='PX', type=int, default=128, help='image side (default 128)')
    parser.add_argument('--seed', type=int, default=0, help='seed of everything, 0 or more (default 0)')


def parse_splits(text: str) -> dict[str, int]:
    """Reads ``train=60,val=15``.

    Raises:
        DataError: Another form, an unknown split or fewer than two images.
    """
    splits = {}
    for part in text.split(','):
        name, _, count = part.partition('=')
        if name.strip() not in SPLITS or not count.strip().isdigit() or int(count) < 2:
            raise DataError(f'--splits: {part!r} is not SPLIT=N with a split of {", ".join(SPLITS)} and N '
                            '>= 2.')
        splits[name.strip()] = int(count)
    return splits


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str]:
    """Writes the set that ``src`` names, ``faces`` or ``identities``, to the new folder ``out``.

    Raises:
        DataError: Another ``src``, or options out of range.
    """
    from benchmark.datasets.synthetic import faces as synthetic_faces

    if args.image_size < 16:
        raise DataError(f'--image-size: {args.image_size} is too small. Give at least 16 pixels.')
    if src == 'faces':
        synthetic_faces.write_landmark_dataset(out, parse_splits(args.splits), image_size=args.image_size,
                                               seed=args.seed)
    elif src == 'identities':
        if args.identities < 2 or args.shots < 2 or not 0 < args.val_share < 1:
            raise DataError('--identities and --shots must be at least 2, --val-share between 0 and 1.')
        synthetic_faces.write_identity_dataset(out, args.identities, args.shots, image_size=args.image_size,
                                               seed=args.seed, val_share=args.val_share)
    else:
        raise DataError(f'SRC is {src!r}. For `synthetic` it is `faces` or `identities`.')
    return [f'procedural {src}, seed {args.seed}']


CONVERTER = Converter('synthetic', 'procedural faces, no source files', DESCRIPTION, _add_arguments, convert)
