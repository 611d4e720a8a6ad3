"""The pages of the dashboard: one module each, with its skeleton, its sentence and its pieces."""
