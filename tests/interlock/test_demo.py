"""The demo, played on a real PostgreSQL: with the proxy in between, and with nothing there."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from interlock.demo import play
from interlock.demo_script import acts
from interlock.demo_stage import shipped_policies
from interlock.embedded import EmbeddedPostgres

ROOT = Path(__file__).parents[2]


def _told(output: io.StringIO) -> str:
    return " ".join(output.getvalue().split())


def test_demo_refuses_all_harm_and_permits_all_honest_work(tmp_path: Path) -> None:
    """Every row stands, the log verifies and is kept where asked, and the errors are shown as the client saw them."""
    output = io.StringIO()
    code = play(users=1_000, keep=tmp_path, console=Console(file=output, width=120))
    told = _told(output)

    assert code == 0, told
    assert "No row is gone." in told
    assert 'ERROR: 42501: DROP TABLE public.users refused for account "models"' in told
    assert "HINT: Insert a row into interlock.recommendation" in told
    assert told.count("refused ERROR") == sum(act.harmful for act in acts("x"))
    assert list((tmp_path / "audit").glob("*.jsonl"))


@contextmanager
def nothing_between(server: EmbeddedPostgres, audit: Path, log: Path) -> Iterator[int]:
    """Lead clients straight to the server."""
    audit.mkdir()
    log.touch()
    yield server.port


def test_demo_tells_the_harm_when_nothing_stands_between() -> None:
    """Its acts do destroy the data, and it says so: what it shows of the proxy is not staged."""
    output = io.StringIO()
    code = play(users=1_000, console=Console(file=output, width=120), stage=nothing_between)
    told = _told(output)

    assert code == 1
    for sentence in (
        "purges: was not stopped",
        "public.users is not what it was",
        "a program ran on the server",
        "nothing was recorded",
    ):
        assert sentence in told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_demo_leaves_nothing_behind_when_stopped(number: signal.Signals) -> None:
    """No process and no folder of its own survives, and the exit code is a shell's for an interrupt."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        program = f"import tempfile; tempfile.tempdir = {folder!r}\n{_PLAY}"
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if "The incident" in line:
                    process.send_signal(number)
                    break
            rest = process.stdout.read()
        assert process.returncode == 130, rest
        assert "nothing is left running" in rest
        assert list(Path(folder).iterdir()) == []
        running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        assert folder not in running


_PLAY = """
import sys
from interlock.demo import play
sys.exit(play(users=1_000))
"""


def test_the_shipped_policies_are_found() -> None:
    """They stand beside the packages."""
    assert (shipped_policies() / "default.yaml").is_file()
