"""The paper venue: an exchange in miniature with a book of truth of its own."""
