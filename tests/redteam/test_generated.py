"""Generated attacks: positions cover the grammar, products do harm to the server, and none does through the proxy."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg
import pytest

from tests.clusters import Cluster, dsn
from tests.database.proxy_process import ProxyProcess
from tests.redteam.attempt import Direct, passed
from tests.redteam.generator import Product, filled, harmless, products, slots
from tests.redteam.kernels import KERNELS
from tests.redteam.positions import CLOSED, POSITIONS
from tests.redteam.stage import FINGERPRINT
from tests.redteam.test_attacks import STATES

SEED = 18
SAMPLE = 2_000
"""Products tried; `make redteam` tries all of them."""


@pytest.fixture(scope="module")
def direct(stage: Cluster) -> Iterator[Direct]:
    """Try products on the server itself."""
    with psycopg.connect(stage.dsn("traps"), autocommit=True) as connection:
        yield Direct(connection)


@pytest.fixture(scope="module")
def attacks(direct: Direct) -> tuple[Product, ...]:
    """Draw products, and keep those that do harm."""
    drawn = random.Random(SEED).sample(list(products()), SAMPLE)  # noqa: S311 - the same each time
    return tuple(product for product in drawn if direct.harms(product))


def test_every_slot_of_the_grammar_is_filled_or_closed() -> None:
    """Each field that holds nodes, of each node that a model's statement may hold, has a position or a reason."""
    covered = frozenset[tuple[str, str]]().union(*map(filled, POSITIONS))
    assert set() == slots() - covered - CLOSED.keys()
    assert set() == CLOSED.keys() & covered
    assert set() == CLOSED.keys() - slots()


def test_positions_are_open(proxy: ProxyProcess) -> None:
    """Filled with something harmless no position is refused, so what is refused of a product is its kernel."""
    with psycopg.connect(dsn(proxy.port, user="model_x", dbname="traps"), autocommit=True) as model:
        closed = [
            position
            for position in POSITIONS
            for extended in STATES.values()
            if passed(model, harmless(position), extended=extended) is None
        ]
    assert closed == []


def test_every_position_and_kernel_can_do_harm(stage: Cluster, direct: Direct) -> None:
    """Each has a product that the server runs to its harm, or needs libxml where this server has none."""
    by_part: dict[object, list[Product]] = {part: [] for part in (*POSITIONS, *KERNELS)}
    for product in products():
        by_part[product.position].append(product)
        by_part[product.kernel].append(product)
    idle = [str(part) for part, made in by_part.items() if not any(map(direct.harms, made))]
    if not stage.scalar("SELECT setting ~ 'with-libxml' FROM pg_config WHERE name = 'CONFIGURE'"):
        idle = [part for part in idle if "xml" not in part.lower()]
    assert idle == []


@pytest.mark.parametrize("via", STATES)
@pytest.mark.parametrize("which", ["proxy", "blind_proxy"])
def test_generated_attack_is_refused_and_changes_nothing(
    which: str, via: str, attacks: tuple[Product, ...], stage: Cluster, request: pytest.FixtureRequest
) -> None:
    """Each is refused in both protocols; without a census, each whose text shows what it does."""
    front: ProxyProcess = request.getfixturevalue(which)
    tried = [attack for attack in attacks if which == "proxy" or attack.kernel.shows]
    with psycopg.connect(stage.dsn("traps"), autocommit=True) as witness:
        before = witness.execute(FINGERPRINT).fetchone()
        with psycopg.connect(dsn(front.port, user="model_x", dbname="traps"), autocommit=True) as model:
            through = [
                attack.steps for attack in tried if passed(model, attack.steps, extended=STATES[via]) is not None
            ]
        assert through == []
        assert before == witness.execute(FINGERPRINT).fetchone()
    assert len(tried) > SAMPLE / 4
