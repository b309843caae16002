#!/usr/bin/env bash
# sleap-io 0.9.5 (SLEAP's and its neighbours' files), COCO written from photographs in folders.
#
# Behaviour: save_coco writes the *base name* of each photograph as file_name. Two folders (one per person) with equal names give
# two images of one file_name, and sleap-io's own load_coco then puts both persons' landmarks on one of the two photographs,
# without a message. Two points on one level give a box of zero height and area 0.
#
# Seen on 2026-11-29:
#   written    file_name ['001.png', '001.png'], boxes [10.5, 20.25, 19.5, 0.0] and [20.0, 10.0, 30.0, 30.0], area 0.0 and 900.0
#   read back  anna's and bert's landmarks both on bert/001.png (the script takes either photograph, if both are on one)
#
# Why it matters: one person's landmarks lie on the other's photograph, and a split by file name puts both on one side. One folder
# per subject with running numbers is how medical photographs usually lie. Area 0 makes OKS of that instance meaningless. Give the
# photographs distinct names before exporting, or write the paths in yourself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    sleap-io==0.9.5 2>"$folder/pip.log" || { cat "$folder/pip.log" >&2; exit 2; }
cd "$folder"
venv/bin/python - <<'PYTHON'
import json
from pathlib import Path

import numpy as np
import sleap_io
from PIL import Image

POINTS = {"anna": [[10.5, 20.25], [30, 20.25], [np.nan, np.nan]], "bert": [[50, 40], [40, 30], [20, 10]]}
skeleton = sleap_io.Skeleton(["nasion", "menton", "sella"], name="head")
videos, frames = [], []
for person, points in POINTS.items():
    photograph = Path("photographs", person, "001.png")
    photograph.parent.mkdir(parents=True)
    Image.new("RGB", (64, 48)).save(photograph)
    videos.append(sleap_io.Video.from_filename([str(photograph)]))
    instance = sleap_io.Instance.from_numpy(np.array(points, float), skeleton=skeleton)
    frames.append(sleap_io.LabeledFrame(video=videos[-1], frame_idx=0, instances=[instance]))
sleap_io.save_coco(sleap_io.Labels(frames, videos=videos, skeletons=[skeleton]), "coco.json")
coco = json.load(open("coco.json"))
names, boxes = [i["file_name"] for i in coco["images"]], [a["bbox"] for a in coco["annotations"]]
areas = [a["area"] for a in coco["annotations"]]
print("file_name", names, "boxes", boxes, "areas", areas)
read = {}
for frame in sleap_io.load_coco("coco.json", dataset_root="photographs"):
    person = "anna" if np.array_equal(frame.numpy()[0], POINTS["anna"], equal_nan=True) else "bert"
    read[person] = Path(frame.video.filename[frame.frame_idx]).parent.name
    print(f"{person}'s landmarks are read back on {read[person]}/001.png")
assert names == ["001.png", "001.png"], "file_name is no longer the base name"
assert boxes[0][3] == 0 and areas[0] == 0, "the box of two level points has a height now"
assert set(read) == {"anna", "bert"} and len(set(read.values())) == 1, "both persons are read back on their own photographs"
print("as stated: two persons share one photograph")
PYTHON
