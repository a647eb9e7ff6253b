"""The parent process: listens, starts the workers, adds up their counts, and replaces a worker that dies.

It touches no client's bytes. The listening sockets are made here once and inherited, so that nothing is lost while a
worker is replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from importlib.metadata import version
from typing import Final

import structlog
from pydantic import ValidationError

from proxy.policy import PolicyMistakes
from proxy.server.address import TcpAddress, UnixAddress, parse_address
from proxy.server.config import ServerConfig
from proxy.server.metrics import Fleet, Snapshot, serve_metrics
from proxy.server.policies import NoPolicies, read_policies
from proxy.server.task import Task
from proxy.server.tls import ServerTls, TlsMisconfigured, client_context

_log = structlog.get_logger()
_BACKLOG: Final = 1024
_RESTART_PAUSE_S: Final = 0.5
_REPORT_BYTES: Final = 16 << 20


class ConfigurationError(ValueError):
    """The proxy cannot serve as it is configured. The message is for people: every mistake, a line each."""


def serve(config: ServerConfig, *, log_level: str = "info") -> int:
    """Serve until SIGTERM or SIGINT; gives the exit code. Raises ConfigurationError before anything has begun."""
    sockets = _prepare(config)
    try:
        return asyncio.run(_Supervisor(config, sockets, log_level).run())
    finally:
        for sock in sockets:
            sock.close()


def _prepare(config: ServerConfig) -> list[socket.socket]:
    """Find every mistake that can be found before serving, then listen."""
    try:
        read_policies(config.policies).compile()
        ServerTls.from_config(config)
        client_context(
            config.upstream_sslmode,
            rootcert=config.upstream_sslrootcert,
            cert=config.upstream_sslcert,
            key=config.upstream_sslkey,
        )
        parse_address(config.upstream)
        if config.metrics is not None and isinstance(parse_address(config.metrics), UnixAddress):
            raise ConfigurationError("metrics: expected HOST:PORT")
        config.audit.mkdir(parents=True, exist_ok=True)
        return _listen(config.listen)
    except (NoPolicies, PolicyMistakes, TlsMisconfigured) as error:
        raise ConfigurationError(str(error)) from error
    except OSError as error:
        raise ConfigurationError(f"{error.filename or config.listen}: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _listen(text: str) -> list[socket.socket]:
    address = parse_address(text)
    if isinstance(address, UnixAddress):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address.path)  # noqa: PTH108 - a socket's path, not a file's
        sock.bind(address.path)
        sock.listen(_BACKLOG)
        return [sock]
    found = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE if address.host is None else 0
    )
    sockets: list[socket.socket] = []
    for family, kind, number, _, place in dict.fromkeys(found):
        sock = socket.socket(family, kind, number)
        sockets.append(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(place)
        sock.listen(_BACKLOG)
    return sockets


class _Supervisor:
    """The workers of one proxy."""

    def __init__(self, config: ServerConfig, sockets: list[socket.socket], log_level: str) -> None:
        self._config = config
        self._sockets = sockets
        self._log_level = log_level
        self._version = version("interlock")
        self._fleet = Fleet(self._version)
        self._workers: dict[int, asyncio.subprocess.Process] = {}
        self._stop = asyncio.Event()
        self._failed = False

    async def run(self) -> int:
        """Keep the workers running until told to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._pass_on, number)
        if self._config.metrics is not None:
            address = parse_address(self._config.metrics)
            if isinstance(address, TcpAddress):
                try:
                    serve_metrics(self._fleet, address)
                except OSError as error:
                    _log.error("metrics_cannot_listen", address=self._config.metrics, error=str(error))
                    return 1
        for sock in self._sockets:
            _log.info("listening", address=_shown(sock), upstream=self._config.upstream)
        await asyncio.gather(*(self._keep(number) for number in range(self._config.workers)))
        _log.info("stopped")
        return 1 if self._failed else 0

    def _pass_on(self, number: signal.Signals) -> None:
        if number is not signal.SIGHUP:
            self._stop.set()
        for worker in self._workers.values():
            with contextlib.suppress(ProcessLookupError):
                worker.send_signal(number)

    async def _keep(self, number: int) -> None:
        """Start a worker, follow it, and start another if it dies."""
        while not self._stop.is_set():
            began = asyncio.get_running_loop().time()
            worker = await self._start(number)
            self._workers[number] = worker
            if self._stop.is_set():
                worker.send_signal(signal.SIGTERM)
            await self._follow(number, worker)
            code = await worker.wait()
            del self._workers[number]
            self._fleet.lost(number)
            if self._stop.is_set():
                self._failed |= code not in (0, -signal.SIGTERM, -signal.SIGINT)
                return
            lived_s = asyncio.get_running_loop().time() - began
            _log.error("worker_died", worker=number, pid=worker.pid, code=code, lived_s=round(lived_s, 3))
            if code == 1 and lived_s < 2 * _RESTART_PAUSE_S + 5:
                # It said why it cannot start; it would say the same again.
                self._failed = True
                self._pass_on(signal.SIGTERM)
                return
            self._fleet.restarts += 1
            await asyncio.sleep(_RESTART_PAUSE_S)

    async def _start(self, number: int) -> asyncio.subprocess.Process:
        descriptors = [sock.fileno() for sock in self._sockets]
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
        task = Task(
            config=self._config,
            number=number,
            sockets=descriptors,
            log_level=self._log_level,
            version=self._version,
        )
        if worker.stdin is not None:
            worker.stdin.write(task.model_dump_json().encode())
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                await worker.stdin.drain()
            worker.stdin.close()
        return worker

    async def _follow(self, number: int, worker: asyncio.subprocess.Process) -> None:
        if worker.stdout is None:
            return
        while line := await worker.stdout.readline():
            try:
                self._fleet.report(number, Snapshot.model_validate_json(line))
            except ValidationError as error:
                _log.error("report_unreadable", worker=number, error=str(error))


def _shown(sock: socket.socket) -> str:
    name = sock.getsockname()
    return name if isinstance(name, str) else str(TcpAddress(host=name[0], port=name[1]))
