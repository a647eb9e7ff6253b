"""Logins and TLS through the proxy: to the client, to the server, and both; real clients, real certificates."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import trustme

from tests.clusters import Cluster, dsn, programs_with_tls
from tests.database.proxy_process import ProxyProcess
from tests.database.script import Speaker, say
from tests.database.wire import SSL_REQUEST, request, startup

WHO = "SELECT current_user::text, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())"
DIRECT_TLS_SINCE = 170000


def outcome(conninfo: str) -> object:
    """Log in and say who one is and whether the server sees TLS; or the SQLSTATE, or libpq's own words."""
    try:
        with psycopg.connect(conninfo) as connection:
            return connection.execute(WHO.encode()).fetchone()
    except psycopg.OperationalError as error:
        return error.sqlstate or re.sub(r"port \d+", "port", str(error))


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority, and what it signed, as files."""

    folder: Path
    root: Path
    signer: trustme.CA

    def certificate(self, name: str, identity: str, common_name: str | None = None) -> tuple[Path, Path]:
        """Sign a certificate: its chain and its key."""
        signed = self.signer.issue_cert(identity, common_name=common_name)
        chain, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        chain.write_bytes(b"".join(blob.bytes() for blob in signed.cert_chain_pems))
        signed.private_key_pem.write_to_path(str(key))
        key.chmod(0o600)
        return chain, key


@pytest.fixture(scope="module")
def authority(scratch: Path) -> Authority:
    """Found an authority that clients and proxies here trust."""
    return found(scratch / "authority")


@pytest.fixture(scope="module")
def stranger(scratch: Path) -> Authority:
    """Found an authority that nobody here trusts."""
    return found(scratch / "stranger")


def found(folder: Path) -> Authority:
    """Make an authority with a folder for its files."""
    folder.mkdir(mode=0o755)
    signer = trustme.CA()
    signer.cert_pem.write_to_path(str(folder / "root.pem"))
    return Authority(folder, folder / "root.pem", signer)


@pytest.fixture(scope="module")
def tls_settings(authority: Authority) -> dict[str, str]:
    """Give the proxy's settings towards its clients."""
    chain, key = authority.certificate("proxy", "127.0.0.1")
    return {"tls_cert": str(chain), "tls_key": str(key)}


@pytest.fixture(scope="module")
def tls_proxy(new_proxy: Callable[..., ProxyProcess], cluster: Cluster, tls_settings: dict[str, str]) -> ProxyProcess:
    """Start a proxy that offers TLS, before a server that has none."""
    return new_proxy(cluster.port, **tls_settings)


@pytest.fixture(scope="module")
def tls_cluster(new_cluster: Callable[..., Cluster], authority: Authority) -> Cluster:
    """Start a PostgreSQL that speaks TLS and asks some logins for certificates."""
    bindir = programs_with_tls()
    if bindir is None:
        pytest.skip("no PostgreSQL with TLS on this machine (Debian: postgresql); the wheel's is built without")
    chain, key = authority.certificate("server", "127.0.0.1")
    return new_cluster(
        bindir=bindir,
        hba=("hostssl all person_cert 127.0.0.1/32 cert",),
        files=(chain, key, authority.root),
        ssl="on",
        ssl_cert_file=chain.name,
        ssl_key_file=key.name,
        ssl_ca_file=authority.root.name,
    )


# Logins


@pytest.mark.parametrize("user", ["person_ada", "person_md5", "person_password", "person_trust", "model_scram"])
@pytest.mark.parametrize("password", ["right", "wrong"])
def test_login_ends_as_without_the_proxy(user: str, password: str, cluster: Cluster, proxy: ProxyProcess) -> None:
    """Every method of authentication lets in, and keeps out, whom the server would, with the server's SQLSTATE."""
    login = {"user": user, "dbname": "demo", "password": user if password == "right" else "wrong"}
    assert outcome(dsn(proxy.port, **login)) == outcome(dsn(cluster.port, **login))


# To the client


@pytest.mark.parametrize("negotiation", ["postgres", "direct"])
@pytest.mark.parametrize("user", ["person_ada", "person_md5"])
def test_client_uses_tls(negotiation: str, user: str, tls_proxy: ProxyProcess, authority: Authority) -> None:
    """A client that verifies everything gets in by SSLRequest and by direct TLS."""
    if psycopg.pq.version() < DIRECT_TLS_SINCE:
        pytest.skip("this psycopg's libpq is older than 17 and knows no direct TLS")
    options = {"sslmode": "verify-full", "sslrootcert": str(authority.root), "sslnegotiation": negotiation}
    with psycopg.connect(dsn(tls_proxy.port, user=user, dbname="demo", **options)) as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("SELECT 1").fetchone() == (1,)
        connection.cancel_safe(timeout=10)


def test_client_without_tls_is_refused_where_it_is_required(
    new_proxy: Callable[..., ProxyProcess], cluster: Cluster, tls_settings: dict[str, str]
) -> None:
    """Where TLS is required, a client in the clear hears why it is not let in; one with TLS is let in."""
    strict = new_proxy(cluster.port, tls_required=True, **tls_settings)
    assert outcome(dsn(strict.port, user="person_ada", dbname="demo", sslmode="require")) == ("person_ada", False)
    with Speaker(strict.port) as person:
        (refusal, end) = person.do(say(startup("person_trust"), until="$"))
    assert (refusal.fields()["S"], refusal.fields()["C"], end.code) == ("FATAL", "28000", "$")


