"""The parent process: listens, starts the workers, adds up their counts, and replaces a worker that dies.

It touches no client's bytes. The listening sockets are made here once and inherited, so that nothing is lost while a
worker is replaced. A replacement that cannot start is tried again, more and more rarely, while other workers serve;
where none does, and where a worker cannot start in the first place, the proxy ends: a port behind which nobody answers
would keep clients waiting. A proxy that stops listens no longer, and lets its workers drain.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

import structlog
from pydantic import ValidationError

from audit import JournalBusy, check_free
from proxy.policy import PolicyMistakes
from proxy.server.address import TcpAddress, UnixAddress, parse_address
from proxy.server.catalog import CatalogUnreadable, check_login
from proxy.server.config import ServerConfig
from proxy.server.dsn import EXPECTED
from proxy.server.metrics import Fleet, Snapshot, serve_metrics
from proxy.server.policies import NoPolicies, read_policies
from proxy.server.task import Task, journal_name
from proxy.server.tls import ServerTls, TlsMisconfigured, client_context

_log = structlog.get_logger()
_BACKLOG: Final = 1024
_STEADY_S: Final = 60.0
"""A worker that has lived this long died of something else than its start."""
_RESTART_PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_REPORT_BYTES: Final = 16 << 20


class ConfigurationError(ValueError):
    """The proxy cannot serve as it is configured. The message is for people: every mistake, a line each."""


def serve(config: ServerConfig) -> int:
    """Serve until SIGTERM or SIGINT; gives the exit code. Raises ConfigurationError before anything has begun."""
    sockets, login_worked = _prepare(config)
    try:
        return asyncio.run(_Supervisor(config, sockets, Fleet(version("interlock"), login_worked=login_worked)).run())
    finally:
        _stop_listening(sockets)


def restart_pause_s(deaths: int) -> float:
    """Seconds before a worker is started again that has died `deaths` times, once or more, without living long."""
    return _RESTART_PAUSES_S[min(deaths, len(_RESTART_PAUSES_S)) - 1]


def _prepare(config: ServerConfig) -> tuple[list[socket.socket], bool | None]:
    """Find every mistake that can be found before serving, and listen. Raises ConfigurationError.

    Gives the sockets, and whether the login of the control DSN worked; None where there is no control DSN.
    """
    mistakes: list[str] = []
    login_worked: bool | None = None
    sockets: list[socket.socket] = []
    with _blaming("--policies", mistakes):
        read_policies(config.policies).compile()
    with _blaming("", mistakes):
        ServerTls.from_config(config)
    with _blaming("", mistakes):
        client_context(
            config.upstream_sslmode,
            rootcert=config.upstream_sslrootcert,
            cert=config.upstream_sslcert,
            key=config.upstream_sslkey,
        )
    with _blaming("--upstream", mistakes):
        parse_address(config.upstream)
    if config.metrics is not None:
        with _blaming("--metrics", mistakes):
            _tcp(config.metrics)
    if config.control_dsn is not None:
        with _blaming("--control-dsn", mistakes):
            login_worked = _try_control_dsn(config.control_dsn)
    with _blaming("--audit", mistakes):
        config.audit.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(config.workers):
            check_free(config.audit, journal_name(number))
    with _blaming("--listen", mistakes, config.listen):
        sockets = _listen(config.listen)
    if mistakes:
        _stop_listening(sockets)
        raise ConfigurationError("\n".join(mistakes))
    return sockets, login_worked


@contextlib.contextmanager
def _blaming(flag: str, mistakes: list[str], named: str = "") -> Iterator[None]:
    """Take note of what is wrong, and of the flag by which it can be mended."""
    place = f"{flag}: " if flag else ""
    try:
        yield
    except PolicyMistakes as error:
        mistakes.append(str(error))  # each with its place in a file
    except OSError as error:
        where = f"{error.filename or named}: " if error.filename or named else ""
        mistakes.append(f"{place}{where}{error.strerror or error}")
    except JournalBusy as error:
        advice = "another proxy records there; stop it, or give this one a folder of its own"
        mistakes.append(f"{place}{error}: {advice}")
    except (NoPolicies, TlsMisconfigured, ValueError) as error:
        mistakes.append(f"{place}{error}")


def _tcp(text: str) -> TcpAddress:
    address = parse_address(text)
    if isinstance(address, TcpAddress):
        return address
    raise ValueError("expected HOST:PORT")


def _try_control_dsn(dsn: str) -> bool:
    """Say what is wrong with it before a session does: one that is no DSN is a mistake, a login may work later."""
    try:
        asyncio.run(check_login(dsn))
    except CatalogUnreadable as error:
        _log.warning(
            "control_dsn_login_failed",
            because=str(error),
            consequence="model accounts are refused what needs a census, until the login of --control-dsn works",
        )
        return False
    except ValueError as error:
        # The DSN may hold a password, so it is not repeated, nor what was made of it.
        raise ValueError(f"not a DSN; {EXPECTED}") from error
    return True


def _listen(text: str) -> list[socket.socket]:
    address = parse_address(text)
    sockets: list[socket.socket] = []
    try:
        if isinstance(address, UnixAddress):
            _take_over(address)
            sockets.append(_bound(socket.AF_UNIX, address.path))
        else:
            flags = socket.AI_PASSIVE if address.host is None else 0
            found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=flags)
            for family, _, _, _, place in dict.fromkeys(found):
                try:
                    sockets.append(_bound(family, place))
                except OSError as error:
                    # A kernel without IPv6: `*` is every interface that there is.
                    if error.errno != errno.EAFNOSUPPORT or address.host is not None:
                        raise
    except OSError:
        _stop_listening(sockets)
        raise
    if not sockets:
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT), text)
    return sockets


def _bound(family: socket.AddressFamily, place: str | tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(place)
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _take_over(address: UnixAddress) -> None:
    """Remove the socket of a server that is no more. Raises OSError (EADDRINUSE) where one answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(address.path)
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            os.unlink(address.path)  # noqa: PTH108 - a socket's path, not a file's
            return
        except BlockingIOError:
            pass  # Somebody listens, and has much to do.
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), address.path)


