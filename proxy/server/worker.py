"""One worker: accepts on the sockets it was given, and serves sessions until it is told to stop.

It is started by the supervisor as a process of its own (`python -m proxy.server.worker`), reads its task from standard
input, and reports its counts on standard output, one JSON line a second. SIGHUP makes it read policies and certificates
anew, SIGTERM drains, SIGINT or a second SIGTERM ends at once.
"""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final, Literal

import structlog
import uvloop

from audit import Fsync as JournalFsync
from audit import IdMint, Journal, JournalBusy, PolicyRecord, ProxyRecord, SessionRecord, encode
from proxy.policy import Account, Policy, PolicyMistakes
from proxy.server.address import parse_address
from proxy.server.catalog import Catalog
from proxy.server.connection import Connection
from proxy.server.judge import Judge
from proxy.server.logs import configure_logging
from proxy.server.metrics import Meter
from proxy.server.moment import Moment
from proxy.server.policies import NoPolicies, PolicyTexts, changes, read_policies, watched_folder
from proxy.server.reader import Reader
from proxy.server.reception import Reception
from proxy.server.task import Task, journal_name
from proxy.server.tls import ServerTls, TlsMisconfigured, client_context
from proxy.server.upstream import Upstream
from proxy.sql import Bounds, Study
from proxy.wire import SqlState, fatal

_log = structlog.get_logger()
_BACKLOG_PER_TURN: Final = 64
"""Connections accepted in one turn of the event loop, so that a rush of them does not starve the sessions."""
_FEW_SESSIONS: Final = 8
_LATER_S: Final = 0.02
"""How long a record may wait that nothing waits for. A write in each turn would cost a read as much as its decision."""
_READ_UNRECORDED_S: Final = 0.3
"""How long a read's record waits for the read to end, and at most half a second more."""
_SHUTDOWN: Final = fatal(SqlState.ADMIN_SHUTDOWN, "terminating connection due to administrator command")


