"""What programs ask: figures as JSON, metrics as Prometheus reads them, a stream, and the document that tells all of it."""
