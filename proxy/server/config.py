"""What an operator can set of the proxy. Flags, a YAML file and INTERLOCK_* variables all arrive here."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from proxy.server.logs import LogLevel


class SslMode(StrEnum):
    """libpq's `sslmode`, for the way to the server (documentation: libpq, SSL Support, table 32.1)."""

    DISABLE = "disable"
    ALLOW = "allow"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class Fsync(StrEnum):
    """When audit lines are forced to the disk; they are handed to the kernel before the effect in any case."""

    ALWAYS = "always"
    INTERVAL = "interval"
    NEVER = "never"


class ServerConfig(BaseModel):
    """One proxy. Unknown names are mistakes, not extras."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: str = "127.0.0.1:6432"
    """HOST:PORT; an IPv6 host in brackets; `*` for every interface."""
    upstream: str = "127.0.0.1:5432"
    """HOST:PORT of PostgreSQL, or the folder of its Unix socket followed by :PORT."""
    policies: Path = Path("policies")
    """Folder of *.yaml, or one file."""
    audit: Path = Path("audit-log")
    """Folder of the decision records; created if missing."""
    control_dsn: str | None = None
    """DSN of the login that reads the catalog of each database that sessions use; its own database does not matter."""
    workers: int = Field(default=1, ge=1, le=256)
    metrics: str | None = None
    """HOST:PORT of the Prometheus endpoint; None: no endpoint."""
    log_level: LogLevel = LogLevel.INFO

    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    """CA of client certificates; given: clients must present one."""
    tls_required: bool = False
    """Refuse clients that do not use TLS."""

    upstream_sslmode: SslMode = SslMode.PREFER
    upstream_sslrootcert: Path | None = None
    upstream_sslcert: Path | None = None
    upstream_sslkey: Path | None = None

    max_connections: int = Field(default=1_000, ge=1)
    """Client connections of one worker; one more is answered with SQLSTATE 53300."""
    startup_timeout_s: float = Field(default=60.0, gt=0)
    """From accept to the server's first ReadyForQuery; PostgreSQL's own `authentication_timeout` is 60 s."""
    connect_timeout_s: float = Field(default=10.0, gt=0)
    """For dialling the server."""
    drain_timeout_s: float = Field(default=30.0, ge=0)
    """How long a stopping proxy lets open sessions finish."""
    buffer_bytes: int = Field(default=262_144, ge=16_384)
    """Bytes that may wait in each direction of a connection before its sender is paused."""

    statement_bytes: int = Field(default=1_048_576, ge=1_024)
    """Longest statement that is read; a longer one is undecidable."""
    nesting_depth: int = Field(default=500, ge=50)
    statements: int = Field(default=1_000, ge=1)
    cached_decisions: int = Field(default=20_000, ge=0)
    """Decisions kept per worker."""

    audit_file_bytes: int = Field(default=268_435_456, ge=65_536)
    audit_file_age_s: float = Field(default=86_400.0, gt=0)
    audit_fsync: Fsync = Fsync.INTERVAL
    audit_fsync_interval_s: float = Field(default=1.0, gt=0)
