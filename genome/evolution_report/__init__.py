"""The page of a run of evolution: what was bred, how, and how often somebody looked; nothing in it is fetched."""

from genome.evolution_report.page import page, write
from genome.evolution_report.story import Setting, Story, story_of

__all__ = ["Setting", "Story", "page", "story_of", "write"]
