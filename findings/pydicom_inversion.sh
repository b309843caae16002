#!/usr/bin/env bash
# pydicom 3.0.2 and SimpleITK 2.5.7, a MONOCHROME1 radiograph (0 is white) with PresentationLUTShape INVERSE.
#
# Behaviour: pydicom's pixel_array does not invert; its apply_presentation_lut does, about the image's own largest value.
# SimpleITK inverts on reading, about the largest value that BitsStored allows (4095 at 12 bits). So one brighter pixel
# (a marker, a burnt-in letter) shifts every other value of pydicom's result, and the two libraries differ by a constant that is
# another one in every image.
#
# Seen on 2026-11-29, two images that differ in the last pixel alone:
#   stored             [100 200 300 1000]        [100 200 300 3000]
#   pydicom            [900 800 700   0]         [2900 2800 2700    0]
#   SimpleITK          [3995 3895 3795 3095]     [3995 3895 3795 1095]
#
# Why it matters: a model trained on images read with one library and run on those of the other sees another grey level, and with
# pydicom the level of the same tissue depends on the brightest spot. Fixed windows and means of a training set no longer fit;
# the landmarks' errors rise without a message. State the inversion with the data, and invert about the bits stored.
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
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_presentation_lut
from pydicom.uid import ExplicitVRLittleEndian, generate_uid


def read(values):
    """Stored, pydicom's and SimpleITK's values of a digital X-ray image for presentation with these four pixels."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.Rows, ds.Columns, ds.SamplesPerPixel = 2, 2, 1
    ds.PhotometricInterpretation, ds.PresentationLUTShape = "MONOCHROME1", "INVERSE"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = np.array(values, np.uint16).tobytes()
    ds.save_as("a.dcm", enforce_file_format=True)
    ds = dcmread("a.dcm")
    return (ds.pixel_array.ravel().tolist(), apply_presentation_lut(ds.pixel_array, ds).ravel().tolist(),
            sitk.GetArrayFromImage(sitk.ReadImage("a.dcm")).ravel().tolist())


expected = {1000: ([900, 800, 700, 0], [3995, 3895, 3795, 3095]), 3000: ([2900, 2800, 2700, 0], [3995, 3895, 3795, 1095])}
for brightest, (by_pydicom, by_simpleitk) in expected.items():
    stored, pydicom_values, simpleitk_values = read([100, 200, 300, brightest])
    print("stored", stored, "pydicom", pydicom_values, "SimpleITK", simpleitk_values)
    assert stored == [100, 200, 300, brightest], "pixel_array is no longer the stored values"
    assert pydicom_values == by_pydicom, "pydicom no longer inverts about the image's own maximum"
    assert simpleitk_values == by_simpleitk, "SimpleITK no longer inverts about the bits stored"
print("as stated: one brighter pixel moves all of pydicom's values, none of SimpleITK's")
PYTHON
