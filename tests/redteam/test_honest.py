"""Honest statements of a model account are refused by nobody but PostgreSQL."""

from __future__ import annotations

import psycopg
import pytest

from tests.clusters import dsn
from tests.database.proxy_process import ProxyProcess
from tests.redteam.honest import HONEST
from tests.redteam.test_attacks import STATES, sqlstate

TEXTS = [line.strip() for line in HONEST.replace("\\\n", "").splitlines() if line.strip()]


@pytest.mark.parametrize("via", STATES)
def test_honest_statement_is_not_refused(via: str, proxy: ProxyProcess) -> None:
    """Each goes through to the server in both protocols, with a census."""
    with psycopg.connect(dsn(proxy.port, user="model_x", dbname="demo"), autocommit=True) as model:
        refused = []
        for text in TEXTS:
            if text.startswith("copy "):
                try:
                    with model.cursor().copy(text.encode()) as rows:
                        list(rows)
                except psycopg.errors.InsufficientPrivilege:
                    refused.append(text)
            elif sqlstate(model, text, extended=STATES[via]) == "42501":
                refused.append(text)
    assert refused == []
    assert len(TEXTS) > 200
