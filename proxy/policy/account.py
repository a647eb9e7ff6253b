"""Who speaks: a login as the server authenticated it, and the account that a policy makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AccountKind(StrEnum):
    """What stands behind an account: decides what holds where no rule speaks."""

    MODEL = "model"
    """Enforced: what no rule permits is refused, and so is what cannot be established."""
    SERVICE = "service"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """What is known of a connection when its startup packet has been read."""

    user: str
    database: str
    client_address: str | None = None
    """Textual IP address; None for a Unix socket."""
    certificate_name: str | None = None
    """Common name of the client's verified TLS certificate."""
    application_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A login as a policy sees it."""

    name: str
    """The name of the policy's entry that matched; the login itself where none did."""
    kind: AccountKind
    user: str | None = None
    """The login; None: the same as the name."""

    @property
    def login(self) -> str:
        """The name that the client authenticates with."""
        return self.name if self.user is None else self.user

    @property
    def enforced(self) -> bool:
        """True where undecidable means refused, and no matching rule means refused."""
        return self.kind is AccountKind.MODEL
