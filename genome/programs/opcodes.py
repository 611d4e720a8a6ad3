"""Operations of a program. Rows of numbers are float64; a row of conditions is two planes of bits, 64 bars to a word.

A bar has a bit in the first plane where the condition is true, and in the second where it is false; where it is unknown
it has neither. Kleene's `and` is then `and` of the first planes and `or` of the second, `or` the other way round, and
`not` exchanges the planes. `rises` is x and not x one bar earlier: a cross is a comparison that rises.
"""

CONST, ADD, SUB, MUL, DIV, MIN, MAX, NEG, ABS = range(9)
GREATER, AT_LEAST, RISES, NOT, AND, OR, TRUTH = range(9, 16)

UNKNOWN, TRUE = 1, 3
"""Constants of TRUTH. What a `rises` remembers of the last bar is one of these too, or 0 for false."""

SERIES = {"+": ADD, "-": SUB, "*": MUL, "/": DIV, "min": MIN, "max": MAX}
COMMUTATIVE = frozenset({ADD, MUL, MIN, MAX, AND, OR})
