"""Seeds and images as crossed random factors: numpy, pandas and scipy only, so that any benchmark can use it.

results.parquet or any tidy table -> read_table -> analyze -> write_json -> analysis.json

The engine for arrays of one's own (scores of shape (seeds, images)) is :func:`crossed_contrast`, :func:`crossed_mean`,
:func:`fixed_seeds_contrast` and :func:`signed_rank`.
"""

from .analysis import SCHEMA, analyze
from .crossed import Block, Estimate, crossed_contrast, crossed_mean, fixed_seeds_contrast, fixed_seeds_mean
from .endpoints import DECODER_FLOOR, auc_scores, ced, failures, image_scores, printed_reading
from .options import Options, parse_margins, read_options
from .output import write_json
from .rank_tests import hodges_lehmann, holm, rank_summary, signed_rank
from .suite import Suite, read_suite
from .table import TableError, read_table, validate

__all__ = [
    'DECODER_FLOOR',
    'SCHEMA',
    'Block',
    'Estimate',
    'Options',
    'Suite',
    'TableError',
    'analyze',
    'auc_scores',
    'ced',
    'crossed_contrast',
    'crossed_mean',
    'failures',
    'fixed_seeds_contrast',
    'fixed_seeds_mean',
    'hodges_lehmann',
    'holm',
    'image_scores',
    'parse_margins',
    'printed_reading',
    'rank_summary',
    'read_options',
    'read_suite',
    'read_table',
    'signed_rank',
    'validate',
    'write_json',
]
