r"""The hash chain: what makes an edited, dropped, reordered, inserted or truncated record show. Pure.

A line of a journal is

    CONTENT,"chain":"HASH"}

and HASH is the lower-case hex SHA-256 of the previous line's HASH (64 ASCII characters; 64 zeros before a chain's first
line) followed by CONTENT, byte for byte. CONTENT ends in `,"seq":N`, and N counts from 1 without gaps through all files
of a chain. An auditor needs no program of ours:

    printf '%s%s' "$previous" "${line%,\"chain\":*}" | sha256sum

A chain proves that lines belong together, not who wrote them: whoever may write the folder can forge a whole new chain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

GENESIS = b"0" * 64
"""What stands for the previous line's hash before a chain's first line."""

_TAIL_BYTES = len(b',"chain":"') + 64 + len(b'"}')
_SEALED = re.compile(rb'\{.+,"seq":([1-9][0-9]{0,18}),"chain":"([0-9a-f]{64})"\}', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A place in a chain: its last line's number and hash."""

    seq: int = 0
    chain: bytes = GENESIS


BEGINNING = Link()
"""What a chain's first line follows."""


def seal(bodies: Iterable[bytes], after: Link) -> tuple[bytes, Link]:
    """Make the bodies lines of the chain that `after` ends, line ends included; and the link that they end in.

    A body is a JSON object on one line with at least one field and without `seq` and `chain`.
    """
    seq, chain = after.seq, after.chain
    lines = []
    for body in bodies:
        seq += 1
        # A format of nothing but %b is compiled to one copy.
        content = b'%b,"seq":%b' % (body[:-1], str(seq).encode())
        chain = sha256(chain + content).hexdigest().encode()
        lines.append(b'%b,"chain":"%b"}\n' % (content, chain))
    return b"".join(lines), Link(seq=seq, chain=chain)


def stated(line: bytes) -> Link | None:
    """Return the number and hash that a line, without its line end, states of itself; None where it states none."""
    match = _SEALED.fullmatch(line)
    return Link(seq=int(match[1]), chain=match[2]) if match else None


def hash_of(line: bytes, previous: bytes) -> bytes:
    """Compute the hash that a line, without its line end, must state if `previous` is the hash before it."""
    return sha256(previous + line[:-_TAIL_BYTES]).hexdigest().encode()


def fault(line: bytes, after: Link) -> tuple[str | None, Link]:
    """Say what is wrong with a line, without its line end, that should follow `after`; and the link to go on from.

    That link is the one that the line states of itself: one changed line is one finding, not one for all that follow.
    """
    link = stated(line)
    if link is None:
        return "is not a record of a journal: it does not end in seq and chain", after
    if link.seq != after.seq + 1:
        return _misnumbered(link.seq, after.seq), link
    if link.chain != hash_of(line, after.chain):
        return "does not follow from the record before it: one of the two was changed", link
    return None, link


def _misnumbered(seq: int, previous: int) -> str:
    if seq <= previous:
        return f"seq {seq} after {previous}: repeated, moved or inserted"
    missing = seq - previous - 1
    return f"seq {seq} after {previous}: {missing} record{'s' if missing > 1 else ''} missing"
