"""What the converters share: options, flip pairs, the landmark scheme, and writing a data set."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from benchmark.datasets import images
from benchmark.datasets.findings import Finding
from benchmark.datasets.formats.crops import CROP, CROPS, settle_crop
from benchmark.datasets.formats.mirrors import settle_flips
from benchmark.datasets.formats.originals import write_originals
from benchmark.datasets.formats.patients import hide_patients, photograph_names
from benchmark.datasets.formats.photographs import settle_photographs
from benchmark.datasets.formats.positions import add_position_arguments
from benchmark.datasets.formats.prepared_image import Options, in_order, make_image
from benchmark.datasets.formats.sample import Sample
from benchmark.datasets.formats.sample_image import add_reading_arguments
from benchmark.datasets.metainfo import (
    FLIP_POLICIES,
    SCHEME_FIELDS,
    SCHEMES,
    SPLITS,
    DataError,
    LandmarkMeta,
    read_json,
)

#: What is said of squares that no new photograph tells.
AROUND_THE_TRUTH = ('squares lie around the landmarks, that is around the truth, which a new photograph does not have: '
                    'tested errors owe something to that, and tools/predict.py needs --boxes like these. --crop boxes '
                    'or --crop whole can be repeated')
#: What ``--flip-pairs`` takes besides pairs.
FLIP_WORDS = ('none', 'proposed')
SIDES = (('_right', '_left'), ('_r', '_l')), (('right_', 'left_'), ('r_', 'l_'))


def add_image_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of every converter that writes images; defaults for those that only some of them have."""
    parser.add_argument('--images', metavar='DIR', type=Path, help='folder of the images')
    parser.add_argument('--size', metavar='PX', type=int,
                        help='crop a square around each bounding box (or the landmarks\' box) and resize it '
                             'to PX x PX; without it the images are copied as they are, those that readers would not '
                             'agree on (deep grey, alpha, rotated, DICOM) as PNG of 8 bits')
    parser.add_argument('--crop', choices=CROPS,
                        help='what --size cuts out: `boxes`, squares around the boxes of SRC; `landmarks`, around the '
                             'landmarks, which a new photograph does not have; `whole`, the image, padded to a square '
                             '(default: boxes, and around the landmarks where SRC has none)')
    parser.add_argument('--padding', type=float,
                        help='side of the square in units of the longer side of the box (default 1.25; of --crop whole '
                             '1)')
    parser.add_argument('--seed', type=int, default=0, help='seed of what is drawn at random for the split (default 0)')
    add_reading_arguments(parser)
    parser.set_defaults(interocular=None, flip_pairs=None, flip_policy=None, resplit=False, split=None)


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of every converter that reads a person's own landmarks."""
    add_image_arguments(parser)
    parser.add_argument('--flip-pairs', metavar='A:B,C:D',
                        help='landmarks that are mirror images of each other; `proposed`: as the mean shape suggests; '
                             '`none`: each is its own. Default: derived from names that end in _r/_l, _right/_left or '
                             'begin with r_/l_, right_/left_; without any pair no image is mirrored')
    parser.add_argument('--flip-policy', choices=FLIP_POLICIES,
                        help='what a mirrored image means: `swap` (default) exchanges the pairs, `mask` takes pairs '
                             'out of mirrored views, `canonical` mirrors to one annotated side, `never` mirrors none')
    parser.add_argument('--interocular', metavar='A:B', help='two landmarks whose distance normalises the '
                                                             'NME')
    parser.add_argument('--groups', '--group', metavar='A,B', help='columns or image fields that are subgroups of '
                                                                   'interest')
    parser.add_argument('--spacing', metavar='FIELD|MM',
                        help='column or image field that holds millimetres per pixel, or one number for all images '
                             '(default: pixel_spacing, where SRC has it)')
    parser.add_argument('--resplit', action='store_true',
                        help='ignore the splits of SRC and split by subject, 64/16/20 percent')
    parser.add_argument('--split', metavar='TRAIN,VAL,TEST',
                        help='divide anew by subject, by these percentages such as 64,16,20, each value of --groups in '
                             'the same shares as far as subjects allow')
    parser.add_argument('--subjects', choices=('same', 'distinct'),
                        help='whether subjects that differ only in leading zeros, `.0`, case or blanks are the same '
                             'person (asked where there are some)')
    add_position_arguments(parser)


