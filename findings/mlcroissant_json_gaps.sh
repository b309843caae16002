#!/usr/bin/env bash
# mlcroissant 1.1.1, a record set of a JSON list of objects of which some lack a key (COCO image records, for one).
#
# Behaviour: each field's jsonPath is read to a column of its own, without the objects that lack the key, and the columns are put
# side by side. Where as many objects lack the one key as the other, values of different objects are paired: no error, no warning,
# neither when the card is validated nor when records are read. Where the numbers differ it stops with 'All arrays must be of the
# same length'. A key that is there and null is kept in its place.
#
# Seen on 2026-11-30, of three images [{id 1, age 30}, {id 2, sex f}, {id 3, age 50, sex m}]:
#   fields age, sex        2 records: (30, f), (50, m): the age of image 1 with the sex of image 2
#   fields id, age         GenerationError
#   with nulls             3 records: (30, None), (None, f), (50, m)
#
# Why it matters: a card that validates gives wrong pairs of a person's properties. Declare only keys that every object has, or
# write nulls.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    mlcroissant==1.1.1 2>"$folder/pip.log" || { cat "$folder/pip.log" >&2; exit 2; }
cd "$folder"
venv/bin/python - <<'PYTHON'
import hashlib
import json
import logging
from pathlib import Path

import mlcroissant as mlc

logging.disable(logging.INFO)
TERMS = ("arrayShape citeAs column containedIn equivalentProperty extract field fileObject fileProperty fileSet format includes "
         "isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate "
         "separator source subField transform").split()
CONTEXT = {"@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/", "cr": "http://mlcommons.org/croissant/",
           "rai": "http://mlcommons.org/croissant/RAI/", "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo",
           "data": {"@id": "cr:data", "@type": "@json"}, "examples": {"@id": "cr:examples", "@type": "@json"},
           "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "name": {"@container": "@language"},
           "description": {"@container": "@language"}, **{term: f"cr:{term}" for term in TERMS}}
TYPES = {"id": "sc:Integer", "age": "sc:Integer", "sex": "sc:Text"}
GAPS = [{"id": 1, "age": 30}, {"id": 2, "sex": "f"}, {"id": 3, "age": 50, "sex": "m"}]
NULLS = [{"id": 1, "age": 30, "sex": None}, {"id": 2, "age": None, "sex": "f"}, {"id": 3, "age": 50, "sex": "m"}]


def records(name, images, *fields):
    """What is read of a card that its own validator takes without an error or a warning."""
    Path(f"{name}.json").write_text(json.dumps({"images": images}))
    Path(f"{name}_card.json").write_text(json.dumps({
        "@context": CONTEXT, "@type": "sc:Dataset", "name": "faces", "conformsTo": "http://mlcommons.org/croissant/1.1",
        "description": "Three images.", "license": "MIT", "citeAs": "Nobody 2026", "version": "1.0.0", "datePublished": "2026-11-30",
        "url": "https://example.org",
        "distribution": [{"@type": "cr:FileObject", "@id": "file", "name": "file", "contentUrl": f"{name}.json",
                          "encodingFormat": "application/json",
                          "sha256": hashlib.sha256(Path(f"{name}.json").read_bytes()).hexdigest()}],
        "recordSet": [{"@type": "cr:RecordSet", "@id": "images", "name": "images", "field": [
            {"@type": "cr:Field", "@id": f"images/{field}", "name": field, "dataType": TYPES[field],
             "source": {"fileObject": {"@id": "file"}, "extract": {"jsonPath": f"$.images[*].{field}"}}} for field in fields]}]}))
    dataset = mlc.Dataset(f"{name}_card.json")
    issues = dataset.metadata.ctx.issues
    assert not issues.errors and not issues.warnings, (issues.errors, issues.warnings)
    try:
        return [tuple(one.values()) for one in dataset.records("images")]
    except Exception as error:
        return type(error).__name__


found = {"age, sex": records("gaps", GAPS, "age", "sex"), "id, age": records("uneven", GAPS, "id", "age"),
         "age, sex with nulls": records("nulls", NULLS, "age", "sex")}
for fields, what in found.items():
    print(f"{fields:20} {what}")
assert found["age, sex"] == [(30, b"f"), (50, b"m")], "gaps are kept in their places now"
assert found["id, age"] == "GenerationError", "columns of unequal length are read now"
assert [one[0] for one in found["age, sex with nulls"]] == [30, None, 50]
print("as stated: values of two images in one record, without a word")
PYTHON
