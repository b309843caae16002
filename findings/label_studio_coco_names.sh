#!/usr/bin/env bash
# label-studio-sdk 2.1.2 (the converter behind Label Studio's exports), COCO of key points.
#
# Behaviour: where the labels of a <KeyPointLabels> carry `model_index` in another order than they are listed in,
# `categories[].keypoints` has the names in the order of the list and `annotations[].keypoints` has the coordinates in the
# order of `model_index`. Nothing in the file or the log says so. Coordinates are cut to whole pixels (30.5 -> 30), and every
# point has visibility 2.
#
# Seen on 2026-11-29:
#   names        ['menton', 'nasion', 'sella']
#   coordinates  [60, 10, 2, 30, 30, 2, 20, 90, 2]        (of nasion, sella, menton; marked at 60.5 10.5, 30.5 30.5, 20.5 90.5)
#
# Why it matters: whoever reads the export by the names of its own category gets every landmark under another one's name. The
# number of points, their plausibility and a training loss give no hint, and a per-landmark table is wrong without a trace.
# The JSON export (percent, one name per point) is sound: read that one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    label-studio-sdk==2.1.2 2>"$folder/pip.log" || { cat "$folder/pip.log" >&2; exit 2; }
cd "$folder"
venv/bin/python - <<'PYTHON'
import json
from label_studio_sdk.converter import Converter

CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image"><Label value="head"/></RectangleLabels>
<KeyPointLabels name="points" toName="image"><Label value="menton" model_index="2"/><Label value="nasion" model_index="0"/>
<Label value="sella" model_index="1"/></KeyPointLabels></View>"""
WIDTH, HEIGHT = 200, 100
MARKED = {"menton": (20.5, 90.5), "nasion": (60.5, 10.5), "sella": (30.5, 30.5)}
shared = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0, "to_name": "image"}
result = [{**shared, "id": "box", "from_name": "box", "type": "rectanglelabels",
           "value": {"x": 5, "y": 5, "width": 90, "height": 90, "rotation": 0, "rectanglelabels": ["head"]}}]
for name, (x, y) in MARKED.items():
    result.append({**shared, "id": name, "parentID": "box", "from_name": "points", "type": "keypointlabels",
                   "value": {"x": 100 * x / WIDTH, "y": 100 * y / HEIGHT, "width": 0.5, "keypointlabels": [name]}})
with open("tasks.json", "w") as f:
    json.dump([{"id": 1, "data": {"image": "/data/upload/1/a.png"},
                "annotations": [{"id": 1, "completed_by": 1, "was_cancelled": False, "result": result}]}], f)
converter = Converter(CONFIG, ".", download_resources=False)
converter.convert_to_coco("tasks.json", "out", output_image_dir="out/images", is_dir=False)
coco = json.load(open("out/result.json"))
names = next(c["keypoints"] for c in coco["categories"] if c.get("keypoints"))
points = next(a["keypoints"] for a in coco["annotations"] if a.get("keypoints"))
print("names       ", names)
print("coordinates ", points)
for k, name in enumerate(names):
    print(f"  {name}: marked at {MARKED[name]}, read back at {tuple(points[3 * k:3 * k + 2])}")
assert names == ["menton", "nasion", "sella"], "the names are no longer in the order of the list"
assert points == [60, 10, 2, 30, 30, 2, 20, 90, 2], "the coordinates are no longer cut and in the order of model_index"
print("as stated: names and coordinates part")
PYTHON
