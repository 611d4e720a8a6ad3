"""Why trading is where it is, in words for people."""

import re

_STATED = re.compile(r"^(Halted|Reducing|Safe mode|Hibernating|Active): ")
_ADVICE = re.compile(r"[.;]?\s*(It ends by itself\.)?\s*(Resume with `|`organism resume).*$")


def cause(reason: str) -> str:
    """Why trading is where it is, without the state's name and the advice: for sentences that say both anyway.

    >>> cause("Halted: drawdown 15.2 % reached the limit of 15 %. Resume with `organism resume --note WHY`.")
    'drawdown 15.2 % reached the limit of 15 %'
    """
    return _ADVICE.sub("", _STATED.sub("", reason.strip())).rstrip(". ")
