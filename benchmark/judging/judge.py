"""How much a source network knows: of faces by verification and identification, of landmarks by linear probes.

A regulariser can only hand on what its source knows, so what a suite concludes about holding on to a source is worth
no more than this. Beside every figure stands that of the same network with random weights.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmark.datasets.identities import identity_fingerprint, read_identities
from benchmark.datasets.images import read_rgb
from benchmark.datasets.landmarks import fitted
from benchmark.datasets.prepared import fingerprint, read_split
from benchmark.models.source import RANDOM, FrozenSource, SourceError, load_source_checkpoint

from .judged import FORMAT_VERSION
from .probes import Landmarks, identification, landmark_probe, mean_over
from .verification import DRAWS, JudgingError, Pairs, interval_of, pairs_of, similarities, verify

#: Width and height at which a checkpoint is judged that does not say for which it was made.
USUAL_SIZE = (256, 256)
#: Most cells of a feature map, along each side, that a probe sees.
CELLS = 8
BATCH = 16


@dataclass(frozen=True)
class Faces:
    """Images of known people.

    Attributes:
        root: Their folder.
        paths: The images.
        identities: Number of each one's person.
        clips: Clip of each; None where the index does not say.
        split: ``train`` or ``val`` of each.
    """

    root: Path
    paths: list[Path]
    identities: list[int]
    clips: list[str | None]
    split: list[str]


def read_faces(root: str | Path) -> Faces:
    """An identity set with the clips of its images, where ``index.csv`` has a column ``clip``.

    Raises:
        DataError: See :func:`benchmark.datasets.identities.read_identities`.
    """
    root = Path(root)
    records = read_identities(root)
    with (root / 'index.csv').open(encoding='utf-8-sig', newline='') as stream:
        clips = [row.get('clip') or None for row in csv.DictReader(stream)]
    paths, labels, split = zip(*records, strict=True)
    return Faces(root, list(paths), list(labels), clips, list(split))


def some_of(faces: Faces, split: str | None = None, most: int | None = None, seed: int = 0) -> Faces:
    """The images of a split, and of more than so many those of people drawn at random, each with all of theirs.

    Args:
        faces: All of them.
        split: ``train`` or ``val``; None takes both.
        most: Most images, if one person has no more; None takes all.
        seed: Seed of the draw.
    """
    kept = [number for number, one in enumerate(faces.split) if split in (None, one)]
    if most is not None and len(kept) > most:
        people, counts = np.unique([faces.identities[number] for number in kept], return_counts=True)
        order = np.random.default_rng([seed, 4]).permutation(len(people))
        chosen = {*people[order[np.cumsum(counts[order]) <= most]].tolist()}
        kept = [number for number in kept if faces.identities[number] in chosen]
    return Faces(faces.root, [faces.paths[n] for n in kept], [faces.identities[n] for n in kept],
                 [faces.clips[n] for n in kept], [faces.split[n] for n in kept])


def open_source(checkpoint: str | Path) -> tuple[FrozenSource, dict[str, Any]]:
    """A source network by what its checkpoint says of itself, and that.

    Raises:
        SourceError: There is no such file, it is none, or it does not say of which network it is.
    """
    meta = load_source_checkpoint(checkpoint).get('meta') or {}
    if not (meta.get('arch') or {}).get('type'):
        raise SourceError(f'{checkpoint}: does not say of which network it is (meta.arch). Make it with '
                          'tools/convert_source.py or tools/get_source.py.')
    return FrozenSource(_all_stages(meta['arch']), str(checkpoint)), meta


def untrained(meta: dict[str, Any], like: FrozenSource, seed: int = 0) -> FrozenSource:
    """The same network with random weights, images normalised alike."""
    return FrozenSource(_all_stages(meta['arch']), RANDOM, mean=like.mean.flatten().tolist(),
                        std=like.std.flatten().tolist(), seed=seed)


def _all_stages(arch: dict[str, Any]) -> dict[str, Any]:
    if 'taps' in arch:
        # Made by a suite whose encoder is a network with taps, whose classifier stands on the last.
        network = {key: value for key, value in arch.items() if key != 'taps'}
        return {'type': 'TappedBackbone', 'network': network, 'taps': arch['taps']}
    return {'out_indices': (0, 1, 2, 3), **arch}


def outputs_of(source: FrozenSource, images: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Taps of images (H, W, 3) in RGB, maps averaged to at most :data:`CELLS` cells a side and flattened, (N, d)."""
    found: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(images), BATCH):
        batch = torch.from_numpy(np.stack(images[start:start + BATCH])).permute(0, 3, 1, 2).float()
        for name, value in source(batch).items():
            if value.dim() == 4:
                value = functional.adaptive_avg_pool2d(value, tuple(min(side, CELLS) for side in value.shape[2:]))
            found.setdefault(name, []).append(value.flatten(1).numpy())
    return {name: np.concatenate(values) for name, values in found.items()}


