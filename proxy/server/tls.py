"""TLS to clients, as PostgreSQL's be-secure-openssl.c offers it, and to the server, as libpq's sslmode means it.

TLS 1.2 at least, no compression, no renegotiation, no session tickets, ALPN `postgresql`. Contexts are built whole and
only then put in use: a broken file stops a start, and a reload keeps what worked before.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from proxy.server.config import ServerConfig, SslMode

ALPN_PROTOCOL: Final = "postgresql"
SYSTEM_ROOTS: Final = Path("system")
"""`sslrootcert=system`: the roots that the machine trusts."""


class TlsMisconfigured(Exception):  # noqa: N818 - says what is the case
    """Certificates or keys cannot be used as configured; the message is a sentence for the operator."""


class ClientCertificateRefused(ssl.SSLError):
    """The client's certificate verifies but cannot name anybody."""


def server_context(*, cert: Path, key: Path | None, client_ca: Path | None = None) -> ssl.SSLContext:
    """Make the context that faces clients. `client_ca` given: a client must present a certificate of that CA.

    Without `key` the key is in `cert`'s file. Raises TlsMisconfigured.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    _load_chain(context, cert, key)
    if client_ca is not None:
        _load_roots(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    sslmode: SslMode, *, rootcert: Path | None = None, cert: Path | None = None, key: Path | None = None
) -> ssl.SSLContext | None:
    """Make the context that faces the server, None for `disable`. Raises TlsMisconfigured.

    As libpq: a root certificate given makes the chain count in every mode; `verify-ca` and `verify-full` need one;
    only `verify-full` compares the name; `system` goes with `verify-full` alone. Unlike libpq, no file in a home folder
    is looked for, and a certificate without subjectAltName matches no name.
    """
    if sslmode is SslMode.DISABLE:
        return None
    if rootcert == SYSTEM_ROOTS and sslmode is not SslMode.VERIFY_FULL:
        raise TlsMisconfigured(
            f"sslmode {sslmode} is too weak for the system's root certificates; use verify-full, "
            "since anybody can have a certificate of those for some name."
        )
    if rootcert is None and sslmode in (SslMode.VERIFY_CA, SslMode.VERIFY_FULL):
        raise TlsMisconfigured(f"sslmode {sslmode} needs a root certificate file, or `system` with verify-full.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context)
    context.check_hostname = sslmode is SslMode.VERIFY_FULL
    context.verify_mode = ssl.CERT_NONE if rootcert is None else ssl.CERT_REQUIRED
    if rootcert == SYSTEM_ROOTS:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    elif rootcert is not None:
        _load_roots(context, rootcert)
    if cert is not None:
        _load_chain(context, cert, key)
    elif key is not None:
        raise TlsMisconfigured(f"The key {key} has no certificate beside it.")
    return context


class ServerTls:
    """The context that faces clients, reloadable; open connections keep the one they began with."""

    def __init__(self, *, cert: Path, key: Path | None, client_ca: Path | None = None) -> None:
        """Build the first context. Raises TlsMisconfigured."""
        self._cert = cert
        self._key = key
        self._client_ca = client_ca
        self.context = server_context(cert=cert, key=key, client_ca=client_ca)
        self._presented = _first_certificate(cert)

    @classmethod
    def from_config(cls, config: ServerConfig) -> ServerTls | None:
        """Make what the configuration asks for; None: no TLS. Raises TlsMisconfigured."""
        if config.tls_cert is None:
            if config.tls_key is not None or config.tls_client_ca is not None or config.tls_required:
                raise TlsMisconfigured("TLS to clients is configured without a certificate; set tls_cert.")
            return None
        return cls(cert=config.tls_cert, key=config.tls_key, client_ca=config.tls_client_ca)

    def reload(self) -> None:
        """Read the files again. Raises TlsMisconfigured and keeps the old context if they cannot be used."""
        self.context = server_context(cert=self._cert, key=self._key, client_ca=self._client_ca)
        self._presented = _first_certificate(self._cert)

    def is_certificate_of(self, connection: ssl.SSLObject | ssl.SSLSocket | None) -> bool:
        """Tell whether the peer of a connection presents the very certificate that clients are presented here.

        Then a client's channel binding (RFC 5929, tls-server-end-point: a hash of that certificate) is the server's.
        """
        return connection is not None and connection.getpeercert(binary_form=True) == self._presented


def _first_certificate(chain: Path) -> bytes | None:
    """Give the leaf of a chain's file, DER; None where it cannot be told."""
    text = chain.read_text(encoding="latin-1")
    begin, end = text.find(ssl.PEM_HEADER), text.find(ssl.PEM_FOOTER)
    return None if begin < 0 or end < begin else ssl.PEM_cert_to_DER_cert(text[begin : end + len(ssl.PEM_FOOTER)])


def agreed_on_postgresql(connection: ssl.SSLObject | ssl.SSLSocket) -> bool:
    """Tell whether ALPN settled on PostgreSQL; a direct TLS connection without that must be closed (CVE-2021-3618)."""
    return connection.selected_alpn_protocol() == ALPN_PROTOCOL


def common_name(connection: ssl.SSLObject | ssl.SSLSocket) -> str | None:
    """Give the common name of the peer's verified certificate, the first of several, as PostgreSQL does.

    None where the peer presented no certificate or it has no common name. Raises ClientCertificateRefused for a name
    with a NUL, which would read as another name elsewhere (CVE-2009-4034).
    """
    certificate = connection.getpeercert()
    if not certificate:
        return None
    subject = certificate.get("subject", ())
    for names in subject if isinstance(subject, tuple) else ():
        for pair in names:
            match pair:
                case ("commonName", str(value)):
                    if "\0" in value:
                        raise ClientCertificateRefused("the certificate's common name contains an embedded null")
                    return value
                case _:
                    continue
    return None


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.set_alpn_protocols([ALPN_PROTOCOL])


def _load_chain(context: ssl.SSLContext, cert: Path, key: Path | None) -> None:
    def no_password() -> str:
        raise TlsMisconfigured(f"The key {key or cert} is encrypted; give one without a passphrase.")

    try:
        context.load_cert_chain(cert, key, password=no_password)
    except (OSError, ValueError) as error:
        files = str(cert) if key is None else f"{cert} and {key}"
        raise TlsMisconfigured(f"The certificate and key in {files} cannot be used: {error}.") from error


def _load_roots(context: ssl.SSLContext, roots: Path) -> None:
    try:
        context.load_verify_locations(cafile=roots)
    except (OSError, ValueError) as error:
        raise TlsMisconfigured(f"The root certificates in {roots} cannot be used: {error}.") from error
