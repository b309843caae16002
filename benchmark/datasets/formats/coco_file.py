"""One COCO file: its parts, what is odd in them, and the messages for files of other kinds."""

from __future__ import annotations

import argparse
import math
from collections import Counter, defaultdict
from pathlib import Path, PurePosixPath

import numpy as np

from benchmark.datasets.findings import Finding
from benchmark.datasets.metainfo import DataError, LandmarkMeta, read_json

#: Fields by which other annotation files are recognised.
_OTHERS = {('shapes', 'imagePath'): 'a LabelMe file: `prepare_data.py labelme` reads it',
           ('data', 'annotations'): 'a Label Studio export: `prepare_data.py labelstudio` reads it',
           ('_via_img_metadata',): 'a VIA project', ('markups',): 'a 3D Slicer markup',
           ('landmarks', 'version'): 'a menpo .ljson file', ('keypoints', 'image_id'): 'a list of annotations alone'}


def load_coco(path: Path) -> dict:
    """Reads a COCO file.

    Raises:
        DataError: A field that a converter needs is missing or malformed.
    """
    coco = read_json(path)
    for key in ('images', 'annotations', 'categories'):
        if not isinstance(coco, dict) or not isinstance(coco.get(key), list):
            raise DataError(f'{path}: field {key!r} is missing or no list. The file must be COCO keypoints'
                            f'{_other_format(coco)}.')
    for key, field in (('images', 'id'), ('images', 'file_name'), ('annotations', 'image_id')):
        for number, entry in enumerate(coco[key]):
            value = entry.get(field) if isinstance(entry, dict) else None
            if not isinstance(value, (str, int)) or field == 'file_name' and not (isinstance(value, str) and value):
                raise DataError(f'{path}: {key}[{number}]: field {field!r} is missing or malformed. Give each of '
                                f'{key} one.')
    return coco


def _other_format(content: object) -> str:
    """What a JSON file that is no COCO file seems to be, and what to do with it."""
    first = content[0] if isinstance(content, list) and content else content
    keys = set(first) if isinstance(first, dict) else set()
    for fields, name in _OTHERS.items():
        if keys.issuperset(fields):
            table = '. Export COCO keypoints, or write a table for `csv`: image, <landmark>_x, <landmark>_y'
            return f'; this is {name}{"" if "prepare_data.py" in name else table}'
    return ''


def _no_keypoints(path: Path, coco: dict, base: Path) -> str:
    """What a file is whose categories name no keypoints, and what to do."""
    annotations = [a for a in coco['annotations'] if isinstance(a, dict)]
    if any(a.get('keypoints') for a in annotations):
        return (f'{path}: categories: no category names its `keypoints`, though annotations have some (as in files '
                'whose names are in a config, such as MMPose\'s). Give the config with --metainfo FILE, '
                'add the names to the category, or put a metainfo.json with `landmarks` and `flip_indices` into '
                f'{base}.')
    boxes = [a['bbox'] for a in annotations if isinstance(a.get('bbox'), list) and len(a['bbox']) == 4]
    if boxes and all(box[2] == box[3] == 1 for box in boxes):
        made = ('each point is a box of 1 x 1 pixel with a category of its own, as labelme2coco writes them. Take '
                'the points from the labelme files')
    else:
        made = ('it has boxes or outlines only, as detectors\' exports have, and files of supervision, which drops '
                'keypoints when it writes. Take the file from before, or export COCO keypoints')
    return (f'{path}: categories: no category has `keypoints`: {made}; or write a table for `csv`: image, '
            '<landmark>_x, <landmark>_y.')


def choose_category(path: Path, coco: dict, base: Path, scheme: LandmarkMeta | None, args: argparse.Namespace) -> dict:
    """The category whose landmarks are read.

    Raises:
        DataError: None has keypoints, or several and none of them is chosen or the only one in use.
    """
    found = [c for c in coco['categories'] if isinstance(c, dict) and c.get('keypoints')]
    if not found:
        if scheme is not None and any(isinstance(a, dict) and a.get('keypoints') for a in coco['annotations']):
            return dict(keypoints=list(scheme.landmarks))
        raise DataError(_no_keypoints(path, coco, base))
    named = ', '.join(str(c.get('name')) for c in found)
    if args.category is not None:
        found = [c for c in found if c.get('name') == args.category]
        if len(found) != 1:
            raise DataError(f'--category: {len(found)} categories of {path} are called {args.category!r}. With '
                            f'keypoints there are: {named}.')
    if len(found) > 1:
        used = {a.get('category_id') for a in coco['annotations'] if a.get('keypoints')}
        found = [c for c in found if c.get('id') in used] or found
    if len(found) > 1:
        raise DataError(f'{path}: categories: {len(found)} of them have `keypoints` ({named}). Choose one with '
                        '--category.')
    return found[0]


def keep_category(path: Path, coco: dict, category: dict) -> None:
    """Leaves out annotations of other categories, in place.

    Raises:
        DataError: An annotation with keypoints whose category does not exist, where there are several.
    """
    known = [c.get('id') for c in coco['categories'] if isinstance(c, dict)]
    if len(known) < 2 or 'id' not in category:
        return
    for annotation in coco['annotations']:
        if annotation.get('keypoints') and annotation.get('category_id') not in known:
            raise DataError(f'{path}: annotation {annotation.get("id")}: category_id {annotation.get("category_id")} '
                            f'is not in categories (ids {", ".join(map(str, known))}). Correct it.')
    coco['annotations'] = [a for a in coco['annotations'] if a.get('category_id', category['id']) == category['id']]


