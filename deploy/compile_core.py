"""Compile the hottest modules with mypyc; without a C compiler and Python's headers all runs as Python.

    python deploy/compile_core.py            compile into this checkout, if the sources changed since the last time
    python deploy/compile_core.py --check    say whether what is compiled is of the present sources (exit status 1: not)
    python deploy/compile_core.py --remove   run as Python again

A compiled module stands beside its source and is imported in its place, so an old one would hide what was changed:
`--check` is what the tests ask before anything else.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
MODULES: Final = (
    "audit/body.py",
    "audit/chain.py",
    "audit/ids.py",
    "audit/journal.py",
    "audit/storage.py",
    "audit/tape.py",
    "proxy/server/case.py",
    "proxy/server/connection.py",
    "proxy/server/docket.py",
    "proxy/server/moment.py",
    "proxy/server/reading_settings.py",
    "proxy/server/ruled.py",
    "proxy/sql/shapes.py",
    "proxy/wire/backend_stream.py",
    "proxy/wire/frontend_stream.py",
    "proxy/wire/ledger.py",
    "proxy/wire/names.py",
    "proxy/wire/pqformat.py",
    "proxy/wire/refusal.py",
    "proxy/wire/ruling.py",
    "proxy/wire/session.py",
)
"""Each does something for every statement; none is imported by others that subclass what it defines."""
PACKAGES: Final = ("audit", "proxy")
STAMP: Final = ROOT / "build" / "compiled"
"""What was compiled, by the digest of its sources; empty where it could not be."""
_SETUP: Final = """
from mypyc.build import mypycify
from setuptools import setup
setup(name="core", packages=[], ext_modules=mypycify({modules!r}, opt_level="3", group_name="core"))
"""

_MYPY: Final = """
[mypy]
strict = True
plugins = pydantic.mypy
[mypy-postgast.*]
follow_imports = skip
follow_imports_for_stubs = True
[mypy-sqlglotc.*]
ignore_missing_imports = True
"""
"""As in pyproject.toml, as far as these modules need it; a whole pyproject.toml is more than this setuptools reads."""


def digest() -> str:
    """Name the state of the sources, for this Python."""
    found = hashlib.sha256(sys.version.encode())
    for name in MODULES:
        found.update((ROOT / name).read_bytes())
    return found.hexdigest()


def compiled() -> list[Path]:
    """Give the compiled modules that lie in the checkout."""
    beside = [path for name in PACKAGES for path in (ROOT / name).rglob("*.so")]
    return [*beside, *ROOT.glob("core__mypyc*.so")]


def remove() -> None:
    """Take every compiled module away."""
    for path in compiled():
        path.unlink()
    STAMP.unlink(missing_ok=True)


def compile_all() -> str | None:
    """Compile in a folder apart and bring the results here; why not, or None where it was done."""
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        for name in PACKAGES:
            shutil.copytree(ROOT / name, room / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        (room / "mypy.ini").write_text(_MYPY)
        (room / "setup.py").write_text(_SETUP.format(modules=list(MODULES)))
        environment = dict(os.environ, MYPYPATH="", PYTHONPATH=folder)
        done = subprocess.run(
            [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
            cwd=room,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return (done.stderr or done.stdout).strip().splitlines()[-1]
        for path in room.rglob("*.so"):
            if "build" not in path.relative_to(room).parts:
                shutil.copy(path, ROOT / path.relative_to(room))
    return None


def main() -> int:
    """Do what the command line asks for."""
    if "--remove" in sys.argv[1:]:
        remove()
        return 0
    if os.environ.get("INTERLOCK_COMPILE") == "no":
        remove()
        return 0
    wanted = digest()
    found = STAMP.read_text() if STAMP.exists() else None
    if "--check" in sys.argv[1:]:
        stale = bool(compiled()) and found != wanted
        if stale:
            print("compiled modules are not of the present sources: run `make compile`", file=sys.stderr)
        return int(stale)
    if found in (wanted, f"not {wanted}"):
        return 0
    remove()
    why = compile_all()
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(wanted if why is None else f"not {wanted}")
    print("compiled the core" if why is None else f"the core runs as Python, not compiled: {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
