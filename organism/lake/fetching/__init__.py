"""History from any exchange, through unmodified ccxt: within its limits, past its faults, and saying where each row is from."""
