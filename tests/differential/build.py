"""Make `statements.xz` anew: `python -m tests.differential.build pglast-8.8.tar.gz`.

The archive is pglast's source distribution on the Python Package Index; libpg_query lies in it, and in that
PostgreSQL's regression tests as libpg_query's own tests read them. None of either's code is used or kept. A script that
is not UTF-8 is left out whole, and so is every text that one of psql's variables stands in.
"""

from __future__ import annotations

import hashlib
import lzma
import sys
import tarfile
from pathlib import Path
from typing import Final

from tests.differential.corpus import FILE, SHA256, digest
from tests.differential.psql_split import texts

ARCHIVE_SHA256: Final = "ff9998ec6bac4f30f84db6b6edb28a0fb03b1eda5c8ad211ab8362f5a08b833b"
SCRIPTS: Final = "libpg_query/test/sql/postgres_regress/"


def gathered(archive: Path) -> bytes:
    """Give all texts of all scripts, each where it comes first. Raises ValueError if it is another archive."""
    if hashlib.sha256(archive.read_bytes()).hexdigest() != ARCHIVE_SHA256:
        raise ValueError(f"{archive} is not the archive that the corpus is made of")
    found: dict[str, None] = {}
    with tarfile.open(archive) as files:
        for name in sorted(name for name in files.getnames() if SCRIPTS in name and name.endswith(".sql")):
            script = files.extractfile(name)
            try:
                found.update(dict.fromkeys(texts(script.read().decode() if script else "")))
            except UnicodeDecodeError:
                print(f"{Path(name).name} is not UTF-8")
    return "\0".join(found).encode()


def main(arguments: list[str]) -> int:
    """Write the file; exit status 1 where the statements are not those that `corpus.SHA256` names."""
    piece = gathered(Path(arguments[0]))
    FILE.write_bytes(lzma.compress(piece, preset=9 | lzma.PRESET_EXTREME))
    found, count = digest(piece), len(piece.split(b"\0"))
    print(f"{count} statements, {FILE.stat().st_size} bytes, sha256 {found}")
    return 0 if found == SHA256 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
