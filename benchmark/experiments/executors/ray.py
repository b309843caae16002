"""Ray: the same workers as tasks on a cluster, or on this machine."""

from __future__ import annotations

import os
import subprocess

from benchmark.experiments.run.progress import Progress
from benchmark.utils.files import ROOT
from benchmark.utils.machine import cores

from .base import Executor, ExecutorError, Follower, Request


class RayExecutor(Executor):
    """Starts workers as Ray tasks; a worker or node that is lost is started again by Ray.

    Options: ``address`` of a running cluster (default: a local one), ``cpus`` and ``gpus`` (may be a fraction) of each
    worker, and ``workers``.
    """

    OPTIONS = ('address', 'cpus', 'gpus', 'workers')

    def check(self, request: Request) -> None:
        """See :meth:`Executor.check`."""
        super().check(request)
        try:
            import ray  # noqa: F401
        except ImportError:
            raise ExecutorError('ray is not installed. Install it: pip install -r requirements/ray.txt.') from None

    def describe(self, request: Request) -> str:
        """The tasks that Ray would get."""
        cpus, gpus = self._size(request)
        return f'{request.size()} tasks with {cpus} CPUs and {gpus} GPUs each: {" ".join(request.command())}'

    def _size(self, request: Request) -> tuple[float, float]:
        return request.options.get('cpus', 1), request.options.get('gpus', 0)

    def run(self, request: Request, display: Progress) -> bool:
        """See :meth:`Executor.run`."""
        import ray
        os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
        follower = Follower(request, display)
        if follower.look():
            return False
        address = request.options.get('address')
        own = {} if address else dict(num_cpus=cores(), include_dashboard=False)
        ray.init(address=address or 'local', log_to_driver=False, **own)
        cpus, gpus = self._size(request)
        work = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=-1)(_work)
        log = request.work.out / 'ray'
        log.mkdir(exist_ok=True)

        def start() -> list:
            return [work.remote(request.command(), str(ROOT), gpus > 0, str(log / f'{number}.log'))
                    for number in range(request.size())]

        tasks = start()
        try:
            return follower.wait(lambda: bool(ray.wait(tasks, num_returns=len(tasks), timeout=0)[1]),
                                 lambda: tasks.__setitem__(slice(None), start()))
        finally:
            for task in tasks:
                ray.cancel(task, force=True)
            ray.shutdown()


def _work(command: list[str], root: str, gpu: bool, log: str) -> int:
    """Runs a worker to its end; it ends with the process that Ray has given it."""
    paths = [root, *filter(None, [os.environ.get('PYTHONPATH')])]
    env = os.environ | dict(PYTHONPATH=os.pathsep.join(paths))
    if not gpu:
        env['CUDA_VISIBLE_DEVICES'] = ''
    with open(log, 'ab') as file:
        return subprocess.run([*command, '--end-with-parent'], env=env, stdout=file, stderr=file).returncode
