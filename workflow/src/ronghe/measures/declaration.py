"""What the configuration may say about the measures stage; standard library only, because the Snakefile imports it."""

from __future__ import annotations


def check(config: dict) -> None:
    """Check every measure entry against the names that are declared; raise RongheError at the first fault."""
