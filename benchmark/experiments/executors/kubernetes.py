"""Kubernetes: an Indexed Job whose pods are workers on one shared volume. The manifest is written, not submitted."""

from __future__ import annotations

import json
import re

from benchmark.experiments.run.progress import Progress
from benchmark.utils.files import write_json

from .base import Executor, ExecutorError, Request


class KubernetesExecutor(Executor):
    """Writes ``kubernetes.json`` for ``kubectl apply -f``.

    Options: ``image`` (with this suite installed), ``claim`` (a PersistentVolumeClaim that holds output, data and
    source), ``mount`` (where it is mounted, here and in the pods: the plan's paths must be the same in both; default:
    the output folder's parent), ``cpus``, ``memory``, ``gpus`` and ``workers``.
    """

    HANDS_OVER = True
    OPTIONS = ('image', 'claim', 'mount', 'cpus', 'memory', 'gpus', 'workers')

    def check(self, request: Request) -> None:
        """See :meth:`Executor.check`."""
        super().check(request)
        for name in ('image', 'claim'):
            if not request.options.get(name):
                raise ExecutorError(f'the option {name!r} is missing: --engine image=IMAGE claim=VOLUME_CLAIM.')

    def describe(self, request: Request) -> str:
        """The manifest."""
        return json.dumps(self.manifest(request), indent=1)

    def manifest(self, request: Request) -> dict:
        """The Job: pods that fail are started again by themselves; one that is told to stop keeps its states."""
        options, out = request.options, request.work.out
        amounts = dict(cpu=str(options.get('cpus', 1)), memory=str(options.get('memory', '4Gi')))
        limits = amounts | ({'nvidia.com/gpu': str(options['gpus'])} if options.get('gpus') else {})
        command = ['python', *request.command()[1:]]
        return dict(
            apiVersion='batch/v1', kind='Job',
            # A Job's number of pods can't be changed: each stage has one of its own.
            metadata=dict(name=_name('-'.join(filter(None, ('ctd', out.name, request.stage))))),
            spec=dict(
                completionMode='Indexed', completions=request.size(), parallelism=request.size(),
                backoffLimitPerIndex=6, maxFailedIndexes=request.size(),
                # 1: some runs have failed permanently, which the records say; another pod would change nothing.
                podFailurePolicy=dict(rules=[dict(action='FailIndex', onExitCodes=dict(
                    containerName='worker', operator='In', values=[1, 2]))]),
                template=dict(spec=dict(
                    restartPolicy='Never', terminationGracePeriodSeconds=90,
                    containers=[dict(name='worker', image=options['image'], command=command,
                                     resources=dict(requests=amounts, limits=limits),
                                     volumeMounts=[dict(name='work',
                                                        mountPath=str(options.get('mount', out.parent)))])],
                    volumes=[dict(name='work', persistentVolumeClaim=dict(claimName=options['claim']))]))))

    def run(self, request: Request, display: Progress) -> bool:
        """Writes the manifest; the cluster does the rest."""
        path = request.work.out / 'kubernetes.json'
        write_json(path, self.manifest(request))
        display.note(f'kubectl apply -f {path}')
        display.note('when the pods have ended, run this command again: it collects the results'
                     + (', looks at them and writes what is next' if request.stage else ''))
        return False


def _name(text: str) -> str:
    """A name that Kubernetes takes: lower case, digits and dashes, at most 63."""
    return re.sub(r'[^a-z0-9]+', '-', text.lower()).strip('-')[:63].rstrip('-')