def add_annotators_argument(parser: argparse.ArgumentParser) -> None:
    """``--annotators``, for formats that can hold several people's points."""
    parser.add_argument('--annotators', metavar='A,B',
                        help='further annotators, whose points are kept beside those that are learnt from')


def listed(text: str | None) -> list[str]:
    """The parts of ``a, b``; none of None."""
    return [part.strip() for part in text.split(',') if part.strip()] if text else []


def parse_pairs(text: str, option: str, landmarks: Sequence[str]) -> list[tuple[str, str]]:
    """Reads ``a:b,c:d``.

    Raises:
        DataError: Not of this form, or a name that is no landmark.
    """
    pairs = []
    for part in text.split(','):
        pair = tuple(name.strip() for name in part.split(':'))
        if len(pair) != 2:
            raise DataError(f'{option}: {part!r} is not of the form A:B.')
        for name in pair:
            if name not in landmarks:
                raise DataError(f'{option}: {name!r} is no landmark. Landmarks: {", ".join(landmarks)}.')
        pairs.append(pair)
    return pairs


def mirror_name(name: str) -> str | None:
    """The name of the mirror image, by the sides in the name, or None."""
    for endings, test in ((SIDES[0], str.endswith), (SIDES[1], str.startswith)):
        for pair in endings:
            for side, other in (pair, pair[::-1]):
                if test(name.lower(), side):
                    end = test is str.endswith
                    part = name[-len(side):] if end else name[:len(side)]
                    new = other.upper() if part.isupper() else other.title() if part.istitle() else other
                    return name[:-len(side)] + new if end else new + name[len(side):]
    return None


def flip_indices(landmarks: Sequence[str], pairs: str | None) -> tuple[list[int], str]:
    """Flip indices (K) from ``--flip-pairs`` or from the names, and a note that says which.

    Raises:
        DataError: The option is malformed or pairs a landmark twice.
    """
    indices = list(range(len(landmarks)))
    if pairs is not None:
        named = [] if pairs in FLIP_WORDS else parse_pairs(pairs, '--flip-pairs', landmarks)
        source = 'from --flip-pairs'
    else:
        named = [(a, b) for a in landmarks if (b := mirror_name(a)) in landmarks
                 and landmarks.index(a) < landmarks.index(b)]
        source = 'derived from the names'
    for a, b in named:
        i, j = landmarks.index(a), landmarks.index(b)
        if i == j or indices[i] != i or indices[j] != j:
            raise DataError(f'--flip-pairs: {a}:{b} pairs a landmark twice. Name each landmark once.')
        indices[i], indices[j] = j, i
    note = f'flip pairs {source}: ' + (', '.join(f'{a}:{b}' for a, b in named) or 'none')
    lonely = [n for i, n in enumerate(landmarks) if indices[i] == i and mirror_name(n)]
    if lonely:
        note += f'; without a partner although named after a side: {", ".join(lonely)}'
    return indices, note


def build_meta(fields: dict, args: argparse.Namespace, where: str) -> LandmarkMeta:
    """The scheme from what SRC and the options say; a scheme that ships with the package fills the gaps.

    Raises:
        DataError: The fields contradict each other.
    """
    fields = {k: v for k, v in fields.items() if v}
    for path in sorted(SCHEMES.glob('*.json')):
        known = read_json(path)
        if all(known[k] == list(fields[k]) for k in ('landmarks', 'flip_indices')):
            fields = {k: known[k] for k in SCHEME_FIELDS if k in known} | fields
    if args.flip_policy:
        fields['flip_policy'] = args.flip_policy
    if args.flip_pairs is not None:
        fields['midline'] = args.flip_pairs == 'none'
    if args.interocular:
        pairs = parse_pairs(args.interocular, '--interocular', fields['landmarks'])
        if len(pairs) != 1:
            raise DataError(f'--interocular: {args.interocular!r} names {len(pairs)} pairs. Give one, as A:B.')
        fields['interocular'] = pairs[0]
    return LandmarkMeta.from_dict(fields, where)


