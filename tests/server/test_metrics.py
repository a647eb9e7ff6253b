"""What is counted, and that nothing is counted twice or forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from proxy.server.docket import Docket
from proxy.server.metrics import LATENCY_BUCKETS_S, Fleet, Meter, Snapshot
from proxy.wire import End
from tests.server.dockets import Office


def counted(meter: Meter) -> dict[str, int]:
    """Give the statements counted so far."""
    return meter.snapshot(connections=0, bytes_up=0, bytes_down=0).statements


def shown(fleet: Fleet) -> str:
    """Give what Prometheus is told."""
    registry = CollectorRegistry()
    registry.register(fleet)
    return generate_latest(registry).decode()


def test_what_is_ruled_on_counts_once_each_time(tmp_path: Path) -> None:
    """By account kind, verdict, rule and effect, cached or not."""
    office = Office(tmp_path / "audit")
    meter = Meter(office.judge, office.journal)
    model = office.docket("model_a")
    for text in (b"SELECT 1", b"SELECT 2", b"DELETE FROM users"):
        model.query(text, len(text))
    expected = {"model\tpermit\tmodels-read\tselect": 2, "model\tforbid\tno-destructive-autonomy\tdelete": 1}
    assert expected == counted(meter)
    assert expected == counted(meter)
    snapshot = meter.snapshot(connections=0, bytes_up=0, bytes_down=0)
    assert (snapshot.cache_hits, snapshot.cache_misses, sum(snapshot.latency_buckets)) == (1, 2, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SET statement_timeout = 1000; SELECT 1", "permit\tmodels-timeouts\tset"),
        ("SELECT 1; DELETE FROM users", "forbid\tno-destructive-autonomy\tdelete"),
        (
            "INSERT INTO interlock.recommendation (reason) SELECT 'null'",
            "permit\tmodels-recommend\tinsert",
        ),
        ("SELECT 1 FROM", "undecidable\treading\tnone"),
    ],
)
def test_what_does_several_things_counts_under_the_one_that_decided(text: str, expected: str, tmp_path: Path) -> None:
    """The effect is the one that the rule spoke of: no rule is shown beside an effect it says nothing about."""
    office = Office(tmp_path / "audit")
    meter = Meter(office.judge, office.journal)
    office.docket("model_a").query(text.encode(), len(text))
    assert counted(meter) == {f"model\t{expected}": 1}


ASKS: dict[str, tuple[Callable[[Docket], object], tuple[str, str, str]]] = {
    "overlong": (lambda docket: docket.query(None, 1 << 21), ("model", "undecidable", "none")),
    "function call": (lambda docket: docket.function_call(1234), ("model", "forbid", "execute_function")),
    "startup": (lambda docket: docket.startup([("role", "x")], replication=False), ("model", "forbid", "role_change")),
    "unknown portal": (lambda docket: docket.execution(()), ("model", "permit", "prepare")),
}


@pytest.mark.parametrize("what", ASKS)
def test_ruling_that_no_cache_holds_is_counted(what: str, tmp_path: Path) -> None:
    """What is ruled on without a text to remember counts like the rest."""
    office = Office(tmp_path / "audit")
    meter = Meter(office.judge, office.journal)
    ask, expected = ASKS[what]
    ask(office.docket("model_a"))
    found = {(kind, verdict, effect): count for (kind, verdict, _, effect), count in split(counted(meter))}
    assert found == {expected: 1}


def split(statements: dict[str, int]) -> list[tuple[list[str], int]]:
    """Give the labels of each count."""
    return [(labels.split("\t"), count) for labels, count in statements.items()]


def test_prepared_statement_counts_after_the_cache_has_dropped_it(tmp_path: Path) -> None:
    """An Execute counts, whether or not the decision of its Parse is still remembered."""
    office = Office(tmp_path / "audit")
    meter = Meter(office.judge, office.journal)
    docket = office.docket("person_ada")
    parsed = docket.parse(b"SELECT 1", 8, b"")
    office.judge._shrink()
    for _ in range(3):
        counted(meter)
        docket.ended(docket.execution((parsed,)), End.COMPLETED, 1, None)
    assert sum(counted(meter).values()) == 4


def test_totals_of_a_lost_worker_stay() -> None:
    """Counters never fall when a worker is replaced; what is open now is only what lives."""
    fleet = Fleet("1.2.3")
    snapshot = Snapshot(connections=3, bytes_up=10, statements={"model\tpermit\tr\tselect": 2}, policy_digest="d")
    fleet.report(0, snapshot)
    fleet.report(1, snapshot)
    fleet.lost(0)
    fleet.lost(0)
    text = shown(fleet)
    assert "interlock_connections 3.0" in text
    assert 'interlock_bytes_total{direction="to_server"} 20.0' in text
    assert 'interlock_policy_info{digest="d"} 1.0' in text
    assert 'effect="select",rule="r",verdict="permit"} 4.0' in text


def test_histogram_holds_every_decision() -> None:
    """Buckets add up, and the last holds all."""
    fleet = Fleet("1")
    fleet.report(0, Snapshot(latency_buckets=[1] * (len(LATENCY_BUCKETS_S) + 1), latency_sum_s=0.5))
    text = shown(fleet)
    assert 'interlock_decision_seconds_bucket{le="2.5e-05"} 1.0' in text
    assert f'interlock_decision_seconds_bucket{{le="+Inf"}} {len(LATENCY_BUCKETS_S) + 1}.0' in text


def test_one_worker_that_cannot_write_is_seen() -> None:
    """The gauge tells an operator of any journal that cannot be written."""
    fleet = Fleet("1")
    fleet.report(0, Snapshot())
    fleet.report(1, Snapshot(audit_writable=False, audit_lost_records=2))
    text = shown(fleet)
    assert "interlock_audit_writable 0.0" in text
    assert "interlock_audit_lost_records_total 2.0" in text


CENSUSES: dict[str, tuple[bool | None, list[Snapshot], list[str]]] = {
    "no control DSN": (None, [Snapshot()], []),
    "no session yet": (True, [Snapshot()], ["control_dsn_works 1.0"]),
    "no session yet, and no login": (False, [Snapshot()], ["control_dsn_works 0.0"]),
    "works by now": (
        False,
        [Snapshot(census_known=("a", "b")), Snapshot(census_known=("b",))],
        ["control_dsn_works 1.0", 'census_databases{state="known"} 2.0'],
    ),
    "lost by one worker": (
        True,
        [Snapshot(census_known=("a", "b")), Snapshot(census_lost={"b": 5.0}), Snapshot(census_lost={"b": 3.0})],
        [
            "control_dsn_works 1.0",
            'census_databases{state="known"} 1.0',
            'census_databases{state="lost"} 1.0',
            'census_lost_timestamp_seconds{database="b"} 3.0',
        ],
    ),
    "lost altogether": (
        True,
        [Snapshot(census_lost={"a": 5.0})],
        [
            "control_dsn_works 0.0",
            'census_databases{state="lost"} 1.0',
            'census_lost_timestamp_seconds{database="a"} 5.0',
        ],
    ),
}


@pytest.mark.parametrize("case", CENSUSES)
def test_what_is_known_of_databases_is_shown(case: str) -> None:
    """A worker's loss counts before another's knowledge: sessions meet either."""
    login_worked, snapshots, expected = CENSUSES[case]
    fleet = Fleet("1", login_worked=login_worked)
    for number, snapshot in enumerate(snapshots):
        fleet.report(number, snapshot)
    told = [line.removeprefix("interlock_") for line in shown(fleet).splitlines()]
    found = [line for line in told if line.startswith(("control_dsn_", "census_")) and not line.endswith("} 0.0")]
    assert expected == found
