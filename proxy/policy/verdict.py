"""The one decision function of the product, and what it answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from proxy.policy.account import Account
from proxy.sql import Act, Facts


class Verdict(StrEnum):
    """What is to happen with a statement."""

    PERMIT = "permit"
    FORBID = "forbid"
    """A rule said no, or no rule of an enforced account said yes."""
    UNDECIDABLE = "undecidable"
    """Could not be established; refused to enforced accounts, let through and recorded for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict with its grounds. Immutable, so it may be cached for as long as its policy and census stand."""

    verdict: Verdict
    account: Account
    rule: str
    """Id of the rule that decided; `default` where the account kind's default did; `reading`, `audit` ... where the
    house itself did."""
    because: str
    """The rule's reason, one sentence with a full stop."""
    act: Act | None = None
    """The act that decided."""
    statement: int = 0
    """Index of the deciding statement in the message."""
    facts: tuple[Facts, ...] = ()
    policy_digest: str = ""
    instead: str | None = None
    """What to do instead, one sentence, from the rule; None: the wording finds one."""
    observed: tuple[str, ...] = ()
    """Ids of rules in `mode: observe` that would have refused."""

    @property
    def refused(self) -> bool:
        """True where the statement must not reach the server."""
        match self.verdict:
            case Verdict.PERMIT:
                return False
            case Verdict.FORBID:
                return True
            case Verdict.UNDECIDABLE:
                return self.account.enforced
