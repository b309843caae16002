"""The SLURM executor on a real cluster of two nodes, started on this machine for the test."""

import json
import os
import shutil
import socket
import subprocess
import time

import pytest

from benchmark.statistics.ledger import read_ledger

pytestmark = pytest.mark.slow
NEEDED = ('munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue', 'scancel')
CONF = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={place}/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
ReturnToService=2
KillWait=2
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool.%n
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.%n.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/slurmd.%n.log
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=2 RealMemory=2000 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=2 RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=60 State=UP
"""


def ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for s in sockets:
        s.bind(('127.0.0.1', 0))
    found = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return found


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    """Environment of the clients of a cluster with two nodes; all daemons end with the test."""
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        pytest.skip(f'SLURM is not installed here: no {missing[0]} (Debian: slurm-wlm munge)')
    if os.getuid() != 0:
        pytest.skip('the test cluster is started as root only')
    place = tmp_path_factory.mktemp('slurm')
    place.chmod(0o755)
    (place / 'state').mkdir()
    controller, first, second = ports(3)
    conf = place / 'slurm.conf'
    conf.write_text(CONF.format(host=socket.gethostname().partition('.')[0], place=place, controller=controller,
                                first=first, second=second))
    (place / 'cgroup.conf').write_text('CgroupAutomount=no\n')
    key = place / 'munge.key'
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    env = os.environ | dict(SLURM_CONF=str(conf))
    try:
        subprocess.run(['munged', '--force', f'--key-file={key}', f'--socket={place}/munge.socket', '--num-threads=1',
                        f'--pid-file={place}/munged.pid', f'--log-file={place}/munged.log',
                        f'--seed-file={place}/munge.seed'], check=True, timeout=20)
        subprocess.run(['slurmctld', '-c'], env=env, check=True, timeout=20)
        for node in ('n1', 'n2'):
            (place / f'spool.{node}').mkdir()
            subprocess.run(['slurmd', '-N', node], env=env, check=True, timeout=20)
        for _ in range(100):
            idle = subprocess.run(['sinfo', '-h', '-t', 'idle', '-o', '%D'], env=env, capture_output=True, text=True)
            if idle.stdout.strip() == '2':
                break
            time.sleep(0.2)
        else:
            pytest.skip(f'the test cluster does not start here: {(place / "slurmctld.log").read_text()[-500:]}')
        yield env
    finally:
        for pid in [*place.glob('slurmd.*.pid'), *place.glob('slurmctld.pid'), *place.glob('munged.pid')]:
            subprocess.run(['kill', pid.read_text().strip()], check=False)


def jobs(env: dict, what: str) -> list[str]:
    command = ['squeue', '-h', '-r', '-t', 'running', '-o', what]
    return subprocess.run(command, env=env, capture_output=True, text=True).stdout.split()


def test_an_array_of_workers_gives_the_bytes_of_the_local_executor_though_one_is_cancelled(cluster, done, tiny):
    process = tiny.start('--executor', 'slurm', '--engine', 'workers=2', 'cpus=1', 'partition=main', 'time=10',
                         '--progress', 'plain', SLURM_CONF=cluster['SLURM_CONF'])
    end = time.monotonic() + 60
    while len(jobs(cluster, '%i')) < 2 or not list(tiny.out.glob('runs/*/*/log')):
        assert time.monotonic() < end and process.poll() is None, process.communicate()
        time.sleep(0.1)
    subprocess.run(['scancel', jobs(cluster, '%F_%K')[0]], env=cluster, check=True)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, out + err
    assert 'submitted job' in out and '3 of 3 runs done' in out
    assert tiny.digests() == done.digests()


def test_a_suite_that_stops_itself_submits_a_job_for_each_stage(cluster, tiny):
    text = ("methods = dict(_delete_=True, ft={}, fe={})\n"
            "analysis.update(reference='ft', draws=100, sequential=dict(max_seeds=3, first_look=2, futility=None))\n")
    out = tiny.run('--until', 'settled', '--executor', 'slurm', '--engine', 'workers=2', 'cpus=1', 'partition=main',
                   'time=10', '--progress', 'plain', text=text, SLURM_CONF=cluster['SLURM_CONF'])
    assert out.returncode == 0, out.stdout + out.stderr
    looks = read_ledger(tiny.out).looks
    assert out.stdout.count('submitted job') == len(looks) and looks[-1]['look']['last']
    assert looks[0]['seeds'] == dict(ft=[0, 1], fe=[0, 1])
    assert json.loads((tiny.out / 'slurm/job.json').read_text())['stage'] == f'seeds{len(looks) + 1}'


def test_an_answer_of_sbatch_is_shown(cluster, tiny):
    out = tiny.run('--executor', 'slurm', '--engine', 'partition=nowhere', SLURM_CONF=cluster['SLURM_CONF'])
    assert out.returncode == 1
    assert 'error: sbatch: ' in out.stderr and 'invalid partition' in out.stderr and 'job.sh' in out.stderr
