from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from proxy.server.config import ServerConfig, SslMode
from proxy.server.tls import (
    SYSTEM_ROOTS,
    ClientCertificateRefused,
    ServerTls,
    TlsMisconfigured,
    agreed_on_postgresql,
    client_context,
    common_name,
    server_context,
)
from tests.server.certificates import Certificates, issue


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Issue certificates once for these tests."""
    return issue(tmp_path_factory.mktemp("certificates"))


def shake_hands(
    server: ssl.SSLContext, client: ssl.SSLContext, name: str | None = "localhost"
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Run a TLS handshake in memory; give the server's and the client's end."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)
    # Two flights each way are all that TLS 1.2 and 1.3 have; the server's last look sees a client's certificate.
    for _ in range(3):
        for end in (theirs, ours):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ours, theirs


def facing_server(certificates: Certificates, mode: SslMode = SslMode.VERIFY_FULL) -> ssl.SSLContext:
    """Make a client's context that trusts the CA."""
    context = client_context(mode, rootcert=certificates.ca)
    assert context is not None
    return context


def test_both_ends_agree_on_tls_1_2_or_newer_and_postgresql(certificates: Certificates) -> None:
    """Our two contexts meet, with ALPN as PostgreSQL has it."""
    server, client = shake_hands(
        server_context(cert=certificates.cert, key=certificates.key), facing_server(certificates)
    )
    assert server.version() in ("TLSv1.2", "TLSv1.3")
    assert agreed_on_postgresql(server)
    assert agreed_on_postgresql(client)
    assert server.compression() is None


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_older_tls_is_refused(certificates: Certificates) -> None:
    """A client that speaks TLS 1.1 at most gets no connection."""
    client = facing_server(certificates)
    client.minimum_version, client.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    client.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        shake_hands(server_context(cert=certificates.cert, key=certificates.key), client)


@pytest.mark.parametrize("offer", [[], ["http/1.1"]], ids=["none", "another"])
def test_alpn_without_postgresql_is_told(offer: list[str], certificates: Certificates) -> None:
    """A client that offers nothing, or another protocol, has not agreed on PostgreSQL."""
    client = ssl.create_default_context(cafile=str(certificates.ca))
    if offer:
        client.set_alpn_protocols(offer)
    server, _ = shake_hands(server_context(cert=certificates.cert, key=certificates.key), client)
    assert not agreed_on_postgresql(server)


def test_client_certificate_gives_its_common_name(certificates: Certificates) -> None:
    """With a client CA the server sees who the client is."""
    client = client_context(
        SslMode.VERIFY_FULL, rootcert=certificates.ca, cert=certificates.client_cert, key=certificates.client_key
    )
    assert client is not None
    server, _ = shake_hands(
        server_context(cert=certificates.cert, key=certificates.key, client_ca=certificates.ca), client
    )
    assert common_name(server) == "model_janitor"


def test_client_without_certificate_has_no_name(certificates: Certificates) -> None:
    """Where no client CA is set nobody is asked, and nobody has a name."""
    server, _ = shake_hands(server_context(cert=certificates.cert, key=certificates.key), facing_server(certificates))
    assert common_name(server) is None


@pytest.mark.parametrize("who", ["nobody", "stranger"])
def test_client_ca_admits_only_its_own(who: str, certificates: Certificates) -> None:
    """No certificate, and one of another CA, are refused in the handshake."""
    client = facing_server(certificates)
    if who == "stranger":
        client.load_cert_chain(certificates.stranger_cert, certificates.stranger_key)
    with pytest.raises(ssl.SSLError):
        shake_hands(server_context(cert=certificates.cert, key=certificates.key, client_ca=certificates.ca), client)


class NamedPeer(ssl.SSLObject):
    """A connection whose peer has the subject of a certificate that no honest CA would sign."""

    def __init__(self, subject: tuple[tuple[tuple[str, str], ...], ...]) -> None:
        self.subject = subject

    def getpeercert(self, binary_form: bool = False) -> dict[str, object]:  # type: ignore[override]  # noqa: ARG002
        """Give the subject alone."""
        return {"subject": self.subject}


def test_common_name_with_a_nul_is_refused() -> None:
    """`admin` NUL `.example` is neither `admin` nor nobody."""
    with pytest.raises(ClientCertificateRefused):
        common_name(NamedPeer(((("commonName", "admin\0.example"),),)))


def test_first_of_several_common_names_counts() -> None:
    """PostgreSQL takes the first one."""
    subject = ((("organizationName", "o"),), (("commonName", "a"),), (("commonName", "b"),))
    assert common_name(NamedPeer(subject)) == "a"


@pytest.mark.parametrize(
    ("mode", "verifies", "compares"),
    [
        (SslMode.ALLOW, False, False),
        (SslMode.PREFER, False, False),
        (SslMode.REQUIRE, False, False),
    ],
)
def test_modes_without_root_certificate_verify_nothing(mode: SslMode, *, verifies: bool, compares: bool) -> None:
    """As libpq without a root certificate: TLS, but with anybody."""
    context = client_context(mode)
    assert context is not None
    assert (verifies, compares) == (context.verify_mode is ssl.CERT_REQUIRED, context.check_hostname)


