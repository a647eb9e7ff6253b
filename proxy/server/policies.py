"""Where policies lie: read them from a file or folder, and notice when they change."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from watchfiles import awatch

from audit import PolicyFile
from proxy.policy import Policy, compile_policy


class NoPolicies(Exception):  # noqa: N818 - says what is the case
    """There is nothing to read where policies should be. The message is a clause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTexts:
    """Policy files as read at one moment."""

    files: tuple[tuple[str, str], ...]
    """File name, text."""
    read: tuple[PolicyFile, ...]
    """The same for the record: file name, SHA-256 of the bytes."""

    def compile(self) -> Policy:
        """Compile them. Raises PolicyMistakes."""
        return compile_policy(self.files)


def read_policies(path: Path) -> PolicyTexts:
    """Read a policy file, or all *.yaml and *.yml of a folder. Raises NoPolicies."""
    try:
        if path.is_dir():
            found = sorted(each for each in path.iterdir() if each.suffix in (".yaml", ".yml") and each.is_file())
        else:
            found = [path]
        if not found:
            raise NoPolicies(f"{path} holds no *.yaml file")
        raw = [(str(each), each.read_bytes()) for each in found]
        texts = tuple((name, data.decode()) for name, data in raw)
    except UnicodeDecodeError as error:
        raise NoPolicies(f"a policy in {path} is not UTF-8: {error}") from error
    except OSError as error:
        raise NoPolicies(f"{error.filename or path}: {error.strerror or error}") from error
    hashes = tuple(PolicyFile(name=name, sha256=hashlib.sha256(data).hexdigest()) for name, data in raw)
    return PolicyTexts(files=texts, read=hashes)


def watched_folder(path: Path) -> Path:
    """Give the folder to watch: a single file's own, since editors replace files rather than write them."""
    return path if path.is_dir() else path.parent


async def changes(path: Path) -> AsyncIterator[None]:
    """Yield whenever something in a folder may have changed, until cancelled."""
    async for _ in awatch(path, debounce=200, step=50, recursive=False):
        yield
