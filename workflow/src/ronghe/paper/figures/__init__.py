"""Drawings of the figures: functions of tidy frames, one module per family."""
