"""How verdicts and readings look: a row for each, for the page, Markdown and LaTeX."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.statistics.terms import (
    A_BETTER,
    B_BETTER,
    BETTER,
    EQUIVALENT,
    FUTILE,
    INCONCLUSIVE,
    INFERIOR,
    INFERIOR_RELEVANT,
    NON_INFERIOR,
    NOT_ESTIMABLE,
    OPEN,
    SUPERIOR,
    SUPERIOR_RELEVANT,
    UNDECIDED,
    WORSE,
)


@dataclass(frozen=True)
class Verdict:
    """How a verdict looks.

    Attributes:
        symbol: So that no verdict rests on its colour.
        tone: CSS class of its badge.
        clause: What the first method is, compared with the methods {}; empty where the sentence has another form.
    """

    symbol: str
    tone: str
    clause: str = ''


#: In the order in which a sentence names them.
VERDICTS = {
    SUPERIOR_RELEVANT: Verdict('▲▲', 'superior', 'better than {} by more than the margin'),
    SUPERIOR: Verdict('▲', 'superior', 'better than {}'),
    EQUIVALENT: Verdict('≈', 'equivalent', 'equivalent to {} within the margin'),
    NON_INFERIOR: Verdict('≥', 'non-inferior', 'not worse than {} by more than the margin'),
    INFERIOR: Verdict('▼', 'inferior', 'worse than {}'),
    INFERIOR_RELEVANT: Verdict('▼▼', 'inferior', 'worse than {} by more than the margin'),
    INCONCLUSIVE: Verdict('?', 'inconclusive'),
    NOT_ESTIMABLE: Verdict('∅', 'not'),
}
#: What looks decide beside that.
DECIDED = {**VERDICTS, FUTILE: Verdict('×', 'inconclusive'), OPEN: Verdict('…', 'inconclusive')}
#: LaTeX's marks of verdicts by which the first method is the better and the worse one.
BETTER_MARK, WORSE_MARK = r'\dagger', r'\ddagger'


def dagger(verdict: str) -> str:
    """LaTeX's mark of a verdict, raised; empty where neither method is the better one."""
    mark = BETTER_MARK if verdict in BETTER else WORSE_MARK if verdict in WORSE else ''
    return f'$^{mark}$' if mark else ''


@dataclass(frozen=True)
class Reading:
    """How a reading of the sensitivity table looks, as seen from the first method.

    Attributes:
        tone: CSS class of its cell.
        symbol: So that no reading rests on its colour.
        word: What it says.
    """

    tone: str
    symbol: str
    word: str


READINGS = {A_BETTER: Reading('better', '●', 'better'), B_BETTER: Reading('worse', '■', 'worse'),
            UNDECIDED: Reading('open', '○', 'open'), None: Reading('none', '–', '')}
