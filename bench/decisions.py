"""How long one decision takes: of a form never seen, of a known form with new constants, and of a text seen before.

In this process and without sockets: the judge that a worker uses, under the shipped policy, for a model account.
"""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import Final

from bench.figures import Slice
from bench.stage import POLICIES
from proxy.policy import Policy, Principal, compile_policy
from proxy.server.config import ServerConfig
from proxy.server.judge import Judge, Profile, ProfileKey
from proxy.sql import Bounds, Settings

DECISION = "decision"
COLD, NEW_CONSTANTS, REPEATED = "cold", "new constants", "repeated"
KINDS = (COLD, NEW_CONSTANTS, REPEATED)

CORPUS: Final = {
    "point select": "SELECT abalance FROM pgbench_accounts WHERE aid = {n}",
    "update": "UPDATE pgbench_accounts SET abalance = abalance + {n} WHERE aid = {n}",
    "insert": "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ({n}, 1, {n}, -5, CURRENT_TIMESTAMP)",
    "transaction": "BEGIN",
    "recommendation": (
        "INSERT INTO interlock.recommendation (model, model_version, batch_id, entity, action, score) "
        "VALUES ('churn', '3', 'b-{n}', 'user:{n}', 'review', 0.{n})"
    ),
    "delete": "DELETE FROM users WHERE last_login_at < '2019-01-01' AND id > {n}",
    "drop": "DROP TABLE users CASCADE",
    "join": (
        "SELECT u.id, u.name, count(o.id) AS orders, sum(o.total) FROM users u LEFT JOIN orders o ON o.user_id = u.id "
        "WHERE u.created_at > '2024-01-01' AND u.id < {n} GROUP BY u.id, u.name HAVING count(o.id) > 3 "
        "ORDER BY orders DESC LIMIT 100"
    ),
    "common table expression": (
        "WITH recent AS (SELECT user_id, max(placed_at) AS last FROM orders WHERE total > {n} GROUP BY user_id), "
        "ranked AS (SELECT user_id, last, row_number() OVER (ORDER BY last DESC) AS place FROM recent) "
        "SELECT u.id, r.place FROM ranked r JOIN users u ON u.id = r.user_id WHERE r.place <= 50"
    ),
    "detour": "WITH gone AS (DELETE FROM orders WHERE id = {n} RETURNING *) SELECT count(*) FROM gone",
    "explain": "EXPLAIN ANALYZE DELETE FROM orders WHERE id = {n}",
    "copy": "COPY (SELECT * FROM orders WHERE id < {n}) TO STDOUT",
    "setting": "SET statement_timeout = '30s'",
}


def decisions(repeats: int) -> list[Slice]:
    """Measure each statement of the corpus; values are the median decision in seconds, one slice for each kind."""
    policy = compile_policy([(POLICIES.name, POLICIES.read_text("utf-8"))])
    found = []
    for name, template in CORPUS.items():
        cold, new_constants, repeated = [], [], []
        _ruling_s(_bench_judge(policy), template.format(n=1).encode())  # what is loaded on first use is no decision's
        for number in range(repeats):
            bench = _bench_judge(policy)
            text, *others = (template.format(n=n).encode() for n in range(1_000 + 32 * number, 1_032 + 32 * number))
            cold.append(_ruling_s(bench, text))
            new_constants.append(_ruling_s(bench, *others))
            repeated.append(_ruling_s(bench, *[text] * len(others)))
        for kind, took_s in ((COLD, cold), (NEW_CONSTANTS, new_constants), (REPEATED, repeated)):
            found.append(Slice(section=DECISION, cell=name, peer=kind, round=0, value=median(took_s)))
    return found


def _bench_judge(policy: Policy) -> tuple[Judge, Profile]:
    judge = Judge(policy, bounds=Bounds(), cached_decisions=ServerConfig().cached_decisions)
    account = policy.account_of(Principal(user="model_bench", database="bench"))
    settings = Settings(search_path=("public",))
    return judge, judge.profile(ProfileKey(account=account, database="bench", settings=settings))


def _ruling_s(bench: tuple[Judge, Profile], *texts: bytes) -> float:
    """Seconds of one ruling, on the average over the texts."""
    judge, profile = bench
    began_s = perf_counter()
    for text in texts:
        judge.rule(text, profile)
    return (perf_counter() - began_s) / len(texts)
