"""Vital signs: one health score from 0 to 100, how the machine is measured, and what is done when it is low."""

from organism.vitals.heal import Action, Healing
from organism.vitals.machine import Machine, MachineSampler
from organism.vitals.score import FeedSign, OrganSign, VitalInputs, band, health, unknown

__all__ = [
    "Action", "FeedSign", "Healing", "Machine", "MachineSampler", "OrganSign", "VitalInputs", "band", "health",
    "unknown",
]  # fmt: skip
