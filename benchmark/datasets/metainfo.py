"""What a data set says of its landmarks: names, flip pairs, units and subjects.

Everything the code knows about a landmark scheme comes from here; nothing else holds the number of landmarks.
A prepared data set is a folder::

    ROOT/metainfo.json            optional, the fields of LandmarkMeta
    ROOT/images/*                 the images
    ROOT/annotations/{train,val,test}.json   COCO keypoints

Without a ``metainfo.json`` the names and flip indices are read from the COCO category, and where they equal a
scheme that ships with the package (``schemes/*.json``) that scheme's other fields are used.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmark.utils.measurement import FORMS, read

SCHEMES = Path(__file__).with_name('schemes')
#: Endings of the images that are read, the usual ones first.
IMAGE_ENDINGS = ('.jpg', '.jpeg', '.png', '.tif', '.tiff', '.bmp', '.webp', '.gif', '.jp2', '.avif', '.dcm')
SPLITS = ('train', 'val', 'test')
#: Field and subject where no person is known and several images are of one photograph.
PHOTOGRAPH = 'photograph'
FLIP_POLICIES = ('swap', 'mask', 'canonical', 'never')
#: Fields of a scheme that a data set with the same landmarks takes from it.
SCHEME_FIELDS = ('interocular', 'measurements', 'description', 'flip_policy')


class DataError(ValueError):
    """Bad data: the message names the file, the record or field, and the remedy."""


@dataclass(frozen=True)
class LandmarkMeta:
    """A landmark scheme.

    Attributes:
        name: Name of the data set or scheme.
        landmarks: Names of the K landmarks, in the order of the coordinates.
        flip_indices: For each landmark the index of its mirror image; an involution on 0..K-1.
        flip_policy: What a mirrored image means: ``swap`` (default), ``mask`` or ``canonical`` as in
            :class:`benchmark.datasets.views.DrawView`, or ``never``: no image is ever mirrored, because the
            subject always faces the same way (lateral radiographs) or sides must not be confused. Without any pair
            nothing is mirrored, whatever this says, unless ``midline``: see ``mirroring``.
        interocular: Two landmark names whose distance normalises the NME, or None.
        measurements: Named distances between two landmarks, such as the palpebral fissure length; angles, ratios,
            offsets and sums of them, as :mod:`benchmark.utils.measurement` reads them.
        pixel_spacing: Millimetres per pixel of the prepared images, or None; an image's own
            ``pixel_spacing`` field goes before it.
        subject: Field of the image records that identifies the person; None where every image is a person.
        groups: Fields of the image records that are subgroups of interest.
        annotators: Names of further annotators; annotation field ``keypoints_<name>``. One is compared with the
            reference, ``keypoints``; several are compared with each other, so the reference may be their consensus.
        description: Free text for the report.
        licence: Free text for the report.
        midline: True says that every landmark is its own mirror image, so that views may be mirrored without pairs.
    """

    name: str
    landmarks: tuple[str, ...]
    flip_indices: tuple[int, ...]
    flip_policy: str = 'swap'
    interocular: tuple[str, str] | None = None
    measurements: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pixel_spacing: float | None = None
    subject: str | None = None
    groups: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()
    description: str = ''
    licence: str = ''
    midline: bool = False

    @classmethod
    def from_dict(cls, fields: dict, where: str) -> LandmarkMeta:
        """Builds and checks a scheme.

        Args:
            fields: The attributes above; lists are taken for tuples.
            where: The file it came from, for messages.

        Raises:
            DataError: An unknown or missing field, a repeated name, flip indices that are no involution,
                an unknown flip policy, or a pair that names an unknown landmark.
        """
        known = set(cls.__dataclass_fields__)
        if unknown := sorted(set(fields) - known):
            raise DataError(f'{where}: unknown field {unknown[0]!r}. Known fields: {", ".join(sorted(known))}.')
        for required in ('landmarks', 'flip_indices'):
            if required not in fields:
                raise DataError(f'{where}: field {required!r} is missing. Add a list with an entry per landmark.')
        values = dict(fields)
        values.setdefault('name', Path(where).parent.name)
        for key in ('landmarks', 'flip_indices', 'groups', 'annotators'):
            values[key] = tuple(values.get(key) or ())
        values['measurements'] = {k: tuple(v) for k, v in (values.get('measurements') or {}).items()}
        if values.get('interocular') is not None:
            values['interocular'] = tuple(values['interocular'])
        meta = cls(**values)
        meta._check(where)
        return meta

    def _check(self, where: str) -> None:
        names, flips = self.landmarks, self.flip_indices
        if not names:
            raise DataError(f'{where}: landmarks is empty. Name at least one landmark.')
        if len(set(names)) != len(names):
            twice = next(n for n in names if names.count(n) > 1)
            raise DataError(f'{where}: landmarks: {twice!r} appears more than once. Names must be unique.')
        if len(flips) != len(names):
            raise DataError(f'{where}: flip_indices has {len(flips)} entries for {len(names)} landmarks. '
                            'Give one index per landmark; a landmark on the midline maps to itself.')
        for i, j in enumerate(flips):
            if not isinstance(j, int) or not 0 <= j < len(names) or flips[j] != i:
                raise DataError(f'{where}: flip_indices: landmark {i} ({names[i]}) maps to {j}, which does not map '
                                'back. Flip indices must pair landmarks (an involution on 0..K-1).')
        if not isinstance(self.midline, bool) or self.midline and list(flips) != list(range(len(names))):
            raise DataError(f'{where}: midline is {self.midline!r}. Use true, where no landmark has a mirror image, or '
                            'leave it out.')
        if 'reference' in self.annotators:
            raise DataError(f"{where}: annotators: 'reference' is the name of the annotation that methods are compared "
                            'with. Give the further annotator another name, and the field keypoints_<name> with it.')
        if self.flip_policy not in FLIP_POLICIES:
            raise DataError(f'{where}: flip_policy is {self.flip_policy!r}. Use one of: {", ".join(FLIP_POLICIES)}.')
        for label, ends in self.measurements.items():
            if len(ends) > 2:
                _check_measurement(label, ends, names, where)
        pairs = {label: ends for label, ends in self.measurements.items() if len(ends) < 3}
        if self.interocular is not None:
            pairs['interocular'] = self.interocular
        for label, pair in pairs.items():
            missing = [n for n in pair if n not in names]
            if len(set(pair)) != 2 or len(pair) != 2 or missing:
                raise DataError(f'{where}: {label}: {list(pair)} must be two different landmarks of: '
                                f'{", ".join(names)}.')
        if self.pixel_spacing is not None and not self.pixel_spacing > 0:
            raise DataError(f'{where}: pixel_spacing is {self.pixel_spacing}. Give millimetres per pixel, above 0.')

    @property
    def unpaired(self) -> bool:
        """True where mirroring is asked for but no landmark has a mirror image: names without sides, not a decision."""
        alone = all(i == j for i, j in enumerate(self.flip_indices))
        return alone and not self.midline and self.flip_policy != 'never'

    @property
    def mirroring(self) -> str:
        """The flip policy that holds: ``never`` for a set without pairs, since mirrored labels would be wrong."""
        return 'never' if self.unpaired else self.flip_policy

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The flip pairs (i, j), i < j."""
        return [(i, j) for i, j in enumerate(self.flip_indices) if i < j]

    @property
    def interocular_indices(self) -> tuple[int, int] | None:
        """Indices of the normalising pair, or None."""
        if self.interocular is None:
            return None
        return tuple(self.landmarks.index(n) for n in self.interocular)

    def to_dict(self) -> dict:
        """The scheme as JSON-ready fields."""
        fields = asdict(self)
        # Files of sets that do not say it stay as they were, byte for byte.
        if not self.midline:
            del fields['midline']
        return json.loads(json.dumps(fields))

    def to_mmpose(self) -> dict:
        """The scheme as MMPose's ``metainfo`` (the parsed form's input: keypoint_info, sigmas, weights)."""
        info = {}
        for i, (name, flip) in enumerate(zip(self.landmarks, self.flip_indices)):
            info[i] = dict(name=name, id=i, color=[0, 114, 178], type='',
                           swap='' if flip == i else self.landmarks[flip])
        return dict(dataset_name=self.name, keypoint_info=info, skeleton_info={},
                    joint_weights=[1.0] * len(info), sigmas=[0.05] * len(info))


