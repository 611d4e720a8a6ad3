"""The market that ships with the organism: recorded five-minute candles of three instruments."""
