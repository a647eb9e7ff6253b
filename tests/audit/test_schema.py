from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from audit import PolicyFile, PolicyRecord, ProxyRecord, SessionRecord, encode
from audit.folder import files_of, lines_of
from audit.schema import json_schema, published
from tests.audit.journals import NOON_S, SESSION, bodies, open_journal

SCHEMA = Path(__file__).parents[2] / "docs" / "audit-record.schema.json"
AT = "2026-02-03T12:00:00.000000Z"


def test_published_schema_equals_the_generated_one() -> None:
    """The schema in docs is the one that the record's classes make."""
    assert published() == SCHEMA.read_bytes()


def test_every_kind_of_line_has_the_schema_s_fields_and_no_other(tmp_path: Path) -> None:
    """What a journal's files hold is what the schema says, for every kind of record."""
    folder = tmp_path / "audit"
    journal = open_journal(folder)
    for record in (
        SessionRecord(event="closed", at=AT, session=SESSION, reason="client closed"),
        PolicyRecord(event="loaded", at=AT, proxy="host/0", digest="d1", files=(PolicyFile(name="a", sha256="0"),)),
        ProxyRecord(event="started", at=AT, proxy="host/0", pid=1, version="0.1.0"),
    ):
        journal.append(encode(record))
    for body in bodies(2):
        journal.append(body)
    # An outage, so that the recovery's record is there as well.
    folder.rename(tmp_path / "aside")
    assert not journal.flush(NOON_S)
    (tmp_path / "aside").rename(folder)
    journal.close()
    schema = json_schema()
    fields = {
        schema["$defs"][name.rpartition("/")[2]]["properties"]["kind"]["const"]: _fields(schema, name)
        for name in schema["discriminator"]["mapping"].values()
    }
    lines = [orjson.loads(line) for file in files_of(folder) for line in lines_of(file.path)]
    assert {line["kind"] for line in lines} == fields.keys()
    assert [(line["kind"], set(line)) for line in lines] == [(line["kind"], fields[line["kind"]]) for line in lines]


def _fields(schema: dict[str, Any], name: str) -> set[str]:
    definition = schema["$defs"][name.rpartition("/")[2]]
    assert set(definition["required"]) == set(definition["properties"])
    return set(definition["properties"])