def write_dataset(out: Path, meta: LandmarkMeta, samples: list[Sample], args: argparse.Namespace,
                  drop_outside: bool = False,
                  place: Callable[[Sample, int, int], Sample] | None = None) -> list[str | Finding]:
    """Writes images, annotations and metainfo of a prepared data set.

    Args:
        out: Folder that does not exist yet.
        meta: The scheme.
        samples: All samples, each with its split.
        args: ``size`` (pixels or None), ``padding`` and how images are read (:mod:`.sample_image`).
        drop_outside: Whether a landmark outside of its image becomes 'not annotated', as public sets have some;
            otherwise it is an error.
        place: Sample, image width and height -> the sample in pixel centres, where SRC has others.

    Returns:
        Notes about what a person should know, and findings.

    Raises:
        DataError: No samples, an image that is missing or does not decode, or another size than stated.
    """
    if not samples:
        raise DataError('no annotated image was found. Check SRC.')
    if args.size is not None and args.size < 8:
        raise DataError(f'--size: {args.size} is too small. Give at least 8 pixels.')
    if args.seed < 0:
        raise DataError(f'--seed: {args.seed} is below 0. Give 0 or more.')
    cut = settle_crop(samples, args)
    if not args.padding > 0:
        raise DataError(f'--padding: {args.padding} is not above 0.')
    hidden = hide_patients(samples, meta)
    meta, found = settle_photographs(samples, meta)
    found = [*hidden, *found]
    meta, notes = settle_flips(samples, meta, args)
    found += notes
    category = dict(id=1, name=meta.name, keypoints=list(meta.landmarks),
                    flip_indices=list(meta.flip_indices))
    files = {s: dict(images=[], annotations=[], categories=[category]) for s in SPLITS}
    names: set[str] = set()
    widened, dropped, empty, tiny = 0, 0, 0, []
    said: dict[Path, tuple[str, dict[str, str]]] = {}
    originals, photographs = [], photograph_names(samples)
    options = Options(args, meta, drop_outside, place)
    for number, (sample, done) in enumerate(in_order(lambda one: make_image(one, options), samples), 1):
        said[sample.source] = sample.shown or sample.source.name, done.said
        dropped += done.dropped
        if done.data is None:
            empty += 1
            continue
        tiny += [sample.where] if done.tiny else []
        widened += done.widened
        sample = done.sample
        name = sample.name
        if name in names:
            name = f'{sample.split}/{number}_{PurePosixPath(name).name}'
        names.add(name)
        target = out / 'images' / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(done.data)
        if done.scan is not None:
            args.scanned[target] = done.scan
        width, height = done.size
        files[sample.split]['images'].append(
            sample.fields | dict(id=number, file_name=name, width=width, height=height))
        files[sample.split]['annotations'].append(_annotation(sample, number))
        originals.append(replace(done.original, image=name, split=sample.split,
                                 photograph=photographs[sample.source]))
    (out / 'annotations').mkdir()
    for split, content in files.items():
        if content['images']:
            (out / 'annotations' / f'{split}.json').write_text(json.dumps(content), encoding='utf-8')
    fields = meta.to_dict()
    if args.size is not None:
        fields['pixel_spacing'] = None
        (out / CROP).write_text(json.dumps(dict(size=args.size, padding=args.padding, around=cut)) + '\n',
                                encoding='utf-8')
        if cut in ('landmarks', 'both'):
            found.append(AROUND_THE_TRUTH)
    write_originals(out, originals)
    (out / 'metainfo.json').write_text(json.dumps(fields, indent=1) + '\n', encoding='utf-8')
    notes = ((widened, 'crops were widened because a landmark lay outside of the square'),
             (dropped, 'landmarks outside of their image were taken as not annotated'),
             (empty, 'images were left out because no landmark is inside of them'))
    found += [*images.notes(said.values()), *(f'{count} {what}' for count, what in notes if count)]
    if tiny:
        found.append(Finding(
            'warning', 'tiny', f'{tiny[0]}: the landmarks span under 1 % of the image, as in {len(tiny)} of '
            f'{len(samples)} images. Look whether they are in pixels of these images (--units).'))
    return found


def _annotation(sample: Sample, number: int) -> dict:
    """The COCO annotation of a sample."""
    annotation = dict(id=number, image_id=number, category_id=1, iscrowd=0)
    for key, k in sample.keypoints.items():
        annotation[key] = [v for x, y, v in k.tolist() for v in ((x, y, int(v)) if v > 0 else (0, 0, 0))]
    annotation['num_keypoints'] = int((sample.keypoints['keypoints'][:, 2] > 0).sum())
    if sample.bbox is not None:
        annotation |= dict(bbox=[float(v) for v in sample.bbox], area=float(sample.bbox[2] * sample.bbox[3]))
    return annotation
