"""Dockets as a worker makes them: the shipped policy, a real judge and a real journal."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from audit import IdMint, Journal
from audit import Session as RecordedSession
from proxy.policy import Account, Policy, Principal, compile_policy
from proxy.server.docket import Docket
from proxy.server.judge import Judge
from proxy.server.moment import Moment
from proxy.sql import Bounds
from tests.audit.journals import open_journal

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "policies" / "default.yaml"
BOUNDS = Bounds(statement_bytes=1 << 20, nesting_depth=500, statements=1_000)


def policy_of(text: str) -> Policy:
    """Compile one policy text."""
    return compile_policy([("policy.yaml", text)])


def default_policy() -> Policy:
    """Compile the shipped policy."""
    return policy_of(DEFAULT.read_text())


def judge_of(policy: Policy, *, cached_decisions: int = 20_000) -> Judge:
    """Make a judge whose clock stands still."""
    return Judge(policy, bounds=BOUNDS, cached_decisions=cached_decisions, clock=lambda: 0.0)


def account(user: str, policy: Policy) -> Account:
    """Give the account of a login."""
    return policy.account_of(Principal(user=user, database="demo"))


class Office:
    """A judge, a journal, and as many dockets as are asked for."""

    def __init__(self, folder: Path, policy: Policy | None = None) -> None:
        self.judge = judge_of(default_policy() if policy is None else policy)
        self.journal: Journal = open_journal(folder)
        self.moment = Moment()
        self._nonces = (b"%032x" % number for number in itertools.count(1))

    def docket(self, user: str) -> Docket:
        """Open a session's docket."""
        found = account(user, self.judge.policy)
        return Docket(
            judge=self.judge,
            journal=self.journal,
            mint=IdMint(1),
            moment=self.moment,
            nonce=lambda: next(self._nonces),
            account=found,
            session=RecordedSession(
                id="S", proxy="p/0", user=user, database="demo", account=found.name, account_kind=found.kind.value
            ),
        )

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Write what is pending; give the journal's records of one kind."""
        self.journal.flush()
        lines = [json.loads(line) for line in self.journal.path.read_bytes().splitlines()]
        return [line for line in lines if line.get("kind") == kind]
