"""Label Studio's JSON and JSON-MIN exports: key points in percent of the image."""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from benchmark.datasets.findings import Finding
from benchmark.datasets.metainfo import DataError, read_json

from .base import Annotated, Point, Reader, peek, register

_IMAGE = re.compile(r'\.(jpe?g|png|bmp|tiff?|webp|gif|dcm)$', re.IGNORECASE)
_PREFIX = re.compile(r'^[0-9a-f]{8}-')


@register
class LabelStudio(Reader):
    """Label Studio's own JSON, whole or MIN."""

    name = 'labelstudio'
    summary = 'Label Studio JSON (not its COCO)'
    description = """SRC is the file of Label Studio's export JSON or JSON-MIN; --images is the folder of the
photographs. Key points are landmarks by their label. Where several people annotated an image the one marked as ground
truth, else the first, is learnt from, and --annotators user2 takes the second as well (completed_by; the whole JSON
only). Points that are linked to a region, such as a box, are a person. What a task's data say besides the image are
fields: --subject patient_id. The percent are of the image's edges. Names of uploads lose their prefix (0a1b2c3d-)
where only the plain file is there. Not the COCO export: it parts names from coordinates.

  tools/prepare_data.py labelstudio project-1.json data/faces --images photos --size 256"""
    patterns = ('*.json',)
    pixel_origin = 'corner'
    units = 'percent'

    def sniff(self, path: Path) -> str | None:
        text = peek(path)
        is_list = text.lstrip('\ufeff \n\r\t')[:1] == '['
        if is_list and all(f'"{key}"' in text for key in ('original_width', 'keypointlabels')):
            return f'{path.name} has the fields original_width and keypointlabels'
        return None

    def read(self, src: Path, options: argparse.Namespace) -> Iterator[Annotated | str | Finding]:
        stripped: list[str] = []
        for path in self.some_files(src):
            tasks = read_json(path)
            if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
                raise DataError(f'{path}: no list of tasks. Export JSON from Label Studio.')
            folder = options.images or path.parent
            for number, task in enumerate(tasks):
                yield from self._task(path, task, f'{path}: task {task.get("id", number + 1)}', folder, stripped)
        if stripped:
            yield (f'the prefix of uploads was taken off {len(stripped)} image names, the first of {stripped[0]!r}')

    def _task(self, path: Path, task: dict, where: str, folder: Path, stripped: list[str]) -> Iterator[Annotated]:
        whole = isinstance(task.get('data'), dict)
        data = task['data'] if whole else task
        image = _image(data, where)
        name = PurePosixPath(unquote(urlsplit(image).path)).name
        if _PREFIX.match(name) and not (folder / name).exists() and (folder / name[9:]).is_file():
            stripped.append(name)
            image = name[9:]
        fields = {key: value for key, value in data.items() if value != data.get('image') and isinstance(
            value, (str, int, float)) and (whole or key not in _MIN) and not _is_image(value)}
        results = self._results(task, where) if whole else [('', [
            dict(value=one, original_width=one.get('original_width'), original_height=one.get('original_height'))
            for value in data.values() if isinstance(value, list) for one in value if isinstance(one, dict)])]
        unused: Counter[str] = Counter()
        if whole and task.get('predictions'):
            unused['predictions'] += 1
        people = [(user, _people(result, where, unused)) for user, result in results]
        first = people[0][1] if people else {}
        size = next((s for s in map(_size, results[0][1] if results else []) if s), None)
        others = {user: found for user, found in people[1:]}
        if len(first) > 1 and others:
            raise DataError(f'{where}: several persons, annotated by several people: who is who is not known. Export '
                            'one annotation of each task.')
        for group, points in (first or {None: {}}).items():
            yield Annotated(image, points, where if group is None else f'{where}: region {group}', size, fields=fields,
                            annotators={user: next(iter(found.values())) for user, found in others.items() if found},
                            unused=list(unused))

    @staticmethod
    def _results(task: Mapping, where: str) -> list[tuple[str, list[dict]]]:
        """The regions of each annotation with its annotator's name, the one to learn from first."""
        annotations = task.get('annotations', task.get('completions'))
        if not isinstance(annotations, list) or annotations and not all(isinstance(a, dict) for a in annotations):
            raise DataError(f'{where}: annotations are missing. Export JSON from Label Studio, not the tasks that were '
                            'imported.')
        done = [a for a in annotations if not a.get('was_cancelled') and isinstance(a.get('result'), list)]
        done.sort(key=lambda a: not a.get('ground_truth'))
        named, seen = [], Counter()
        for one in done:
            user = one.get('completed_by')
            user = user.get('id') if isinstance(user, dict) else user  # never the address that stands beside it
            name = f'user{user}' if isinstance(user, (int, str)) and '@' not in str(user) else 'user'
            seen[name] += 1
            named.append((name if seen[name] == 1 else f'{name}_{seen[name]}', one['result']))
        return named


#: Fields of JSON-MIN that are no data of the user's.
_MIN = frozenset(('id', 'annotator', 'annotation_id', 'created_at', 'updated_at', 'lead_time'))


def _is_image(value: object) -> bool:
    return isinstance(value, str) and bool(_IMAGE.search(value.split('?d=')[-1].partition('?')[0]))


def _image(data: Mapping, where: str) -> str:
    """The task's image: what is called ``image``, or the one value that names an image file."""
    if isinstance(data.get('image'), str):
        return data['image']
    found = [key for key, value in data.items() if _is_image(value)]
    if len(found) != 1:
        raise DataError(f'{where}: {len(found)} of its data name an image ({", ".join(found) or "none"}). Call the one '
                        'that is annotated `image`.')
    return data[found[0]]


def _size(region: Mapping) -> tuple[int, int] | None:
    size = region.get('original_width'), region.get('original_height')
    return (size[0], size[1]) if all(isinstance(v, int) and v > 0 for v in size) else None


def _people(regions: list[dict], where: str, unused: Counter[str]) -> dict[str | None, dict[str, Point]]:
    """Landmarks by the region that they are linked to."""
    people: dict[str | None, dict[str, Point]] = defaultdict(dict)
    for region in regions:
        value = region.get('value')
        labels = value.get('keypointlabels') if isinstance(value, dict) else None
        if not isinstance(value, dict) or labels is None:
            kind = region.get('type') or next((k for k in value or {} if str(k).endswith('labels')), 'other')
            unused[f'regions of type {kind}'] += 1
            continue
        if region.get('image_rotation') or value.get('image_rotation'):
            raise DataError(f'{where}: the image was turned in Label Studio by {region.get("image_rotation")} degrees. '
                            'Turn it back there, or turn the file.')
        if not isinstance(labels, list) or len(labels) != 1:
            raise DataError(f'{where}: a key point with {len(labels) if isinstance(labels, list) else "no"} labels. '
                            'Give it one.')
        points = people[region.get('parentID') or None]
        if labels[0] in points:
            raise DataError(f'{where}: {labels[0]!r} is marked twice in this image. Delete one, or link the points of '
                            'each person to a region of their own.')
        x, y = value.get('x'), value.get('y')
        if not all(isinstance(v, (int, float)) for v in (x, y)):
            raise DataError(f'{where}: {labels[0]!r}: x is {x!r}, y is {y!r}. Give percent of width and height.')
        points[labels[0]] = float(x), float(y)
    return people