def embedding_tap(source: FrozenSource) -> str:
    """The tap that tells people apart: the network's own embedding, else its pooled features."""
    return 'embedding' if 'embedding' in source.taps else 'pooled'


def judge_faces(embeddings: np.ndarray, faces: Faces, pairs: Pairs,
                draws: int = DRAWS) -> tuple[dict[str, Any], np.ndarray]:
    """Verification by pairs of faces and identification, by embeddings (N, d); intervals by draws of identities.

    Returns:
        ``verification``: see :class:`.verification.Verification`, with ``centred_auc`` of embeddings less their mean;
        ``identification``: ``accuracy``, ``interval``, ``images``, ``chance``; None where no identity has two clips.
        And the area under the curve in each draw of identities, (B,).

    Raises:
        JudgingError: Embeddings that are not finite.
    """
    if not np.isfinite(embeddings).all():
        raise JudgingError('the source gives embeddings of them that are not finite: it is damaged, or made for '
                           'another normalisation. Convert it again.')
    found = verify(similarities(embeddings, pairs), pairs, faces.identities, draws)
    centred = similarities(embeddings - embeddings.mean(axis=0), pairs)
    right = identification(embeddings, faces.identities, faces.clips)
    named = None
    if right is not None:
        accuracy, interval = mean_over(right, faces.identities)
        named = dict(accuracy=accuracy, interval=interval, images=int(np.isfinite(right).sum()),
                     chance=1 / len(set(faces.identities)))
    verification = dict(
        auc=found.auc, rates={f'{share:g}': rate for share, rate in found.rates.items()},
        intervals={key if isinstance(key, str) else f'{key:g}': value for key, value in found.intervals.items()},
        identities=found.identities, positives=found.positives, negatives=found.negatives,
        centred_auc=verify(centred, pairs, faces.identities, draws=0).auc)
    return dict(verification=verification, identification=named), found.drawn


@dataclass(frozen=True)
class Marked:
    """Images with landmarks, those of the training split first.

    Attributes:
        root: The data set's folder.
        images: At the network's size.
        landmarks: Their landmarks.
        train: How many are of the training split.
        unit: ``%`` of the inter-ocular distance, or ``px`` of the photograph.
    """

    root: Path
    images: list[np.ndarray]
    landmarks: Landmarks
    train: int
    unit: str


def read_marked(root: str | Path, size: tuple[int, int]) -> Marked:
    """The training and test images of a prepared data set, as a suite gives them to a network: squeezed to its input.

    Args:
        root: The data set.
        size: Width and height of the input.

    Raises:
        DataError: The data set is not valid.
    """
    splits = [read_split(root, 'train'), read_split(root, 'test')]
    records = [record for split in splits for record in split.records]
    meta = splits[0].meta
    sides = np.array([(record.width, record.height) for record in records], np.float64)
    points = np.stack([record.landmarks for record in records])
    visible = np.stack([record.visible for record in records])
    scale, unit = sides.copy(), 'px'
    if (eyes := meta.interocular_indices) is not None:
        distance = np.linalg.norm(points[:, eyes[0]] - points[:, eyes[1]], axis=1)
        known = visible[:, eyes[0]] & visible[:, eyes[1]] & (distance > 0)
        visible = visible & known[:, None]
        scale, unit = 100 * sides / np.where(known, distance, 1.0)[:, None], '%'
    landmarks = Landmarks((points + 0.5) / sides[:, None], visible, scale,
                          np.array([record.subject if record.subject is not None else f'image {number}'
                                    for number, record in enumerate(records)]))
    return Marked(Path(root), [fitted(read_rgb(record.path), size) for record in records], landmarks,
                  len(splits[0].records), unit)


