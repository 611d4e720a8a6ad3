"""Voice: alerts. Decides what is worth a person's attention; a separate process delivers it."""
