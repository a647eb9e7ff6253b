"""The proxy as an operator runs it: a process of its own, spoken to over TCP alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from interlock.embedded import free_port
from proxy.server.address import UnixAddress, parse_address

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "policies" / "default.yaml"
INTERLOCK = Path(sys.executable).parent / "interlock"
READY_WITHIN_S = 30.0
STOP_WITHIN_S = 20.0
POLL_S = 0.02

Setting = str | int | float | bool


class ProxyProcess:
    """A running proxy in front of 127.0.0.1:`upstream`. Settings are those of `proxy.server.config.ServerConfig`."""

    def __init__(self, scratch: Path, upstream: int, *, policies: Path = POLICIES, **settings: Setting) -> None:
        self.port = free_port()
        usual = {
            "listen": f"127.0.0.1:{self.port}",
            "upstream": f"127.0.0.1:{upstream}",
            "policies": str(policies),
            "audit": str(scratch / "audit"),
        }
        chosen = usual | settings
        self.audit = Path(str(chosen["audit"]))
        self._address = parse_address(str(chosen["listen"]))
        self._log = scratch / "proxy.stderr"
        config = scratch / "proxy.yaml"
        config.write_text(json.dumps(chosen))  # every JSON text is YAML
        command: list[str | Path] = [INTERLOCK, "proxy", "--config", config]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=scratch, stdout=log, stderr=log)
        for _ in range(int(READY_WITHIN_S / POLL_S)):
            if self._accepts():
                return
            try:
                self._process.wait(timeout=POLL_S)
                break
            except subprocess.TimeoutExpired:
                continue
        self.stop()
        msg = f"the proxy did not accept connections (exit status {self._process.returncode}):\n{self.log()}"
        raise RuntimeError(msg)

    def _accepts(self) -> bool:
        unix = isinstance(self._address, UnixAddress)
        with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as probe:
            probe.settimeout(1)
            place = self._address.path if isinstance(self._address, UnixAddress) else ("127.0.0.1", self.port)
            return probe.connect_ex(place) == 0

    def log(self) -> str:
        """Read what the proxy has written to stderr so far."""
        return self._log.read_text(errors="replace")

    def pids(self) -> list[int]:
        """List the process and its workers."""
        found = [self._process.pid]
        for pid in found:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            found += [int(child) for child in children.read_text().split()] if children.exists() else []
        return found

    def rss_bytes(self) -> int:
        """Resident memory of the process and its workers together."""
        pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids())
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")

    def sockets(self) -> int:
        """How many sockets the process and its workers hold."""
        count = 0
        for pid in self.pids():
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                try:
                    count += str(entry.readlink()).startswith("socket:")
                except FileNotFoundError:  # closed between listing and reading
                    continue
        return count

    def has_read(self, client_port: int) -> bool:
        """Tell whether the proxy has read all that the client at this port of 127.0.0.1 has sent."""
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, _, queues = line.split()[:5]
            if {local[-4:], remote[-4:]} == {
                f"{self.port:04X}",
                f"{client_port:04X}",
            } and queues != "00000000:00000000":
                return False
        return True

    def stop(self) -> None:
        """End it as an operator does, and make sure."""
        self._process.send_signal(signal.SIGTERM)
        self.wait()

    def wait(self) -> int:
        """Wait until it ends by itself; gives its exit status."""
        try:
            return self._process.wait(timeout=STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            msg = f"the proxy did not end:\n{self.log()}"
            raise RuntimeError(msg) from None
