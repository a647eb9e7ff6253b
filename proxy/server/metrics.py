"""What a worker counts, and how the counts of all workers are shown to Prometheus.

Counting costs next to nothing on a statement's way: rulings count themselves, the rest are plain integers. Once a
second each worker sends a snapshot to its parent, which adds them up and serves them; a worker that is replaced leaves
its totals behind.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel

from audit import Journal
from proxy.server.address import TcpAddress
from proxy.server.catalog import Catalog
from proxy.server.judge import Judge
from proxy.server.ruled import Ruled

LATENCY_BUCKETS_S: Final = (0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)
"""Of decisions that were not cached."""
_SEPARATOR: Final = "\t"


class Snapshot(BaseModel):
    """One worker's counts since it started."""

    connections: int = 0
    connections_total: dict[str, int] = {}
    """By outcome: `opened`, `refused`, `failed`, `cancel`."""
    statements: dict[str, int] = {}
    """By account kind, verdict, rule and effect, separated by tabs."""
    disagreements: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    latency_buckets: list[int] = [0] * (len(LATENCY_BUCKETS_S) + 1)
    latency_sum_s: float = 0.0
    bytes_up: int = 0
    bytes_down: int = 0
    audit_lag_records: int = 0
    audit_lost_records: int = 0
    audit_writable: bool = True
    policy_digest: str = ""
    policy_reload_failures: int = 0
    census_known: tuple[str, ...] = ()
    """Databases whose census is known."""
    census_lost: dict[str, float] = {}
    """Those whose census is lost, and since when, in seconds of Unix time."""
    reload_failing: bool = False
    """The last reload left what was in force before."""


class Meter:
    """One worker's counters."""

    def __init__(self, judge: Judge, journal: Journal) -> None:
        self._judge = judge
        self._journal = journal
        self._statements: Counter[str] = Counter()
        self._disagreements = 0
        self._buckets = [0] * (len(LATENCY_BUCKETS_S) + 1)
        self._latency_sum_s = 0.0
        self.connections: Counter[str] = Counter()
        self.reload_failures = 0
        self.reload_failing = False

    def snapshot(self, *, connections: int, bytes_up: int, bytes_down: int, catalog: Catalog | None = None) -> Snapshot:
        """Gather the counts of now."""
        judge, journal = self._judge, self._journal
        given, judge.given = judge.given, []
        for ruled in given:
            self._count(ruled)
        took, judge.miss_seconds = judge.miss_seconds, []
        for seconds in took:
            self._buckets[bisect_left(LATENCY_BUCKETS_S, seconds)] += 1
            self._latency_sum_s += seconds
        return Snapshot(
            connections=connections,
            connections_total=dict(self.connections),
            statements=dict(self._statements),
            disagreements=self._disagreements,
            cache_hits=judge.hits,
            cache_misses=judge.misses,
            latency_buckets=self._buckets,
            latency_sum_s=self._latency_sum_s,
            bytes_up=bytes_up,
            bytes_down=bytes_down,
            audit_lag_records=journal.pending,
            audit_lost_records=journal.lost,
            audit_writable=journal.writable,
            policy_digest=judge.policy.digest,
            policy_reload_failures=self.reload_failures,
            reload_failing=self.reload_failing,
            census_known=() if catalog is None else catalog.known,
            census_lost={} if catalog is None else catalog.lost,
        )

    def _count(self, ruled: Ruled) -> None:
        seen, ruled.seen = ruled.seen, 0
        decision = ruled.decision
        if any(facts.disagreement for facts in decision.facts):
            self._disagreements += seen
        labels = (str(decision.account.kind), str(decision.verdict), decision.rule, ruled.effect)
        self._statements[_SEPARATOR.join(labels)] += seen


