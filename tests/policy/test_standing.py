"""What time does to a decision: it only tightens."""

from __future__ import annotations

import pytest

from proxy.policy import Account, Standing, Verdict, decide, restrain
from proxy.sql import Effect
from tests.policy.samples import ACCOUNTS, MODEL, NO_DELETE, READ, act, policy, statement

RULES = policy(READ, NO_DELETE)
READING = [statement(act(Effect.SELECT, "a.b"))]
DELETING = [statement(act(Effect.DELETE, "a.b"))]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_enforced_accounts_are_refused_while_the_audit_cannot_be_written(account: Account) -> None:
    """Nothing of a model happens unrecorded; people go on."""
    decision = decide(READING, account, RULES)
    restrained = restrain(decision, Standing(audit_writable=False), 0.0)
    expected = (Verdict.UNDECIDABLE, "audit") if account.enforced else (Verdict.PERMIT, decision.rule)
    assert expected == (restrained.verdict, restrained.rule)
    assert account.enforced is restrained.refused


def test_refusal_keeps_its_own_reason() -> None:
    """A rule's no says more than a full disk."""
    decision = decide(DELETING, MODEL, RULES)
    assert decision == restrain(decision, Standing(audit_writable=False), 0.0)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_good_standing_changes_nothing(account: Account) -> None:
    """The decision comes back as it was."""
    for reading in (READING, DELETING):
        decision = decide(reading, account, RULES)
        assert decision is restrain(decision, Standing(), 1e9)
