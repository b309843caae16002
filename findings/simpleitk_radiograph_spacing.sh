#!/usr/bin/env bash
# SimpleITK 2.5.7 (with its default reader for DICOM, GDCM), spacing of a radiograph.
#
# Behaviour: which attribute becomes the spacing is decided by the SOP class alone. Projection radiographs (CR, DX, intra-oral,
# mammography, RF, XA) take ImagerPixelSpacing (0018,1164), the distance on the detector, and never PixelSpacing (0028,0030):
# also where PixelSpacingCalibrationType says that PixelSpacing was calibrated, and where PixelSpacing is the only one, when
# the spacing is 1. Secondary captures (what most cephalogram exports are), CT and MR do the reverse.
#
# Seen on 2026-11-29 (mm; ImagerPixelSpacing .2, PixelSpacing .1):
#                     imager alone  pixel alone  both, FIDUCIAL  both
#   CR                0.2           1.0          0.2             0.2
#   DX                0.2           1.0          0.2             0.2
#   IO                0.2           1.0          0.2             0.2
#   SecondaryCapture  1.0           0.1          0.1             0.1
#   CT                1.0           0.1          0.1             0.1
#
# Why it matters: radial errors in millimetres, and the 2 mm success rate with them, are off by the magnification (about 10 % in
# cephalometry; here a factor 2) or are pixels called millimetres, and the same photograph scores differently by the class that
# it was exported under. Read the attributes themselves, and say which one was used.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    SimpleITK==2.5.7 pydicom==3.0.2 numpy==2.4.6 2>"$folder/pip.log" || { cat "$folder/pip.log" >&2; exit 2; }
cd "$folder"
venv/bin/python - <<'PYTHON'
import numpy as np
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CLASSES = {"CR": "1.2.840.10008.5.1.4.1.1.1", "DX": "1.2.840.10008.5.1.4.1.1.1.1", "IO": "1.2.840.10008.5.1.4.1.1.1.3",
           "SecondaryCapture": "1.2.840.10008.5.1.4.1.1.7", "CT": "1.2.840.10008.5.1.4.1.1.2"}
IMAGER, PIXEL = {"ImagerPixelSpacing": [0.2, 0.2]}, {"PixelSpacing": [0.1, 0.1]}
CASES = {"imager alone": IMAGER, "pixel alone": PIXEL,
         "both, FIDUCIAL": {**IMAGER, **PIXEL, "PixelSpacingCalibrationType": "FIDUCIAL"}, "both": {**IMAGER, **PIXEL}}


def spacing(sop_class, attributes):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = 2, 3, 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    ds.PixelData = np.arange(6, dtype=np.uint16).tobytes()
    ds.save_as("a.dcm", enforce_file_format=True)
    x, y = sitk.ReadImage("a.dcm").GetSpacing()[:2]
    assert x == y
    return x


print(" " * 17, *(f"{c:15}" for c in CASES))
for name, sop_class in CLASSES.items():
    seen = [spacing(sop_class, attributes) for attributes in CASES.values()]
    print(f"{name:17}", *(f"{s:<15}" for s in seen))
    expected = [0.2, 1.0, 0.2, 0.2] if name in ("CR", "DX", "IO") else [1.0, 0.1, 0.1, 0.1]
    assert seen == expected, f"{name}: {expected} expected"
print("as stated: the class decides, the calibration does not")
PYTHON
