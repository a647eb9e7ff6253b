"""Flags, variables and the file mean the same thing, and their mistakes are told with their place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.failure import Failure
from interlock.settings import SETTINGS, read_settings, unknown_variables
from proxy.server.config import ServerConfig


def _file(folder: Path, text: str) -> Path:
    path = folder / "proxy.yaml"
    path.write_text(text)
    return path


SAMPLE = Path(__file__).parents[2] / "docs" / "proxy.yaml"


def _mistakes(**given: object) -> list[str]:
    with pytest.raises(Failure) as raised:
        read_settings(**given)  # type: ignore[arg-type]
    return str(raised.value).splitlines()


def test_settings_cover_every_field_of_the_configuration() -> None:
    """Whatever the server can be told, a flag, a variable and a line of the file can tell it."""
    assert sorted(ServerConfig.model_fields) == sorted(setting.name for setting in SETTINGS)


def test_settings_are_the_defaults_when_nothing_is_given() -> None:
    """An empty command line is a complete configuration."""
    assert ServerConfig() == read_settings({}, {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("workers", "3"),
        ("upstream", "db:5433"),
        ("tls_required", "true"),
        ("drain_timeout_s", "2.5"),
        ("log_level", "error"),
    ],
)
def test_a_value_means_the_same_from_every_source(name: str, text: str, tmp_path: Path) -> None:
    """A flag, a variable and the file give equal configurations, under either spelling of the name."""
    dashed = name.replace("_", "-")
    expected = ServerConfig.model_validate({name: text})

    assert [expected] * 4 == [
        read_settings({name: text}, {}),
        read_settings({}, {f"INTERLOCK_{name.upper()}": text}),
        read_settings({}, {}, _file(tmp_path, f"{name}: {text}\n")),
        read_settings({}, {}, _file(tmp_path, f"{dashed}: {text}\n")),
    ]


def test_flags_win_over_variables_and_these_over_the_file(tmp_path: Path) -> None:
    """Each source overrides the one behind it, name by name."""
    file = _file(tmp_path, "listen: file:1\nupstream: file:2\nmetrics: file:3\n")
    variables = {"INTERLOCK_LISTEN": "variable:1", "INTERLOCK_UPSTREAM": "variable:2"}

    merged = read_settings({"listen": "flag:1"}, variables, file)

    assert (merged.listen, merged.upstream, merged.metrics) == ("flag:1", "variable:2", "file:3")


def test_every_mistake_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    """File and line, or the variable, or the flag; what was expected there; and what was found."""
    file = _file(tmp_path, "upstrem: db:5432\naudit_fsync: sometimes\nworkers: true\n")

    assert set(_mistakes(flags={"nesting_depth": "deep"}, environment={"INTERLOCK_STATEMENTS": "0"}, file=file)) == {
        "--nesting-depth: expected an integer of at least 50, found 'deep'",
        "INTERLOCK_STATEMENTS: expected an integer of at least 1, found '0'",
        f'{file}:1: upstrem: unknown setting; did you mean "upstream"?',
        f"{file}:2: audit_fsync: expected one of always, interval, never, found 'sometimes'",
        f"{file}:3: workers: expected an integer from 1 to 256, found True",
    }


def test_settings_before_an_error_of_yaml_are_checked(tmp_path: Path) -> None:
    """What could be read is judged, so that mending takes fewer rounds."""
    file = _file(tmp_path, "workers: 0\nlsten: x\naudit: @x\n")
    first, second, third = _mistakes(flags={}, environment={}, file=file)
    assert first.startswith(f"{file}:3:8: not YAML")
    assert second.startswith(f"{file}:2: lsten: unknown setting")
    assert third == f"{file}:1: workers: expected an integer from 1 to 256, found 0"


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    """Comments alone leave every default."""
    assert ServerConfig() == read_settings({}, {}, _file(tmp_path, "# nothing yet\n"))


def test_a_secret_is_not_repeated(tmp_path: Path) -> None:
    """A DSN may hold a password; a message about it does not."""
    file = _file(tmp_path, "control_dsn: [hunter2]\n")

    assert _mistakes(flags={}, environment={}, file=file) == [f"{file}:1: control_dsn: expected a PostgreSQL DSN"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- listen\n", "expected settings as `name: value`"),
        ("metrics: @9187\n", ":1:10: not YAML: found character '@' that cannot start any token; a text cannot"),
        ("listen: *:6432\n", ':1:9: a text cannot begin with *; put it in double quotes: "*:6432"'),
        ("workers: 1\nworkers: 2\n", ':2:1: key "workers" is given twice, first on line 1'),
        ("audit-fsync: never\naudit_fsync: never\n", ":2: audit_fsync: given twice, first as "),
    ],
    ids=["a list", "not YAML", "every interface", "a name twice", "both spellings"],
)
def test_a_file_that_cannot_be_meant_is_refused(text: str, said: str, tmp_path: Path) -> None:
    """The sentence names the file and what is wrong with it."""
    (sentence,) = _mistakes(flags={}, environment={}, file=_file(tmp_path, text))
    assert said in sentence


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A file that was asked for is never silently left out."""
    (sentence,) = _mistakes(flags={}, environment={}, file=tmp_path / "none.yaml")
    assert sentence.endswith("No such file or directory")


def test_a_name_without_a_value_counts_as_absent(tmp_path: Path) -> None:
    """`metrics:` alone leaves the default."""
    assert ServerConfig() == read_settings({}, {}, _file(tmp_path, "metrics:\nlisten:\n"))


def test_unknown_variables_are_named_with_what_was_meant() -> None:
    """A misspelt variable is pointed out; those of other commands are known."""
    environment = {"INTERLOCK_UPSTREM": "x", "INTERLOCK_DSN": "x", "INTERLOCK_LISTEN": "x", "PATH": "x"}

    assert unknown_variables(environment) == (
        'INTERLOCK_UPSTREM: unknown variable; did you mean "INTERLOCK_UPSTREAM"?',
    )


def test_the_sample_file_holds_every_default() -> None:
    """Whoever copies it and changes nothing runs the proxy that runs without it."""
    assert ServerConfig() == read_settings({}, {}, SAMPLE)


def test_the_sample_file_names_every_setting_once_with_a_value_that_may_stand_there(tmp_path: Path) -> None:
    """What has no default is a comment with an example; taken out of its comment, it is valid too."""
    whole = re.sub(r"^#(?=\w+: )", "", SAMPLE.read_text(), flags=re.MULTILINE)
    names = re.findall(r"^(\w+): .+$", whole, flags=re.MULTILINE)
    assert sorted(setting.name for setting in SETTINGS) == sorted(names)
    assert None not in read_settings({}, {}, _file(tmp_path, whole)).model_dump().values()
