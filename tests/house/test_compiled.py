"""Compiled modules hide their sources, so they must be of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = Path("deploy") / "compile_core.py"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy what the script works on."""
    for folder in ("audit", "proxy", "deploy"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    return tmp_path


def run(checkout: Path, *arguments: str) -> int:
    """Run the script there."""
    return subprocess.run([sys.executable, checkout / SCRIPT, *arguments], cwd=checkout, capture_output=True).returncode


def test_sources_that_changed_since_are_noticed(checkout: Path) -> None:
    """Nothing compiled is fine; compiled of these sources is fine; compiled of others is not."""
    assert run(checkout, "--check") == 0
    (checkout / "proxy" / "wire" / "ledger.so").touch()
    assert run(checkout, "--check") == 1
    stamp = checkout / "build" / "compiled"
    stamp.parent.mkdir()
    stamp.write_text(digest_of(checkout))
    assert run(checkout, "--check") == 0
    with (checkout / "proxy" / "wire" / "ledger.py").open("a") as source:
        source.write("# changed\n")
    assert run(checkout, "--check") == 1
    assert run(checkout, "--remove") == 0
    assert (list(checkout.rglob("*.so")), run(checkout, "--check")) == ([], 0)


def digest_of(checkout: Path) -> str:
    """Ask the script how it names the present sources."""
    command = [sys.executable, "-c", "import compile_core; print(compile_core.digest())"]
    return subprocess.run(command, cwd=checkout / "deploy", capture_output=True, text=True, check=True).stdout.strip()