def _stop_listening(sockets: list[socket.socket]) -> None:
    """Close for good, and once: a new proxy may listen there while the old one's sessions come to their end."""
    while sockets:
        sock = sockets.pop()
        with sock:
            if sock.family == socket.AF_UNIX:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(sock.getsockname())  # noqa: PTH108 - a socket's path, not a file's


class _Supervisor:
    """The workers of one proxy."""

    def __init__(self, config: ServerConfig, sockets: list[socket.socket], fleet: Fleet) -> None:
        self._config = config
        self._sockets = sockets
        self._version = version("interlock")
        self._fleet = fleet
        self._workers: dict[int, asyncio.subprocess.Process] = {}
        self._stop = asyncio.Event()
        self._failed = False

    async def run(self) -> int:
        """Keep the workers running until told to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._pass_on, number)
        if self._config.metrics is not None:
            try:
                serve_metrics(self._fleet, _tcp(self._config.metrics))
            except OSError as error:
                words = f"--metrics: {self._config.metrics}: {error.strerror or error}"
                raise ConfigurationError(words) from error
        for sock in self._sockets:
            _log.info("listening", address=_shown(sock), upstream=self._config.upstream)
        await asyncio.gather(*(self._keep(number) for number in range(self._config.workers)))
        _log.info("stopped")
        return 1 if self._failed else 0

    def _pass_on(self, number: signal.Signals) -> None:
        if number is not signal.SIGHUP:
            self._stop.set()
            _stop_listening(self._sockets)
        for worker in self._workers.values():
            with contextlib.suppress(ProcessLookupError):
                worker.send_signal(number)

    async def _keep(self, number: int) -> None:
        """Start a worker, follow it, and start another if it dies."""
        deaths = 0
        has_served = False
        while not self._stop.is_set():
            began_s = asyncio.get_running_loop().time()
            try:
                worker = await self._start(number)
            except OSError as error:
                _log.error("worker_not_started", worker=number, error=str(error))
                pid, code, serves = None, None, False
            else:
                self._workers[number] = worker
                if self._stop.is_set():
                    worker.send_signal(signal.SIGTERM)
                serves = await self._follow(number, worker)
                pid, code = worker.pid, await worker.wait()
                del self._workers[number]
                self._fleet.lost(number)
            if self._stop.is_set():
                self._failed |= code not in (None, 0, -signal.SIGTERM, -signal.SIGINT)
                return
            lived_s = asyncio.get_running_loop().time() - began_s
            has_served |= serves
            deaths = 1 if lived_s >= _STEADY_S else deaths + 1
            killed = code is not None and code < 0
            hopeless = not (serves or killed) and not (has_served and self._workers)
            pause_s = None if hopeless else restart_pause_s(deaths)
            _log.error(
                "worker_died", worker=number, pid=pid, code=code, lived_s=round(lived_s, 3), restarts_in_s=pause_s
            )
            if pause_s is None:
                # It said why it cannot start; it would say the same again.
                self._failed = True
                self._pass_on(signal.SIGTERM)
                return
            self._fleet.restarts += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause_s)

    async def _start(self, number: int) -> asyncio.subprocess.Process:
        descriptors = [sock.fileno() for sock in self._sockets]
        # Inherited: a reload that comes before the worker can hear it waits, instead of ending it (signal(7)).
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            worker = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "proxy.server.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                pass_fds=descriptors,
                # Signals of the terminal go to the supervisor, which passes them on once.
                start_new_session=True,
                limit=_REPORT_BYTES,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        task = Task(
            config=self._config,
            number=number,
            sockets=descriptors,
            version=self._version,
        )
        if worker.stdin is not None:
            worker.stdin.write(task.model_dump_json().encode())
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                await worker.stdin.drain()
            worker.stdin.close()
        return worker

    async def _follow(self, number: int, worker: asyncio.subprocess.Process) -> bool:
        """Take a worker's reports until it ends; tells whether there was one, which is to say that it served."""
        serves = False
        if worker.stdout is None:
            return serves
        while line := await worker.stdout.readline():
            try:
                self._fleet.report(number, Snapshot.model_validate_json(line))
                serves = True
            except ValidationError as error:
                _log.error("report_unreadable", worker=number, error=str(error))
        return serves


def _shown(sock: socket.socket) -> str:
    name = sock.getsockname()
    return name if isinstance(name, str) else str(TcpAddress(host=name[0], port=name[1]))
