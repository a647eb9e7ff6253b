"""What the documents tell people to type exists, and what they link to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
import yaml

from interlock.cli import ORDER, FrontDoor, app

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")] if path.is_file()
)
FOLDERS = "audit|proxy|interlock|policies|docs|deploy|bench|tests"


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _group() -> FrontDoor:
    group = typer.main.get_group(app)
    assert isinstance(group, FrontDoor)
    return group


def _commands() -> set[str]:
    group = _group()
    found = set(ORDER)
    for name in ORDER:
        found.update(f"{name} {inner}" for inner in getattr(group.get_command(None, name), "commands", {}))
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_in_documents_exist(name: str) -> None:
    """Every `make target` is in the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", _text("Makefile"), flags=re.MULTILINE))
    assert set(re.findall(r"(?:`|^|\n)make ([a-z]+)", _text(name))) <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_in_documents_exist(name: str) -> None:
    """Every `interlock command` in a code block, or in code within a line, is a command."""
    lines = re.findall(r"(?:^|`|\$ |bin/)interlock +([a-z]+)(?: +([a-z]+))?", _text(name), flags=re.MULTILINE)
    known = _commands()
    unknown = [
        f"{first} {second}".strip()
        for first, second in lines
        if first not in known
        or (second and f"{first} {second}" not in known and any(each.startswith(f"{first} ") for each in known))
    ]
    assert unknown == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_in_documents_lead_somewhere(name: str) -> None:
    """Every relative link, and every path given as code, is a file or folder of the repository."""
    folder = (ROOT / name).parent
    links = list(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", _text(name)))
    assert [link for link in links if not (folder / link).exists()] == []
    if name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"):
        paths = re.findall(rf"`((?:{FOLDERS})/[\w/.-]*)`", _text(name))
        assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_architecture_names_every_module() -> None:
    """A module that ARCHITECTURE.md does not know has no place yet."""
    told = _text("ARCHITECTURE.md")
    modules = [
        path.relative_to(ROOT).as_posix()
        for folder in ("audit", "proxy", "interlock")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "__init__.py"
    ]
    assert [name for name in modules if f"`{Path(name).name}`" not in told] == []


def test_the_workflow_and_the_hook_run_what_contributors_run() -> None:
    """The forge runs .ci/run, and the commit hook runs `make check`: nothing is checked in one place alone."""
    workflow = yaml.safe_load(_text(".github/workflows/ci.yml"))
    steps = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert any(step.strip() == ".ci/run" for step in steps)
    hooks = yaml.safe_load(_text(".pre-commit-config.yaml"))
    assert [hook["entry"] for repository in hooks["repos"] for hook in repository["hooks"]] == ["make check"]
    assert "make check" in _text(".ci/run")
    assert "make test" in _text(".ci/run")
