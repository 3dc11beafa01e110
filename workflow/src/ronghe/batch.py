"""Several results made by one job: each is tried, and at the end every fault is told of by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from ronghe.errors import RongheError, SeveralErrors


def make_each(names: Iterable[str], make: Callable[[str], object]) -> None:
    """Make one result after the other, a line in the log before each; a fault in one does not keep back the others."""
    faults: list[RongheError] = []
    broken: list[Exception] = []
    for name in names:
        logging.info("%s", name)
        try:
            make(name)
        except RongheError as error:
            faults.append(error)
        except Exception as error:
            logging.exception("while making '%s'", name)
            error.add_note(f"while making '{name}'")
            broken.append(error)
    # A fault of ours, or of the machine, goes before those that a user can mend; the log has them all.
    if broken:
        for other in (*broken[1:], *faults):
            broken[0].add_note(f"and {other!r}" if other in broken else str(other))
        raise broken[0]
    if faults:
        raise faults[0] if len(faults) == 1 else SeveralErrors(faults)
