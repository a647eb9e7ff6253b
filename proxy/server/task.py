"""What a supervisor hands a worker when it starts it."""

from __future__ import annotations

from pydantic import BaseModel

from proxy.server.config import ServerConfig


class Task(BaseModel):
    """What the supervisor tells a worker."""

    config: ServerConfig
    number: int
    sockets: list[int]
    """File descriptors of the listening sockets."""
    version: str


def journal_name(number: int) -> str:
    """Name the journal of the worker of that number."""
    return f"proxy-{number}"
