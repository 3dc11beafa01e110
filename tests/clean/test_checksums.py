"""Checksums: unchanged files pass; a changed, missing or unlisted one is named."""

from __future__ import annotations

import hashlib

import pytest
from ronghe.clean.checksums import read_checksums, verify_checksums
from ronghe.errors import RongheError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "io").mkdir()
    content = b"x\n1\n"
    (tmp_path / "io/a.csv").write_bytes(content)
    (tmp_path / "SHA256SUMS").write_text(f"{hashlib.sha256(content).hexdigest()}  io/a.csv\n")
    return tmp_path


def test_unchanged(folder):
    verify_checksums(folder / "SHA256SUMS", [folder / "io/a.csv"])
    assert list(read_checksums(folder / "SHA256SUMS")) == ["io/a.csv"]


def test_no_file_of_sums(folder):
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(RongheError, match="SHA256SUMS: no such file; put it back, or leave 'checksums' out"):
        verify_checksums(folder / "SHA256SUMS", [folder / "io/a.csv"])


def test_changed_missing_unlisted_and_garbled(folder):
    sums, file = folder / "SHA256SUMS", folder / "io/a.csv"
    (folder / "b.csv").write_text("x")
    with pytest.raises(RongheError, match="SHA256SUMS: no sum for b.csv"):
        verify_checksums(sums, [folder / "b.csv"])
    file.write_bytes(b"x\n2\n")
    with pytest.raises(RongheError, match="io/a.csv: the file is not the one that .*sha256sum io/a.csv"):
        verify_checksums(sums, [file])
    file.unlink()
    with pytest.raises(RongheError, match="io/a.csv: no such file"):
        verify_checksums(sums, [file])
    sums.write_text("abc io/a.csv\n")
    with pytest.raises(RongheError, match="SHA256SUMS: line 1: not '<sha256>  <file>'"):
        verify_checksums(sums, [file])


def test_shipped_sums_cover_every_raw_table(project):
    for sums in sorted((project / "data/raw").rglob("SHA256SUMS")):
        there = {p.relative_to(sums.parent).as_posix() for p in sums.parent.rglob("*.csv")}
        if sums.parent.name == "raw":
            there = {name for name in there if "/" not in name}
        assert set(read_checksums(sums)) == there
        assert (sums.parent / "SOURCES.md").is_file()
        verify_checksums(sums, [sums.parent / name for name in there])
