"""What the public formats share: point schemes, the choice of landmarks, splits, and files beside images."""

from __future__ import annotations

import argparse
import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from benchmark.datasets.formats.common import Sample, add_image_arguments, build_meta
from benchmark.datasets.formats.crops import landmark_box
from benchmark.datasets.formats.fields import person_pattern
from benchmark.datasets.metainfo import IMAGE_ENDINGS, SCHEMES, DataError, LandmarkMeta, read_json

CHOICES = ('14', 'all')


@dataclass(frozen=True)
class PointScheme:
    """A public set of points, from ``schemes/*.json``.

    Attributes:
        name: The file's name.
        landmarks: Names of the P points, in the public order.
        flip_indices: For each point the index of its mirror image.
        face14: For each of the 14 landmarks that the scheme has, the public indices (from 0) whose mean it is.
    """

    name: str
    landmarks: tuple[str, ...]
    flip_indices: tuple[int, ...]
    face14: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of points P."""
        return len(self.landmarks)


@functools.cache
def load_points(name: str) -> PointScheme:
    """The point scheme of ``schemes/<name>.json``."""
    known = read_json(SCHEMES / f'{name}.json')
    return PointScheme(name, tuple(known['landmarks']), tuple(known['flip_indices']),
                       {k: tuple(v) for k, v in known.get('face14', {}).items()})


def add_point_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of every converter of a public set of face points."""
    add_image_arguments(parser)
    parser.add_argument('--landmarks', choices=CHOICES, default='14',
                        help='`14` (default): the 14 named landmarks; `all`: every point of the public scheme')


def add_val_argument(parser: argparse.ArgumentParser) -> None:
    """``--val-share``, for public sets that have no validation split."""
    parser.add_argument('--val-share', metavar='SHARE', type=float, default=0.1,
                        help='share of the public training images drawn for validation with --seed (default 0.1; 0: '
                             'no validation split)')


def point_meta(scheme: PointScheme, out: Path, args: argparse.Namespace, **fields) -> LandmarkMeta:
    """The prepared set's metainfo for the landmarks that ``--landmarks`` chooses.

    Args:
        scheme: The public points.
        out: The set's folder, which gives its name.
        args: ``landmarks``: ``14`` or ``all``.
        fields: Further fields of the metainfo: subject, groups, licence and so on.
    """
    chosen = load_points('face14') if args.landmarks == '14' else scheme
    return build_meta(fields | dict(name=out.name, landmarks=list(chosen.landmarks),
                                    flip_indices=list(chosen.flip_indices)), args, scheme.name)


def choose_landmarks(points: np.ndarray, scheme: PointScheme, choice: str) -> np.ndarray:
    """Takes the chosen landmarks out of a face's public points.

    Args:
        points: (P, 3): x, y in pixels (pixel centres) and v, 0 for not annotated.
        scheme: The public points.
        choice: ``14`` or ``all``.

    Returns:
        (K, 3); of the 14, a landmark that the scheme lacks has v = 0, and one defined by several points is their mean
        with the lowest v of them.
    """
    if choice == 'all':
        return np.array(points, np.float64)
    names = load_points('face14').landmarks
    chosen = np.zeros((len(names), 3))
    for k, name in enumerate(names):
        parts = points[list(scheme.face14.get(name, ()))]
        if len(parts) and parts[:, 2].all():
            chosen[k] = *parts[:, :2].mean(axis=0), parts[:, 2].min()
    return chosen


def point_sample(points: np.ndarray, scheme: PointScheme, args: argparse.Namespace, source: Path, name: str, where: str,
                 **record) -> Sample:
    """A sample of a face's public points (P, 3).

    Its box is that of all annotated points, whichever landmarks are kept; a ``bbox`` in ``record``, the
    sample's further attributes, goes before it.

    Raises:
        DataError: No point is annotated.
    """
    seen = points[points[:, 2] > 0, :2]
    if not len(seen):
        raise DataError(f'{where}: no point is annotated. Annotate at least one or delete the record.')
    record.setdefault('bbox', landmark_box(seen))
    keypoints = dict(keypoints=choose_landmarks(points, scheme, args.landmarks))
    return Sample(source, name, where, keypoints, **record)


