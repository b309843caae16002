#!/usr/bin/env bash
# SimpleITK 2.5.7 (ITK, and with it 3D Slicer) on TIFF files that ImageJ scaled.
#
# Behaviour: ITK takes the resolution of a TIFF for millimetres a pixel where its unit is inches or centimetres. ImageJ and Fiji write
# a scale in millimetres or micrometres as a resolution *without* a unit, whose word stands in ImageDescription. Of those ITK takes
# 1, without a message. So of two photographs scaled in ImageJ, one in inches and one in millimetres, positions marked in ITK's
# world coordinates are millimetres of the first and pixels of the second. A resolution of 72 dpi, which many programs write by
# default and ImageJ takes for none, is 0.353 mm to ITK.
#
# Seen on 2026-11-30 (files written by tifffile 2026.3.3 in ImageJ's form, and by Pillow):
#   4 pixels per mm, ImageJ     spacing 1.0       (0.25 mm in ImageJ)
#   300 pixels per inch, ImageJ spacing 0.084667
#   72 dpi                      spacing 0.352778  (none in ImageJ)
#   40 pixels per cm            spacing 0.25
#
# Why it matters: landmarks measured in ImageJ and in ITK's world coordinates on one and the same file differ by the scale:
# millimetres of the one are pixels of the other. Look at the spacing before pooling.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    SimpleITK==2.5.7 tifffile==2026.3.3 pillow==12.2.0 2>"$folder/pip.log" || { cat "$folder/pip.log" >&2; exit 2; }
cd "$folder"
venv/bin/python - <<'PYTHON'
import numpy as np
import SimpleITK
import tifffile
from PIL import Image

grey = np.arange(1200, dtype=np.uint8).reshape(30, 40)
tifffile.imwrite("mm.tif", grey, imagej=True, resolution=(4.0, 4.0), metadata={"unit": "mm"})
tifffile.imwrite("inch.tif", grey, imagej=True, resolution=(300.0, 300.0), resolutionunit=2, metadata={"unit": "inch"})
Image.fromarray(grey).save("dpi72.tif", dpi=(72, 72))
Image.fromarray(grey).save("cm.tif", resolution_unit="cm", x_resolution=40.0, y_resolution=40.0)
found = {}
for name in ("mm", "inch", "dpi72", "cm"):
    with tifffile.TiffFile(f"{name}.tif") as file:
        tags = file.pages[0].tags
        unit = int(tags["ResolutionUnit"].value) if "ResolutionUnit" in tags else None
        imagej = (file.imagej_metadata or {}).get("unit")
    found[name] = SimpleITK.ReadImage(f"{name}.tif").GetSpacing()[0]
    print(f"{name:6} ResolutionUnit {unit}, ImageJ's unit {imagej}: spacing {found[name]:.6f}")
expected = {"mm": 1.0, "inch": 25.4 / 300, "dpi72": 25.4 / 72, "cm": 0.25}
for name, spacing in expected.items():
    assert abs(found[name] - spacing) < 1e-6, f"{name}: the spacing is {found[name]} now"
print("as stated: a scale in millimetres is dropped, one in inches is taken")
PYTHON
