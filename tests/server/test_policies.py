"""Policies are read whole, or not at all, and what is wrong is said."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from proxy.policy import PolicyMistakes
from proxy.server.policies import NoPolicies, read_policies, watched_folder
from tests.server.dockets import DEFAULT


def test_folder_is_one_policy(tmp_path: Path) -> None:
    """Every *.yaml and *.yml, by name; nothing else, and no folder that is named so."""
    for name in ("b.yml", "a.yaml", "notes.txt", "a.yaml.bak"):
        (tmp_path / name).write_text("version: 1\n")
    (tmp_path / "c.yaml").mkdir()
    texts = read_policies(tmp_path)
    assert [Path(name).name for name, _ in texts.files] == ["a.yaml", "b.yml"]
    assert [file.sha256 for file in texts.read] == [hashlib.sha256(b"version: 1\n").hexdigest()] * 2


def test_file_is_one_policy() -> None:
    """A single file is a policy, too, and its folder is what is watched."""
    assert read_policies(DEFAULT).compile().digest == read_policies(DEFAULT.parent).compile().digest
    assert watched_folder(DEFAULT) == watched_folder(DEFAULT.parent) == DEFAULT.parent


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    """An empty folder, a missing file and a file that is no text are told apart."""
    (tmp_path / "latin.yaml").write_bytes(b"version: 1 # \xe9\n")
    (tmp_path / "empty").mkdir()
    told = {}
    for name in ("empty", "missing.yaml", "latin.yaml"):
        with pytest.raises(NoPolicies) as caught:
            read_policies(tmp_path / name)
        told[name] = str(caught.value).removeprefix(str(tmp_path))
    assert told["empty"] == "/empty holds no *.yaml file"
    assert told["missing.yaml"] == "/missing.yaml: No such file or directory"
    assert "is not UTF-8" in told["latin.yaml"]


def test_mistake_is_found_when_it_is_compiled(tmp_path: Path) -> None:
    """Reading takes any text; compiling names file and line."""
    (tmp_path / "a.yaml").write_text("version: 1\nrules: 7\n")
    with pytest.raises(PolicyMistakes, match=r"a\.yaml:2"):
        read_policies(tmp_path).compile()
