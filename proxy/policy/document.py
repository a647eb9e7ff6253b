"""A policy file as its authors write it: the shape, what each key means, and the JSON schema of both. Pure.

The models are strict: no key that is not named here, no text where a number belongs. They know each key by itself; what
keys and entries must say together (a forbid its reason, ids that are unique, accounts that exist) is consistency.py's.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.annotated_handlers import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from proxy.policy.account import AccountKind
from proxy.policy.patterns import PatternError, object_pattern, value_pattern
from proxy.policy.rules import HOUSE_RULES, Mode
from proxy.sql import Effect, Modifier

ANY_EFFECT: Final = "*"
EVERYONE: Final = "everyone"


class _OneOrMany:
    """Tells editors that a list of one may be written as the item itself."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) or value is None else [value]


def _wrong(message: str, fix: str = "") -> PydanticCustomError:
    """Make an error of ours. The braces of a pattern must not be read as a template."""
    return PydanticCustomError("interlock", "{message}", {"message": message, "fix": fix})


def _object(text: str) -> str:
    try:
        object_pattern(text)
    except PatternError as error:
        raise _wrong(str(error)) from None
    return text


def _value(raw: Any) -> Any:
    if isinstance(raw, bool):
        return str(raw).lower()
    return str(raw) if isinstance(raw, int | float) else raw


def _value_range(text: str) -> str:
    try:
        value_pattern(text)
    except PatternError as error:
        raise _wrong(str(error)) from None
    return text


def _sentence(text: str) -> str:
    """One line, ended by a full stop: it becomes part of an error's DETAIL or HINT."""
    line = " ".join(text.split())
    if not line:
        raise _wrong("an empty sentence", "say it in words")
    if len(line) > 500:
        raise _wrong(f"{len(line)} characters, more than 500", "shorten it: clients show it in one error")
    return line if line[-1] in ".!?" else f"{line}."


_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def _rule_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise _wrong(f'"{text}" is not an id', "use a-z, 0-9, - and _, at most 63")
    if text in HOUSE_RULES:
        raise _wrong(f'id "{text}" is one that decisions of the house itself carry', "choose another")
    return text


_DURATION: Final = re.compile(r"([1-9][0-9]{0,6})(s|min|h)")
_SECONDS: Final = {"s": 1, "min": 60, "h": 3_600}


