"""Mutations of honest messages, and the machine that must bear them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from proxy.wire import ProtocolViolation
from tests.wire.conversation import READY, SYNC, Conversation, bind, error, execute, message, parse, query

CLIENT = (
    query(b"SELECT 1"),
    query(b"REFUSE"),
    query(b"HOLD"),
    query(b"z" * 6_000),
    parse(b"", b"SELECT $1"),
    parse(b"a", b"REFUSE"),
    bind(b"", b"a"),
    bind(b"p", b"", b"\0\1\0\0\0\1\0\0\0\3abc\0\0"),
    execute(),
    execute(b"p"),
    SYNC,
    message("H"),
    message("D", b"Pp\0"),
    message("C", b"Sa\0"),
    message("d", b"row\n" * 20),
    message("c"),
    message("f", b"enough\0"),
    message("F", b"\0\0\0\1\0\0\0\0\0\0"),
    message("X"),
)
SERVER = (
    READY,
    message("Z", b"E"),
    message("1"),
    message("2"),
    message("3"),
    message("n"),
    message("s"),
    message("I"),
    message("G", b"\0\0\0"),
    message("T", b"\0\1a\0" + b"\0" * 18),
    message("D", b"\0\1\0\0\0\1x"),
    message("C", b"INSERT 0 1\0"),
    message("C", b"DISCARD ALL\0"),
    message("S", b"search_path\0public\0"),
    message("K", b"\0\0\0\1\0\0\0\2"),
    message("R", b"\0\0\0\0"),
    message("R", b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0\0"),
    error(b"42601", b"syntax error"),
    error(b"22P02", b"interlock-refusal-" + b"%032x" % 1),
)
SESSION_MESSAGES = 40


@dataclass(slots=True)
class Report:
    """What came of a run."""

    messages: int = 0
    sessions: int = 0
    replaced: int = 0
    cut_off: int = 0
    violations: int = 0


def mutated(chance: random.Random, original: bytes) -> bytes:
    """Change a message a little, or not at all."""
    data = bytearray(original)
    for _ in range(chance.choice((0,) * 16 + (1, 1, 2, 5))):
        place = chance.randrange(len(data) + 1) if data else 0
        match chance.randrange(6):
            case 0 if data:
                data[place % len(data)] = chance.randrange(256)
            case 1:
                data[place:place] = chance.randbytes(chance.randrange(1, 9))
            case 2:
                del data[place : place + chance.randrange(1, 9)]
            case 3 if len(data) > 5:
                data[1:5] = chance.choice((0, 3, 4, 5, len(data), 0x7FFFFFFF, 0xFFFFFFFF, 70_000)).to_bytes(4, "big")
            case 4:
                data[place:place] = b"\0"
            case _:
                data += original[: chance.randrange(len(original) + 1)]
    return bytes(data)


def run(count: int, seed: int) -> Report:
    """Send `count` mutated messages, some forty a session, in chunks cut anywhere. Raises what the machine raises."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable run
    report = Report()
    while report.messages < count:
        report.sessions += 1
        talk = Conversation(statement_bytes=2_048)
        for _ in range(SESSION_MESSAGES // 2):
            sent = mutated(chance, chance.choice(CLIENT))
            middle = chance.randrange(len(sent) + 1)
            passed = talk.client(sent[:middle], sent[middle:])
            report.replaced += b"interlock-refusal-" in passed
            report.messages += 1
            heard = mutated(chance, chance.choice(SERVER))
            try:
                talk.server(heard[: len(heard) // 2], heard[len(heard) // 2 :])
            except ProtocolViolation:
                report.violations += 1
                break
            finally:
                report.messages += 1
        report.cut_off += talk.session.ended
        talk.session.broken_off()
    return report
