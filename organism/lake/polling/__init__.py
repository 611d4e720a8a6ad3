"""Values of context that are asked for while the body lives: when, from whom, and how it went."""
