"""A tiny prepared data set."""

import argparse
import json

import cv2
import numpy as np
import pytest


@pytest.fixture
def prepared(tmp_path):
    """Writes a prepared set: three landmarks, a 40 x 40 image each; returns its root and the annotated points."""

    def make(points, visible=None, size=40, split='train', subjects=None, extra=None):
        root = tmp_path / 'set'
        (root / 'images').mkdir(parents=True, exist_ok=True)
        (root / 'annotations').mkdir(exist_ok=True)
        images, annotations = [], []
        for i, landmarks in enumerate(np.asarray(points, float)):
            name = f'{split}{i}.png'
            image = np.full((size, size, 3), 40 + i, np.uint8)
            cv2.imwrite(str(root / 'images' / name), image)
            flags = [2] * len(landmarks) if visible is None else visible[i]
            images.append(dict(id=i + 1, file_name=name, width=size, height=size,
                               subject=(subjects or [f's{split}{j}' for j in range(99)])[i], **(extra or {})))
            annotations.append(dict(id=i + 1, image_id=i + 1, category_id=1, num_keypoints=sum(v > 0 for v in flags),
                                    keypoints=[c for p, v in zip(landmarks, flags) for c in (*p, v)]))
        category = dict(id=1, name='x', keypoints=['left', 'right', 'middle'], flip_indices=[1, 0, 2])
        (root / 'annotations' / f'{split}.json').write_text(json.dumps(
            dict(images=images, annotations=annotations, categories=[category])))
        return root

    return make


@pytest.fixture
def convert():
    """Converts SRC with options as on the command line; returns the report and the notes."""
    from benchmark.datasets.formats import FORMATS, prepare

    def run(name, src, dst, *options):
        parser = argparse.ArgumentParser()
        FORMATS[name].add_arguments(parser)
        return prepare(name, str(src), dst, parser.parse_args([str(o) for o in options]))

    return run


@pytest.fixture
def photo():
    """Writes an image of noise that no other seed gives; returns its path."""

    def write(path, seed, width=64, height=48, channels=3):
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (height, width) if channels == 1 else (height, width, channels)
        assert cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, shape, np.uint8))
        return path

    return write


@pytest.fixture
def write_faces():
    """Writes a face file as MMPose distributes them, where the category names no landmarks; returns its path."""

    def write(root, file, names, points, visible=1, **fields):
        images = [dict(id=i, file_name=n, height=48, width=64) for i, n in enumerate(dict.fromkeys(names))]
        ids = {image['file_name']: image['id'] for image in images}
        annotations = [dict(image_id=ids[n], id=100 + i, iscrowd=0, category_id=1, num_keypoints=len(points[n]),
                            keypoints=[c for x, y in points[n] for c in (x, y, visible)]) | fields
                       for i, n in enumerate(names)]
        category = dict(supercategory='person', id=1, name='face', keypoints=[], skeleton=[])
        path = root / 'annotations' / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dict(categories=[category], images=images, annotations=annotations)))
        return path

    return write
