"""The number of the suite's numerics, which is part of what decides a result, and what holds it to the code.

Two programs with one number give the same bytes from the same config, data and source. The number is part of a run's
hash and of the keys of trained sources and cached features: an upgrade that raises it starts all of them anew, one that
does not starts none. People raise it, since no test can see whether an edit changes a result; what a test sees is that
a deciding file was edited. It compares each file's digest with ``numerics.json`` and asks the question. Comments,
docstrings, annotations and the texts of errors are left out of the digests, so that they raise no question.

``python -m benchmark.numerics`` names the deciding files that were edited since; with ``--record`` it writes their
digests anew.

What else decides a result stands in its hash by itself, and not here: the configs (``mmconfigs``, ``configure``,
``seeds``, ``tuning``) as the config that a run trains with, the readers of foreign formats and the generator of faces
as the data's fingerprint, the converter of checkpoints as the source's digest.
"""

from __future__ import annotations

import argparse
import ast
import functools
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark.utils.files import write_json

#: Raise it by one when results change: errors, predictions, heatmaps or histories of a run whose config did not, a
#: trained or random source, or the features that are cached. Plans and records before there was a number count as 0.
NUMERICS = 1
#: The same for encoders that are no ResNets: raise it where the results of these alone change.
OTHER_NETWORKS = 1

PACKAGE = Path(__file__).resolve().parent
RECORDED = PACKAGE / 'numerics.json'
#: The files whose code decides results, as patterns below the package.
DECIDING = (
    'codecs/**/*.py', 'engine/**/*.py', 'evaluation/**/*.py', 'models/**/*.py',
    *(f'datasets/{name}.py' for name in ('dicom', 'identities', 'identity_dataset', 'image_headers', 'images', 'labels',
                                         'landmarks', 'metainfo', 'photograph', 'prepared', 'records', 'rescale',
                                         'views')),
    'experiments/run/one_run.py', 'experiments/run/tested.py', 'plugins.py', 'utils/feature_store.py')
#: What deciding files import and what yet decides nothing that a run's hash does not hold, with the reason.
NOT_DECIDING = {
    'compat.py': 'what stands for packages that are not there, and computes nothing',
    'datasets/checks.py': 'says what is odd in data, changes none',
    'datasets/checks_images.py': 'says what is odd in images, changes none',
    'datasets/findings.py': 'says what is odd in data, changes none',
    'datasets/shape_checks.py': 'says what is odd in landmarks, changes none',
    'datasets/values.py': 'says what is odd in numbers, changes none',
    'utils/measurement.py': 'reads declared measurements, which no run takes',
    'datasets/__init__.py': 'lists what registers',
    'datasets/formats/came.py': 'names the format of the data, which nothing is computed of',
    'datasets/formats/crops.py': 'what it makes is the data, known by their fingerprint',
    'detector/kept.py': 'writes the network that was tested',
    'detector/validated.py': 'asks the network of other images, once it was tested',
    'detector/visualizer.py': 'draws',
    'experiments/errors.py': 'exceptions',
    'experiments/plan/data.py': 'what it makes is the data, known by their fingerprint',
    'experiments/plan/identity.py': 'what it makes is the hash',
    'experiments/plan/source.py': 'what it makes is the config of the source',
    'experiments/run/child.py': 'starts processes',
    'experiments/run/damaged.py': 'exceptions',
    'experiments/run/history.py': 'copies what was logged',
    'experiments/state/locks.py': 'who is on a run',
    'experiments/state/records.py': 'reads and writes what a run says of itself',
    'experiments/state/tasks.py': 'which runs there are',
    'experiments/suite/configs.py': 'what it reads is the config',
    **{f'models/convert/{name}.py': 'what it makes is a source, known by its digest'
       for name in ('__init__', 'conversion', 'converted', 'dlib', 'efficientnet', 'errors', 'folded', 'getting',
                    'graph', 'keras', 'mobilenet', 'mobilenet_v2', 'packages', 'pickles', 'reading', 'registries',
                    'resnet', 'safetensors', 'state_dicts', 'tfjs', 'units')},
    'numerics.py': 'this',
    'program.py': 'which program this is',
    'utils/files.py': 'writes bytes as they are',
    'utils/gpu_memory.py': 'how much memory a card has left',
    'utils/machine.py': 'what the machine is',
    'utils/signals.py': 'when a training stops, not what it computes'}


def deciding_files() -> list[str]:
    """The deciding files' names below the package, in order."""
    found = {path.relative_to(PACKAGE).as_posix() for pattern in DECIDING for path in PACKAGE.glob(pattern)}
    return sorted(found - NOT_DECIDING.keys())


