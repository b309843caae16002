"""Images, and points as menpo, ktch, slicerio and sleap-io write them: write_points.py FOLDER (images|menpo|others)."""

import importlib.metadata
import json
import os
import sys
from pathlib import Path

import numpy as np

NAMES = ['nasion', 'alare', 'subnasale', 'menton']
POINTS = np.array([[10.0, 8.0], [20.5, 8.25], [15.25, 14.75], [30.0, 20.0]])


def points(k):
    """Positions in image k, 40 x 30 pixels, from the centre of the first pixel."""
    return POINTS + k / 4


def images(out):
    from PIL import Image
    grey = [((np.arange(1200) * (7 + 2 * k) + 40 * k) % 256).astype('uint8').reshape(30, 40) for k in range(4)]
    for k in range(4):
        Image.fromarray(grey[k]).save(out / f'{k}.png')
    (out / 'scaled').mkdir(exist_ok=True)
    Image.fromarray(grey[0]).save(out / 'scaled' / 'inch.tif', dpi=(150, 150))
    Image.fromarray(grey[1]).save(out / 'scaled' / 'cm.tif', resolution_unit='cm', x_resolution=40.0, y_resolution=40.0)
    Image.fromarray(grey[2]).save(out / 'scaled' / 'none.tif', resolution_unit=1, x_resolution=4.0, y_resolution=4.0)
    Image.fromarray(grey[3]).save(out / 'scaled' / 'jfif.jpg', dpi=(254, 254))


def menpo(out):
    import menpo.io
    from menpo.shape import PointCloud
    (out / 'pts').mkdir(exist_ok=True)
    for k in range(4):
        menpo.io.export_landmark_file(PointCloud(points(k)[:, ::-1]), out / 'pts' / f'{k}.pts', overwrite=True)


def ktch(out):
    from ktch.io import write_tps
    (out / 'tps').mkdir(exist_ok=True)
    # From the corner at the lower left, as tpsDig counts.
    below = [np.column_stack([points(k)[:, 0] + 0.5, 29.5 - points(k)[:, 1]]) for k in range(4)]
    curves = [[below[k][1:3] + 0.25] for k in range(4)]
    names = [f'{k}.png' for k in range(4)]
    write_tps(out / 'tps' / 'curves.tps', below, image_path=names, semilandmarks=curves)
    below[2][1] = -1
    write_tps(out / 'tps' / 'plain.tps', below, image_path=names, idx=list('abcd'), scale=[0.25, 0.125, 0.25, 0.5])


def slicerio(out):
    from slicerio import markups
    for form in ('fcsv', 'json'):
        (out / 'slicer' / form).mkdir(parents=True, exist_ok=True)
    for k in range(4):
        system, sign = ('LPS', 1) if k < 2 else ('RAS', -1)
        rows = [f'{i + 1},{sign * x},{sign * y},0,0,0,0,1,1,1,0,{name},,,2,0'
                for i, ((x, y), name) in enumerate(zip(points(k), NAMES, strict=True))]
        path = out / 'slicer' / 'fcsv' / f'{k}.fcsv'
        head = ['# Markups fiducial file version = 5.11', f'# CoordinateSystem = {system}',
                '# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID']
        path.write_text('\n'.join([*head, *rows, '']))
        markups.fcsv_to_markups_json(str(path), str(out / 'slicer' / 'json' / f'{k}.mrk.json'))


def sleap(out):
    import sleap_io as sio
    (out / 'sleap').mkdir(exist_ok=True)
    os.chdir(out)
    skeleton = sio.Skeleton(nodes=NAMES, name='face')
    skeleton.add_symmetry('nasion', 'menton')
    video = sio.Video.from_filename([f'{k}.png' for k in range(4)])
    frames = []
    for k in range(4):
        positions = points(k)
        positions[1] = np.nan if k == 2 else positions[1]
        people = [sio.Instance.from_numpy(positions, skeleton=skeleton)]
        if k == 3:
            scores = dict(point_scores=np.ones(4), score=0.9)
            people.append(sio.PredictedInstance.from_numpy(POINTS, skeleton=skeleton, **scores))
        frames.append(sio.LabeledFrame(video=video, frame_idx=k, instances=people))
    sio.Labels(videos=[video], skeletons=[skeleton], labeled_frames=frames).save('sleap/labels.slp')


if __name__ == '__main__':
    folder = Path(sys.argv[1]).resolve()
    for part in {'images': [images], 'menpo': [menpo], 'others': [ktch, slicerio, sleap]}[sys.argv[2]]:
        part(folder)
    print(json.dumps({name: importlib.metadata.version(name) for name in ('menpo', 'ktch', 'slicerio', 'sleap-io')}))
