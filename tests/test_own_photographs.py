"""From photographs marked in LabelMe to a plan in three commands, no file written by hand."""

import json
import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from forked import command

ROOT = Path(__file__).parents[1]
SHAPE = dict(exocanthion_r=(30, 40), endocanthion_r=(52, 41), endocanthion_l=(76, 41), exocanthion_l=(98, 40),
             nasion=(64, 40), subnasale=(64, 78), cheilion_r=(46, 98), cheilion_l=(82, 98))


def commands() -> list[list[str]]:
    """The three of docs/data.md."""
    page = (ROOT / 'docs/data.md').read_text()
    block = re.search(r'three commands.*?```\n(.*?)```', page, re.S)[1]
    return [line.replace("'", '').split() for line in block.splitlines()]


@pytest.mark.slow
def test_sixty_photographs_of_patients_come_to_a_plan(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / 'photos').mkdir()
    for i in range(60):
        name = f'p{i // 2:02d}_{i % 2}'
        blocks = rng.integers(0, 256, (16, 16, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f'photos/{name}.jpg'), cv2.resize(blocks, (128, 128)))
        shapes = [dict(label=label, points=[(np.add(point, .5) + rng.normal(0, 1, 2)).tolist()], group_id=None,
                       shape_type='point', flags={}) for label, point in SHAPE.items()]
        (tmp_path / f'photos/{name}.json').write_text(json.dumps(dict(
            version='6.3.1', flags={}, shapes=shapes, imagePath=f'{name}.jpg', imageData=None, imageHeight=128,
            imageWidth=128)))
    prepare, check, run = commands()
    env = os.environ | dict(CTD_CACHE=str(tmp_path / 'cache'), OMP_NUM_THREADS='1')
    done = command([ROOT / prepare[0], *prepare[1:]], env, tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'note: read as labelme' in done.stdout and 'train: 38 images, 19 subjects' in done.stdout
    done = command([ROOT / check[0], *check[1:]], env, tmp_path)
    assert done.returncode == 0 and (tmp_path / 'mine.html').is_file(), done.stdout + done.stderr
    assert run[0] == 'tools/run_all.sh'
    done = command([ROOT / 'tools/run_suite.py', *run[1:], '--source', 'random', '--dry-run'], env, tmp_path)
    assert done.returncode == 0, done.stderr
    assert '21 of 21 runs to do' in done.stdout
