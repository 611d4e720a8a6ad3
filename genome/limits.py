"""How large a genome may be. One place, because reading, checking, breeding and storing must agree."""

MOST_DEPTH = 16
"""Levels of one expression: a constant has one; each operator, and each source of an indicator, adds one."""
MOST_NODES = 256
"""Nodes of one condition. Arguments of indicators are not counted."""
MOST_NESTED_SOURCES = 2
"""`sma(rsi(ema(high, 3), 14), 5)` nests two."""
MOST_TEXT = 20_000
"""Characters of one expression."""
MOST_GENOME_TEXT = 4 * MOST_TEXT + 10_000
"""Characters of a whole genome's text: four conditions, and the genes."""
MOST_JSON = 400_000
"""Characters of a whole genome as JSON, which says about ten times as many words as the text."""
MOST_GENES = 128
"""Genes of one genome: more than conditions of this size can name with profit."""
MOST_NAME = 48
"""Characters of the name of a family or a gene."""
MOST_MEMORY = 2 * 2**20
"""Bytes that a genome keeps for one asset from bar to bar: a window of 2,000 bars is 16,000, and each is copied at each bar."""
