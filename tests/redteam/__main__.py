"""Try every generated attack: `python -m tests.redteam [FOLDER OF POSTGRESQL'S PROGRAMS]`. About three minutes.

Each product is first tried on the server itself; those that do harm are then sent through the proxy by a model whose
login is a superuser, in both protocols, with and without a census. Exit status 1 where any is not refused, or leaves
a trace.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import psycopg

from tests.clusters import Cluster, dsn
from tests.database.proxy_process import POLICIES, ProxyProcess
from tests.redteam.attempt import Direct, passed
from tests.redteam.generator import Product, products
from tests.redteam.stage import FINGERPRINT, staged

_SHOWN = 20


def main(arguments: list[str]) -> int:
    """Run, and say what was tried, what did harm directly, and what got through."""
    with staged("traps", bindir=Path(arguments[0]) if arguments else None) as server:
        version = server.scalar("SHOW server_version", database="traps")
        everything = list(products())
        with psycopg.connect(server.dsn("traps"), autocommit=True) as connection:
            direct = Direct(connection)
            attacks = [product for product in everything if direct.harms(product)]
        print(f"PostgreSQL {version}: {len(everything)} products, {len(attacks)} do harm to the server itself")
        through = sum(_through(server, attacks, census=census) for census in (True, False))
    return 1 if through else 0


def _through(server: Cluster, attacks: list[Product], *, census: bool) -> int:
    """Send what does harm through a proxy of its own; give how many got through, plus one for a trace left."""
    settings = {"control_dsn": server.dsn("traps")} if census else {}
    tried = [attack for attack in attacks if census or attack.kernel.shows]
    count = 0
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(server.dsn("traps"), autocommit=True) as witness:
        proxy = ProxyProcess(Path(folder), server.port, policies=POLICIES, drain_timeout_s=0.0, **settings)
        try:
            for extended in (False, True):
                before = witness.execute(FINGERPRINT).fetchone()
                with psycopg.connect(dsn(proxy.port, user="model_x", dbname="traps"), autocommit=True) as model:
                    found = [attack for attack in tried if passed(model, attack.steps, extended=extended) is not None]
                traces = before != witness.execute(FINGERPRINT).fetchone()
                protocol, knows = "extended" if extended else "simple", "with" if census else "without"
                said = f"{knows} a census, {protocol} protocol: {len(tried)} tried, {len(found)} not refused"
                print(f"{said}, {'traces left' if traces else 'no trace left'}")
                for attack in found[:_SHOWN]:
                    print(f"    {' ; '.join(attack.steps)}")
                count += len(found) + traces
        finally:
            proxy.stop()
    return count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
