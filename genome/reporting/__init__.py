"""The report of one backtest: a single HTML file that needs nothing else, and the same in words for a terminal."""

from genome.reporting.page import Told, page, write
from genome.reporting.words import assumptions, document, summary, warnings

__all__ = ["Told", "assumptions", "document", "page", "summary", "warnings", "write"]
