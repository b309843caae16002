"""A card of a prepared data set in the Croissant format, version 1.1, which data portals and loaders read.

It says what the files are (digests), what is in them (a record set of images and one of landmarks for each split) and,
where it is told, licence and citation. It names fields, never values: no person, no file name of an image.
"""

from __future__ import annotations

import datetime
import mimetypes
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.datasets.identities import content_digest
from benchmark.datasets.metainfo import SPLITS, DataError, LandmarkMeta, read_json
from benchmark.datasets.prepared import fingerprint, load_scheme

CARD = 'croissant.json'
CONFORMS_TO = 'http://mlcommons.org/croissant/1.1'
_TEXT, _INTEGER, _FLOAT = 'sc:Text', 'sc:Integer', 'sc:Float'
#: Terms of the format that stand in a card, as JSON-LD wants them declared.
_TERMS = ('arrayShape', 'citeAs', 'column', 'containedIn', 'equivalentProperty', 'extract', 'field', 'fileObject',
          'fileProperty', 'fileSet', 'format', 'includes', 'isArray', 'isLiveDataset', 'jsonPath', 'key', 'md5',
          'parentField', 'path', 'recordSet', 'references', 'regex', 'repeated', 'replace', 'samplingRate',
          'separator', 'source', 'subField', 'transform')
_JSON = {'@type': '@json'}
CONTEXT = {
    '@language': 'en', '@vocab': 'https://schema.org/', 'sc': 'https://schema.org/',
    'cr': 'http://mlcommons.org/croissant/', 'rai': 'http://mlcommons.org/croissant/RAI/',
    'dct': 'http://purl.org/dc/terms/', 'conformsTo': 'dct:conformsTo', 'data': {'@id': 'cr:data', **_JSON},
    'examples': {'@id': 'cr:examples', **_JSON}, 'dataType': {'@id': 'cr:dataType', '@type': '@vocab'},
    'name': {'@container': '@language'}, 'description': {'@container': '@language'},
    **{term: f'cr:{term}' for term in _TERMS},
}
#: Suffixes that ``mimetypes`` does not know everywhere.
_TYPES = {'.webp': 'image/webp', '.jp2': 'image/jp2', '.dcm': 'application/dicom'}


@dataclass(frozen=True)
class Told:
    """What no prepared set can say of itself; an empty text is not written.

    Attributes:
        licence: Name or address; before that of the metainfo.
        citation: How to cite the set.
        url: Where it is to be had.
        version: ``MAJOR.MINOR.PATCH``.
        published: A day, ``2026-11-30``.
    """

    licence: str = ''
    citation: str = ''
    url: str = ''
    version: str = ''
    published: str = ''

    def check(self) -> None:
        """Raises DataError for a version or day of another form."""
        if self.version and not re.fullmatch(r'\d+\.\d+\.\d+', self.version):
            raise DataError(f'--set-version {self.version}: give MAJOR.MINOR.PATCH, such as 1.0.0.')
        if self.published:
            try:
                datetime.date.fromisoformat(self.published)
            except ValueError:
                raise DataError(f'--published {self.published}: give a day as 2026-11-30.') from None


def card(root: str | Path, told: Told = Told()) -> tuple[dict[str, Any], list[str]]:
    """The card of a prepared data set.

    Args:
        root: Its folder.
        told: Licence, citation and so on.

    Returns:
        The card's content, and notes on what is absent.

    Raises:
        DataError: The folder is no prepared landmark data set, or an option is wrong.
    """
    told.check()
    root = Path(root)
    digest, meta = fingerprint(root), load_scheme(root)
    splits = {name: _images(path) for name in SPLITS if (path := root / 'annotations' / f'{name}.json').is_file()}
    known = {'license': told.licence or meta.licence, 'citeAs': told.citation, 'url': told.url,
             'version': told.version, 'datePublished': told.published}
    notes = [f'{what} is not known and not written: {option}' for key, what, option in (
        ('license', 'the licence', '--licence'), ('citeAs', 'how to cite the set', '--citation'),
        ('url', 'where the set is to be had', '--url'), ('version', 'the version', '--set-version'),
        ('datePublished', 'the day of publication', '--published')) if not known[key]]
    sets, more = _record_sets(meta, splits)
    content = {
        '@context': CONTEXT, '@type': 'sc:Dataset', 'name': meta.name, 'conformsTo': CONFORMS_TO,
        'description': _description(meta, splits), **{key: text for key, text in known.items() if text},
        'identifier': f'sha256:{digest}', 'isLiveDataset': False,
        'distribution': _files(root, splits), 'recordSet': sets,
    }
    return content, notes + more


