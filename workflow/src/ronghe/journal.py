"""The log of one job: everything it prints, and for a user's mistake the message without a traceback."""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections.abc import Iterator

from ronghe.errors import RongheError
from ronghe.files import sealing
from ronghe.messages import said


@contextlib.contextmanager
def journal(path: str) -> Iterator[None]:
    """Send what the job prints, logs and warns of to `path`, and seal what it writes; a RongheError ends it plainly."""
    with open(path, "w", encoding="utf-8") as log:
        logging.basicConfig(stream=log, level=logging.INFO, format="%(message)s", force=True)
        logging.captureWarnings(True)
        try:
            with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log), sealing():
                yield
        except RongheError as error:
            message = said(error)
            log.write(f"{message}\n")
            log.flush()
            sys.stderr.write(f"\n{message}\n\n")
            # The message is the whole story: a traceback would bury it.
            sys.exit(1)
        except Exception:
            log.write(traceback.format_exc())
            raise
        finally:
            logging.captureWarnings(False)
