"""What the configuration may say about the explore stage; standard library only, because the Snakefile imports it."""

from __future__ import annotations

from collections.abc import Iterable

from ronghe.explore import description, spatial


def check(config: dict) -> None:
    """Check every exploration entry against the names that are declared; raise RongheError at the first fault."""
    description.check(config)
    spatial.check(config)


def check_panel_variables(config: dict, known: Iterable[str]) -> None:
    """Check that every plain name that an entry uses is a variable of the clean panel."""
    known = list(known)
    description.check_panel_variables(config, known)
    spatial.check_panel_variables(config, known)