def judge_landmarks(outputs: dict[str, np.ndarray], marked: Marked) -> dict[str, dict[str, Any]]:
    """Per stage tap, mean error of a linear probe on the test images, ``error`` and its ``interval`` over people."""
    count = len(marked.images)
    train, test = np.arange(marked.train), np.arange(marked.train, count)
    found = {}
    for tap, features in outputs.items():
        if tap.startswith('stage'):
            error, interval = mean_over(landmark_probe(features, marked.landmarks, train, test),
                                        marked.landmarks.people[test])
            found[tap] = dict(error=error, interval=interval)
    return found


def mean_shape_error(marked: Marked) -> float:
    """Mean error on the test images of the training images' mean shape: what is known without looking."""
    landmarks, train = marked.landmarks, marked.train
    seen = landmarks.visible[:train, :, None]
    shape = np.where(seen, landmarks.positions[:train], 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    test = np.arange(train, len(marked.images))
    return float(np.nanmean(landmarks.errors(np.repeat(shape[None], len(test), axis=0), test)))


def judge(checkpoint: str | Path, faces: Faces, size: tuple[int, int] | None = None,
          landmarks: str | Path | None = None, control: bool = True, draws: int = DRAWS) -> dict[str, Any]:
    """Judges a source, and the same network with random weights.

    Args:
        checkpoint: The source.
        faces: On whom; whether the source has been trained on some of them it can't tell.
        size: Width and height at which images go in; None takes those that the checkpoint was made for.
        landmarks: A prepared data set for the linear probes of landmarks, or None.
        control: Whether to judge the untrained network too.
        draws: Draws of people for the intervals of verification.

    Returns:
        ``source``, ``input_size``, ``faces``, ``trained`` and ``untrained`` (each as :func:`judge_faces` gives it, with
        ``taps`` of :func:`judge_landmarks`), ``gain`` (of the one's area over the other's) and ``landmarks``.

    Raises:
        SourceError: The checkpoint is missing, damaged, or does not fit.
        JudgingError: Too few images.
        DataError: An image or a data set is not valid.
    """
    source, meta = open_source(checkpoint)
    size = tuple(size or meta.get('input_size') or USUAL_SIZE)
    pairs = pairs_of(faces.identities, faces.clips)
    marked = None if landmarks is None else read_marked(landmarks, size)
    images = [read_rgb(path, size) for path in faces.paths]
    found: dict[str, Any] = dict(
        format_version=FORMAT_VERSION,
        source=dict(path=str(checkpoint), **{key: meta[key] for key in ('name', 'arch', 'trained_on', 'licence')
                                             if key in meta}),
        input_size=list(size),
        faces=dict(root=str(faces.root), fingerprint=identity_fingerprint(faces.root), images=len(faces.paths),
                   identities=len(set(faces.identities)), clips=any(one is not None for one in faces.clips)))
    drawn = []
    for name, network in _networks(source, meta, control):
        tap = embedding_tap(network)
        about, areas = judge_faces(outputs_of(network, images)[tap], faces, pairs, draws)
        found[name] = dict(tap=tap, **about)
        drawn.append(areas)
        if marked is not None:
            found[name]['taps'] = judge_landmarks(outputs_of(network, marked.images), marked)
    if control:
        # Both were judged on the same draws of people.
        gain = found['trained']['verification']['auc'] - found['untrained']['verification']['auc']
        found['gain'] = dict(auc=gain, interval=interval_of(drawn[0] - drawn[1]))
    if marked is not None:
        found['landmarks'] = dict(root=str(marked.root), fingerprint=fingerprint(marked.root), unit=marked.unit,
                                  train_images=marked.train, test_images=len(marked.images) - marked.train,
                                  mean_shape=mean_shape_error(marked))
    return found


def _networks(source: FrozenSource, meta: dict[str, Any], control: bool) -> Iterator[tuple[str, FrozenSource]]:
    yield 'trained', source
    if control:
        yield 'untrained', untrained(meta, source)
