"""A ruling of one session, with what its records and its refusal's words need."""

from __future__ import annotations

from audit import Via
from proxy.server.judge import Profile
from proxy.server.ruled import Ruled
from proxy.wire import Ruling


class Case(Ruling):
    """A ruling with what its records and its refusal's words need."""

    __slots__ = ("began_s", "decision", "number", "profile", "ruled", "ruled_later", "types", "unrecorded", "via")

    def __init__(self, ruled: Ruled, via: Via, profile: Profile, began_s: float) -> None:
        """Begin as what most are: permitted, and free to go before its record is written."""
        self.text = None
        self.nonce = None
        self.held = False
        self.enforced = ruled.enforced
        self.ruled = ruled
        self.decision = ruled.decision
        self.via = via
        self.profile = profile
        self.began_s = began_s
        self.number: bytes | None = None
        """The decision's id, once its record is on its way."""
        self.types = b""
        """Of a Parse, what it types its parameters."""
        self.ruled_later: tuple[Profile, Ruled] | None = None
        """What the same was ruled last under another profile."""
        self.unrecorded = False
        """Turned back because its record could not be written in time."""