class Fleet(Collector):
    """The counts of all workers, for Prometheus. What is judged at once counts once, under what decided."""

    def __init__(self, version: str, *, login_worked: bool | None = None) -> None:
        """`login_worked`: whether that of the control DSN did at the start; None: there is no control DSN."""
        self._version = version
        self._login_worked = login_worked
        self._live: dict[int, Snapshot] = {}
        self._gone: list[Snapshot] = []
        self.restarts = 0

    def report(self, worker: int, snapshot: Snapshot) -> None:
        """Take a worker's newest snapshot."""
        self._live[worker] = snapshot

    def lost(self, worker: int) -> None:
        """Keep the totals of a worker that has gone."""
        snapshot = self._live.pop(worker, None)
        if snapshot is not None:
            self._gone.append(snapshot.model_copy(update={"connections": 0, "audit_lag_records": 0}))
            self._gone = [_sum(self._gone)]

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        """Give the metrics of now."""
        live = list(self._live.values())
        total = _sum([*self._gone, *live])
        build = GaugeMetricFamily("interlock_build_info", "Version of this proxy.", labels=["version"])
        build.add_metric([self._version], 1)
        yield build
        policy = GaugeMetricFamily("interlock_policy_info", "Workers by policy in force.", labels=["digest"])
        for digest, count in Counter(snapshot.policy_digest for snapshot in live).items():
            policy.add_metric([digest], count)
        yield policy
        yield GaugeMetricFamily("interlock_workers", "Workers that report.", value=len(live))
        yield CounterMetricFamily("interlock_worker_restarts", "Workers replaced after they died.", value=self.restarts)
        yield GaugeMetricFamily("interlock_connections", "Client connections open.", value=total.connections)
        yield _counter(
            "interlock_connection_attempts", "Connections by what became of them.", ["outcome"], total.connections_total
        )
        yield _counter(
            "interlock_statements",
            "Messages judged, each once: by the effect and the rule that decided.",
            ["account_kind", "verdict", "rule", "effect"],
            total.statements,
        )
        yield CounterMetricFamily(
            "interlock_witness_disagreements", "Statements on which the witnesses disagree.", value=total.disagreements
        )
        cache = {"hit": total.cache_hits, "miss": total.cache_misses}
        yield _counter("interlock_decision_cache", "Decisions by whether they were cached.", ["result"], cache)
        yield _histogram(total)
        passed = {"to_server": total.bytes_up, "to_client": total.bytes_down}
        yield _counter("interlock_bytes", "Bytes received, by where they go.", ["direction"], passed)
        yield GaugeMetricFamily(
            "interlock_audit_lag_records", "Records not yet handed to the kernel.", value=total.audit_lag_records
        )
        yield CounterMetricFamily("interlock_audit_lost_records", "Records given up.", value=total.audit_lost_records)
        yield GaugeMetricFamily(
            "interlock_audit_writable",
            "1 where every worker can write its journal.",
            value=int(all(snapshot.audit_writable for snapshot in live)),
        )
        yield CounterMetricFamily(
            "interlock_policy_reload_failures",
            "Reloads that kept the last good policy.",
            value=total.policy_reload_failures,
        )
        yield GaugeMetricFamily(
            "interlock_policy_reload_failing",
            "Workers whose last reload kept the last good policy.",
            value=sum(snapshot.reload_failing for snapshot in live),
        )
        if self._login_worked is not None:
            yield from self._census(live, self._login_worked)

    @staticmethod
    def _census(live: list[Snapshot], login_worked: bool) -> Iterator[GaugeMetricFamily]:
        lost: dict[str, float] = {}
        for snapshot in live:
            for database, since_s in snapshot.census_lost.items():
                lost[database] = min(since_s, lost.get(database, since_s))
        known = {database for snapshot in live for database in snapshot.census_known} - lost.keys()
        yield GaugeMetricFamily(
            "interlock_control_dsn_works",
            "1 where the login of --control-dsn could read when it was last tried.",
            value=int(bool(known) or (login_worked and not lost)),
        )
        states = GaugeMetricFamily(
            "interlock_census_databases", "Databases by what is known of them; of lost ones a few.", labels=["state"]
        )
        states.add_metric(["known"], len(known))
        states.add_metric(["lost"], len(lost))
        yield states
        since = GaugeMetricFamily(
            "interlock_census_lost_timestamp_seconds", "When a database's census was lost.", labels=["database"]
        )
        for database, since_s in sorted(lost.items()):
            since.add_metric([database], since_s)
        yield since


def serve_metrics(fleet: Fleet, address: TcpAddress) -> None:
    """Serve the fleet's metrics at /metrics from a thread. Raises OSError."""
    registry = CollectorRegistry()
    registry.register(fleet)
    start_http_server(address.port, address.host or "0.0.0.0", registry)  # noqa: S104 - `*` asks for it


def _sum(snapshots: list[Snapshot]) -> Snapshot:
    total = Snapshot()
    for each in snapshots:
        for name in ("connections_total", "statements"):
            merged = Counter(getattr(total, name)) + Counter(getattr(each, name))
            setattr(total, name, dict(merged))
        for name in (
            "connections",
            "disagreements",
            "cache_hits",
            "cache_misses",
            "latency_sum_s",
            "bytes_up",
            "bytes_down",
            "audit_lag_records",
            "audit_lost_records",
            "policy_reload_failures",
        ):
            setattr(total, name, getattr(total, name) + getattr(each, name))
        total.latency_buckets = [a + b for a, b in zip(total.latency_buckets, each.latency_buckets, strict=True)]
    return total


def _counter(name: str, about: str, labels: list[str], counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, about, labels=labels)
    for key, count in sorted(counts.items()):
        family.add_metric(key.split(_SEPARATOR), count)
    return family


def _histogram(total: Snapshot) -> HistogramMetricFamily:
    family = HistogramMetricFamily("interlock_decision_seconds", "Time of decisions that were not cached.")
    running = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip((*map(str, LATENCY_BUCKETS_S), "+Inf"), total.latency_buckets, strict=True):
        running += count
        buckets.append((bound, running))
    family.add_metric([], buckets, total.latency_sum_s)
    return family
