"""The configs train with MMPose's own tool, and a CTD checkpoint is tested without its source."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas
import pytest
from forked import command

ROOT = Path(__file__).parents[1]
SMALL = ('model.backbone.depth=18', 'model.head.in_channels=512', 'model.head.deconv_out_channels=(16,16,16)')


@pytest.fixture(scope='module')
def trained(source_checkpoint, tmp_path_factory):
    """A folder with faces in ``data`` and what MMPose's train.py made of ctd_ed in ``work``."""
    import mmpose

    from benchmark.datasets.synthetic.faces import write_landmark_dataset
    folder = tmp_path_factory.mktemp('mmpose')
    write_landmark_dataset(folder / 'data', dict(train=4, val=2, test=2), image_size=64)
    env = os.environ | dict(CTD_DATA=str(folder / 'data'), CTD_SOURCE=str(source_checkpoint), PYTHONPATH=str(ROOT))
    done = command(
        [Path(mmpose.__file__).parent / '.mim/tools/train.py', ROOT / 'mmconfigs/methods/ctd_ed.py',
         '--work-dir', folder / 'work', '--cfg-options', 'train_cfg.max_epochs=1', 'model.source.backbone.depth=18',
         *SMALL], env)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


def test_mmpose_trains_ctd_ed(trained):
    import torch
    # Tensors and plain data: whoever reads it needs to allow nothing.
    content = torch.load(trained / 'work/epoch_1.pth', map_location='cpu', weights_only=True)
    assert content['meta']['dataset_meta']['num_keypoints'] == 14
    assert not [k for k in content['state_dict'] if k.startswith('source.')]


def test_checkpoint_is_tested_without_its_source(trained, tmp_path):
    env = os.environ | dict(CTD_DATA=str(trained / 'data'), CTD_SOURCE=str(tmp_path / 'absent.pth'))
    tool = [ROOT / 'tools/test.py', ROOT / 'mmconfigs/methods/ctd_ed.py']
    options = ['--work-dir', tmp_path, '--out', tmp_path / 'errors.csv', '--cfg-options', *SMALL]
    done = command([*tool, trained / 'work/epoch_1.pth', *options], env)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 'landmark/ME' in done.stdout.splitlines()[-1]
    assert len(pandas.read_csv(tmp_path / 'errors.csv')) == 2 * 14
    done = command([*tool, tmp_path / 'none.pth', *options], env)
    assert done.returncode == 2 and 'none.pth: no such checkpoint' in done.stderr
    done = command([*tool, trained / 'work/epoch_1.pth', *options, 'model.backbone.depth=34'], env)
    assert done.returncode == 2 and 'epoch_1.pth: backbone.layer1.2' in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_one_run_over_two_processes(trained, source_checkpoint, tmp_path):
    env = os.environ | dict(CTD_DATA=str(trained / 'data'), CTD_SOURCE=str(source_checkpoint), OMP_NUM_THREADS='1')
    done = subprocess.run(
        [sys.executable, '-m', 'torch.distributed.run', '--nproc-per-node', '2', '--master-port', '0', '--standalone',
         ROOT / 'tools/train.py', ROOT / 'mmconfigs/methods/ctd_com.py', '--launcher', 'pytorch', '--work-dir',
         tmp_path, '--cfg-options', 'train_cfg.max_epochs=1', 'model.source.backbone.depth=18', *SMALL],
        env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert 'Epoch(train) [1][1/1]' in done.stdout + done.stderr
    assert (tmp_path / 'epoch_1.pth').exists()


@pytest.mark.slow
def test_a_single_run_takes_landmarks_from_its_data_and_another_input_size(trained, source_checkpoint, tmp_path):
    shutil.copytree(trained / 'data', tmp_path / 'data')
    for path in (tmp_path / 'data/annotations').glob('*.json'):
        coco = json.loads(path.read_text())
        for one in coco['annotations']:
            one['keypoints'] = one['keypoints'][:9]
        for category in coco['categories']:
            category.update(keypoints=category['keypoints'][:3], flip_indices=[0, 1, 2])
        path.write_text(json.dumps(coco))
    meta = json.loads((tmp_path / 'data/metainfo.json').read_text())
    meta.update(landmarks=meta['landmarks'][:3], flip_indices=[0, 1, 2], interocular=None, measurements={})
    (tmp_path / 'data/metainfo.json').write_text(json.dumps({key: one for key, one in meta.items() if one is not None}))
    env = os.environ | dict(CTD_DATA=str(tmp_path / 'data'), CTD_SOURCE=str(source_checkpoint))
    ft, small = ROOT / 'mmconfigs/methods/ft.py', ['--input-size', '64', '64', '--cfg-options', *SMALL]
    done = command([ROOT / 'tools/train.py', ft, '--work-dir', tmp_path / 'work', *small, 'train_cfg.max_epochs=1'],
                   env)
    assert done.returncode == 0, done.stderr[-2000:]
    done = command([ROOT / 'tools/test.py', ft, tmp_path / 'work/epoch_1.pth', '--work-dir', tmp_path / 'test', '--out',
                    tmp_path / 'errors.csv', *small], env)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(pandas.read_csv(tmp_path / 'errors.csv')) == 2 * 3
    done = command([ROOT / 'tools/train.py', ft, '--input-size', '60', '64'], env)
    assert done.returncode == 2 and '--input-size 60 64: give numbers divisible by 32.' in done.stderr
