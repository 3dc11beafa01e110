"""What the configuration may say about the explore stage; standard library only, because the Snakefile imports it."""

from __future__ import annotations

from ronghe.explore import description, spatial


def check(config: dict) -> None:
    """Check every exploration entry against the names that are declared; raise RongheError at the first fault."""
    description.check(config)
    spatial.check(config)
