"""Which images belong to one person, and the split by person."""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from benchmark.datasets.formats.sample import Sample
from benchmark.datasets.metainfo import SPLITS, DataError, LandmarkMeta
from benchmark.datasets.values import spelling_key, spellings

SHARES = dict(train=0.64, val=0.16, test=0.20)


def split_by_subject(subjects: Sequence[str], seed: int) -> dict[str, str]:
    """Assigns each subject to a split, 64/16/20 percent of the subjects.

    Args:
        subjects: One entry per image; repeats are the same subject.
        seed: The same seed and subjects give the same split, in whatever order they are.

    Raises:
        DataError: Fewer than three subjects.
    """
    names = sorted(set(subjects))
    if len(names) < 3:
        raise DataError(f'{len(names)} subjects cannot be split into train, val and test. Add subjects, or '
                        'a split per image.')
    order = np.random.default_rng(seed).permutation(len(names))
    val = max(1, round(SHARES['val'] * len(names)))
    test = max(1, round(SHARES['test'] * len(names)))
    return {names[i]: 'test' if rank < test else 'val' if rank < test + val else 'train'
            for rank, i in enumerate(order)}


def settle_subjects(samples: Sequence[Sample], meta: LandmarkMeta, args: argparse.Namespace) -> list[str]:
    """Asks whether subjects that differ only in zeros, case or blanks are one person; ``--subjects`` answers.

    With ``same`` each person gets the spelling that comes first, in place.

    Returns:
        A note where there are such subjects.

    Raises:
        DataError: There are such subjects and no answer.
    """
    if meta.subject is None:
        return []
    groups = spellings([(str(s.fields[meta.subject]), s.where) for s in samples])
    if not groups:
        return []
    (one, at), (two, where) = groups[0][:2]
    what = f'{meta.subject} {two!r} differs from {one!r} ({at}) only in zeros, case or blanks'
    if args.subjects is None:
        more = f' {len(groups) - 1} more persons are written in several ways.' if len(groups) > 1 else ''
        raise DataError(f'{where}: {what}.{more} Are they the same person? Say --subjects same or --subjects distinct.')
    if args.subjects == 'same':
        first = {spelling_key(ways[0][0]): ways[0][0] for ways in groups}
        for sample in samples:
            sample.fields[meta.subject] = first.get(spelling_key(str(sample.fields[meta.subject])),
                                                    sample.fields[meta.subject])
    return [f'{what}; taken for {"the same person" if args.subjects == "same" else "two persons"}, {len(groups)} such '
            'subjects in all']


def assign_splits(samples: list[Sample], meta: LandmarkMeta, args: argparse.Namespace) -> list[str]:
    """Gives a split to every sample where SRC has none (or ``--resplit``); returns a note about it.

    Raises:
        DataError: SRC has splits of its own, but none to train or none to test on.
    """
    if args.split:
        return _balanced(samples, meta, args)
    if not args.resplit and samples and all(s.split for s in samples):
        found = {s.split for s in samples}
        for split in ('train', 'test'):
            if split not in found:
                given = ', '.join(name for name in SPLITS if name in found)
                raise DataError(f'{samples[0].where}: no image is in split {split}, all are in {given}. Use --resplit '
                                f'to divide them by subject, or add a {split} split to SRC.')
        return []
    keys = [str(s.fields[meta.subject]) if meta.subject else str(s.source) for s in samples]
    of_subject = split_by_subject(keys, args.seed)
    for sample, key in zip(samples, keys, strict=True):
        sample.split = of_subject[key]
    kind = meta.subject or 'image (no subject is given, so each image is taken for a person)'
    return [f'split by {kind}, 64/16/20 percent, seed {args.seed}']


def _balanced(samples: list[Sample], meta: LandmarkMeta, args: argparse.Namespace) -> list[str]:
    """Splits by ``--split``: each subject goes where its group, and then all of them, lack images the most."""
    try:
        shares = [float(part) for part in args.split.split(',')]
    except ValueError:
        shares = []
    if len(shares) != 3 or not all(0 <= share < 100 for share in shares) or abs(sum(shares) - 100) > 1e-6 \
            or not shares[0] or not shares[2]:
        raise DataError(f'--split: {args.split!r} is no three percentages that make 100, with some to train and to '
                        'test on. Give such as 64,16,20.')
    images: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        images[str(sample.fields[meta.subject]) if meta.subject else str(sample.source)].append(sample)
    wanted = [split for split, share in zip(SPLITS, shares, strict=True) if share]
    if len(images) < len(wanted):
        raise DataError(f'{len(images)} subjects cannot be split into {", ".join(wanted)}. Add subjects.')
    names = sorted(images)
    drawn = [names[k] for k in np.random.default_rng(args.seed).permutation(len(names))]
    strata = {name: Counter(tuple(str(one.fields.get(g)) for g in meta.groups) for one in images[name]).most_common(1)
              [0][0] for name in names}
    share = {split: value / 100 for split, value in zip(SPLITS, shares, strict=True)}
    of_stratum: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    of_all: Counter[str] = Counter()
    for name in sorted(drawn, key=lambda one: strata[one]):
        count, here = len(images[name]), of_stratum[strata[name]]

        def lack(split: str, got: Counter[str], count: int = count) -> float:
            return share[split] * (sum(got.values()) + count) - got[split]

        split = max(wanted, key=lambda one: (round(lack(one, here) + lack(one, of_all), 9), lack(one, of_all)))
        here[split] += count
        of_all[split] += count
        for sample in images[name]:
            sample.split = split
    if missing := [split for split in wanted if not of_all[split]]:
        raise DataError(f'--split: {args.split} of {len(names)} subjects leaves nobody for {missing[0]}. Give it a '
                        'larger share.')
    kind = meta.subject or 'image (no subject is given, so each image is taken for a person)'
    groups = f', balanced by {", ".join(meta.groups)}' if meta.groups else ''
    return [f'split by {kind}{groups}, {"/".join(f"{value:g}" for value in shares)} percent, seed {args.seed}']