def digests() -> dict[str, str]:
    """The first 16 hex digits of each deciding file's digest (see :func:`code_digest`)."""
    return {name: _file_digest(name) for name in deciding_files()}


@functools.cache
def deciding_digest() -> str:
    """SHA-256 (hex) of the deciding files that this process would import now; computed once.

    A file whose text is the one that was recorded has the digest that was recorded with it, so that those which nobody
    has edited are not parsed.
    """
    try:
        known = json.loads(RECORDED.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        known = {}
    files, texts = known.get('files', {}), known.get('texts', {})
    found = {name: files[name] if name in files and texts.get(name) == _text_digest(name) else _file_digest(name)
             for name in deciding_files()}
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _file_digest(name: str) -> str:
    return code_digest((PACKAGE / name).read_text(encoding='utf-8'))[:16]


def _text_digest(name: str) -> str:
    return hashlib.sha256((PACKAGE / name).read_bytes()).hexdigest()[:16]


def code_digest(text: str) -> str:
    """SHA-256 (hex) of what a module does, whatever its layout, comments, docstrings, annotations and errors' texts.

    It does not depend on the version of Python: fields of syntax trees that are empty are left out.

    Raises:
        SyntaxError: It is no Python.
    """
    return hashlib.sha256('\n'.join(_parts(ast.parse(text))).encode()).hexdigest()


#: Fields of syntax trees that change nothing of what is computed, and the exceptions' arguments.
SILENT = {'ctx', 'kind', 'annotation', 'returns', 'type_comment', 'type_ignores'}


def _parts(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _parts(one)
    elif not isinstance(node, ast.AST):
        yield repr(node)
    elif isinstance(node, ast.Raise):
        yield f'raise {ast.unparse(node.exc.func if isinstance(node.exc, ast.Call) else node.exc or ast.Name(""))}'
    else:
        yield f'{type(node).__name__}('
        for field, value in ast.iter_fields(node):
            if field == 'body' and isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                value = value[1:] if ast.get_docstring(node, clean=False) is not None else value
            if field not in SILENT and value is not None and value != []:
                yield f'{field}='
                yield from _parts(value)
        yield ')'


def imported(name: str) -> set[str]:
    """The package's own modules that one of its files imports, as names below the package."""
    def modules(parts: Sequence[str]) -> set[str]:
        path = '/'.join(parts)
        return {found for found in (f'{path}.py', f'{path}/__init__.py') if (PACKAGE / found).is_file()}

    found, here = set(), Path(name).parent.parts
    for node in ast.walk(ast.parse((PACKAGE / name).read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            paths = [alias.name.split('.') for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ['benchmark', *here[:len(here) - node.level + 1]] if node.level else []
            base += node.module.split('.') if node.module else []
            paths = [base, *([*base, alias.name] for alias in node.names)]
        else:
            continue
        for path in paths:
            if path[0] == 'benchmark' and path[1:]:
                found |= modules(path[1:])
    return found


def edited() -> dict[str, str]:
    """What differs from ``numerics.json``: file -> ``edited``, ``new`` or ``gone``; the number itself as ``NUMERICS``.

    Raises:
        OSError: The file is not there.
    """
    known = json.loads(RECORDED.read_text(encoding='utf-8'))
    before, now = known['files'], digests()
    found = {name: 'gone' if name not in now else 'new' if name not in before else 'edited'
             for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)}
    return found | ({} if known['numerics'] == NUMERICS else {'NUMERICS': f'{known["numerics"]} -> {NUMERICS}'})


def advice(found: dict[str, str]) -> str:
    """What to do about :func:`edited`."""
    return ('Files that decide results were edited: ' + ', '.join(f'{name} ({how})' for name, how in found.items())
            + '. If a run whose config did not change may now give other bytes, raise NUMERICS in '
            'benchmark/numerics.py: every run, source and feature is then made anew. Then, or if not, record the '
            'files as they are: python -m benchmark.numerics --record')


def record() -> None:
    """Writes ``numerics.json``: the digests, and beside them those of the texts, comments and all."""
    write_json(RECORDED, dict(numerics=NUMERICS, files=digests(), texts={
        name: _text_digest(name) for name in deciding_files()}))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; gives 1 where files were edited."""
    parser = argparse.ArgumentParser(prog='python -m benchmark.numerics', description='Name the deciding files that '
                                     'were edited since their digests were recorded.')
    parser.add_argument('--record', action='store_true', help='record the files as they are')
    if parser.parse_args(argv).record:
        record()
    found = edited()
    print(advice(found) if found else f'numerics {NUMERICS}: {len(deciding_files())} deciding files as recorded')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
