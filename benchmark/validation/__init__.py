"""The simulation study behind docs/validation.md: how often tests and intervals are wrong where the truth is known.

plan -> workers (each study of each cell of the model, counted in a tally) -> rows -> tables

Imports numpy, scipy and benchmark.statistics only.
"""
