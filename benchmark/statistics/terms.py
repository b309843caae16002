"""The words that ``analysis.json`` decides with: designs, scopes, families of contrasts, verdicts.

Each stands here once. Nothing is imported, so that who checks or shows them waits for no array.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

#: ``nested``: each method has its own randomness in each seed; ``paired``: seed s fixes the split or the initialisation
#: for all methods; ``cross-validation``: each image is tested once per repetition, by the network of its fold.
Design = Literal['nested', 'paired', 'cross-validation']
NESTED: Final = 'nested'
PAIRED: Final = 'paired'
CROSS_VALIDATION: Final = 'cross-validation'
#: Those that are declared; a cross-validation is seen in the table.
DESIGNS: tuple[Design, ...] = (NESTED, PAIRED)

#: ``procedure``: seeds and images are random; ``networks``: seeds are fixed.
Scope = Literal['procedure', 'networks']
PROCEDURE: Final = 'procedure'
NETWORKS: Final = 'networks'
SCOPES: tuple[Scope, ...] = get_args(Scope)
#: What a scope's verdicts are said of, as sentences begin, and within them.
SAID_OF: dict[Scope, str] = {PROCEDURE: 'As training procedures', NETWORKS: 'For these trained models'}
SAID_WITHIN: dict[Scope, str] = {scope: f'{said[0].lower()}{said[1:]}' for scope, said in SAID_OF.items()}

PLANNED, PAIRS, CONDITION, RATES = 'planned', 'all pairs', 'other condition', 'success rates'
#: The planned pairs of every condition in the unit that conditions are compared in.
ONE_UNIT = 'one unit'

SUPERIOR_RELEVANT, SUPERIOR = 'superior and relevant', 'superior'
INFERIOR_RELEVANT, INFERIOR = 'inferior and relevant', 'inferior'
EQUIVALENT, NON_INFERIOR, INCONCLUSIVE = 'equivalent', 'non-inferior', 'inconclusive'
NOT_ESTIMABLE = 'not estimable'
VERDICTS = (SUPERIOR_RELEVANT, SUPERIOR, INFERIOR_RELEVANT, INFERIOR, EQUIVALENT, NON_INFERIOR, INCONCLUSIVE,
            NOT_ESTIMABLE)
#: Those by which the first method is the better one, and those by which it is the worse one.
BETTER, WORSE = (SUPERIOR, SUPERIOR_RELEVANT), (INFERIOR, INFERIOR_RELEVANT)

#: What a look decides beside verdicts: more seeds are not expected to settle the contrast; nothing is decided yet.
FUTILE, OPEN = 'futile', 'open'
DECISIONS = (SUPERIOR, INFERIOR, EQUIVALENT, NON_INFERIOR, FUTILE, OPEN)

#: Where a difference lies to a margin, or a mean error to that between annotators.
BEYOND, WITHIN, UNCLEAR = 'beyond', 'within', 'unclear'

#: What a row of the sensitivity table reads.
A_BETTER, B_BETTER, UNDECIDED = 'a better', 'b better', 'undecided'