def check_images(path: Path, coco: dict) -> None:
    """Refuses ids and file names that stand twice: the one image would get the other's landmarks."""
    ids: set = set()
    first: dict[str, int | str] = {}
    names = Counter(PurePosixPath(image['file_name'].replace('\\', '/')).as_posix() for image in coco['images'])
    for image in coco['images']:
        where = f'{path}: image {image["file_name"]!r}'
        if image['id'] in ids:
            raise DataError(f'{where}: id {image["id"]} appears more than once. Image ids must be unique.')
        ids.add(image['id'])
        name = PurePosixPath(image['file_name'].replace('\\', '/')).as_posix()
        if name in first:
            more = sum(n > 1 for n in names.values()) - 1
            raise DataError(f'{where}: the file name stands twice, with ids {first[name]} and {image["id"]}'
                            f'{f" ({more} more such names)" if more else ""}. Where they are different images, give '
                            'each its folder below --images, such as p01/1.jpg; annotations of one image share its id.')
        first[name] = image['id']


def stated_size(image: dict, where: str) -> tuple[int, int] | None:
    """Width and height that the record states, or None.

    Raises:
        DataError: One of them is no number.
    """
    size = image.get('width'), image.get('height')
    if None in size:
        return None
    for key, value in zip(('width', 'height'), size):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1 or value < 1:
            raise DataError(f'{where}: {key} is {value!r}. Give whole pixels, or delete the field.')
    return int(size[0]), int(size[1])


class Oddities:
    """Counts what is odd in a file's annotations, with the first place of each."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.places: dict[str, list[str]] = defaultdict(list)

    def look(self, annotation: dict, points: np.ndarray, where: str) -> None:
        """Looks at one annotation and its (K, 3) points."""
        values, stated = annotation.get('keypoints'), annotation.get('num_keypoints')
        seen = int((points[:, 2] > 0).sum())
        if values and len(_flat(values)) == 2 * self.count:
            self.places['pairs'].append(where)
        if not seen and points[:, :2].any():
            self.places['hidden'].append(where)
        elif isinstance(stated, (int, float)) and stated != seen and values:
            self.places['number'].append(f'{where}: num_keypoints is {stated:g}, but {seen} landmarks have v > 0')
        bbox = annotation.get('bbox')
        if seen and bbox and read_bbox(annotation, where) is None:
            self.places['flat'].append(where)

    def findings(self) -> list[str | Finding]:
        """Notes and findings, one for each oddity."""
        said: list[str | Finding] = []
        for what, places in self.places.items():
            more = f' ({len(places)} annotations)'
            if what == 'number':
                said.append(Finding('warning', 'num-keypoints', f'{places[0]}{more}. v is what counts: correct the one '
                                    'that is wrong.'))
            elif what == 'hidden':
                said.append(Finding('warning', 'v-zero', f'{places[0]}: has coordinates, but v = 0 everywhere, so it '
                                    f'counts as not annotated{more}. Set v to 2 where it is.'))
            elif what == 'pairs':
                said.append(f'{places[0]}: keypoints are pairs x, y without v: all were taken as annotated{more}')
            else:
                said.append(f'{places[0]}: a box without extent is not used; the landmarks\' own box is{more}')
        return said


def _flat(values: list) -> list:
    """x, y, v one after the other, from a flat list or a list of points."""
    return [v for point in values for v in point] if values and all(isinstance(p, list) for p in values) else values


def read_keypoints(annotation: dict, meta: LandmarkMeta, where: str) -> dict[str, np.ndarray]:
    """(K, 3) for the main and each further annotator; all zero where there are none.

    Raises:
        DataError: Another number of values, or one that is no finite number.
    """
    result, count = {}, len(meta.landmarks)
    for key in ('keypoints', *(f'keypoints_{a}' for a in meta.annotators)):
        if key not in annotation:
            if key == 'keypoints':
                result[key] = np.zeros((count, 3))
            continue
        values, at = annotation[key], f'{where}: annotation {annotation.get("id")}: {key}'
        if key == 'keypoints' and values in (None, []):
            result[key] = np.zeros((count, 3))
            continue
        if isinstance(values, list):
            values = _flat(values)
            if len(values) == 2 * count:
                values = [c for x, y in zip(values[::2], values[1::2]) for c in (x, y, 2)]
        if not isinstance(values, list) or len(values) != 3 * count:
            raise DataError(f'{at} has {len(values) if isinstance(values, list) else "no"} numbers, not '
                            f'{3 * count} (x, y, v for each of the {count} landmarks).')
        # Programs write null for the coordinates of what is not annotated.
        values = [0 if values[i - i % 3 + 2] == 0 and values[i] is None else v for i, v in enumerate(values)]
        if not all(isinstance(v, (int, float)) and abs(v) < 1e9 for v in values):
            raise DataError(f'{at} has a value that is no finite number. Use 0, 0, 0 where not annotated.')
        result[key] = np.asarray(values, np.float64).reshape(count, 3)
    return result


def read_bbox(annotation: dict, where: str) -> tuple[float, float, float, float] | None:
    """The annotation's x, y, width and height in pixels, or None where it has none, or one without extent.

    Raises:
        DataError: A box that is malformed.
    """
    bbox = annotation.get('bbox')
    if not bbox:
        return None
    if not (isinstance(bbox, list) and len(bbox) == 4 and all(
            isinstance(v, (int, float)) and math.isfinite(v) for v in bbox) and bbox[2] >= 0 and bbox[3] >= 0):
        raise DataError(f'{where}: annotation {annotation.get("id")}: bbox is {bbox}. Give x, y, width, '
                        'height, or delete it.')
    return tuple(map(float, bbox)) if bbox[2] > 0 and bbox[3] > 0 else None
