"""Evolution: from founders to a front of strategies, reproducible, resumable and counted."""
