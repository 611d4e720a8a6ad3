"""One life in lockstep, and everything that may happen to it: the parts of `organism.chaos.simulation`."""
