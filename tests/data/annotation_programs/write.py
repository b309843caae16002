"""Writes the files of this folder with the annotation programs themselves; see README.md.

    python write.py labelme|labelstudio|datumaro|ultralytics|dlib SOURCES
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
NAMES = ['eye_r', 'eye_l', 'mouth']
WIDTH, HEIGHT, COUNT = 64, 48, 4


def points(i):
    """Landmarks of image i in pixels from the image's corner, as a person clicks them."""
    return [(20.3 + i, 15.7), (42.6, 16.2 + i), (31.4, 33.9 + i)]


def images():
    import numpy as np
    from PIL import Image
    (HERE / 'images').mkdir(exist_ok=True)
    for i in range(COUNT):
        blocks = np.random.default_rng(i).integers(0, 256, (6, 8), np.uint8)
        Image.fromarray(blocks).resize((WIDTH, HEIGHT), Image.Resampling.NEAREST).save(HERE / f'images/{i}.png')


def labelme():
    """Clicks into LabelMe's canvas at tenfold zoom, and lets it write the file."""
    from labelme._label_file import write_label_file
    from labelme.app import _shape_to_dict
    from labelme.widgets.canvas import Canvas
    from PyQt5 import QtCore, QtGui, QtTest, QtWidgets
    app = QtWidgets.QApplication(['labelme', '-platform', 'offscreen'])
    (HERE / 'labelme').mkdir(exist_ok=True)
    for i in range(COUNT):
        canvas = Canvas(epsilon=10.0, double_click='close', num_backups=10, crosshair=defaultdict(bool))
        canvas.load_pixmap(QtGui.QPixmap(str(HERE / f'images/{i}.png')))
        canvas.scale = 10.0
        canvas.resize(10 * WIDTH, 10 * HEIGHT)
        canvas.show()
        app.processEvents()
        canvas.set_editing(False)
        canvas.create_mode = 'point'
        for name, (x, y) in zip(NAMES, points(i), strict=True):
            where = QtCore.QPoint(round(10 * x), round(10 * y))
            QtTest.QTest.mouseMove(canvas, where)
            QtTest.QTest.mouseClick(canvas, QtCore.Qt.LeftButton, QtCore.Qt.NoModifier, where)
            canvas.shapes[-1].label = name
        assert len(canvas.shapes) == len(NAMES)
        write_label_file(str(HERE / f'labelme/{i}.json'), shapes=[_shape_to_dict(s) for s in canvas.shapes],
                         image_path=f'../images/{i}.png', image_height=HEIGHT, image_width=WIDTH,
                         flags=dict(smiles=i % 2 == 0))


def labelstudio():
    """Regions by the SDK's own tags, JSON-MIN and COCO by its converter; the server was not run."""
    from label_studio_sdk.converter import Converter
    from label_studio_sdk.label_interface import LabelInterface
    labels = ''.join(f'<Label value="{name}"/>' for name in NAMES)
    config = ('<View><Image name="image" value="$image"/><KeyPointLabels name="kp" toName="image">'
              f'{labels}</KeyPointLabels></View>')
    control = LabelInterface(config).get_control('kp')
    tasks = []
    for i in range(COUNT):
        result = [control.label(label=[name], x=100 * x / WIDTH, y=100 * y / HEIGHT)._dict()
                  | dict(original_width=WIDTH, original_height=HEIGHT, image_rotation=0)
                  for name, (x, y) in zip(NAMES, points(i), strict=True)]
        tasks.append(dict(id=i + 1, data=dict(image=f'/data/upload/1/{i}a2b3c4d-{i}.png', patient_id=f'k{i}'),
                          annotations=[dict(id=i + 10, completed_by=1, was_cancelled=False, result=result)]))
    out = HERE / 'labelstudio'
    out.mkdir(exist_ok=True)
    (out / 'project.json').write_text(json.dumps(tasks, indent=1))
    Converter(config, str(out), download_resources=False).convert_to_json_min(str(out / 'project.json'), str(out),
                                                                             is_dir=False)
    (out / 'result.json').rename(out / 'min.json')


