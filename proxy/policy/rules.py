"""A compiled policy: rules, accounts and limits as frozen values, and the one question a rule answers.

`Rule.miss` says why a rule does not apply to an act, or that it does. Deciding, advising and explaining all ask it, so
what `policy explain` prints is what decided.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from proxy.policy.account import Account, AccountKind, Principal
from proxy.policy.patterns import Glob, ObjectPattern, ValuePattern, must_cover_any
from proxy.sql import Act, Effect, Modifier

HOUSE_RULES: Final = frozenset(
    {"default", "reading", "empty", "audit", "lease", "latch", "throttle", "quarantine", "breaker", "census"}
    | {"identity", "protocol"}
)
"""Ids that decisions carry where the house itself decided; no policy may use them."""

INNOCUOUS: Final = frozenset({Modifier.LOCAL, Modifier.CONCURRENTLY})
"""Modifiers that a permit need not name: each does the plain effect's work within narrower bounds (until the
transaction ends; without a lock that stops others). A modifier that is not here must be named."""

MAY_NAME_NOTHING: Final = frozenset(
    {Effect.SELECT, Effect.COPY_OUT, Effect.EXPLAIN, Effect.PREPARE, Effect.CURSOR, Effect.TRANSACTION}
)
"""Effects that honestly fall on no object (`SELECT 1`, `COPY (query) TO STDOUT`, `COMMIT`). For every other effect an
unnamed object means any object: a forbid matches it, a permit only with `*` or without `on`."""


class Sense(StrEnum):
    """Which way a rule speaks."""

    PERMIT = "permit"
    FORBID = "forbid"


class Mode(StrEnum):
    """Whether a rule acts, or only leaves its id in the record of what it would have refused."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


class Miss(StrEnum):
    """The first thing in which a rule does not fit an act, in the order in which they are compared."""

    ACCOUNT = "account"
    EFFECT = "effect"
    OBJECT = "object"
    MODIFIER = "modifier"
    VALUE = "value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom a rule or limit is for: every part that is given must hold, and any item of a part is enough."""

    kinds: frozenset[AccountKind] | None = None
    accounts: frozenset[str] | None = None
    users: tuple[Glob, ...] | None = None

    def includes(self, account: Account) -> bool:
        """Whether the account belongs to it."""
        return (
            (self.kinds is None or account.kind in self.kinds)
            and (self.accounts is None or account.name in self.accounts)
            and (self.users is None or any(glob.matches(account.login) for glob in self.users))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One permit or forbid."""

    id: str
    sense: Sense
    audience: Audience
    effects: frozenset[Effect]
    on: tuple[ObjectPattern, ...] | None
    """None: every object, and none."""
    modifiers: frozenset[Modifier] = frozenset()
    """A forbid's: acts with any of these, or every act where empty. A permit's: what an act may carry."""
    values: tuple[ValuePattern, ...] | None = None
    """Of permits for `set`: the values that may be set. None: any."""
    because: str | None = None
    instead: str | None = None
    mode: Mode = Mode.ENFORCE
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    def miss(self, account: Account, act: Act) -> Miss | None:
        """Why the rule does not apply to the account's act; None where it applies."""
        if not self.audience.includes(account):
            return Miss.ACCOUNT
        if act.effect not in self.effects:
            return Miss.EFFECT
        if not self._covers_object(act):
            return Miss.OBJECT
        match self.sense:
            case Sense.FORBID:
                if self.modifiers and not (act.modifiers & self.modifiers):
                    return Miss.MODIFIER
            case Sense.PERMIT:
                if act.modifiers - self.modifiers - INNOCUOUS:
                    return Miss.MODIFIER
                if self.values is not None and not self._permits_value(act.value):
                    return Miss.VALUE
        return None

    def _covers_object(self, act: Act) -> bool:
        if self.on is None:
            return True
        if act.target is None:
            if act.effect in MAY_NAME_NOTHING:
                # Reads or touches no object: whoever may do it somewhere may do it nowhere; nothing to forbid by name.
                return self.sense is Sense.PERMIT or any(pattern.everything for pattern in self.on)
            return self.sense is Sense.FORBID or any(pattern.everything for pattern in self.on)
        if self.sense is Sense.FORBID:
            return any(pattern.may_cover(act.target) for pattern in self.on)
        return must_cover_any(self.on, act.target)

    def _permits_value(self, value: str | None) -> bool:
        return value is not None and any(pattern.matches(value) for pattern in self.values or ())


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One way in which a connection is recognized as an account: every part must hold."""

    account: str
    kind: AccountKind
    user: Glob
    certificate_name: Glob
    network: Network | None
    """None: any address, and a Unix socket."""
    database: Glob
    application_name: Glob

    @property
    def weight(self) -> tuple[tuple[bool, int], ...]:
        """Order of specificity: user first, then certificate, address, database, application name."""
        prefix = (False, -1) if self.network is None else (True, self.network.prefixlen)
        return (
            self.user.weight,
            self.certificate_name.weight,
            prefix,
            self.database.weight,
            self.application_name.weight,
        )

    def holds(self, principal: Principal) -> bool:
        """Whether the connection is recognized by this claim."""
        return (
            self.user.matches(principal.user)
            and _present(self.certificate_name, principal.certificate_name)
            and self._holds_address(principal.client_address)
            and self.database.matches(principal.database)
            and _present(self.application_name, principal.application_name)
        )

    def _holds_address(self, text: str | None) -> bool:
        if self.network is None:
            return True
        try:
            address = ipaddress.ip_address((text or "").partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return address in self.network

    def meets(self, other: Claim) -> bool:
        """Whether one connection could be recognized by both."""
        networks = (
            self.network is None
            or other.network is None
            or (self.network.version == other.network.version and _overlap(self.network, other.network))
        )
        return (
            networks
            and self.user.meets(other.user)
            and self.certificate_name.meets(other.certificate_name)
            and self.database.meets(other.database)
            and self.application_name.meets(other.application_name)
        )


def _present(glob: Glob, text: str | None) -> bool:
    return glob.everything or (text is not None and glob.matches(text))


def _overlap(one: Network, other: Network) -> bool:
    return one.network_address in other or other.network_address in one


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much an account may do in a time. Counts are per account; each None means unlimited."""

    audience: Audience
    rows_per_statement: int | None = None
    rows_per_minute: int | None = None
    statements_per_second: int | None = None
    refusals: int | None = None
    """Quarantine after this many refusals ..."""
    refusals_within_s: float | None = None
    """... in this many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that is decided by, in an order that no file's order can change."""

    rules: tuple[Rule, ...] = ()
    """Sorted by id."""
    claims: tuple[Claim, ...] = ()
    """The most specific first; no two that meet weigh the same, which the compiler saw to."""
    limits: tuple[Limit, ...] = ()
    unmatched: AccountKind = AccountKind.PERSON
    """Kind of a login that no account entry matches."""
    digest: str = ""
    """SHA-256, hexadecimal, of the canonical content: comments, order and file names do not change it."""

    def account_of(self, principal: Principal) -> Account:
        """Recognize a connection: the most specific matching entry, else the login itself."""
        for claim in self.claims:
            if claim.holds(principal):
                return Account(name=claim.account, kind=claim.kind, user=principal.user)
        return Account(name=principal.user, kind=self.unmatched, user=principal.user)
