"""Certificates for tests, of a CA that lives as long as the test run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Files in one folder."""

    ca: Path
    stranger_ca: Path
    """A CA that signed none of these."""
    cert: Path
    """For localhost and 127.0.0.1."""
    key: Path
    misnamed_cert: Path
    """For another host."""
    misnamed_key: Path
    client_cert: Path
    """Common name `model_janitor`."""
    client_key: Path
    stranger_cert: Path
    """A client's, of the strange CA."""
    stranger_key: Path


def issue(folder: Path) -> Certificates:
    """Write all of them."""
    ca, stranger = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    stranger.cert_pem.write_to_path(folder / "stranger_ca.pem")
    issued = {
        "server": ca.issue_cert("localhost", "127.0.0.1"),
        "misnamed": ca.issue_cert("elsewhere.example"),
        "client": ca.issue_cert("client@example.org", common_name="model_janitor"),
        "stranger": stranger.issue_cert("client@example.org", common_name="model_janitor"),
    }
    for name, leaf in issued.items():
        leaf.private_key_pem.write_to_path(folder / f"{name}.key")
        (folder / f"{name}.crt").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    return Certificates(
        ca=folder / "ca.pem",
        stranger_ca=folder / "stranger_ca.pem",
        cert=folder / "server.crt",
        key=folder / "server.key",
        misnamed_cert=folder / "misnamed.crt",
        misnamed_key=folder / "misnamed.key",
        client_cert=folder / "client.crt",
        client_key=folder / "client.key",
        stranger_cert=folder / "stranger.crt",
        stranger_key=folder / "stranger.key",
    )
