"""How long one decision takes over PostgreSQL's regression statements: at first sight, and when seen before.

In this process and without sockets, with the collector as a worker has it: its pauses are part of what a client waits
for. Every statement is timed by itself, so the slowest can be told. No catalog is known, and nothing is forgotten.
"""

from __future__ import annotations

from statistics import median, quantiles
from time import perf_counter
from typing import Final

from bench.figures import Slice
from bench.stage import POLICIES
from proxy.policy import Principal, compile_policy
from proxy.server.judge import Judge, ProfileKey
from proxy.server.worker import settle_collector
from proxy.sql import Bounds, Settings
from tests.differential.corpus import statements

REGRESSION: Final = "regression"
LOGINS: Final = {"person": "person_bench", "model": "model_bench"}
CELLS: Final = tuple(LOGINS)
COLUMNS: Final = tuple(f"{sight}, {figure}" for sight in ("new", "seen") for figure in ("median", "p99", "slowest"))


def regression_decisions() -> list[Slice]:
    """Measure each statement twice for each kind of account; values are seconds of one decision."""
    policy = compile_policy([(POLICIES.name, POLICIES.read_text("utf-8"))])
    texts = [text.encode() for text in statements()]
    settle_collector()
    found = []
    for cell, user in LOGINS.items():
        judge = Judge(policy, bounds=Bounds(), cached_decisions=10 * len(texts))
        account = policy.account_of(Principal(user=user, database="bench"))
        profile = judge.profile(
            ProfileKey(account=account, database="bench", settings=Settings(search_path=("public",)))
        )
        values: list[float] = []
        for _ in range(2):
            took_s = []
            for text in texts:
                began_s = perf_counter()
                judge.rule(text, profile)
                took_s.append(perf_counter() - began_s)
            values += [median(took_s), quantiles(took_s, n=100)[98], max(took_s)]
        for column, value in zip(COLUMNS, values, strict=True):
            found.append(Slice(section=REGRESSION, cell=cell, peer=column, round=0, value=value))
    return found