def _images(path: Path) -> list[dict[str, Any]]:
    """The image records of an annotation file."""
    found = read_json(path)
    images = found.get('images') if isinstance(found, dict) else None
    if not isinstance(images, list) or not all(isinstance(one, dict) for one in images):
        raise DataError(f'{path}: field images: no list of records. Make the set with tools/prepare_data.py.')
    return images


def _description(meta: LandmarkMeta, splits: Mapping[str, list[Any]]) -> str:
    counts = ', '.join(f'{len(images)} {name}' for name, images in splits.items())
    own = f'{meta.description.rstrip(".")}. ' if meta.description else ''
    return f'{own}Images with {len(meta.landmarks)} landmarks: {counts}. Pixel centres: x = 0 is the first pixel’s.'


def _files(root: Path, splits: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = [*(['metainfo.json'] if (root / 'metainfo.json').is_file() else []),
             *(f'annotations/{name}.json' for name in splits)]
    files: list[dict[str, Any]] = [
        {'@type': 'cr:FileObject', '@id': name, 'name': name, 'contentUrl': name,
         'contentSize': f'{(root / name).stat().st_size} B', 'encodingFormat': 'application/json',
         'sha256': content_digest(root / name)} for name in names]
    patterns: dict[str, set[str]] = {}
    for folder, _, found in os.walk(root / 'images', followlinks=True):
        depth = 'images/*' if Path(folder) == root / 'images' else 'images/**/*'
        for suffix in {os.path.splitext(name)[1] for name in found if not name.startswith('.')}:
            patterns.setdefault(_type(suffix), set()).add(f'{depth}{suffix}')
    return files + [{'@type': 'cr:FileSet', '@id': _identifier(f'images-{kind}') if len(patterns) > 1 else 'images',
                     'name': 'images', 'encodingFormat': kind, 'includes': sorted(found)}
                    for kind, found in sorted(patterns.items())]


def _identifier(text: str) -> str:
    """A text as mlcroissant takes it for an identifier: no blanks; texts that differ give others."""
    plain = re.sub(r'[^\w./-]', '_', text, flags=re.ASCII)
    return plain if plain == text else f'{plain}-{zlib.crc32(text.encode()):08x}'


def _type(suffix: str) -> str:
    low = suffix.lower()
    return _TYPES.get(low) or mimetypes.types_map.get(low) or 'application/octet-stream'


def _record_sets(meta: LandmarkMeta, splits: Mapping[str, list[dict[str, Any]]]) -> tuple[list[Any], list[str]]:
    """Two record sets a split, images and their landmarks, and notes on fields that some images lack."""
    sets, notes = [], []
    declared = [one for one in dict.fromkeys([meta.subject, *meta.groups, 'pixel_spacing']) if one]
    for split, images in splits.items():
        fields = [_field(split, 'images', 'id', _INTEGER, 'id'), _field(split, 'images', 'file_name', _TEXT,
                  'file_name', 'Below images/.'), *(_field(split, 'images', name, _INTEGER, name)
                                                    for name in ('width', 'height'))]
        for name in declared:
            known = [one[name] for one in images if one.get(name) is not None]
            if known and len(known) == len(images):
                kind = _FLOAT if all(isinstance(one, float) for one in known) else _TEXT
                fields.append(_field(split, 'images', name, kind, name, 'The person.' if name == meta.subject else ''))
            elif known:
                notes.append(f'{split}: {len(images) - len(known)} of {len(images)} images have no {name}: the field '
                             'is left out, as a column needs a value of each')
        name = f'{split}_images'
        sets.append({'@type': 'cr:RecordSet', '@id': name, 'name': name, 'key': {'@id': f'{name}/id'}, 'field': fields})
        image = _field(split, 'annotations', 'image_id', _INTEGER, 'image_id')
        points = _field(split, 'annotations', 'keypoints', _FLOAT, 'keypoints', 'x, y and 0 (not annotated), 1 '
                        f'(occluded) or 2 of each: {", ".join(meta.landmarks)}.')
        sets.append({'@type': 'cr:RecordSet', '@id': f'{split}_landmarks', 'name': f'{split}_landmarks', 'field': [
            {**image, 'references': {'field': {'@id': f'{name}/id'}}},
            {**points, 'isArray': True, 'arrayShape': str(3 * len(meta.landmarks))}]})
    return sets, notes


def _field(split: str, block: str, name: str, kind: str, key: str, description: str = '') -> dict[str, Any]:
    owner, quoted = f'{split}_{"images" if block == "images" else "landmarks"}', key.replace("'", "\\'")
    return {'@type': 'cr:Field', '@id': _identifier(f'{owner}/{name}'), 'name': name, 'dataType': kind,
            **({'description': description} if description else {}),
            'source': {'fileObject': {'@id': f'annotations/{split}.json'},
                       'extract': {'jsonPath': f"$.{block}[*]['{quoted}']"}}}
