"""Seeds and images as crossed random factors: numpy, pandas and scipy only, so that any benchmark can use it.

results.parquet or any tidy table -> read_table -> analyze -> write_analysis -> analysis.json

The engine for arrays of one's own (scores of shape (seeds, images)) is :func:`crossed_contrast`, :func:`crossed_mean`,
:func:`fixed_seeds_contrast` and :func:`signed_rank`. A name is imported when it is first asked for: a plan that checks
its options waits for neither pandas nor scipy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis import analyze
    from .crossed import Block, crossed_contrast, crossed_mean, fixed_seeds_contrast, fixed_seeds_mean
    from .endpoints import DECODER_FLOOR, auc_scores, ced, failures, printed_reading
    from .errors import TableError
    from .estimates import Estimate
    from .looking import analyze_suite, has_runs
    from .options import Options, parse_margins, read_options
    from .output import SCHEMA, write_analysis
    from .per_image import image_scores
    from .rank_tests import hodges_lehmann, holm, rank_summary, signed_rank
    from .reading import read_table
    from .suite import Suite, read_suite
    from .table import validate

#: Module -> the names that it gives to the package.
_HOMES = {
    'analysis': ('analyze',),
    'crossed': ('Block', 'crossed_contrast', 'crossed_mean', 'fixed_seeds_contrast', 'fixed_seeds_mean'),
    'endpoints': ('DECODER_FLOOR', 'auc_scores', 'ced', 'failures', 'printed_reading'),
    'errors': ('TableError',),
    'estimates': ('Estimate',),
    'looking': ('analyze_suite', 'has_runs'),
    'options': ('Options', 'parse_margins', 'read_options'),
    'output': ('SCHEMA', 'write_analysis'),
    'per_image': ('image_scores',),
    'rank_tests': ('hodges_lehmann', 'holm', 'rank_summary', 'signed_rank'),
    'suite': ('Suite', 'read_suite'),
    'reading': ('read_table',),
    'table': ('validate',),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    'DECODER_FLOOR',
    'SCHEMA',
    'Block',
    'Estimate',
    'Options',
    'Suite',
    'TableError',
    'analyze',
    'analyze_suite',
    'auc_scores',
    'ced',
    'crossed_contrast',
    'crossed_mean',
    'failures',
    'fixed_seeds_contrast',
    'fixed_seeds_mean',
    'has_runs',
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
    'write_analysis',
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = globals()[name] = getattr(import_module(f'.{_HOME[name]}', __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
