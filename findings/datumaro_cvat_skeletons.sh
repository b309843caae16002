#!/usr/bin/env bash
# datumaro 1.13.12 (a converter of annotation formats), skeletons in CVAT's own XML, 'CVAT for images 1.1'.
#
# Behaviour: the points of a skeleton are read as annotations of their own, without a message. Lost are which of them belong
# together (group and object are the same for all, so that two persons can't be told apart); `outside`, CVAT's mark of a point
# that is not in the image, so that the place where the template left it is a visible landmark; and `occluded` as visibility (it
# is an attribute beside visibility 2, which means visible). Coordinates are rounded to two decimals. Written as COCO key points,
# each landmark is a person with one visible key point, of a category without names, with a box and an area of 0, by which OKS
# divides. Written as CVAT there are no skeletons any more. Datumaro's page on the format doesn't list skeletons, and doesn't say
# what becomes of them.
#
# Seen on 2026-11-30: two persons of three landmarks, of which one is occluded and one is outside
#   read
#     eye_r 10.12 20.46  visibility 2  {'occluded': False}  group 0  object -1
#     eye_l 30.00 20.00  visibility 2  {'occluded': False}  group 0  object -1
#     nose  20.50 40.25  visibility 2  {'occluded': True}  group 0  object -1
#     eye_r 60.00 20.00  visibility 2  {'occluded': False}  group 0  object -1
#     eye_l 80.00 20.00  visibility 2  {'occluded': False}  group 0  object -1
#     nose  70.00 40.00  visibility 2  {'occluded': True}  group 0  object -1
#   as COCO: 6 persons; visibilities [[2], [2], [2], [2], [2], [2]]; areas [0.0]; names [[], [], [], []]
#   as CVAT: 0 skeletons; outside ['0', '0', '0', '0', '0', '0']
#   messages about it: 0
#
# Why it matters: landmarks outside the image are what a skeleton on a lateral or cut-off photograph is full of; here each counts as
# annotated, at a place that nobody meant. Read CVAT's XML itself, or let CVAT write COCO key points.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check datumaro==1.13.12 numpy==2.4.6 \
    pillow==12.3.0 2>"$folder/pip.log" || { cat "$folder/pip.log" >&2; exit 2; }
cd "$folder"
mkdir -p cvat/images
cat >cvat/annotations.xml <<'XML'
<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><labels>
    <label><name>face</name><type>skeleton</type><attributes></attributes></label>
    <label><name>nose</name><type>points</type><attributes></attributes><parent>face</parent></label>
    <label><name>eye_l</name><type>points</type><attributes></attributes><parent>face</parent></label>
    <label><name>eye_r</name><type>points</type><attributes></attributes><parent>face</parent></label>
  </labels></task></meta>
  <image id="0" name="a.png" width="100" height="80">
    <skeleton label="face" source="manual" z_order="0">
      <points label="eye_r" source="manual" outside="0" occluded="0" points="10.123,20.456"></points>
      <points label="eye_l" source="manual" outside="1" occluded="0" points="30.00,20.00"></points>
      <points label="nose" source="manual" outside="0" occluded="1" points="20.50,40.25"></points>
    </skeleton>
    <skeleton label="face" source="manual" z_order="0">
      <points label="eye_r" source="manual" outside="0" occluded="0" points="60.00,20.00"></points>
      <points label="eye_l" source="manual" outside="1" occluded="0" points="80.00,20.00"></points>
      <points label="nose" source="manual" outside="0" occluded="1" points="70.00,40.00"></points>
    </skeleton>
  </image>
</annotations>
XML
cat >look.py <<'PYTHON'
import json
import re
from pathlib import Path

import datumaro
from PIL import Image

assert datumaro.__version__ == '1.13.12', datumaro.__version__
Image.new('RGB', (100, 80)).save('cvat/images/a.png')
data = datumaro.Dataset.import_from('cvat', 'cvat')
names = [label.name for label in data.categories()[datumaro.AnnotationType.label]]
print('read')
for one in next(iter(data)).annotations:
    place = ' '.join(f'{value:.2f}' for value in one.points)
    print(f'  {names[one.label]:5} {place}  visibility {one.visibility[0].value}  {one.attributes}  group {one.group}  '
          f'object {one.object_id}')
data.export('coco', 'coco_person_keypoints')
coco = json.loads(next(Path('coco/annotations').glob('*.json')).read_text())
print(f'as COCO: {len(coco["annotations"])} persons; visibilities {[one["keypoints"][2::3] for one in coco["annotations"]]}; areas '
      f'{sorted({one["area"] for one in coco["annotations"]})}; names {[one["keypoints"] for one in coco["categories"]]}')
data.export('again', 'cvat')
text = next(Path('again').rglob('*.xml')).read_text()
print(f'as CVAT: {text.count("<skeleton")} skeletons; outside {re.findall(r"<points[^>]* outside=.(.)", text)}')
PYTHON
venv/bin/python look.py 2>log | tee seen || { cat log >&2; exit 1; }
echo "messages about it: $(grep -ciE 'skeleton|outside' log || true)" | tee -a seen
diff seen - <<'SEEN' || { echo "not as stated" >&2; exit 1; }
read
  eye_r 10.12 20.46  visibility 2  {'occluded': False}  group 0  object -1
  eye_l 30.00 20.00  visibility 2  {'occluded': False}  group 0  object -1
  nose  20.50 40.25  visibility 2  {'occluded': True}  group 0  object -1
  eye_r 60.00 20.00  visibility 2  {'occluded': False}  group 0  object -1
  eye_l 80.00 20.00  visibility 2  {'occluded': False}  group 0  object -1
  nose  70.00 40.00  visibility 2  {'occluded': True}  group 0  object -1
as COCO: 6 persons; visibilities [[2], [2], [2], [2], [2], [2]]; areas [0.0]; names [[], [], [], []]
as CVAT: 0 skeletons; outside ['0', '0', '0', '0', '0', '0']
messages about it: 0
SEEN
echo 'as stated: skeletons fall apart, and points outside the image are visible landmarks'
