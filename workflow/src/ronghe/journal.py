"""The log of one job: everything it prints, and for a user's mistake the message without a traceback."""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import logging
import sys
import traceback
from collections.abc import Iterator
from typing import TextIO

from ronghe.errors import RongheError, interrupted
from ronghe.files import sealing
from ronghe.late_imports import late, permitted
from ronghe.messages import said
from ronghe.progress import telling

# The end of a process walks through all that it holds in search of garbage, which the system frees anyway: 0.1 s a job.
atexit.register(gc.freeze)
# What the machine refuses, through no fault of a user's files nor of ours.
REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)


@contextlib.contextmanager
def journal(path: str) -> Iterator[None]:
    """Send what the job prints, logs and warns of to `path`, and seal what it writes; a RongheError ends it plainly."""
    try:
        with open(path, "w", encoding="utf-8") as log, _into(log), _lightly():
            yield
    except RongheError as error:
        message = said(error)
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        place, reason = error.filename or path, error.strerror
        message = said(f"{place}: cannot be written ({reason}); make room or mend the permissions, and run again")
    except BaseException as error:
        if not interrupted(error):
            raise
        message = said("interrupted: what this job had begun is not kept; run again to go on")
    else:
        return
    # The message is the whole story: a traceback would bury it.
    sys.stderr.write(f"\n{message}\n\n")
    sys.exit(1)


@contextlib.contextmanager
def _lightly() -> Iterator[None]:
    """Let imports wait, and the collector of garbage pass less often over what a job keeps until its end."""
    before = gc.get_threshold()
    gc.set_threshold(100_000)
    try:
        # scipy asks numpy for every public name, and so for its compiler of Fortran, which no job uses.
        with permitted(), late("numpy.f2py"):
            yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def _into(log: TextIO) -> Iterator[None]:
    """Let whatever is printed, logged or warned of meanwhile stand in the log, with the reason of an early end."""
    logging.basicConfig(stream=log, level=logging.INFO, format="%(message)s", force=True)
    # A log that cannot be written must not bury the message that says so.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    try:
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log), sealing(), telling():
            yield
    except RongheError as error:
        with contextlib.suppress(OSError):
            log.write(f"{said(error)}\n")
            log.flush()
        raise
    except Exception as error:
        if not interrupted(error):
            with contextlib.suppress(OSError):
                log.write(traceback.format_exc())
                log.flush()
        raise
    finally:
        logging.captureWarnings(False)