def seconds(text: str) -> float:
    """Seconds of a duration that the shape has accepted, as 60s, 5min or 1h."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise _wrong(f'"{text}" is not a duration', "write it as 60s, 5min or 1h")
    return float(int(found[1]) * _SECONDS[found[2]])


def _duration(text: str) -> str:
    seconds(text)
    return text


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise _wrong(f'"{text}" is not an address or network', "write it as 10.1.2.3 or 10.1.0.0/16") from None
    return text


Text = Annotated[str, Field(min_length=1, max_length=500)]
RuleId = Annotated[str, AfterValidator(_rule_id)]
Sentence = Annotated[str, AfterValidator(_sentence)]
Kind = Annotated[AccountKind, Field(strict=False)]
EffectName = Annotated[Effect, Field(strict=False)]
ModifierName = Annotated[Modifier, Field(strict=False)]
ObjectText = Annotated[str, AfterValidator(_object)]
ValueText = Annotated[str, BeforeValidator(_value), AfterValidator(_value_range)]
Count = Annotated[int, Field(ge=1, le=10**15)]


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=False)


class MatchEntry(_Shape):
    """How a connection is recognized: every key that is given must hold. `*` stands for any characters."""

    user: Annotated[list[Text], BeforeValidator(_listed), Field(min_length=1), _OneOrMany()] = Field(
        description="Login, exact case, or a list of logins."
    )
    database: Text | None = Field(default=None, description="Database named in the startup packet.")
    client_address: Annotated[str, AfterValidator(_network)] | None = Field(
        default=None, description="Address or network the client connects from, as 10.1.0.0/16."
    )
    certificate_name: Text | None = Field(
        default=None, description="Common name of the client's verified TLS certificate."
    )
    application_name: Text | None = Field(
        default=None, description="application_name of the startup packet. The client chooses it: only for models."
    )


class AccountEntry(_Shape):
    """Logins that are one account."""

    name: Text = Field(description="The account's name, in rules, messages and the audit log.")
    kind: Kind = Field(description="model is enforced: what no rule permits is refused.")
    match: MatchEntry


class ForEntry(_Shape):
    """Whom it is for: every key that is given must hold; any item of a list is enough."""

    kind: Annotated[list[Kind], BeforeValidator(_listed), Field(min_length=1), _OneOrMany()] | None = None
    account: Annotated[list[Text], BeforeValidator(_listed), Field(min_length=1), _OneOrMany()] | None = Field(
        default=None, description="Names of entries under `accounts`."
    )
    user: Annotated[list[Text], BeforeValidator(_listed), Field(min_length=1), _OneOrMany()] | None = Field(
        default=None, description="Logins, exact case; `*` stands for any characters."
    )

    @model_validator(mode="after")
    def _names_somebody(self) -> ForEntry:
        if self.kind is None and self.account is None and self.user is None:
            raise _wrong("it is for nobody", "name a kind, account or user, or write for: everyone")
        return self


def _everyone(value: Any) -> Any:
    return {"kind": [kind.value for kind in AccountKind]} if value == EVERYONE else value


class _ForSchema:
    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"const": EVERYONE}, handler(schema)]}


Whom = Annotated[ForEntry, BeforeValidator(_everyone), _ForSchema()]
Objects = Annotated[list[ObjectText], BeforeValidator(_listed), Field(min_length=1), _OneOrMany()]
Modifiers = Annotated[list[ModifierName], BeforeValidator(_listed), Field(min_length=1), _OneOrMany()]
Effects = Annotated[list[EffectName], BeforeValidator(_listed), Field(min_length=1), _OneOrMany()]


def _any_effect(value: Any) -> Any:
    listed = _listed(value)
    return [effect.value for effect in Effect] if listed == [ANY_EFFECT] else listed


class _AnyEffectSchema:
    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"const": ANY_EFFECT}, handler(schema)]}


class PermitEntry(_Shape):
    """What may be done."""

    effects: Effects
    on: Objects | None = Field(default=None, description="Objects, as schema.name with *; left out: every object.")
    modifiers: Modifiers | None = Field(default=None, description="Modifiers that such an act may carry.")
    values: Annotated[list[ValueText], BeforeValidator(_listed), Field(min_length=1), _OneOrMany()] | None = Field(
        default=None, description="For `set` alone: values that may be set, as UTF8 or 1ms..1h."
    )


class ForbidEntry(_Shape):
    """What may not be done. Beats every permit."""

    effects: Annotated[
        list[EffectName], BeforeValidator(_any_effect), Field(min_length=1), _OneOrMany(), _AnyEffectSchema()
    ]
    on: Objects | None = Field(default=None, description="Objects, as schema.name with *; left out: every object.")
    modifiers: Modifiers | None = Field(default=None, description="Only acts that carry any of these.")


class RuleEntry(_Shape):
    """One rule: a permit or a forbid."""

    id: RuleId = Field(description="Unique over all files; errors and the audit log name it.")
    for_: Whom = Field(alias="for")
    permit: PermitEntry | None = None
    forbid: ForbidEntry | None = None
    because: Sentence | None = Field(default=None, description="The reason, for the DETAIL of the error.")
    instead: Sentence | None = Field(default=None, description="What to do instead, for the HINT of the error.")
    mode: Annotated[Mode, Field(strict=False)] = Field(
        default=Mode.ENFORCE, description="observe: refuse nothing, and record what would have been refused."
    )


class RowsWritten(_Shape):
    """Rows that statements of the account change."""

    per_statement: Count | None = None
    per_minute: Count | None = None


class Statements(_Shape):
    """Statements that the account sends."""

    per_second: Count


class Quarantine(_Shape):
    """Refusals after which the account is stopped until a person lifts it."""

    after_refusals: Count
    within: Annotated[str, AfterValidator(_duration)] = Field(description="As 60s, 5min or 1h.")


class LimitEntry(_Shape):
    """How much in how long."""

    for_: Whom = Field(alias="for")
    rows_written: RowsWritten | None = None
    statements: Statements | None = None
    quarantine: Quarantine | None = None


class PolicyDocument(_Shape):
    """One policy file."""

    version: Literal[1] = Field(description="Version of this shape.")
    unmatched: Kind | None = Field(default=None, description="Kind of logins no entry matches. Default: person.")
    accounts: list[AccountEntry] = Field(default_factory=list)
    rules: list[RuleEntry] = Field(default_factory=list)
    limits: list[LimitEntry] = Field(default_factory=list)


SHAPES: Final[dict[tuple[str, ...], type[BaseModel]]] = {
    (): PolicyDocument,
    ("accounts",): AccountEntry,
    ("accounts", "match"): MatchEntry,
    ("rules",): RuleEntry,
    ("rules", "for"): ForEntry,
    ("rules", "permit"): PermitEntry,
    ("rules", "forbid"): ForbidEntry,
    ("limits",): LimitEntry,
    ("limits", "for"): ForEntry,
    ("limits", "rows_written"): RowsWritten,
    ("limits", "statements"): Statements,
    ("limits", "quarantine"): Quarantine,
}
"""Which model speaks at each path, list positions left out."""


def keys_of(path: tuple[str, ...]) -> tuple[str, ...]:
    """Keys that may stand in the mapping at a path, list positions left out."""
    shape = SHAPES.get(path)
    if shape is None:
        return ()
    return tuple(field.alias or name for name, field in shape.model_fields.items())


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a policy file, for editors."""
    schema = PolicyDocument.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Interlock policy", **schema}