def _check_measurement(label: str, declared: tuple[str, ...], names: tuple[str, ...], where: str) -> None:
    try:
        found = read(declared)
    except ValueError as error:
        raise DataError(f'{where}: {label}: {error}.') from None
    if unknown := [name for name in found.landmarks if name not in names]:
        raise DataError(f'{where}: {label}: {list(declared)} must be {FORMS} of: {", ".join(names)}; '
                        f'{unknown[0]!r} is none of them.')


def choose_flip_policy(of_view: str | None, of_data: str) -> str:
    """The flip policy that holds: the view's where it has one, else the data set's; ``never`` of the data always."""
    return of_data if of_data == 'never' else of_view or of_data


def read_json(path: Path) -> dict:
    """Reads a JSON file in UTF-8 or UTF-16, or raises DataError with the file and the line."""
    try:
        return json.loads(Path(path).read_bytes())
    except FileNotFoundError:
        raise DataError(f'{path}: no such file. See `tools/prepare_data.py --help` for the expected layout.') from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f'{path}: not valid JSON ({error}).') from None


def load_metainfo(root: str | Path, annotations: dict | None = None) -> LandmarkMeta:
    """The landmark scheme of a prepared data set.

    Args:
        root: The data set's folder.
        annotations: A parsed COCO file of it, where at hand; otherwise the first split found is read.

    Raises:
        DataError: No scheme can be found, or it contradicts itself.
    """
    root = Path(root)
    path = root / 'metainfo.json'
    if path.exists():
        return LandmarkMeta.from_dict(read_json(path), str(path))
    source = root / 'annotations'
    if annotations is None:
        found = [source / f'{s}.json' for s in SPLITS if (source / f'{s}.json').exists()]
        if not found:
            if not Path(root).is_dir():
                raise DataError(f'{root}: no such folder. Point --data-root, or the suite\'s data root, at a prepared '
                                'data set.')
            raise DataError(f'{source}: no train.json, val.json or test.json here, and no metainfo.json in {root}. '
                            'Point --data-root at a folder made by tools/prepare_data.py.')
        source = found[0]
        annotations = read_json(source)
    try:
        category = annotations['categories'][0]
        fields = dict(landmarks=category['keypoints'], flip_indices=category['flip_indices'])
    except (KeyError, IndexError, TypeError):
        raise DataError(f'{source}: categories[0] needs `keypoints` (names) and `flip_indices`, or put a '
                        f'metainfo.json into {root}.') from None
    meta = LandmarkMeta.from_dict(fields | {'name': root.resolve().name}, str(source))
    # A field that any image has is meant for all: one record without it must not switch off the check of subjects.
    fields_seen = {name for image in annotations.get('images', []) for name in image}
    subject = next((f for f in ('subject', 'identity') if f in fields_seen), None)
    groups = ('subset',) if 'subset' in fields_seen else ()
    extra = dict(subject=subject, groups=groups)
    for scheme in sorted(SCHEMES.glob('*.json')):
        known = read_json(scheme)
        if tuple(known['landmarks']) == meta.landmarks and tuple(known['flip_indices']) == meta.flip_indices:
            extra |= {k: known[k] for k in SCHEME_FIELDS if k in known}
    return LandmarkMeta.from_dict(fields | {'name': root.resolve().name} | extra, str(source))
