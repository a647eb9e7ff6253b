"""What a supervisor hands a worker arrives as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from proxy.server.config import Fsync, ServerConfig, SslMode
from proxy.server.logs import LogLevel
from proxy.server.task import Task

CONFIG = ServerConfig(
    listen="[::1]:6432",
    policies=Path("/etc/interlock/policies"),
    control_dsn="postgresql://census:p%40ss@db/shop",
    tls_cert=Path("/etc/tls/cert.pem"),
    tls_key=Path("/etc/tls/key.pem"),
    tls_required=True,
    upstream_sslmode=SslMode.VERIFY_FULL,
    audit_fsync=Fsync.ALWAYS,
    drain_timeout_s=0.25,
    log_level=LogLevel.DEBUG,
)
TASK = Task(config=CONFIG, number=7, sockets=[3, 4], version="1.2.3")


def test_a_task_survives_its_way_through_a_pipe() -> None:
    """Paths, choices and secrets of the configuration included: a worker must not serve by other settings."""
    assert Task.model_validate_json(TASK.model_dump_json()) == TASK


@pytest.mark.parametrize("cut", [0, 1, 100], ids=["nothing", "its first byte", "a part"])
def test_a_task_that_was_cut_is_none(cut: int) -> None:
    """A supervisor that dies while it speaks leaves no worker with half a configuration."""
    with pytest.raises(ValidationError):
        Task.model_validate_json(TASK.model_dump_json()[:cut])
