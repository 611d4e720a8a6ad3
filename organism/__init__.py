"""An autonomous actor-model organism that trades: the ground every organ stands on."""

__version__ = "0.1.0"