@pytest.mark.parametrize("mode", [mode for mode in SslMode if mode is not SslMode.DISABLE])
def test_root_certificate_counts_in_every_mode(mode: SslMode, certificates: Certificates) -> None:
    """A chain of another CA fails wherever a root certificate is given, in `require` too."""
    context = client_context(mode, rootcert=certificates.stranger_ca)
    assert context is not None
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server_context(cert=certificates.cert, key=certificates.key), context)


def test_only_verify_full_compares_the_name(certificates: Certificates) -> None:
    """A certificate of the right CA for another host passes verify-ca alone."""
    misnamed = server_context(cert=certificates.misnamed_cert, key=certificates.misnamed_key)
    shake_hands(misnamed, facing_server(certificates, SslMode.VERIFY_CA))
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(misnamed, facing_server(certificates, SslMode.VERIFY_FULL))


def test_disable_has_no_context() -> None:
    """Without TLS there is nothing to configure."""
    assert client_context(SslMode.DISABLE) is None


def test_system_roots_go_with_verify_full(certificates: Certificates) -> None:
    """The machine's roots verify chain and name, and do not know a private CA."""
    context = client_context(SslMode.VERIFY_FULL, rootcert=SYSTEM_ROOTS)
    assert context is not None
    assert context.check_hostname
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server_context(cert=certificates.cert, key=certificates.key), context)


@pytest.mark.parametrize("mode", [SslMode.REQUIRE, SslMode.VERIFY_CA], ids=str)
def test_system_roots_are_too_weak_otherwise(mode: SslMode) -> None:
    """Anybody has a certificate of a public CA."""
    with pytest.raises(TlsMisconfigured, match="too weak"):
        client_context(mode, rootcert=SYSTEM_ROOTS)


@pytest.mark.parametrize("mode", [SslMode.VERIFY_CA, SslMode.VERIFY_FULL], ids=str)
def test_verification_needs_a_root_certificate(mode: SslMode) -> None:
    """A mode that promises verification does not start without anything to verify by."""
    with pytest.raises(TlsMisconfigured, match="needs a root certificate"):
        client_context(mode)


def test_key_without_certificate_is_a_mistake(certificates: Certificates) -> None:
    """A key alone would silently go unused."""
    with pytest.raises(TlsMisconfigured, match="has no certificate"):
        client_context(SslMode.REQUIRE, key=certificates.client_key)


def test_broken_files_are_named(tmp_path: Path, certificates: Certificates) -> None:
    """A missing file, a file that is no certificate and a key of another certificate stop the start, by name."""
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    with pytest.raises(TlsMisconfigured, match=r"absent\.pem"):
        server_context(cert=tmp_path / "absent.pem", key=None)
    with pytest.raises(TlsMisconfigured, match=r"junk\.pem"):
        server_context(cert=junk, key=None)
    with pytest.raises(TlsMisconfigured, match=r"client\.key"):
        server_context(cert=certificates.cert, key=certificates.client_key)
    with pytest.raises(TlsMisconfigured, match=r"junk\.pem"):
        server_context(cert=certificates.cert, key=certificates.key, client_ca=junk)


def test_encrypted_key_does_not_ask_for_a_passphrase(tmp_path: Path, certificates: Certificates) -> None:
    """A proxy has nobody to ask; it says what is wrong."""
    key = serialization.load_pem_private_key(certificates.key.read_bytes(), password=None)
    encrypted = tmp_path / "encrypted.key"
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(TlsMisconfigured, match="is encrypted"):
        server_context(cert=certificates.cert, key=encrypted)


def test_reload_takes_up_a_new_certificate_and_survives_a_broken_one(
    tmp_path: Path, certificates: Certificates
) -> None:
    """New connections get the new certificate; a file that cannot be used changes nothing."""
    cert, key = tmp_path / "cert", tmp_path / "key"
    cert.write_bytes(certificates.misnamed_cert.read_bytes())
    key.write_bytes(certificates.misnamed_key.read_bytes())
    tls = ServerTls(cert=cert, key=key)
    first = tls.context
    cert.write_bytes(certificates.cert.read_bytes())
    with pytest.raises(TlsMisconfigured):
        tls.reload()
    assert tls.context is first
    key.write_bytes(certificates.key.read_bytes())
    tls.reload()
    assert tls.context is not first
    shake_hands(tls.context, facing_server(certificates))


def test_configuration_without_certificate_means_no_tls() -> None:
    """Nothing set, nothing offered."""
    assert ServerTls.from_config(ServerConfig()) is None


@pytest.mark.parametrize(
    "config",
    [ServerConfig(tls_required=True), ServerConfig(tls_key=Path("k")), ServerConfig(tls_client_ca=Path("ca"))],
    ids=["required", "key", "client CA"],
)
def test_configuration_that_wants_tls_needs_a_certificate(config: ServerConfig) -> None:
    """A wish for TLS that cannot be met stops the start."""
    with pytest.raises(TlsMisconfigured, match="without a certificate"):
        ServerTls.from_config(config)


def test_configuration_builds_the_context(certificates: Certificates) -> None:
    """Certificate, key and client CA are taken from the configuration."""
    config = ServerConfig(tls_cert=certificates.cert, tls_key=certificates.key, tls_client_ca=certificates.ca)
    tls = ServerTls.from_config(config)
    assert tls is not None
    assert tls.context.verify_mode is ssl.CERT_REQUIRED
