"""Where the proxy's settings come from: flags, then INTERLOCK_* variables, then a YAML file, then defaults.

All three sources speak of the same names (`--max-connections`, `INTERLOCK_MAX_CONNECTIONS`, `max_connections:`) and
meet in one ServerConfig, so a value means the same wherever it was written. Every mistake is reported at once, each
with the place where it stands. Reads one file; the environment is an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from interlock.failure import Failure
from proxy.server.config import Fsync, ServerConfig, SslMode
from proxy.server.logs import LogLevel

PREFIX = "INTERLOCK_"
OTHER_VARIABLES = frozenset({"CONFIG", "DSN"})
"""INTERLOCK_* names that are not the proxy's settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting, as people write and read about it."""

    name: str
    """A field of ServerConfig."""
    group: str
    metavar: str
    expects: str
    """What a value must be, to follow "expected"."""
    about: str
    secret: bool = False
    """The value is not repeated in messages."""

    @property
    def flag(self) -> str:
        """The setting's flag, with its dashes."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The setting's environment variable."""
        return PREFIX + self.name.upper()


ADDRESSES = "Addresses and folders"
CLIENT_TLS = "TLS to clients"
SERVER_TLS = "TLS to the server"
CONNECTIONS = "Connections"
STATEMENTS = "Statements"
AUDIT = "Audit"
LOG = "Log"

_HOST_PORT = "HOST:PORT, as 127.0.0.1:6432"
_POSITIVE = "an integer of at least 1"
_SECONDS = "seconds, more than 0"
_PEM = "the path of a PEM file"


def _choice(names: type[SslMode | Fsync | LogLevel]) -> str:
    return "one of " + ", ".join(name.value for name in names)


def _setting(name: str, group: str, metavar: str, expects: str, about: str, *, secret: bool = False) -> Setting:
    return Setting(name=name, group=group, metavar=metavar, expects=expects, about=about, secret=secret)


SETTINGS: tuple[Setting, ...] = (
    _setting("listen", ADDRESSES, "HOST:PORT", _HOST_PORT, "Where clients connect; `*` for every interface."),
    _setting(
        "upstream",
        ADDRESSES,
        "HOST:PORT",
        "HOST:PORT, or the folder of a Unix socket followed by :PORT",
        "The PostgreSQL server, or the folder of its Unix socket followed by :PORT.",
    ),
    _setting("policies", ADDRESSES, "PATH", "a folder of *.yaml, or one file", "The policies to hold."),
    _setting("audit", ADDRESSES, "DIR", "a folder", "Where decisions are recorded; created if missing."),
    _setting(
        "control_dsn",
        ADDRESSES,
        "DSN",
        "a PostgreSQL DSN",
        "Login that reads the catalog of each database that sessions use, as `interlock_census`.",
        secret=True,
    ),
    _setting("metrics", ADDRESSES, "HOST:PORT", _HOST_PORT, "Where Prometheus reads metrics; none if not given."),
    _setting("workers", CONNECTIONS, "N", "an integer from 1 to 256", "Worker processes."),
    _setting("tls_cert", CLIENT_TLS, "FILE", _PEM, "Certificate chain to show to clients."),
    _setting("tls_key", CLIENT_TLS, "FILE", _PEM, "Its private key."),
    _setting("tls_client_ca", CLIENT_TLS, "FILE", _PEM, "Clients must present a certificate of this authority."),
    _setting("tls_required", CLIENT_TLS, "", "true or false", "Refuse clients that do not use TLS."),
    _setting("upstream_sslmode", SERVER_TLS, "MODE", _choice(SslMode), "As libpq's sslmode: " + _choice(SslMode) + "."),
    _setting("upstream_sslrootcert", SERVER_TLS, "FILE", _PEM, "Authority that must have signed the server's."),
    _setting("upstream_sslcert", SERVER_TLS, "FILE", _PEM, "Certificate to show to the server."),
    _setting("upstream_sslkey", SERVER_TLS, "FILE", _PEM, "Its private key."),
    _setting("max_connections", CONNECTIONS, "N", _POSITIVE, "Client connections of one worker."),
    _setting("startup_timeout_s", CONNECTIONS, "SECONDS", _SECONDS, "From accept to the first ready server."),
    _setting("connect_timeout_s", CONNECTIONS, "SECONDS", _SECONDS, "For dialling the server."),
    _setting("drain_timeout_s", CONNECTIONS, "SECONDS", "seconds, 0 or more", "For open sessions to end."),
    _setting("buffer_bytes", CONNECTIONS, "BYTES", "an integer of at least 16384", "May wait in each direction."),
    _setting("statement_bytes", STATEMENTS, "BYTES", "an integer of at least 1024", "Longest statement that is read."),
    _setting("nesting_depth", STATEMENTS, "N", "an integer of at least 50", "Deepest statement that is read."),
    _setting("statements", STATEMENTS, "N", _POSITIVE, "Most statements in one message."),
    _setting("cached_decisions", STATEMENTS, "N", "an integer of at least 0", "Decisions kept per worker."),
    _setting(
        "log_level", LOG, "LEVEL", _choice(LogLevel), "Least severe events that are logged: " + _choice(LogLevel) + "."
    ),
    _setting("audit_file_bytes", AUDIT, "BYTES", "an integer of at least 65536", "A file is closed at this size."),
    _setting("audit_file_age_s", AUDIT, "SECONDS", _SECONDS, "A file is closed at this age."),
    _setting("audit_fsync", AUDIT, "WHEN", _choice(Fsync), "Forced to disk: " + _choice(Fsync) + "."),
    _setting("audit_fsync_interval_s", AUDIT, "SECONDS", _SECONDS, "How often, where it is interval."),
)
"""Every field of ServerConfig, in the order in which help shows them."""

_BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class _Given:
    value: object
    place: str
    """Where it stands, for a message: `--workers`, `INTERLOCK_WORKERS`, `proxy.yaml:3: workers`."""


def _suggest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""


def _from_file(path: Path, mistakes: list[str]) -> dict[str, _Given]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read the settings file {path}: {getattr(error, 'strerror', None) or error}") from error
    # Loads the parsers of SQL too, which whoever needs no file need not wait for.
    from proxy.policy import read_marked

    marked = read_marked(str(path), text)
    mistakes.extend(map(str, marked.mistakes))
    if marked.value is None:
        return {}
    if not isinstance(marked.value, dict):
        mistakes.append(f"{path}: expected settings as `name: value`, one a line")
        return {}
    given: dict[str, _Given] = {}
    for key, value in marked.value.items():
        place = f"{path}:{marked.place((key,), key=True).line}: {key}"
        name = key.replace("-", "_")
        if name not in _BY_NAME:
            mistakes.append(f"{place}: unknown setting{_suggest(name, sorted(_BY_NAME))}")
        elif name in given:
            mistakes.append(f"{place}: given twice, first as {given[name].place}")
        else:
            given[name] = _Given(value, place)
    return given


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """INTERLOCK_* variables that mean nothing here, each as a sentence.

    They are worth a warning and no more: Kubernetes sets INTERLOCK_PORT and its like by itself in containers beside
    a service of that name.
    """
    known = sorted([setting.variable for setting in SETTINGS] + [PREFIX + name for name in OTHER_VARIABLES])
    return tuple(
        f"{name}: unknown variable{_suggest(name, known)}"
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known
    )


def _is_wrong_type(value: object, setting: Setting) -> bool:
    # pydantic reads `true` as 1; a person who wrote `workers: true` meant something else.
    return isinstance(value, bool) and ServerConfig.model_fields[setting.name].annotation is not bool


def _mistake(given: _Given, setting: Setting) -> str:
    found = "" if setting.secret else f", found {given.value!r}"
    return f"{given.place}: expected {setting.expects}{found}"


def read_settings(
    flags: Mapping[str, str | bool | None], environment: Mapping[str, str], file: Path | None = None
) -> ServerConfig:
    """Merge the three sources; flags win over the environment, and that over the file.

    `flags` is keyed by field name; None means not given. Raises Failure with every mistake, each with its place and
    what was expected there.
    """
    mistakes: list[str] = []
    given: dict[str, _Given] = _from_file(file, mistakes) if file is not None else {}
    for setting in SETTINGS:
        if setting.variable in environment:
            given[setting.name] = _Given(environment[setting.variable], setting.variable)
        if flags.get(setting.name) is not None:
            given[setting.name] = _Given(flags[setting.name], setting.flag)

    values: dict[str, Any] = {}
    for name, item in given.items():
        if item.value is None:
            continue  # `metrics:` with nothing behind it: as if it were not there
        if _is_wrong_type(item.value, _BY_NAME[name]):
            mistakes.append(_mistake(item, _BY_NAME[name]))
        else:
            values[name] = item.value
    try:
        config = ServerConfig.model_validate(values)
    except ValidationError as error:
        wrong = dict.fromkeys(str(detail["loc"][0]) for detail in error.errors() if detail["loc"])
        mistakes.extend(_mistake(given[name], _BY_NAME[name]) for name in wrong if name in given)
        mistakes.extend(str(detail["msg"]) for detail in error.errors() if not detail["loc"])
        raise Failure("\n".join(mistakes)) from error
    if mistakes:
        raise Failure("\n".join(mistakes))
    return config
