"""The PostgreSQL that the tests of the server's room share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clusters import Cluster


@pytest.fixture(scope="package")
def postgres() -> Iterator[Cluster]:
    """Run a PostgreSQL 18 that trusts everybody, has no TLS, and would let the login `model_x` do anything."""
    with Cluster(roles={"model_x": "SUPERUSER"}) as running:
        yield running
