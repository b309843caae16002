#!/usr/bin/env bash
# mmengine 0.10.7, DictAction: every blank in a value of --cfg-options is deleted.
#
# Behaviour: DictAction, which reads `--cfg-options key=value` in the tools of MMEngine, MMPose, MMDetection and so on, removes all
# spaces of a value, within it too and within quotation marks of its own. Nothing is said.
#
# Seen on 2026-11-30:
#   data_root=/data/my faces          {'data_root': '/data/myfaces'}
#   note="right eye"                  {'note': 'righteye'}
#   classes=[left eye,right eye]      {'classes': ['lefteye', 'righteye']}
#
# Why it matters: a folder with a blank in its name, as they are on Windows and on shared drives, cannot be named on the command line;
# the message is that another folder does not exist, and where it does exist that one is read. Landmarks and classes get other names.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    torch==2.13.0 numpy==2.2.6 setuptools==80.9.0 mmengine-lite==0.10.7 packaging==25.0 opencv-python-headless==4.12.0.88 2>"$folder/pip.log" ||
    { cat "$folder/pip.log" >&2; exit 2; }
cd "$folder"
cat >look.py <<'PYTHON'
import argparse

import mmengine
from mmengine.config import DictAction

assert mmengine.__version__ == '0.10.7', mmengine.__version__
parser = argparse.ArgumentParser()
parser.add_argument('--cfg-options', nargs='+', action=DictAction)
for word in ('data_root=/data/my faces', 'note="right eye"', 'classes=[left eye,right eye]'):
    print(f'{word:32} {parser.parse_args(["--cfg-options", word]).cfg_options}')
PYTHON
venv/bin/python look.py 2>stderr | tee seen || { cat stderr >&2; exit 1; }
diff seen - <<'SEEN' || { echo "not as stated" >&2; exit 1; }
data_root=/data/my faces         {'data_root': '/data/myfaces'}
note="right eye"                 {'note': 'righteye'}
classes=[left eye,right eye]     {'classes': ['lefteye', 'righteye']}
SEEN
echo "as stated: blanks in the values of --cfg-options are deleted"
