"""The published JSON Schema of a journal's line, generated from the record's classes."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import orjson
from pydantic import Field, TypeAdapter

from audit.record import DecisionRecord, JournalRecord, OutcomeRecord, PolicyRecord, ProxyRecord, SessionRecord

_RECORDS = (DecisionRecord, OutcomeRecord, SessionRecord, PolicyRecord, ProxyRecord, JournalRecord)
_SEAL = {
    "seq": {"description": "Number in the chain, from 1, without gaps.", "minimum": 1, "type": "integer"},
    "chain": {
        "description": "SHA-256 of the previous record's chain followed by this line up to, not including, "
        '`,"chain":`; see docs/audit.md.',
        "pattern": "^[0-9a-f]{64}$",
        "type": "string",
    },
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one line, `seq` and `chain` included."""
    line = Annotated[
        DecisionRecord | OutcomeRecord | SessionRecord | PolicyRecord | ProxyRecord | JournalRecord,
        Field(discriminator="kind"),
    ]
    schema = TypeAdapter[Any](line).json_schema(mode="serialization")
    for record in _RECORDS:
        definition = schema["$defs"][record.__name__]
        definition["properties"].update(_SEAL)
        definition["required"].extend(_SEAL)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Interlock audit record", **schema}


def published() -> bytes:
    """Return the schema as docs/audit-record.schema.json holds it. `python -m audit.schema` prints it."""
    return orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(published())
