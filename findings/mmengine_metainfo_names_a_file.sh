#!/usr/bin/env bash
# mmengine 0.10.7, BaseDataset: any text in `metainfo` is taken for the name of a file.
#
# Behaviour: each value of `metainfo` that is a str is handed to list_from_file, whatever its key. Where the working directory
# holds a file of that name the value becomes the list of its lines, without a word; where it holds a folder of that name building
# the data set ends in IsADirectoryError. Only a missing file leaves the text as it was.
#
# Seen on 2026-11-30 with metainfo=dict(dataset_name='faces', author='Jo'):
#   nothing of that name     dataset_name 'faces', author 'Jo'
#   a file named faces       dataset_name ['line one', 'line two'], author 'Jo'
#   a folder named faces     IsADirectoryError
#
# Why it matters: a data set's name is often the name of its folder, and trainings are started beside the data. MMPose reads the
# evaluation's and the visualiser's data set name out of this field.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    torch==2.13.0 numpy==2.2.6 setuptools==80.9.0 mmengine-lite==0.10.7 packaging==25.0 opencv-python-headless==4.12.0.88 2>"$folder/pip.log" ||
    { cat "$folder/pip.log" >&2; exit 2; }
mkdir "$folder/work"
cd "$folder/work"
cat >look.py <<'PYTHON'
import logging
import sys

import mmengine
from mmengine.dataset import BaseDataset

logging.disable(logging.CRITICAL)
assert mmengine.__version__ == '0.10.7', mmengine.__version__


class Faces(BaseDataset):
    def load_data_list(self):
        return [dict(number=1)]


try:
    found = Faces(metainfo=dict(dataset_name='faces', author='Jo')).metainfo
    print(f'{sys.argv[1]:24} dataset_name {found["dataset_name"]!r}, author {found["author"]!r}')
except OSError as error:
    print(f'{sys.argv[1]:24} {type(error).__name__}')
PYTHON
look() { ../venv/bin/python look.py "$1" 2>../stderr || { cat ../stderr >&2; exit 1; }; }
{
  look 'nothing of that name'
  printf 'line one\nline two\n' >faces
  look 'a file named faces'
  rm faces
  mkdir faces
  look 'a folder named faces'
} | tee ../seen
diff ../seen - <<'SEEN' || { echo "not as stated" >&2; exit 1; }
nothing of that name     dataset_name 'faces', author 'Jo'
a file named faces       dataset_name ['line one', 'line two'], author 'Jo'
a folder named faces     IsADirectoryError
SEEN
echo "as stated: a text in metainfo is the name of a file where there is one"
