"""What a source knows is judged in a process of its own; what goes wrong there becomes a reason, never a failure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from benchmark.experiments.state.records import in_words
from benchmark.utils.files import write_json


def perform(request: dict[str, Any], place: str) -> None:
    """Judges a source and writes ``judged`` (or null) and ``reason`` (why not, or null).

    Args:
        request: ``checkpoint``, ``size``, ``control``, ``draws``, ``most`` (images), ``landmarks`` (a data
            set's folder, or None), and the faces: ``root`` with ``split`` (None: all), or ``synthetic``, what they are
            drawn from, with ``cache``.
        place: The file.
    """
    os.environ['CUDA_VISIBLE_DEVICES'] = ''
    try:
        answer = dict(judged=_judge(request), reason=None)
    except Exception as error:
        answer = dict(judged=None, reason=reason(error))
    write_json(Path(place), answer)


def reason(error: Exception) -> str:
    """Why a source was not judged, on one line: what was refused in its own words, all else with its type."""
    said = ' '.join(in_words(error).split())
    told = type(error).__name__ in ('DataError', 'DetectorError', 'JudgingError', 'SourceError')
    return said if told and said else f'{type(error).__name__}: {said}'


def _judge(request: dict[str, Any]) -> dict[str, Any]:
    import torch
    from mmengine.logging import MMLogger

    import benchmark
    from benchmark.experiments.plan.data import source_data
    from benchmark.experiments.suite.inputs import SyntheticIdentities
    from benchmark.judging.judge import judge, read_faces, some_of
    from benchmark.judging.verification import JudgingError
    benchmark.register()
    MMLogger.get_current_instance().setLevel('WARNING')
    torch.set_num_threads(1)  # The work is small, and so the bytes are those of every machine alike.
    drawn = request['synthetic']
    root = source_data(SyntheticIdentities(**drawn), Path(request['cache'])) if drawn else Path(request['root'])
    faces = some_of(read_faces(root), request['split'], request['most'])
    try:
        found = judge(request['checkpoint'], faces, tuple(request['size']), request['landmarks'], request['control'],
                      request['draws'])
    except JudgingError as error:
        of = f' split {request["split"]}' if request['split'] else ''
        raise JudgingError(f'{root}/index.csv:{of} {error}') from None
    for name in ('format_version', 'source'):
        del found[name]
    for name in ('faces', 'landmarks'):
        if name in found:
            # A report is read elsewhere.
            found[name]['name'] = Path(found[name].pop('root')).name
    return found
