"""What the configuration may say about the weights stage; standard library only, because the Snakefile imports it."""

from __future__ import annotations


def check(config: dict) -> None:
    """Check every weights entry against the names that are declared; raise RongheError at the first fault."""
