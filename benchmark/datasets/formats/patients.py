"""Keeps names and ids of patients, which DICOM files hold, out of what is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from benchmark.datasets.dicom import names_patient
from benchmark.datasets.formats.sample import Sample
from benchmark.datasets.metainfo import LandmarkMeta


def hide_patients(samples: Sequence[Sample], meta: LandmarkMeta) -> list[str]:
    """Gives other names where a file, its folders or its subject are named after what the DICOM file says of a person.

    Files become ``dicom1``, subjects ``person1`` and so on, in place; so do they in messages. Where one subject is
    hidden, all are.

    Args:
        samples: All samples, each with its split.
        meta: The scheme, whose ``subject`` names the field.

    Returns:
        Notes with what was hidden, without the names.
    """
    names = photograph_names(samples)
    hidden: dict[Path, str] = {}
    for sample in samples:
        source = sample.source
        if source not in hidden and source.is_file() and names_patient(source, f'{sample.name} {names[source]}'):
            hidden[source] = f'dicom{len(hidden) + 1}'
        if source in hidden:
            said = sorted({sample.name, names[source], source.name, source.stem, str(source)}, key=len, reverse=True)
            for text in said:
                sample.where = sample.where.replace(text, hidden[source])
            sample.shown = hidden[source] + source.suffix
            tail = PurePosixPath(sample.name).stem.removeprefix(source.stem)
            sample.name = f'{hidden[source]}{tail if tail != PurePosixPath(sample.name).stem else ""}{source.suffix}'
    notes = []
    if hidden:
        notes.append(f'{len(hidden)} DICOM files whose names hold a name, an id or a date of birth that is in them are '
                     'called dicom1, dicom2, ... in the order of SRC')
    field = meta.subject
    if field and any(names_patient(s.source, str(s.fields[field])) for s in samples if s.source.is_file()):
        numbers: dict[str, str] = {}
        for sample in samples:
            value = str(sample.fields[field])
            sample.fields[field] = numbers.setdefault(value, f'person{len(numbers) + 1}')
        notes.append(f'{field} holds names or ids that are in the DICOM files: the {len(numbers)} subjects are called '
                     'person1, person2, ... in the order of SRC')
    return notes


def photograph_names(samples: Sequence[Sample]) -> dict[Path, str]:
    """A name for each photograph: its path below what all have in common, or what is shown in its place."""
    sources = dict.fromkeys(sample.source for sample in samples)
    common = os.path.commonpath([str(source.parent) for source in sources])
    shown = {sample.source: sample.shown for sample in samples if sample.shown}
    return {source: shown.get(source) or Path(os.path.relpath(source, common)).as_posix() for source in sources}
