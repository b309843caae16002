"""SLURM: a job array whose elements are workers on one shared folder."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

from benchmark.experiments.run.progress import Progress
from benchmark.utils.files import ROOT, write_json, write_text

from .base import Executor, ExecutorError, Follower, Request

#: Option -> sbatch's flag.
FLAGS = dict(account='account', partition='partition', time='time', gres='gres', cpus='cpus-per-task', memory='mem',
             qos='qos')
#: Seconds between two questions to the controller, which a cluster's users share, once a job has gone on for a while.
LONGEST_PAUSE = 60.0
SCRIPT = """#!/bin/bash
{header}
# A worker: it takes runs from the folder until none is left. Asked to stop (time limit, preemption), it keeps the
# states of its runs and goes to the queue again.
set -u
{modules}export PYTHONPATH={root}${{PYTHONPATH:+:$PYTHONPATH}}
{command} &
worker=$!
asked=0; heard=-1
trap 'asked=$((asked + 1)); kill -TERM $worker 2>/dev/null' TERM USR1
while [ $heard -ne $asked ]; do heard=$asked; wait $worker; code=$?; done
if [ "$code" -eq 75 ]; then scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"; fi
exit "$code"
"""


class SlurmExecutor(Executor):
    """Submits an array of workers and follows their runs.

    The submitter may go away: the array goes on, and the same command follows it again.
    """

    OPTIONS = (*FLAGS, 'modules', 'workers')

    def check(self, request: Request) -> None:
        """See :meth:`Executor.check`."""
        super().check(request)
        if shutil.which('sbatch') is None:
            raise ExecutorError('sbatch: no such command. Start this on a machine that submits to SLURM, or use '
                                '--executor local.')

    def describe(self, request: Request) -> str:
        """The text that sbatch would get."""
        return self.script(request)

    def script(self, request: Request) -> str:
        """The batch script."""
        options = request.options
        lines = [f'job-name=ctd-{request.work.out.name}', f'array=0-{request.size() - 1}',
                 f'output={self._place(request) / "%A_%a.log"}', 'open-mode=append', 'requeue', 'signal=B:TERM@90',
                 *(f'{flag}={options[name]}' for name, flag in FLAGS.items() if name in options)]
        modules = options.get('modules') or []
        modules = modules.split(',') if isinstance(modules, str) else modules
        return SCRIPT.format(header='\n'.join(f'#SBATCH --{line}' for line in lines), root=shlex.quote(str(ROOT)),
                             modules=f'module load {shlex.join(modules)}\n' if modules else '',
                             command=shlex.join(request.command()))

    def run(self, request: Request, display: Progress) -> bool:
        """See :meth:`Executor.run`."""
        follower = Follower(request, display)
        if follower.look():
            return False
        job = self._running(request)
        if job:
            display.note(f'job {job} is in the queue already: following it')
        else:
            job = self._submit(request, display)
        state = dict(job=job)

        def again() -> None:
            state['job'] = self._submit(request, display)

        stopped = follower.wait(lambda: self._alive(state['job']), again, longest=LONGEST_PAUSE)
        if stopped:
            display.note(f'job {state["job"]} continues; the same command follows it, `scancel {state["job"]}` ends it')
        return stopped

    def _place(self, request: Request) -> Path:
        return request.work.out / 'slurm'

    def _submit(self, request: Request, display: Progress) -> str:
        place = self._place(request)
        write_text(place / 'job.sh', self.script(request))
        answer = subprocess.run(['sbatch', '--parsable', str(place / 'job.sh')], capture_output=True, text=True)
        if answer.returncode:
            raise ExecutorError(f'sbatch: {answer.stderr.strip() or "failed"}. The script is {place / "job.sh"}.')
        job = answer.stdout.strip().partition(';')[0]
        write_json(place / 'job.json', dict(job=job, stage=request.stage))
        display.note(f'submitted job {job} with {request.size()} workers; their logs: {place}')
        return job

    def _running(self, request: Request) -> str | None:
        """The job that was submitted for this stage, where it is still there; workers of an earlier one may end yet."""
        try:
            found = json.loads((self._place(request) / 'job.json').read_text())
            job, stage = found['job'], found.get('stage', '')
        except (OSError, ValueError, KeyError):
            return None
        return job if stage == request.stage and self._alive(job) else None

    @staticmethod
    def _alive(job: str) -> bool:
        """Whether any element is waiting, running or ending; a controller that does not answer is asked again later."""
        answer = subprocess.run(['squeue', '--noheader', '--jobs', job, '--format=%T'], capture_output=True, text=True)
        if answer.returncode:
            return 'Invalid job id' not in answer.stderr
        return bool(answer.stdout.strip())
