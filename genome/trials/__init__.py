"""Trials: every evaluation ever made is counted, every run is kept, and every genome on a front knows its ancestors."""
