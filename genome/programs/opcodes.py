"""Operations of a program. Rows of numbers are float64; rows of conditions are bytes: 0 false, 1 unknown, 3 true.

With these two bits Kleene's `and` and `or` are the bitwise ones, `not` swaps the bits and inverts them, and eight bars
fit in a word. `rises` is x and not x one bar earlier: a cross is a comparison that rises.
"""

CONST, ADD, SUB, MUL, DIV, MIN, MAX, NEG, ABS = range(9)
GREATER, AT_LEAST, RISES, NOT, AND, OR, TRUTH = range(9, 16)

FALSE, UNKNOWN, TRUE = 0, 1, 3

SERIES = {"+": ADD, "-": SUB, "*": MUL, "/": DIV, "min": MIN, "max": MAX}
COMMUTATIVE = frozenset({ADD, MUL, MIN, MAX, AND, OR})
