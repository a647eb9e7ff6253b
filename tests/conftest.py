"""What is asked before anything else: is what the tests import of the present sources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMPILER = Path(__file__).parents[1] / "deploy" / "compile_core.py"


def pytest_sessionstart() -> None:
    """Refuse to test compiled modules that are older than their sources."""
    found = subprocess.run([sys.executable, COMPILER, "--check"], capture_output=True, text=True)
    if found.returncode:
        raise pytest.UsageError(found.stderr.strip())
