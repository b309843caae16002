"""Several data sets: each contrast in each of them, one combined contrast, and one ranking."""

from pathlib import Path

#: What is written beside the folders of data sets, its schema, and the schema's number.
FILE, SCHEMA, VERSION = 'datasets.json', Path(__file__).with_name('schema.json'), 2
