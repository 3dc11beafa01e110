"""Files written whole or not at all, and text and JSON read with the fault named."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from ronghe.errors import RongheError

SEALS = ".written"
_sealing: ContextVar[bool] = ContextVar("sealing", default=False)


@contextlib.contextmanager
def sealing() -> Iterator[None]:
    """Leave beside every file written meanwhile its hash, against which it is held when it is read again."""
    token = _sealing.set(True)
    try:
        yield
    finally:
        _sealing.reset(token)


def seal_of(path: str | Path) -> Path:
    """Return where the hash of a file stands that a job wrote."""
    path = Path(path)
    return path.parent / SEALS / f"{path.name}.sha256"


def require_whole(path: str | Path) -> None:
    """Refuse a file that is no longer the one that its job wrote; what no job wrote is taken as it is."""
    try:
        written = seal_of(path).read_text("ascii").strip()
        found = sha256(path)
    except (OSError, ValueError):
        return
    if found != written:
        raise RongheError(
            f"{path}: not the file that its job wrote (cut short, edited or copied from elsewhere); make it again: "
            f"snakemake --forcerun {path}"
        )


@contextlib.contextmanager
def replacing(path: str | Path, seal: bool = True) -> Iterator[Path]:
    """Give a temporary name beside `path` that takes its place at the end: nobody ever sees half a file.

    A file without `seal` is not read whole for its hash: for tables larger than the memory.
    """
    path = Path(path)
    part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        # The hash goes first: where it finds no room there is no file either, and the job is not taken for finished.
        if seal and _sealing.get():
            _seal(path, part)
        else:
            seal_of(path).unlink(missing_ok=True)
        os.replace(part, path)
    except OSError as error:
        raise RongheError(
            f"{path}: cannot be written ({error.strerror or error}); make room or mend the permissions, and run again"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def require_room(folder: str | Path, least: int = 65536) -> None:
    """Refuse a disk on which not even the lock of a run finds room."""
    free = shutil.disk_usage(folder).free
    if free < least:
        raise RongheError(
            f"{Path(folder).resolve()}: {free} bytes are free, not enough to begin; make room, and run again"
        )


def _seal(path: Path, content: Path) -> None:
    seal = seal_of(path)
    seal.parent.mkdir(exist_ok=True)
    part = seal.with_name(f".{seal.name}.{os.getpid()}")
    part.write_text(f"{sha256(content)}\n", encoding="ascii")
    os.replace(part, seal)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write bytes, whole or not at all."""
    with replacing(path) as part:
        part.write_bytes(content)


def read_text(path: str | Path) -> str:
    """Return UTF-8 text; another encoding, or a file that cannot be read or was damaged, is refused by name."""
    require_whole(path)
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RongheError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    except OSError as error:
        raise RongheError(f"{path}: cannot be read ({error.strerror}); put a readable file there") from None


def read_json(path: str | Path) -> dict:
    """Return the mapping that a JSON file of ours holds; a damaged one is refused with the remedy."""
    try:
        found = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise RongheError(f"{path}: line {error.lineno}: not valid JSON; delete the file and run again") from None
    if not isinstance(found, dict):
        raise RongheError(f"{path}: expected keys and values; delete the file and run again")
    return found


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
