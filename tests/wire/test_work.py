"""Runs `counted.py` in a process of its own, with the sources: of compiled modules nothing can be counted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES_FIRST = """
import sys
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
loaders = (SourceFileLoader, SOURCE_SUFFIXES), (ExtensionFileLoader, EXTENSION_SUFFIXES)
sys.path_hooks.insert(0, FileFinder.path_hook(*loaders))
sys.path_importer_cache.clear()
import proxy.wire.ledger
assert proxy.wire.ledger.__file__.endswith(".py")
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


def test_streams_cost_no_more_than_their_length(tmp_path: Path) -> None:
    """However messages are cut and pipelined, the work for each stays the same."""
    command = [sys.executable, "-c", SOURCES_FIRST, f"--basetemp={tmp_path / 'counted'}", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, "tests/wire/counted.py"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
