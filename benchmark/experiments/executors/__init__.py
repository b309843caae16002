"""Where runs are executed. An executor starts workers on an output folder and waits; the disk says what is done."""

from .base import Executor, ExecutorError, Follower, Request, waiting
from .chosen import choose
from .kubernetes import KubernetesExecutor
from .local import LocalExecutor
from .ray import RayExecutor
from .slurm import SlurmExecutor

EXECUTORS: dict[str, type[Executor]] = dict(local=LocalExecutor, slurm=SlurmExecutor, ray=RayExecutor,
                                            kubernetes=KubernetesExecutor)

__all__ = ['EXECUTORS', 'Executor', 'ExecutorError', 'Follower', 'Request', 'LocalExecutor', 'SlurmExecutor',
           'RayExecutor', 'KubernetesExecutor', 'choose', 'waiting']
