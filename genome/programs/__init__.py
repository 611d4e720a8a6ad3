"""Programs: genomes compiled, and run over blocks of bars or one bar at a time."""