def test_client_certificate_is_demanded(
    new_proxy: Callable[..., ProxyProcess],
    cluster: Cluster,
    tls_settings: dict[str, str],
    authority: Authority,
    stranger: Authority,
) -> None:
    """With an authority for clients, only a certificate of that authority is let in."""
    strict = new_proxy(cluster.port, tls_client_ca=str(authority.root), **tls_settings)
    outcomes = []
    for chain, key in (authority.certificate("ada", "ada@x"), stranger.certificate("eve", "eve@x"), (None, None)):
        options = {"sslmode": "require", "sslcert": str(chain or ""), "sslkey": str(key or "")}
        outcomes.append(outcome(dsn(strict.port, user="person_ada", dbname="demo", **options)))
    assert [o == ("person_ada", False) for o in outcomes] == [True, False, False]


def test_bytes_behind_an_ssl_request_are_not_taken_for_encrypted(tls_proxy: ProxyProcess) -> None:
    """A startup packet smuggled behind SSLRequest is never answered by a session."""
    with Speaker(tls_proxy.port) as person:
        person.socket.sendall(request(SSL_REQUEST) + startup("person_trust"))
        heard = person.exactly(4096)
    assert b"application_name" not in heard


def test_channel_binding_cannot_be_required(tls_proxy: ProxyProcess) -> None:
    """Where the proxy ends TLS, a client that insists on channel binding is told so, and not let in."""
    options = {"sslmode": "require", "channel_binding": "require"}
    assert "channel binding" in str(outcome(dsn(tls_proxy.port, user="person_ada", dbname="demo", **options)))


# To the server


@pytest.mark.parametrize("mode", ["disable", "prefer", "require", "verify-ca", "verify-full"])
def test_server_is_reached_with_tls(
    mode: str, new_proxy: Callable[..., ProxyProcess], tls_cluster: Cluster, authority: Authority
) -> None:
    """Every sslmode reaches a server that deserves it, and the server sees TLS where it should."""
    root = {"upstream_sslrootcert": str(authority.root)} if mode.startswith("verify") else {}
    front = new_proxy(tls_cluster.port, upstream_sslmode=mode, **root)
    assert outcome(dsn(front.port, user="person_ada", dbname="demo")) == ("person_ada", mode != "disable")


def test_server_of_an_unknown_authority_is_not_trusted(
    new_proxy: Callable[..., ProxyProcess], tls_cluster: Cluster, stranger: Authority
) -> None:
    """With verify-full, a server signed by somebody else is not spoken to, and the client hears of it."""
    front = new_proxy(tls_cluster.port, upstream_sslmode="verify-full", upstream_sslrootcert=str(stranger.root))
    with Speaker(front.port) as person:
        (refusal, end) = person.do(say(startup("person_trust"), until="$"))
    assert (refusal.fields()["S"], refusal.fields()["C"], end.code) == ("FATAL", "08006", "$")


def test_server_without_tls_is_not_reached_where_tls_is_required(
    new_proxy: Callable[..., ProxyProcess], cluster: Cluster
) -> None:
    """With sslmode require, a server that has no TLS is not spoken to in the clear."""
    front = new_proxy(cluster.port, upstream_sslmode="require")
    with Speaker(front.port) as person:
        (refusal, end) = person.do(say(startup("person_trust"), until="$"))
    assert (refusal.fields()["S"], refusal.fields()["C"], end.code) == ("FATAL", "08006", "$")


def test_proxy_shows_its_certificate_to_the_server(
    new_proxy: Callable[..., ProxyProcess], tls_cluster: Cluster, authority: Authority
) -> None:
    """A login that the server knows by certificate gets in with the proxy's."""
    chain, key = authority.certificate("upstream", "person@x", "person_cert")
    settings = {"upstream_sslmode": "require", "upstream_sslcert": str(chain), "upstream_sslkey": str(key)}
    front = new_proxy(tls_cluster.port, **settings)
    assert outcome(dsn(front.port, user="person_cert", dbname="demo")) == ("person_cert", True)


@pytest.mark.parametrize("binding", ["disable", "prefer", "require"])
def test_tls_on_both_sides_rules_channel_binding_out(binding: str, both_proxy: ProxyProcess) -> None:
    """With TLS on both sides, SCRAM works without channel binding, and whoever tries it hears that that is the matter.

    The server takes a client that knows channel binding, and was not offered it, for a victim of a downgrade: nobody
    between them can change that, since the client signs what it knows.
    """
    login = {"user": "person_ada", "dbname": "demo", "sslmode": "require", "channel_binding": binding}
    heard = outcome(dsn(both_proxy.port, **login))
    assert heard == ("person_ada", True) if binding == "disable" else "channel binding" in str(heard)


@pytest.mark.parametrize("binding", ["disable", "prefer", "require"])
def test_channels_are_bound_where_both_sides_show_one_certificate(
    binding: str, new_proxy: Callable[..., ProxyProcess], tls_cluster: Cluster, authority: Authority
) -> None:
    """A proxy that has the server's own certificate lets SCRAM bind the channel: the binding is to that certificate."""
    chain, key = authority.folder / "server.pem", authority.folder / "server.key"
    front = new_proxy(tls_cluster.port, upstream_sslmode="require", tls_cert=str(chain), tls_key=str(key))
    login = {"user": "person_ada", "dbname": "demo", "sslmode": "require", "channel_binding": binding}
    assert outcome(dsn(front.port, **login)) == ("person_ada", True)


@pytest.fixture(scope="module")
def both_proxy(
    new_proxy: Callable[..., ProxyProcess], tls_cluster: Cluster, tls_settings: dict[str, str]
) -> ProxyProcess:
    """Start a proxy with TLS on both sides."""
    return new_proxy(tls_cluster.port, upstream_sslmode="require", **tls_settings)
