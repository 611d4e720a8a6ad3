"""The composition root: which organs a body has, and how it is put together, alive or in lockstep."""
