"""SLEAP: labels of a .slp file, read by sleap-io."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.datasets.findings import Finding
from benchmark.datasets.metainfo import IMAGE_ENDINGS, DataError

from .base import Annotated, Landmarks, Reader, register

#: The first bytes of HDF5.
_HDF = b'\x89HDF\r\n\x1a\n'


@register
class Sleap(Reader):
    """Labels of SLEAP."""

    name = 'sleap'
    summary = 'labels of SLEAP (.slp; needs sleap-io)'
    description = """SRC is a .slp file, or a folder of them, whose videos are lists of images, in SRC's folder or
below --images. It is read by sleap-io (pip install sleap-io). Each instance that a person made is one; predicted
ones are left out. Nodes that are not visible are not annotated. sleap-io and SLEAP leave photographs as they are
stored, whatever their EXIF rotation (--rotation stored). Frames of a video file must be saved as images first.

  tools/prepare_data.py sleap labels.slp data/mouse --images frames"""
    patterns = ('*.slp',)
    rotation = 'stored'

    def sniff(self, path: Path) -> str | None:
        with path.open('rb') as stream:
            return f'{path.name} is HDF5 of SLEAP' if stream.read(8) == _HDF else None

    def read(self, src: Path, options: argparse.Namespace) -> Iterator[Annotated | Landmarks | str | Finding]:
        files = self.some_files(src)
        try:
            import sleap_io
        except ImportError:
            raise DataError(f'{files[0]}: .slp is read with sleap-io, which is not installed. Install it (pip install '
                            'sleap-io), or export COCO key points and use `coco`.') from None
        for path in files:
            try:
                labels = sleap_io.load_slp(str(path), open_videos=False)
            except Exception as error:  # noqa: BLE001  a file of another kind fails anywhere in it
                raise DataError(f'{path}: sleap-io cannot read it ({type(error).__name__}: {error}). Save it again '
                                'with SLEAP.') from None
            yield from self._labels(src, path, labels)

    def _labels(self, src: Path, path: Path, labels: Any) -> Iterator[Annotated | Landmarks | str]:
        predicted = 0
        if len(labels.skeletons) == 1:
            yield _landmarks(labels.skeletons[0])
        for frame in labels.labeled_frames:
            name = frame.video.filename
            if isinstance(name, list):
                name = name[frame.frame_idx]
            elif not str(name).lower().endswith(IMAGE_ENDINGS):
                raise DataError(f'{path}: frame {frame.frame_idx} is of {Path(name).name}, which is no image. Save the '
                                'labelled frames as images, and name them as a video of images in SLEAP.')
            people = [one for one in frame.instances if not hasattr(one, 'score') or one.score is None]
            predicted += len(frame.instances) - len(people)
            for number, instance in enumerate(people, 1):
                where = f'{path}: {name}' + (f': instance {number}' if len(people) > 1 else '')
                positions = np.asarray(instance.numpy(), float)[:, :2]
                points = {node.name: (float(x), float(y)) for node, (x, y) in
                          zip(instance.skeleton.nodes, positions, strict=True) if np.isfinite([x, y]).all()}
                fields = {} if instance.track is None else {'track': instance.track.name}
                yield Annotated(self.beside(src, path, str(name)), points, where, fields=fields)
        if predicted:
            yield f'{path.name}: {predicted} predicted instances are left out; those that a person made are read'
        if len(labels.skeletons) > 1:
            names = ', '.join(str(skeleton.name) for skeleton in labels.skeletons)
            yield f'{path.name}: {len(labels.skeletons)} skeletons ({names}), whose nodes are all landmarks'


def _landmarks(skeleton: Any) -> Landmarks:
    """The nodes' names, and their mirror images where the skeleton has symmetries."""
    names = [node.name for node in skeleton.nodes]
    indices = list(range(len(names)))
    for symmetry in skeleton.symmetries:
        one, other = (names.index(node.name) for node in symmetry.nodes)
        indices[one], indices[other] = other, one
    return Landmarks(names, indices if skeleton.symmetries else None)