class Worker:
    """One process's share of the proxy."""

    def __init__(self, task: Task, policy: Policy) -> None:
        config = task.config
        self.config = config
        self.proxy_name = f"{socket.gethostname()}/{task.number}"
        self.moment = Moment()
        self.mint = IdMint(secrets.randbits(64))
        bounds = Bounds(
            statement_bytes=config.statement_bytes, nesting_depth=config.nesting_depth, statements=config.statements
        )
        self.judge = Judge(policy, bounds=bounds, cached_decisions=config.cached_decisions)
        self.readers = {True: Reader(bounds), False: Reader(bounds)}
        """By whether the account is enforced: what models send holds up nobody else."""
        self.journal = Journal(
            config.audit,
            journal_name(task.number),
            file_bytes=config.audit_file_bytes,
            file_age_s=config.audit_file_age_s,
            fsync=JournalFsync(config.audit_fsync.value),
            interval_s=config.audit_fsync_interval_s,
        )
        self.meter = Meter(self.judge, self.journal)
        self.catalog = Catalog(config.control_dsn, self.judge.adopt_census)
        self.tls = ServerTls.from_config(config)
        self.upstream = Upstream(
            parse_address(config.upstream),
            config.upstream_sslmode,
            client_context(
                config.upstream_sslmode,
                rootcert=config.upstream_sslrootcert,
                cert=config.upstream_sslcert,
                key=config.upstream_sslkey,
            ),
            config.connect_timeout_s,
        )
        self.connections: set[Connection] = set()
        self.bytes_up = 0
        self.bytes_down = 0
        self._task = task
        self._reception = Reception(self)
        self._receiving: set[asyncio.Task[None]] = set()
        self._studying: set[asyncio.Task[None]] = set()
        self._flushing = False
        self._flushing_later = False
        self._loop = asyncio.get_running_loop()
        self._sockets = [socket.socket(fileno=number) for number in task.sockets]
        self._stopping = asyncio.Event()
        self._at_once = False

    async def run(self, texts: PolicyTexts) -> None:
        """Serve until told to stop."""
        for number, told in (
            (signal.SIGTERM, self._terminate),
            (signal.SIGINT, self._interrupt),
            (signal.SIGHUP, self._reload),
        ):
            self._loop.add_signal_handler(number, told)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # held back by the supervisor until now
        self._record_policy("loaded", texts, self.judge.policy.digest)
        self._append(
            ProxyRecord(
                event="started",
                at=self.moment.stamp.decode(),
                proxy=self.proxy_name,
                pid=os.getpid(),
                version=self._task.version,
                listen=self.config.listen,
                upstream=self.config.upstream,
            )
        )
        self.journal.flush()
        for sock in self._sockets:
            sock.setblocking(False)
            self._loop.add_reader(sock, self._accept, sock)
        settle_collector()
        background = [self._loop.create_task(each) for each in (self._beat(), self._watch())]
        _log.info("worker_ready", pid=os.getpid())
        try:
            await self._stopping.wait()
            await self._drain()
        finally:
            ending = [*background, *self._studying]
            for each in ending:
                each.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            await self.catalog.close()
            for reader in self.readers.values():
                await reader.close()
            self.moment.look()
            self._append(
                ProxyRecord(
                    event="stopped",
                    at=self.moment.stamp.decode(),
                    proxy=self.proxy_name,
                    pid=os.getpid(),
                    version=self._task.version,
                )
            )
            self._report()
            self.journal.close()

    # What sessions need

    def flush_soon(self) -> None:
        """Have the journal written at the end of this turn of the event loop: one write for all that it decided.

        With few sessions there is seldom more than one decision a turn, and another turn costs more than a write.
        """
        if len(self.connections) <= _FEW_SESSIONS:
            self.journal.flush(self.moment.wall_s)
        elif not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def flush_later(self) -> None:
        """Have the journal written soon enough for records that nothing waits for: reads and outcomes."""
        if not self._flushing and not self._flushing_later:
            self._flushing_later = True
            self._loop.call_later(_LATER_S, self._flush_late)

    def study(self, text: str, account: Account, told: Callable[[Study], None]) -> Callable[[], object]:
        """Have a large text studied in a reader's process; gives what calls that off."""
        reader = self.readers[account.enforced]

        async def ask() -> None:
            told(await reader.study(text, account.name))

        asking = self._loop.create_task(ask())
        self._studying.add(asking)
        asking.add_done_callback(self._studying.discard)
        return asking.cancel

    def went(self, connection: Connection, reason: str) -> None:
        """Take note that a connection has ended."""
        self.connections.discard(connection)
        at = self.moment.stamp.decode()
        self._append(SessionRecord(event="closed", at=at, session=connection.docket.record, reason=reason))

    # Inside

    def _append(self, record: ProxyRecord | SessionRecord | PolicyRecord) -> None:
        self.journal.append(encode(record))

    def _flush(self) -> None:
        self._flushing = False
        self.journal.flush(self.moment.wall_s)

    def _flush_late(self) -> None:
        self._flushing_later = False
        self.journal.flush(self.moment.wall_s)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_BACKLOG_PER_TURN):
            try:
                sock, _address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # Out of file descriptors, most likely: let sessions end before trying again.
                _log.error("accept_failed", error=str(error))
                self._loop.remove_reader(listening)
                self._loop.call_later(0.5, self._accept_again, listening)
                return
            sock.setblocking(False)
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            receiving = self._loop.create_task(self._reception.receive(sock))
            self._receiving.add(receiving)
            receiving.add_done_callback(self._receiving.discard)

    def _accept_again(self, listening: socket.socket) -> None:
        if not self._stopping.is_set():
            self._loop.add_reader(listening, self._accept, listening)

    def _terminate(self) -> None:
        self._at_once = self._stopping.is_set()
        self._stopping.set()

    def _interrupt(self) -> None:
        self._at_once = True
        self._stopping.set()

    async def _drain(self) -> None:
        """Let sessions finish their transactions; those that are idle, or that last too long, are ended."""
        for sock in self._sockets:
            self._loop.remove_reader(sock)
            sock.close()
        deadline = self._loop.time() + self.config.drain_timeout_s
        _log.info("draining", connections=len(self.connections))
        while self.connections or self._receiving:
            late = self._at_once or self._loop.time() >= deadline
            for connection in list(self.connections):
                if late or connection.idle:
                    connection.end(_SHUTDOWN, "proxy stopped")
            if late:
                for receiving in list(self._receiving):
                    receiving.cancel()
                await asyncio.gather(*self._receiving, return_exceptions=True)
                break
            await asyncio.sleep(0.05)
        # One more turn, for what was written last.
        await asyncio.sleep(0.01)

    def _reload(self, *, asked: bool = True) -> None:
        """Read policies and certificates anew; what is broken leaves the last good ones in force.

        `asked`: somebody waits for a word, also where nothing has changed.
        """
        self.moment.look()
        was_failing, self.meter.reload_failing = self.meter.reload_failing, False
        if self.tls is not None:
            try:
                self.tls.reload()
            except TlsMisconfigured as error:
                self._count_failure()
                _log.error("certificates_kept", because=str(error))
        try:
            texts = read_policies(self.config.policies)
        except NoPolicies as error:
            self._kept(PolicyTexts(files=(), read=()), [str(error)])
            return
        try:
            policy = texts.compile()
        except PolicyMistakes as error:
            self._kept(texts, [str(mistake) for mistake in error.mistakes])
            return
        if policy.digest != self.judge.policy.digest:
            self.judge.adopt_policy(policy)
            _log.info("policy_loaded", digest=policy.digest)
            self._record_policy("loaded", texts, policy.digest)
            self.flush_soon()
        elif asked or was_failing:
            # The last word must not be a failure that is over.
            _log.info("policy_unchanged", digest=policy.digest)

    def _count_failure(self) -> None:
        self.meter.reload_failures += 1
        self.meter.reload_failing = True

    def _kept(self, texts: PolicyTexts, problems: list[str]) -> None:
        self._count_failure()
        _log.error("policy_kept", because=problems, digest=self.judge.policy.digest)
        self._record_policy("kept", texts, self.judge.policy.digest, tuple(problems))
        self.flush_soon()

    def _record_policy(
        self, event: Literal["loaded", "kept"], texts: PolicyTexts, digest: str, problems: tuple[str, ...] = ()
    ) -> None:
        self._append(
            PolicyRecord(
                event=event,
                at=self.moment.stamp.decode(),
                proxy=self.proxy_name,
                digest=digest,
                files=texts.read,
                problems=problems,
            )
        )

    async def _watch(self) -> None:
        async for _ in changes(watched_folder(self.config.policies)):
            self._reload(asked=False)

    async def _beat(self) -> None:
        """Once a second report; twice, look after what should be in the journal by now."""
        while True:
            self._report()
            for _ in range(2):
                await asyncio.sleep(0.5)
                self.moment.synchronize()
                for connection in self.connections:
                    connection.record_overdue(self.moment.monotonic_s - _READ_UNRECORDED_S)
                self.journal.flush(self.moment.wall_s)

    def _report(self) -> None:
        snapshot = self.meter.snapshot(
            connections=len(self.connections),
            bytes_up=self.bytes_up,
            bytes_down=self.bytes_down,
            catalog=self.catalog,
        )
        try:
            os.write(1, snapshot.model_dump_json().encode() + b"\n")
        except BrokenPipeError:
            # The parent has gone, and nobody would stop or replace this worker. Once: a second stop ends at once.
            if not self._stopping.is_set():
                self._terminate()


def settle_collector() -> None:
    """Have Python's collector of cycles stop everybody for short times only.

    What was loaded stays: it need not be looked at again. Decisions are remembered, so they live through collections of
    the young, and each of those walks all that came since the last: 0.15 s for 400,000 objects under a flood of new
    statements, 8 ms at most for 10,000, and not more in all. Everything is walked after 20,000,000 more objects, for
    decisions make little garbage in cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000, 10, 2_000)


async def _serve(task: Task) -> int:
    try:
        texts = read_policies(task.config.policies)
        policy = texts.compile()
        worker = Worker(task, policy)
    except (NoPolicies, PolicyMistakes, TlsMisconfigured, JournalBusy, OSError) as error:
        _log.error("worker_cannot_start", because=str(error))
        return 1
    await worker.run(texts)
    return 0


def main() -> int:
    """Read the task from standard input and do it."""
    task = Task.model_validate_json(sys.stdin.buffer.read())
    configure_logging(task.config.log_level)
    structlog.contextvars.bind_contextvars(worker=task.number)
    return uvloop.run(_serve(task))


if __name__ == "__main__":
    sys.exit(main())
