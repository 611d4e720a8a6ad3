"""`organism top`: the vitals in a terminal, drawn with Rich from what the view holds."""
