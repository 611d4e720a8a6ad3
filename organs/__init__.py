"""The organs: one folder each, a pure core and thin adapters. They meet in `organism.messages` only."""
