"""The dashboard: a separate process that reads the view and writes operator commands, nothing else."""
