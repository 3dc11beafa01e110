"""The packages underneath: the tested versions, whether they fit one another, and whether faults of them are known."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
CONSTRAINTS = PROJECT / "constraints.txt"


def audit() -> list[tuple[str, str]]:
    """Return a row per question; what needs an index that cannot be reached says so."""
    return [("versions installed are those tested", _versions()), ("requirements fit one another", _fit()),
            ("known vulnerabilities", _vulnerabilities())]  # fmt: skip


def pinned(text: str) -> dict[str, str]:
    """Return {package: version} of a file of constraints."""
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;#]+)", text, re.MULTILINE))


def _versions() -> str:
    wanted = pinned(CONSTRAINTS.read_text(encoding="utf-8"))
    found = {}
    for name in wanted:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    other = [f"{name} {found[name]}" for name in found if found[name] != wanted[name]]
    return f"{len(found) - len(other)} of {len(found)} packages" + (f" (other: {', '.join(other)})" if other else "")


def _fit() -> str:
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    return "yes" if done.returncode == 0 else f"FAILED: {'; '.join(done.stdout.splitlines()[:3])}"


def _vulnerabilities() -> str:
    """Ask pip-audit, where it is installed, about the tested versions."""
    program = shutil.which("pip-audit", path=f"{Path(sys.executable).parent}") or shutil.which("pip-audit")
    if program is None:
        return "not tried: pip-audit is not installed (pip install pip-audit)"
    command = [program, "--requirement", str(CONSTRAINTS), "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True)
    return verdict(done.returncode, done.stdout + done.stderr, len(pinned(CONSTRAINTS.read_text(encoding="utf-8"))))


def verdict(code: int, text: str, packages: int) -> str:
    """Say what pip-audit found; it ends with 0 for packages that its database does not know, so these are counted."""
    unknown = text.count("could not be audited")
    faults = [" ".join(line.split()[:3]) for line in text.splitlines() if re.search(r"\b(PYSEC|GHSA|CVE)-", line)]
    if faults:
        return f"FAILED: {'; '.join(faults)}"
    if code or unknown >= packages:
        return (
            f"not tried: {(text.strip().splitlines() or ['no answer'])[-1]}" if code else "not tried: no database here"
        )
    return f"none known to pip-audit in {packages - unknown} of {packages} packages"
