"""Which account a connection is: the most specific entry, whatever the order."""

from __future__ import annotations

from itertools import permutations

import pytest

from proxy.policy import Account, AccountKind, Principal, compile_policy
from tests.policy.samples import mistakes

ENTRIES = (
    "{name: models, kind: model, match: {user: 'model_*'}}",
    "{name: pricing, kind: model, match: {user: model_pricing}}",
    "{name: pricing_staging, kind: service, match: {user: model_pricing, database: staging}}",
    "{name: robots, kind: service, match: {user: ['bot_*', '*_bot']}}",
    "{name: office, kind: service, match: {user: '*', client_address: 10.0.0.0/8}}",
    "{name: desk, kind: person, match: {user: '*', client_address: 10.1.0.0/16}}",
    "{name: signed, kind: service, match: {user: '*', certificate_name: 'svc-*'}}",
    "{name: notebook, kind: model, match: {user: '*', application_name: jupyter}}",
)


def _policy_text(entries: tuple[str, ...]) -> str:
    return "version: 1\naccounts:\n" + "".join(f"  - {entry}\n" for entry in entries)


@pytest.mark.parametrize(
    ("principal", "name"),
    [
        (Principal(user="model_janitor", database="shop"), "models"),
        (Principal(user="model_pricing", database="shop"), "pricing"),
        (Principal(user="model_pricing", database="staging"), "pricing_staging"),
        (Principal(user="MODEL_pricing", database="shop"), "MODEL_pricing"),
        (Principal(user="bot_1", database="shop"), "robots"),
        (Principal(user="bot_1", database="shop", client_address="10.2.0.1"), "robots"),
        (Principal(user="ann", database="shop", client_address="10.2.0.1"), "office"),
        (Principal(user="ann", database="shop", client_address="10.1.0.1"), "desk"),
        (Principal(user="ann", database="shop", client_address="::ffff:10.1.0.1"), "desk"),
        (Principal(user="ann", database="shop", client_address="192.168.0.1"), "ann"),
        (Principal(user="ann", database="shop", client_address="not an address"), "ann"),
        (Principal(user="ann", database="shop", client_address="10.1.0.1", certificate_name="svc-a"), "signed"),
        (Principal(user="ann", database="shop", application_name="jupyter"), "notebook"),
        (Principal(user="ann", database="shop"), "ann"),
    ],
)
def test_connection_is_the_most_specific_entry_in_any_order_of_entries(principal: Principal, name: str) -> None:
    """User weighs most, then certificate, address, database and application name; exact beats glob."""
    for order in list(permutations(ENTRIES, len(ENTRIES)))[::5000]:
        assert name == compile_policy([("f", _policy_text(order))]).account_of(principal).name


def test_unmatched_login_is_a_person_named_as_it_is() -> None:
    """A login that no entry names is its own account."""
    account = compile_policy([("f", "version: 1")]).account_of(Principal(user="ann", database="shop"))
    assert Account(name="ann", kind=AccountKind.PERSON, user="ann") == account


def test_unmatched_login_has_the_kind_that_the_policy_says() -> None:
    """A closed house treats strangers as models."""
    policy = compile_policy([("f", "version: 1\nunmatched: model")])
    assert policy.account_of(Principal(user="ann", database="shop")).enforced


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{user: 'a*'}", "{user: '*b'}"),
        ("{user: ann}", "{user: ann}"),
        ("{user: [x, ann]}", "{user: [ann, y]}"),
        ("{user: 'a*', database: 'x*'}", "{user: 'a*', database: '*y'}"),
    ],
)
def test_entries_that_can_match_one_connection_equally_closely_are_a_mistake(one: str, other: str) -> None:
    """Order never decides, so ambiguity is found before it can matter."""
    found = mistakes(
        _policy_text((f"{{name: p, kind: person, match: {one}}}", f"{{name: m, kind: model, match: {other}}}"))
    )
    assert len(found) == 1
    assert 'accounts "p" (0.yaml:3) and "m" can match the same connection equally closely' in found[0].message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{user: 'a*'}", "{user: 'b*'}"),
        ("{user: 'a*'}", "{user: '*bc'}"),
        ("{user: '*', client_address: 10.0.0.0/8}", "{user: '*', client_address: 11.0.0.0/8}"),
        ("{user: '*', client_address: 10.0.0.0/8}", "{user: '*', client_address: '1000::/8'}"),
    ],
)
def test_entries_that_never_tie_are_sound(one: str, other: str) -> None:
    """Only what can really be confused is a mistake."""
    assert not mistakes(
        _policy_text((f"{{name: p, kind: person, match: {one}}}", f"{{name: m, kind: model, match: {other}}}"))
    )
