"""What pip-audit says is told as it is: no database, no answer, a fault, none."""

import pytest
from trust.audit import verdict

UNKNOWN = "a  Dependency not found on PyPI and could not be audited: a (1.0)\n"


@pytest.mark.parametrize(
    ("code", "text", "told"),
    [
        (0, "No known vulnerabilities found", "none known to pip-audit in 2 of 2 packages"),
        (0, UNKNOWN, "none known to pip-audit in 1 of 2 packages"),
        # Ends with 0 although nothing was looked at.
        (0, UNKNOWN * 2, "not tried: no database here"),
        (1, "Name Version ID\nb 1.0 PYSEC-2024-1 1.1", "FAILED: b 1.0 PYSEC-2024-1"),
        (1, "trace\nConnectionError", "not tried: ConnectionError"),
    ],
)
def test_an_audit_that_saw_nothing_does_not_pass(code, text, told):
    assert verdict(code, text, 2) == told
