"""How journals lie in a folder: file names, the head file, and reading a file back up to its last good record.

A journal NAME keeps `NAME-00000001.jsonl` and so on, `NAME.head` and `NAME.lock`. The head file is one JSON object,
`{"v":1,"journal":NAME,"file":...,"seq":N,"chain":HASH,"at":...}`: it vouches that the chain had come at least so far,
so that a file cut at its end shows. It is replaced atomically.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson

from audit.chain import BEGINNING, Link, fault
from audit.record import Torn, Vouched

CLOCK_SLACK_S = 60.0
"""How far times may run backwards inside a file: `at` is taken before a record is written, and clocks are corrected."""

_LONGEST_BYTES = 1 << 20
"""A record longer than this is not looked for at a file's end."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_HASH = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]{0,99})-(?P<number>[0-9]{8,})\.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFile:
    """A journal's file, by its name alone."""

    path: Path
    journal: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodPart:
    """What of one file holds, read from its beginning."""

    last: Link | None
    """The last good record; None where there is none."""
    torn: Torn | None
    """What lies behind it."""
    agrees: bool
    """False where the head file names a record of this file and that record is not the one found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Where a journal ended, as its folder shows it."""

    number: int = 0
    """Number of its newest file; 0 where there is none."""
    previous: str = ""
    """Name of that file; empty where the journal never began."""
    last: Link = BEGINNING
    """Its last good record."""
    torn: Torn | None = None
    """What lies behind it in the newest file."""
    vouched: Vouched | None = None
    """What the head file vouched for, where that is not there any more; all empty where the head file itself is damaged
    or gone."""


def is_journal_name(name: str) -> bool:
    """Return True where the name may name a journal: letters, digits, `_`, `.`, `-`, at most 100."""
    return _NAME.fullmatch(name) is not None


def file_name(journal: str, number: int) -> str:
    """Return the name of a journal's file; numbers count from 1."""
    return f"{journal}-{number:08d}.jsonl"


def files_of(folder: Path, journal: str | None = None) -> list[JournalFile]:
    """List the folder's journal files, one journal's or all, by journal and number. Raises OSError."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _FILE.fullmatch(entry.name)
            if match and journal in (None, match["name"]):
                found.append(JournalFile(path=folder / entry.name, journal=match["name"], number=int(match["number"])))
    return sorted(found, key=lambda file: (file.journal, file.number))


def journals_vouched_for(folder: Path) -> set[str]:
    """Names of the journals that have a head file. Raises OSError."""
    return {path.name.removesuffix(".head") for path in folder.glob("*.head") if is_journal_name(path.stem)}


def lines_of(path: Path, *, from_byte: int = 0) -> Iterator[bytes]:
    """Yield the file's lines with their line ends, the last one perhaps without. Raises OSError."""
    with path.open("rb") as file:
        file.seek(from_byte)
        yield from file


def last_line_of(path: Path) -> bytes:
    """Return the file's last whole line, without reading it all; empty where it is out of reach. Raises OSError."""
    with path.open("rb") as file:
        start = max(0, path.stat().st_size - _LONGEST_BYTES)
        file.seek(start)
        parts = file.read().split(b"\n")
    whole = parts[1 if start else 0 : -1]
    return whole[-1] if whole else b""


def read_head(folder: Path, journal: str) -> Vouched | None:
    """Return what the head file vouches for; None where there is none. Raises OSError, ValueError for a damaged one."""
    try:
        found = orjson.loads((folder / f"{journal}.head").read_bytes())
        vouched = Vouched(file=str(found["file"]), seq=int(found["seq"]), chain=str(found["chain"]))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{journal}.head is not a head file") from error
    match = _FILE.fullmatch(vouched.file)
    if match is None or match["name"] != journal or _HASH.fullmatch(vouched.chain) is None:
        raise ValueError(f"{journal}.head is not the head file of {journal}")
    return vouched


def write_head(folder: Path, journal: str, vouched: Vouched, at: str, *, sync: bool) -> None:
    """Replace the head file atomically, `sync` also across a power failure. Raises OSError."""
    text = orjson.dumps(
        {"v": 1, "journal": journal, "file": vouched.file, "seq": vouched.seq, "chain": vouched.chain, "at": at}
    )
    draft = folder / f"{journal}.head.new"
    with open(draft, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(text + b"\n")
        if sync:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(folder / f"{journal}.head")


def good_part(path: Path, head: Vouched | None) -> GoodPart:
    """Read a file up to the first line that does not hold, and take the digest of what follows. Raises OSError.

    The first record's own word is taken for what it follows; whether that is true is for `verify` to say.
    """
    after: Link | None = None
    agrees = True
    good_bytes = 0
    for line in lines_of(path):
        after = _followed(line) if good_bytes == 0 else after
        if after is None or not line.endswith(b"\n"):
            break
        why, link = fault(line[:-1], after)
        if why is not None:
            break
        after = link
        good_bytes += len(line)
        if head is not None and head.seq == link.seq:
            agrees = head.chain.encode() == link.chain
    return GoodPart(last=after if good_bytes else None, torn=torn_part(path, good_bytes), agrees=agrees)


def where_it_ended(folder: Path, journal: str) -> Ending:
    """Find the journal's last good record. Raises OSError."""
    try:
        head = read_head(folder, journal)
    except ValueError:
        # The damage must show for ever, not only until the head file is next replaced.
        head = Vouched(file="", seq=0, chain="")
    files = files_of(folder, journal)
    if not files:
        if head is None or not head.file:
            return Ending(vouched=head)
        return Ending(number=_number(head.file), previous=head.file, last=Link(seq=head.seq, chain=head.chain.encode()))
    torn: Torn | None = None
    last = BEGINNING
    agrees = True
    for nth, file in enumerate(reversed(files)):
        part = good_part(file.path, head)
        torn = part.torn if nth == 0 else torn
        agrees = agrees and part.agrees
        if part.last is not None:
            last = part.last
            break
    newest = files[-1]
    if head is None and (len(files) > 1 or last.seq > 1):
        # Only a start that was killed at once leaves files and no head file; a cut end may hide behind its removal.
        head = Vouched(file="", seq=0, chain="")
    gone = head is not None and (head.seq > last.seq or not agrees or not head.file)
    return Ending(number=newest.number, previous=newest.path.name, last=last, torn=torn, vouched=head if gone else None)


def _number(file: str) -> int:
    match = _FILE.fullmatch(file)
    return int(match["number"]) if match else 0


def torn_part(path: Path, from_byte: int) -> Torn | None:
    """Length and digest of what a file holds from that byte on; None where that is nothing. Raises OSError."""
    digest, length = sha256(), 0
    with path.open("rb") as file:
        file.seek(from_byte)
        while block := file.read(1 << 20):
            digest.update(block)
            length += len(block)
    return Torn(bytes=length, sha256=digest.hexdigest()) if length else None


def _followed(line: bytes) -> Link | None:
    """Return what a file's first record states that it follows; None where the line is no such record."""
    try:
        record = orjson.loads(line)
        if record["kind"] != "journal":
            return None
        if record["previous"] is None:
            return BEGINNING
        return Link(seq=record["previous"]["seq"], chain=record["previous"]["chain"].encode())
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
