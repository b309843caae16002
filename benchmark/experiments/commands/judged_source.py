"""What a suite's sources know of faces: judged once, written beside the plan as ``source_judged.json``.

A trained source keeps it in the cache too, so that the next suite with it pays nothing. Nothing here fails a suite.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmark.datasets.identities import identity_fingerprint, read_identities
from benchmark.datasets.metainfo import DataError
from benchmark.experiments.plan.runs import Plan
from benchmark.experiments.plan.source import SourcePlan
from benchmark.experiments.run.asking import asked
from benchmark.experiments.run.judging import perform, reason
from benchmark.experiments.state.records import State
from benchmark.experiments.state.tasks import Work
from benchmark.experiments.suite.inputs import RandomSource, SyntheticFaces, SyntheticIdentities, TrainedSource
from benchmark.experiments.suite.suite import Suite
from benchmark.judging.judged import FORMAT_VERSION, NOT_TAKEN, knows
from benchmark.utils.files import cache_folder, digest, write_json

FILE = 'source_judged.json'
#: Synthetic people and the images of each, most images of others, and draws for the intervals: a few seconds.
PEOPLE, SHOTS, MOST, DRAWS = 20, 4, 400, 200


#: Why a source is not judged that nobody asked to judge.
NOBODY = "there are no faces of known people. Name some: source.judge=dict(type='identities', root=...)."


class NotJudged(Exception):
    """There is nobody to judge a source on; says why."""


def check_judge(suite: Suite) -> None:
    """Says before anything is trained, on standard error, that there is nobody in ``source.judge`` to judge on."""
    if suite.source.judge:
        try:
            read_identities(Path(suite.source.judge.root).expanduser())
        except DataError as error:
            print(f'warning: {suite.file.name}: source.judge: {error} The runs go on without; correct the folder, and '
                  'the same command judges the sources.', file=sys.stderr)


def judge_source(suite: Suite, plan: Plan, work: Work) -> None:
    """Judges the sources of a plan's runs where that is not yet done; says what they know, or why that is not known.

    Args:
        suite: The suite.
        plan: Its plan.
        work: The same, as workers see it.
    """
    used = {run.source_hash for run in plan.runs if run.source_hash}
    if not used:
        return
    before = _read(plan.out / FILE) or {}
    if plan.source.hash in used:
        content = _answer(suite, plan, work, plan.source, before)
        _say('source', content)
    else:
        content = dict(key=None, people=None, judged=None, reason=NOT_TAKEN)
    others: dict[str, dict[str, Any]] = {}
    for method, source in plan.sources.items():
        if source.hash in used and source.hash not in others:
            others[source.hash] = _answer(suite, plan, work, source, before.get('others', {}).get(source.hash, {}))
            _say(f'source of {method}', others[source.hash])
    content = dict(format_version=FORMAT_VERSION, key=content.pop('key'), source=plan.source.hash, **content,
                   **(dict(others=others) if others else {}))
    try:
        if before != json.loads(json.dumps(content)):
            write_json(plan.out / FILE, content)
    except OSError as error:
        print(f'warning: {plan.out / FILE}: could not be written ({error}), so the report will not say what the '
              'source knows of faces.', file=sys.stderr)


def _answer(suite: Suite, plan: Plan, work: Work, source: SourcePlan, before: dict[str, Any]) -> dict[str, Any]:
    """What a source knows: ``key``, ``people``, and what was ``judged`` or the ``reason`` why it was not.

    Args:
        suite: The suite.
        plan: Its plan.
        work: The same, as workers see it.
        source: One of its sources.
        before: What the plan's folder says of it.
    """
    people, key = None, None
    try:
        people, request, faces = _people(suite, plan, source)
        request |= _request(plan, source)
        key = digest(dict(format=FORMAT_VERSION, numbers=[PEOPLE, SHOTS, MOST, DRAWS], source=source.hash,
                          faces=faces, people=people, size=request['size'], control=request['control'],
                          landmarks=plan.content['data']['fingerprint'] if request['landmarks'] else None))
        answer = _known(before, key) or _made(work, source, request, key)
    except NotJudged as error:
        answer = dict(judged=None, reason=str(error))
    except Exception as error:
        answer = dict(judged=None, reason=reason(error))
    return dict(key=key, people=people, **answer)


def _say(which: str, found: dict[str, Any]) -> None:
    if found['judged']:
        print(f'{which}: {knows(found["judged"] | dict(people=found["people"]))}')
    elif found['reason'] == NOBODY:
        print(f'note: the {which} was not judged: {found["reason"]}')
    else:
        print(f'warning: the {which} was not judged: {found["reason"]}', file=sys.stderr)


def _people(suite: Suite, plan: Plan, judged: SourcePlan) -> tuple[str, dict[str, Any], Any]:
    """Who they are in a word, the faces for the process, and what identifies them.

    Raises:
        NotJudged: There are none.
        DataError: They are no identity set.
    """
    source, drawn = suite.source if judged is plan.source else None, None
    if suite.source.judge:
        root = Path(suite.source.judge.root).expanduser().resolve()
        return 'given', dict(root=str(root), split=None, synthetic=None), identity_fingerprint(root)
    if isinstance(source, TrainedSource) and not isinstance(source.data, SyntheticIdentities):
        root = Path(source.data.root).expanduser().resolve()
        return 'val', dict(root=str(root), split='val', synthetic=None), plan.source.data
    if isinstance(source, TrainedSource):
        drawn = source.data
    elif isinstance(source, RandomSource) and isinstance(suite.data, SyntheticFaces):
        drawn = suite.data
    if drawn is None:
        raise NotJudged(NOBODY)
    words = dict(type='synthetic', identities=PEOPLE, shots=SHOTS, image_size=drawn.image_size, seed=drawn.seed + 1)
    return 'synthetic', dict(root=None, split=None, synthetic=words), words


def _request(plan: Plan, source: SourcePlan) -> dict[str, Any]:
    """What the process must know beside the faces; landmarks are probed where there are few images of them."""
    data = plan.content['data']
    images = sum(data['splits'][split]['images'] for split in ('train', 'test'))
    return dict(checkpoint=str(source.path), size=data['input_size'], control=source.kind != 'random',
                draws=DRAWS, most=MOST, landmarks=data['root'] if images <= MOST else None,
                cache=str(cache_folder()))


def _made(work: Work, source: SourcePlan, request: dict[str, Any], key: str) -> dict[str, Any]:
    """The answer of the cache, else of a process, which is then kept there."""
    if source.job and work.source and work.source.status().state is not State.DONE:
        return dict(judged=None, reason='it was not made.')
    kept = source.job / f'judged-{key[:16]}.json' if source.job else None
    if kept and (known := _known(_read(kept) or {}, key)):
        return known
    answer = dict(judged=None) | asked(perform, request)
    if kept and answer['judged']:
        write_json(kept, dict(key=key, **answer))
    return answer


def _known(found: dict[str, Any], key: str) -> dict[str, Any] | None:
    """What was judged before with the same key; a failure is tried again."""
    if found.get('key') != key or not found.get('judged'):
        return None
    return dict(judged=found['judged'], reason=None)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
