"""Predicts a list of photographs in batches, several at once, and keeps what is done."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

from benchmark.datasets.metainfo import DataError
from benchmark.utils.machine import threads

from .journal import Journal, about, line_of, open_folder, stamp
from .learnt import not_learnt
from .loaded import DetectorError, Network, find_networks, load_networks, untrained_by_any
from .pages import draw, write_page
from .photographs import Photograph, Reading, Source, find_photographs, read_boxes, read_photograph
from .predictor import Predictor
from .regions import circles
from .tables import write_tables
from .written import check_formats, form_like, write_formats

#: Most batches that are predicted at once: each takes memory.
MOST_WORKERS = 4
#: Of a batch where nothing else is said: pixels of input, and most photographs. Weights are laid out once a batch.
PIXELS, MOST = 32 * 128 * 128, 32
#: Seconds between two lines of progress.
EVERY = 5.0
#: Most photographs without landmarks that are told; images.csv names all.
SHOWN = 5


class Options(NamedTuple):
    """What is asked for: the arguments of ``tools/predict.py``, in their order."""

    network: Path
    images: Sequence[Path]
    out: Path
    method: str | None = None
    condition: str | None = None
    seeds: Sequence[int] | None = None
    boxes: Path | None = None
    turned: bool = True
    dicom_window: bool = False
    batch_size: int | None = None
    device: str = 'auto'
    picture: int | None = 640
    coverage: float | None = None
    formats: Sequence[str] | None = None


class Read(NamedTuple):
    """A photograph that was read, or why it could not be."""

    source: Source
    stamp: list[int]
    photograph: Photograph | None
    error: str = ''


def predict_folder(options: Options, stopped: Callable[[], bool], say: Callable[[str], None],
                   lock: Callable[[Path], AbstractContextManager]) -> tuple[int, int]:
    """Predicts photographs into an output folder, with tables and page of what is done.

    Args:
        options: What is asked for.
        stopped: Whether to end before the next batch.
        say: Told what a person should know.
        lock: Holds the output folder, so that no other command writes there.

    Returns:
        Photographs that are left, and photographs without landmarks.

    Raises:
        DetectorError: Bad input.
    """
    found = find_networks(options.network, options.method, options.condition, options.seeds)
    boxes = read_boxes(options.boxes) if options.boxes else None
    sources = find_photographs(options.images)
    check_formats(options.formats or (), sources, options.turned)
    try:
        device = options.device if options.device != 'auto' else 'cuda' if torch.cuda.is_available() else 'cpu'
        networks = load_networks(found.paths, device)
    except RuntimeError as error:
        raise DetectorError(f'--device {options.device}: {str(error).splitlines()[0]}') from None
    first = networks[0]
    if boxes is not None and not first.meta['crop']:
        raise DetectorError('--boxes: this network learnt on whole images. Leave it out.')
    if boxes is not None and first.meta['crop']['around'] == 'whole':
        raise DetectorError('--boxes: this network learnt on whole images, padded to squares, which is done by itself. '
                            'Leave it out.')
    reading = Reading(first.input_size, first.resize, first.meta['crop'], boxes, options.turned, options.dicom_window,
                      options.picture)
    untrained = untrained_by_any(networks)
    found_regions = circles(networks, options.coverage)
    regions = None if isinstance(found_regions, str) else found_regions
    formats, why_not = ([*options.formats], '') if options.formats is not None else form_like(
        first.meta.get('came'), sources, options.turned)
    told = [*notes(first, boxes), found_regions if regions is None else regions.in_words(untrained)]
    warning = not_learnt(networks)
    open_folder(options.out, about(networks, reading, boxes, regions))
    with lock(options.out):
        journal = Journal(options.out)
        if warning:
            say(f'warning: {warning}')
        for note in (*found.notes, *told, *filter(None, [why_not])):
            say(f'note: {note}')
        names = [source.name for source in sources]
        try:
            predict_all(Predictor(networks, regions), sources, reading, options.out, journal,
                        options.batch_size or default_batch(first), threads(), stopped, say)
        finally:
            write_tables(options.out, first.scheme, names, journal.lines, untrained)
            write_formats(options.out, formats, first.scheme, sources, journal.lines, untrained)
            write_page(options.out, ' '.join([f'By {in_words(networks)}.', *told]), names, journal.lines,
                       options.picture is not None, warning)
    left = sum(name not in journal.lines for name in names)
    bad = [journal.lines[name]['error'] for name in names if 'error' in journal.lines.get(name, ())]
    for error in bad[:SHOWN]:
        say(f'no landmarks: {error}')
    if len(bad) > SHOWN:
        say(f'no landmarks: {len(bad) - SHOWN} more; see {options.out / "images.csv"}')
    say(f'{len(names) - left - len(bad)} of {len(names)} photographs, by {in_words(networks)}: '
        f'{options.out / "index.html"}')
    return left, len(bad)


def default_batch(network: Network) -> int:
    """Photographs of a batch where nothing else is said."""
    width, height = network.input_size
    return max(1, min(MOST, PIXELS // (width * height)))


def in_words(networks: Sequence[Network]) -> str:
    """What predicts."""
    runs = [network.meta['run'] for network in networks]
    names = ', '.join(dict.fromkeys(str(run.get('method')) for run in runs))
    seeds = ', '.join(str(run.get('seed')) for run in runs)
    return f'the mean heatmaps of {len(runs)} networks ({names}, seeds {seeds})' if len(runs) > 1 else \
        f'one network ({names}, seed {seeds})'


def notes(network: Network, boxes: dict | None,
          whole: str = 'Whole images are taken here: give them cut out so, or --boxes.') -> list[str]:
    """What a person should know of a network before using it on photographs.

    Args:
        network: The network, or one of an ensemble.
        boxes: What is cut out around, or None.
        whole: What to say where nothing is cut out of photographs and the network learnt on cut-outs.
    """
    found = []
    crop = network.meta['crop']
    if crop and crop['around'] == 'whole':
        found.append('The network learnt on whole images, padded to squares; photographs are padded in the same way.')
    elif crop:
        around = {'box': 'their annotated boxes', 'landmarks': 'their landmarks, that is around the truth',
                  'both': 'their annotated boxes, or, without one, around their landmarks, that is the truth'}
        how = f'The network learnt on squares of {crop["padding"]:g} times the longer side, cut out around ' \
              f'{around.get(crop["around"], crop["around"])}.'
        found.append(how + (' Squares around --boxes are cut out in the same way.' if boxes is not None else
                            f' {whole}'))
    if network.scheme.mirroring == 'canonical':
        found.append('The network learnt one side only: mirror photographs of the other one before.')
    if network.untrained:
        found.append(f'Left out, because no training image had them: {", ".join(sorted(network.untrained))}.')
    return found


def read_one(source: Source, reading: Reading) -> Read:
    """Reads a photograph; what is wrong with it is told, not raised."""
    try:
        stamped = stamp(source.path)
        return Read(source, stamped, read_photograph(source, reading))
    except DataError as error:
        return Read(source, [], None, str(error))
    except (OSError, cv2.error, MemoryError, ValueError) as error:
        return Read(source, [], None, f'{source.name}: cannot be read ({type(error).__name__}: {error}). Replace it.')


def predict_all(predictor: Predictor, sources: Sequence[Source], reading: Reading, out: Path, journal: Journal,
                batch_size: int, threads: int, stopped: Callable[[], bool], say: Callable[[str], None]) -> None:
    """Predicts what the journal does not have.

    A batch is read, predicted and drawn by one thread, and several batches at once by several: two threads with a batch
    each are faster than one batch whose sums are split between two.

    Args:
        predictor: The networks.
        sources: The photographs.
        reading: How they are read.
        out: The output folder.
        journal: Its lines; they grow by a batch at a time.
        batch_size: Most photographs in a batch.
        threads: Threads in all.
        stopped: Whether to end before the next batch.
        say: Told of the progress.
    """
    todo = [source for source in sources if not journal.has(source)]
    if before := len(sources) - len(todo):
        say(f'{before} of {len(sources)} photographs are done already')
    batch_size = max(1, min(batch_size, -(-len(todo) // threads)))
    batches = [todo[start:start + batch_size] for start in range(0, len(todo), batch_size)]
    workers = max(1, min(threads, MOST_WORKERS, len(batches)))
    torch.set_num_threads(max(1, threads // workers))
    cv2.setNumThreads(max(1, threads // workers))
    began = spoken = time.monotonic()
    number, rest = 0, iter(batches)
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future] = deque()
        while True:
            while len(waiting) <= workers and not stopped() and (batch := next(rest, None)) is not None:
                waiting.append(pool.submit(_predict, predictor, batch, reading, out, stopped))
            if not waiting:
                return
            lines = waiting.popleft().result()
            journal.add(lines)
            number += len(lines)
            now = time.monotonic()
            if now - spoken > EVERY:
                rate, spoken = number / (now - began), now
                say(f'{before + number} of {len(sources)} photographs, {rate:.1f} a second, '
                    f'about {(len(todo) - number) / rate:.0f} s left')


def _predict(predictor: Predictor, sources: Sequence[Source], reading: Reading, out: Path,
             stopped: Callable[[], bool]) -> list[dict[str, Any]]:
    """The lines of a batch, as far as it was read when all was stopped; pictures are written on the way."""
    batch: list[Read] = []
    for source in sources:
        if stopped():
            break
        batch.append(read_one(source, reading))
    good = [read for read in batch if read.photograph is not None]
    predictions = iter(predictor.predict([read.photograph for read in good]) if good else ())
    spacing = predictor.scheme.pixel_spacing
    lines = []
    for read in batch:
        if read.photograph is None:
            lines.append(dict(image=read.source.name, error=read.error))
            continue
        prediction = next(predictions)
        if not np.isfinite(prediction.points).all() or not np.isfinite(prediction.scores).all():
            lines.append(dict(image=read.source.name, error=f'{read.source.name}: the network gives no finite '
                                                            'landmarks. Choose another one.'))
            continue
        if read.photograph.picture is not None:
            draw(out, read.source.name, read.photograph.picture, prediction.points, read.photograph.size,
                 prediction.radius, read.photograph.square)
        lines.append(line_of(read.source, read.photograph, prediction, read.stamp, spacing))
    return lines