def datumaro():
    """CVAT's XML; datumaro has no skeletons there and no visibility."""
    from datumaro.components.annotation import AnnotationType, LabelCategories, Points
    from datumaro.components.dataset import Dataset
    from datumaro.components.dataset_base import DatasetItem
    from datumaro.components.media import Image
    items = [DatasetItem(id=str(i), media=Image.from_file(path=str(HERE / f'images/{i}.png')), annotations=[
        Points([x, y], label=k) for k, (x, y) in enumerate(points(i))]) for i in range(COUNT)]
    Dataset.from_iterable(items, categories={AnnotationType.label: LabelCategories.from_iterable(NAMES)}).export(
        str(HERE / 'cvat'), 'cvat', save_media=False)


def ultralytics(work):
    """Labels by the converter of COCO files, from boxes and points of our own."""
    from ultralytics.data.converter import convert_coco
    coco = dict(images=[dict(id=i + 1, file_name=f'{i}.png', width=WIDTH, height=HEIGHT) for i in range(COUNT)],
                categories=[dict(id=1, name='face', keypoints=NAMES)], annotations=[])
    for i in range(COUNT):
        coco['annotations'].append(dict(id=i + 1, image_id=i + 1, category_id=1, bbox=[10, 8, 44, 36], keypoints=[
            v for k, (x, y) in enumerate(points(i)) for v in (x, y, 2 - (k == 2 and i == 1))]))
    source = Path(work) / 'source'
    source.mkdir(parents=True)
    (source / 'instances_all.json').write_text(json.dumps(coco))
    convert_coco(str(source), save_dir=str(Path(work) / 'yolo'), use_keypoints=True, cls91to80=False)
    (HERE / 'yolo/labels').mkdir(parents=True, exist_ok=True)
    for path in (Path(work) / 'yolo/labels/all').glob('*.txt'):
        (HERE / 'yolo/labels' / path.name).write_text(path.read_text())
    for split, numbers in dict(train=(0, 1), val=(2,), test=(3,)).items():
        (HERE / f'yolo/{split}.txt').write_text(''.join(f'./images/{i}.png\n' for i in numbers))
    (HERE / 'yolo/data.yaml').write_text(
        'path: .\ntrain: train.txt\nval: val.txt\ntest: test.txt\n'
        'kpt_shape: [3, 3]\nflip_idx: [1, 0, 2]\nnames:\n  0: face\nkpt_names:\n  0: [eye_r, eye_l, mouth]\n')


IMGLAB = r"""
#include <dlib/data_io.h>
int main() {
    dlib::image_dataset_metadata::dataset data;
    for (int i = 0; i < 4; ++i) {
        dlib::image_dataset_metadata::image image("../images/" + std::to_string(i) + ".png");
        image.width = 64; image.height = 48;
        dlib::image_dataset_metadata::box box(dlib::rectangle(10, 8, 53, 43));
        for (int k = 0; k < 12; ++k)
            box.parts[std::to_string(k)] = dlib::point(20 + 2 * k + i, 15 + 2 * (k % 5) + i);
        image.boxes.push_back(box);
        data.images.push_back(image);
    }
    dlib::image_dataset_metadata::save_image_dataset_metadata(data, "imglab.xml");
}
"""


def dlib(sources):
    """The writer that imglab links, of dlib's sources: twelve parts on whole pixels."""
    out = HERE / 'dlib'
    out.mkdir(exist_ok=True)
    (out / 'main.cpp').write_text(IMGLAB)
    parts = ('data_io/image_dataset_metadata', 'base64/base64_kernel_1', 'entropy_decoder/entropy_decoder_kernel_1',
             'entropy_decoder/entropy_decoder_kernel_2', 'entropy_encoder/entropy_encoder_kernel_1',
             'entropy_encoder/entropy_encoder_kernel_2', 'test_for_odr_violations')
    subprocess.run(['g++', '-std=c++14', '-DDLIB_NO_GUI_SUPPORT', '-O0', f'-I{sources}', 'main.cpp',
                    *(f'{sources}/dlib/{part}.cpp' for part in parts), '-lpthread', '-o', 'main'], cwd=out, check=True)
    subprocess.run(['./main'], cwd=out, check=True)
    for name in ('main', 'main.cpp', 'image_metadata_stylesheet.xsl'):
        (out / name).unlink()


if __name__ == '__main__':
    images()
    globals()[sys.argv[1]](*sys.argv[2:])
