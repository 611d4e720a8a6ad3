"""Parameters, checked before memory is sized by them."""

import math

from genome.vocabulary import WORDS, Word
from organism.errors import BadInput


def checked(name: str, params: tuple[float, ...]) -> Word:
    """The word, if the parameters fit it in number, kind and bounds."""
    if name not in WORDS:
        raise BadInput(f"there is no indicator {name!r}; it is one of: {', '.join(WORDS)}.")
    word = WORDS[name]
    if len(params) != len(word.parameters):
        takes = ", ".join(q.name for q in word.parameters) or "none"
        raise BadInput(
            f"{name} was given {len(params)} parameters; it takes {len(word.parameters)}: {takes}."
        )
    for parameter, value in zip(word.parameters, params, strict=True):
        if not (math.isfinite(value) and parameter.low <= value <= parameter.high):
            raise BadInput(
                f"{name}: {parameter.name} was {value:g}; it lies from {parameter.low:g} to {parameter.high:g}."
            )
        if parameter.integer and value != int(value):
            raise BadInput(f"{name}: {parameter.name} was {value:g}; it is a whole number.")
    return word