def number_faces(samples: list[Sample], args: argparse.Namespace) -> None:
    """Gives the faces of one image names of their own, in place.

    Raises:
        DataError: Several faces of an image without ``--size``, which crops each of them.
    """
    counts, seen = Counter(sample.source for sample in samples), Counter()
    for sample in samples:
        if counts[sample.source] == 1:
            continue
        if args.size is None:
            raise DataError(f'{sample.where}: {counts[sample.source]} annotated faces in {sample.source.name}. Use '
                            '--size, which crops each of them.')
        seen[sample.source] += 1
        name = PurePosixPath(sample.name)
        sample.name = name.with_stem(f'{name.stem}_face{seen[sample.source]}').as_posix()


def draw_val(samples: list[Sample], args: argparse.Namespace,
             photo: Callable[[Sample], str] = lambda sample: sample.source.as_posix()) -> list[str]:
    """Moves a share of the training photographs to validation, in place.

    Args:
        samples: All samples; only those of ``train`` are drawn from.
        args: ``val_share`` in [0, 1) and ``seed``; the same two and the same photographs give the same draw.
        photo: The photograph of a sample; its faces stay together.

    Returns:
        A note about it.

    Raises:
        DataError: A share outside of [0, 1), or one that leaves no training photograph.
    """
    if not 0 <= args.val_share < 1:
        raise DataError(f'--val-share: {args.val_share} is outside of [0, 1). Give a share such as 0.1.')
    if args.seed < 0:
        raise DataError(f'--seed: {args.seed} is below 0. Give 0 or more.')
    photos = sorted({photo(sample) for sample in samples if sample.split == 'train'})
    count = math.ceil(args.val_share * len(photos))
    if not count:
        return ['no validation split']
    if count == len(photos):
        raise DataError(f'--val-share: {args.val_share} of {len(photos)} training photographs leaves none to train on. '
                        'Give a smaller share.')
    drawn = {photos[i] for i in np.random.default_rng(args.seed).permutation(len(photos))[:count]}
    for sample in samples:
        if sample.split == 'train' and photo(sample) in drawn:
            sample.split = 'val'
    return [f'validation: {count} of {len(photos)} training photographs, drawn with seed {args.seed}']


def image_beside(path: Path, images: Path | None = None) -> Path:
    """The image of an annotation file: the same name with an image's ending, in its folder or in ``images``.

    Raises:
        DataError: There is none.
    """
    folder = images or path.parent
    for ending in IMAGE_ENDINGS:
        for candidate in (folder / f'{path.stem}{ending}', folder / f'{path.stem}{ending.upper()}'):
            if candidate.is_file():
                return candidate
    raise DataError(f'{path}: no image {path.stem} with an ending of {", ".join(IMAGE_ENDINGS)} in {folder}. Put it '
                    'there or use --images.')


def annotation_files(src: str, ending: str) -> list[Path]:
    """All files below the folder ``src`` with an ending, sorted.

    Raises:
        DataError: No such folder, or no such file in it.
    """
    folder = Path(src)
    if not folder.is_dir():
        raise DataError(f'{src}: no such folder. SRC is a folder of {ending} files.')
    files = sorted(folder.rglob(f'*{ending}'))
    if not files:
        raise DataError(f'{src}: no *{ending} in it or below. Put the files there, each beside its image.')
    return files


def add_subject_argument(parser: argparse.ArgumentParser) -> None:
    """``--subject``, for formats whose file names tell the persons apart."""
    parser.add_argument('--subject', metavar='PATTERN',
                        help='regular expression on the file name without its ending; what its first group finds is '
                             'the person, whose images stay in one split (default: every image is a person)')


def subjects(files: list[Path], pattern: str | None) -> Iterator[str | None]:
    """The person of each file by ``--subject``; None where no pattern is given.

    Raises:
        DataError: A pattern that is malformed, has no group, or does not fit a file.
    """
    if pattern is None:
        yield from (None for _ in files)
        return
    compiled = person_pattern(pattern)
    for path in files:
        found = compiled.search(path.stem)
        if found is None or not found[1]:
            raise DataError(f'--subject: {pattern!r} finds nobody in {path.name}. Correct it or rename the file.')
        yield found[1]


def number(text: str, where: str) -> float:
    """A finite number.

    Raises:
        DataError: Anything else; ``where`` begins the message.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f'{where}: {text!r} is no finite number. Correct it.')
    return value


def read_text(path: Path, what: str) -> list[str]:
    """The lines of a text file.

    Raises:
        DataError: The file is missing or no text.
    """
    try:
        return path.read_text(encoding='utf-8-sig').splitlines()
    except (FileNotFoundError, IsADirectoryError):
        raise DataError(f'{path}: no such file. It should hold {what}.') from None
    except UnicodeDecodeError as error:
        raise DataError(f'{path}: no UTF-8 text ({error}). It should hold {what}.') from None
