"""Converters that write a prepared data set.

A format is a reader (``benchmark.datasets.readers``), or where one is not enough a file of this package with a
``Converter``, entered in ``FORMATS``. Its ``convert(src, out, args)`` writes the whole set to ``out``, a folder that
does not exist yet, and returns notes and findings for the person who called; ``prepare`` checks the result and only
then gives it its name.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmark.datasets.checks_images import Scan, scan_files
from benchmark.datasets.findings import Finding, Report
from benchmark.datasets.formats import (
    aflw,
    cifasd,
    coco,
    cofw,
    csv_table,
    ibug_300w,
    isbi2015,
    pts,
    synthetic,
    webmorph,
    wflw,
)
from benchmark.datasets.formats.came import write_format
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.reading import as_converter
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import check_dataset, read_identities
from benchmark.datasets.readers import READERS

FORMATS: dict[str, Converter] = {}
#: Words of the command line that are no formats.
OTHERS = ('check', 'card')


def add_readers() -> None:
    """Enters the readers that are registered and no format yet.

    Raises:
        DataError: A reader's name is that of a format, ``check`` or ``card``.
    """
    for name, reader in READERS.items():
        if name not in _OF_READERS:
            if name in FORMATS or name in OTHERS:
                raise DataError(f'reader {name}: the name is taken. Choose another.')
            FORMATS[name] = _OF_READERS[name] = as_converter(reader)


_OF_READERS: dict[str, Converter] = {}
FORMATS |= {m.CONVERTER.name: m.CONVERTER for m in (coco, csv_table, cifasd)}
add_readers()
FORMATS |= {m.CONVERTER.name: m.CONVERTER for m in (ibug_300w, wflw, cofw, aflw, pts, webmorph, isbi2015, synthetic)}


def prepare(name: str, src: str, dst: str | Path, args: argparse.Namespace) -> tuple[Report, list[str]]:
    """Converts SRC to a prepared set at DST, which appears only when it is complete and sound.

    Args:
        name: A key of ``FORMATS``.
        src: What to convert.
        dst: Folder to make.
        args: The format's options, see its ``add_arguments``.

    Returns:
        What the check found, and the converter's notes.

    Raises:
        DataError: Bad input, a result that does not pass the check, or DST exists.
    """
    dst = Path(dst)
    if dst.exists():
        raise DataError(f'{dst}: exists already. Delete it or choose another DST.')
    dst.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f'.{dst.name}.partial-', dir=dst.parent) as hold:
        out = Path(hold) / dst.name
        try:
            # Photographs that are copied are decoded once: what the check asks of them is kept.
            args.scanned = {}
            notes = FORMATS[name].convert(src, out, args)
            write_format(out, name)
            report = check_prepared(out, args.scanned)
        except DataError as error:
            raise DataError(str(error).replace(str(out), str(dst))) from None
        report.replace(lambda message: message.replace(str(out), str(dst)))
        report.root = dst
        # A converter's findings name lines of SRC; they go before what the check says of the same.
        found = [note for note in notes if isinstance(note, Finding)]
        kinds = {one.kind for one in found}
        report.findings = found + [one for one in report.findings if one.kind not in kinds]
        notes = [note for note in notes if not isinstance(note, Finding)]
        if not report.ok:
            more = f' ({len(report.errors) - 1} more)' if len(report.errors) > 1 else ''
            raise DataError(f'{src}: the converted set is not sound, so {dst} was not made: '
                            f'{report.errors[0]}{more}')
        try:
            out.rename(dst)
        except OSError as error:
            raise DataError(f'{dst}: cannot be made ({error.strerror}). Choose another DST.') from None
    return report, notes


def check_prepared(root: str | Path, scanned: Mapping[Path, Scan] | None = None) -> Report:
    """Checks a landmark data set, or an identity set where the folder has an ``index.csv``.

    Args:
        root: The folder.
        scanned: What is known of a landmark set's image files, which are not decoded again.

    Raises:
        DataError: The folder is neither.
    """
    root = Path(root)
    if (root / 'index.csv').exists():
        report = Report(root)
        try:
            rows = read_identities(root)
        except DataError as error:
            report.add('error', 'index', str(error))
            return report
        for scan in scan_files(path for path, _, _ in rows):
            if scan.problem:
                report.add('error', 'image-file', f'{root / "index.csv"}: {scan.problem}')
        for split in ('train', 'val'):
            labels = [label for _, label, s in rows if s == split]
            report.summary[split] = dict(images=len(labels), subjects=len(set(labels)), groups={},
                                         landmarks={})
        return report
    if not (root / 'annotations').is_dir():
        raise DataError(f'{root}: no prepared set: neither annotations/ nor index.csv is here. Make one with '
                        'tools/prepare_data.py FORMAT SRC DST.')
    return check_dataset(root, scanned=scanned)
