from __future__ import annotations

import re
from enum import IntEnum
from pathlib import Path

import pytest

from interlock.embedded import programs
from proxy.wire import codes

SERVER = programs().parent
PROTOCOL_H = (SERVER / "include/server/libpq/protocol.h").read_text()
PQCOMM_H = (SERVER / "include/server/libpq/pqcomm.h").read_text()
POSTGRES_EXT_H = (SERVER / "include/postgres_ext.h").read_text()
ERRCODES = (SERVER / "share/errcodes.txt").read_text()
ONE_BYTE_FOR_ALL_ANSWERS = {"GSSResponse", "SASLInitialResponse", "SASLResponse"}


def snake(name: str) -> str:
    """Spell a C name as a member's."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def section(start: str, end: str) -> dict[str, int]:
    """Read the codes between two of protocol.h's comments."""
    text = PROTOCOL_H[PROTOCOL_H.index(start) : PROTOCOL_H.index(end)]
    found = re.findall(r"#define PqMsg_(\w+)\s+'(.)'", text)
    return {snake(name): ord(code) for name, code in found if name not in ONE_BYTE_FOR_ALL_ANSWERS}


def members(listed: type[IntEnum]) -> dict[str, int]:
    """Give our list in the same shape."""
    return {member.name: member.value for member in listed}


BOTH = section("sent by both the frontend and backend", "sent by parallel workers")


def test_frontend_codes_are_protocol_h_s() -> None:
    """Every request code of protocol.h is there, with its value and name, and no other."""
    expected = section("sent by the frontend", "sent by the backend") | BOTH
    assert expected == members(codes.FrontendCode)


def test_backend_codes_are_protocol_h_s() -> None:
    """Every response code of protocol.h is there, with its value and name, and no other."""
    expected = section("sent by the backend", "sent by both the frontend and backend") | BOTH
    assert expected == members(codes.BackendCode)


def test_authentication_codes_are_protocol_h_s() -> None:
    """Every AUTH_REQ_* of protocol.h is there, and no other."""
    expected = {name: int(value) for name, value in re.findall(r"#define AUTH_REQ_(\w+)\s+(\d+)", PROTOCOL_H)}
    assert expected == members(codes.AuthenticationCode)


def test_diagnostic_fields_are_postgres_ext_h_s() -> None:
    """Every PG_DIAG_* of postgres_ext.h is there, and no other."""
    expected = dict(re.findall(r"#define PG_DIAG_(\w+)\s+'(.)'", POSTGRES_EXT_H))
    assert expected == {member.name: member.value for member in codes.DiagnosticField}


@pytest.mark.parametrize("state", codes.SqlState, ids=lambda state: state.name)
def test_sqlstate_has_errcodes_name_and_value(state: codes.SqlState) -> None:
    """Each SQLSTATE bears the name that errcodes.txt gives to it."""
    listed = re.findall(r"^([0-9A-Z]{5})\s+\w\s+ERRCODE_(\w+)", ERRCODES, re.MULTILINE)
    assert (state.value, state.name) in listed


def test_request_codes_are_pqcomm_h_s() -> None:
    """The codes of the packets before the session are pqcomm.h's."""
    found = {
        name: int(major) << 16 | int(minor)
        for name, major, minor in re.findall(r"#define (\w+_CODE) PG_PROTOCOL\((\d+),(\d+)\)", PQCOMM_H)
    }
    expected = {
        "CANCEL_REQUEST_CODE": codes.CANCEL_REQUEST_CODE,
        "NEGOTIATE_SSL_CODE": codes.NEGOTIATE_SSL_CODE,
        "NEGOTIATE_GSS_CODE": codes.NEGOTIATE_GSS_CODE,
    }
    assert expected == found


def test_bounds_and_versions_are_pqcomm_h_s() -> None:
    """The longest startup packet and the newest version are the server's."""
    longest = re.search(r"#define MAX_STARTUP_PACKET_LENGTH (\d+)", PQCOMM_H)
    latest = re.search(r"#define PG_PROTOCOL_LATEST\s+PG_PROTOCOL\((\d+),(\d+)\)", PQCOMM_H)
    assert longest
    assert latest
    assert (int(longest[1]), int(latest[1]), int(latest[2])) == (
        codes.MAX_STARTUP_PACKET_LENGTH,
        codes.PROTOCOL_MAJOR,
        codes.LATEST_PROTOCOL_MINOR,
    )


def test_transaction_statuses_are_the_documented_letters() -> None:
    """ReadyForQuery says I, T or E."""
    assert {member.name: chr(member) for member in codes.TransactionStatus} == {
        "IDLE": "I",
        "IN_TRANSACTION": "T",
        "FAILED": "E",
    }


def test_violation_keeps_words_and_sqlstate() -> None:
    """A violation without a SQLSTATE of its own is 08P01."""
    violation = codes.ProtocolViolation("invalid message format")
    assert (violation.message, violation.sqlstate, violation.detail) == ("invalid message format", "08P01", None)


def test_server_copies_are_read_at_all() -> None:
    """The lists above come from files that exist and were matched; an empty list would agree with anything empty."""
    assert len(BOTH) == 2
    assert Path(SERVER / "share/errcodes.txt").stat().st_size > 10_000
