"""The command line as a shell sees it: exit codes, words on the right stream, and nothing loaded that is not needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = ("demo", "install", "proxy", "policy", "audit", "status")


def _interlock(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    return subprocess.run(
        [sys.executable, "-m", "interlock.cli", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**inherited, "COLUMNS": "120", **environment},
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_each_command_with_an_example(command: str) -> None:
    """`--help` ends well and shows how the command, or one of its commands, is typed."""
    told = _interlock(command, "--help")
    assert told.returncode == 0
    if command in ("policy", "audit"):
        assert "Commands" in told.stdout
    else:
        assert f"interlock {command}" in told.stdout.split("xample", 1)[1]


def test_help_lists_all_commands_in_order() -> None:
    """The commands stand as a newcomer meets them."""
    text = _interlock("--help").stdout
    listed = text[text.index("Commands") :]
    places = [listed.index(f" {command} ") for command in COMMANDS]
    assert places == sorted(places)


def test_version_is_the_installed_package() -> None:
    """One line: the program's name and its version."""
    told = _interlock("--version")
    assert (told.returncode, told.stdout.split()[0]) == (0, "interlock")
    assert told.stdout.split()[1][0].isdigit()


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("install",), ("proxy", "--workers"), ("status",), ("proxy", "--workers", "many")],
    ids=" ".join,
)
def test_wrong_use_ends_with_2_and_a_sentence_on_standard_error(arguments: tuple[str, ...]) -> None:
    """Nothing on standard output, no traceback."""
    told = _interlock(*arguments)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.strip()
    assert "Traceback" not in told.stderr


def test_an_unreachable_database_is_one_sentence_without_the_password() -> None:
    """The DSN's password does not reach the screen."""
    told = _interlock("install", "--dsn", "postgresql://someone:hunter2@127.0.0.1:1/shop")
    assert told.returncode == 2
    assert told.stderr.startswith("interlock: cannot connect to the database of --dsn")
    assert "hunter2" not in told.stderr
    assert told.stderr.count("\n") == 1


def test_broken_policies_keep_the_proxy_from_starting(tmp_path: Path) -> None:
    """The mistake is told with its place, and the exit code says usage."""
    (tmp_path / "broken.yaml").write_text("version: 1\nrulez: []\n")
    told = _interlock("proxy", "--policies", str(tmp_path), "--audit", str(tmp_path / "audit"))
    assert told.returncode == 2
    assert "broken.yaml:2" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (("--version",), ["sqlglot", "asyncpg", "uvloop", "proxy", "audit", "pydantic"]),
        (("status",), ["sqlglot", "asyncpg", "uvloop", "proxy"]),
        (("install", "--help"), ["sqlglot", "asyncpg", "proxy"]),
        (("proxy", "--help"), ["psycopg", "interlock.demo"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_loads_only_its_own_floor(arguments: tuple[str, ...], absent: list[str]) -> None:
    """Parsers and drivers are not imported by commands that do not need them."""
    program = (
        "import sys; from interlock.cli import main\n"
        f"sys.argv = ['interlock', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print('loaded:', [name for name in {absent!r} if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert told.stdout.splitlines()[-1] == "loaded: []"


def test_the_demo_says_what_to_install_where_its_extra_is_missing() -> None:
    """An installation without the extra `demo` is told how to get it."""
    program = (
        "import sys\nsys.modules['psycopg'] = None\n"
        "from interlock.cli import main\nsys.argv = ['interlock', 'demo']\nmain()"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert told.returncode == 2
    assert "pip install 'interlock[demo]'" in told.stderr
    assert "Traceback" not in told.stderr
