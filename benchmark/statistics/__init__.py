"""Results table to analysis.json: numpy and pandas only, so that any benchmark can use it.

results.parquet or any tidy CSV -> read_table -> summarize -> write_json -> analysis.json
"""

from .endpoints import DECODER_FLOOR, auc_scores, ced, failures, image_scores, printed_reading
from .suite import Suite, read_suite
from .summary import SCHEMA, summarize, write_json
from .table import TableError, read_table, validate

__all__ = [
    'DECODER_FLOOR',
    'SCHEMA',
    'Suite',
    'TableError',
    'auc_scores',
    'ced',
    'failures',
    'image_scores',
    'printed_reading',
    'read_suite',
    'read_table',
    'summarize',
    'validate',
    'write_json',
]
