"""Holds raw files against the SHA-256 sums that came with them."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable
from pathlib import Path

from ronghe.errors import RongheError, listing


def verify_checksums(sums: str | Path, files: Iterable[str | Path]) -> None:
    """Refuse a raw file that is not listed in the file of sums, or that no longer has the sum written there."""
    sums = Path(sums)
    listed = read_checksums(sums)
    files = [Path(file) for file in files]
    for file in files:
        name = file.relative_to(sums.parent).as_posix()
        if name not in listed:
            raise RongheError(
                f"{sums}: no sum for {name}; after checking the file add the line that 'sha256sum {name}' prints "
                f"(listed: {listing(listed, 40)})"
            )
        if not file.is_file():
            raise RongheError(f"{file}: no such file, though {sums} lists it; put the file back")
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != listed[name]:
            raise RongheError(
                f"{file}: the file is not the one that {sums} describes; put the original back, or, if the change is "
                f"meant, replace its line by what 'sha256sum {name}' prints and say so in SOURCES.md"
            )
    logging.info("%s: %d files are as they were received", sums, len(files))


def read_checksums(sums: str | Path) -> dict[str, str]:
    """Return {file: sum} from a file in the form that sha256sum writes."""
    if not Path(sums).is_file():
        raise RongheError(f"{sums}: no such file; put it back, or leave 'checksums' out of the dataset's declaration")
    listed: dict[str, str] = {}
    for number, line in enumerate(Path(sums).read_text(encoding="utf-8").splitlines(), start=1):
        found = re.fullmatch(r"([0-9a-f]{64}) [ *](.+)", line)
        if line and not found:
            raise RongheError(f"{sums}: line {number}: not '<sha256>  <file>', as 'sha256sum' writes it")
        if found:
            listed[found[2]] = found[1]
    return listed
