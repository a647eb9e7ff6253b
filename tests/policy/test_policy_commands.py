"""`interlock policy check` and `explain`: what they print, and what they tell a script."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from interlock.failure import ExitCode, Failure
from interlock.policy_commands import app, policy_files
from tests.clusters import Cluster
from tests.policy.samples import NO_DELETE, READ, document

SHIPPED = Path(__file__).parents[2] / "policies"


def _run(*arguments: str, stdin: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    return result.exit_code, result.output


def test_check_says_ok_with_the_digest() -> None:
    """The digest is what decisions are recorded with."""
    code, output = _run("check", str(SHIPPED))
    assert code == 0
    assert output.startswith("ok: 1 file, 9 rules, digest ")


def test_check_names_every_mistake_with_its_place(tmp_path: Path) -> None:
    """Exit code 1 is a finding; every file's mistakes are there, also a byte that is not UTF-8."""
    (tmp_path / "a.yaml").write_text("version: 1\nrulez: []\n")
    (tmp_path / "b.yml").write_bytes(b"version: 1\n# \xff\n")
    (tmp_path / ".hidden.yaml").write_text("[")
    (tmp_path / "notes.txt").write_text("[")
    code, output = _run("check", str(tmp_path))
    assert code == 1
    assert [
        f'{tmp_path}/a.yaml:2:1: unknown key "rulez"; did you mean "rules"?',
        f"{tmp_path}/b.yml:2:3: a character that YAML does not allow; remove it",
        "2 mistakes",
    ] == output.splitlines()


def test_check_answers_machines_in_json(tmp_path: Path) -> None:
    """The same findings, for editors and pipelines."""
    (tmp_path / "a.yaml").write_text("version: 2\n")
    code, output = _run("check", "--json", str(tmp_path))
    place = {"file": f"{tmp_path}/a.yaml", "line": 1, "column": 10}
    assert code == 1
    assert {
        "ok": False,
        "mistakes": [
            {
                **place,
                "message": "version is that of the file's shape, 1; found the number 2",
                "fix": "write version: 1",
            }
        ],
    } == orjson.loads(output)


def test_check_says_that_limits_are_not_enforced_yet(tmp_path: Path) -> None:
    """What is written in a policy must not be believed to act when it does not."""
    (tmp_path / "a.yaml").write_text("version: 1\nlimits:\n  - {for: everyone, statements: {per_second: 5}}\n")
    code, output = _run("check", str(tmp_path))
    assert code == 0
    assert "does not enforce them yet" in output


@pytest.mark.parametrize("arguments", [["check"], ["check", "/nonexistent"], ["explain", "SELECT 1"]])
def test_wrong_call_is_exit_code_2(arguments: list[str]) -> None:
    """Usage errors are told apart from findings."""
    assert _run(*arguments)[0] == 2


def test_empty_folder_is_a_wrong_call(tmp_path: Path) -> None:
    """A folder without policies is most likely the wrong folder."""
    code, output = _run("check", str(tmp_path))
    assert code == 2
    assert "no *.yaml file" in output


def _explain(*arguments: str, stdin: str = "") -> tuple[int, str]:
    return _run("explain", "--policies", str(SHIPPED), *arguments, stdin=stdin)


def test_explain_shows_verdict_rule_reading_and_what_the_client_sees() -> None:
    """Everything that led to a refusal, down to every rule that did not decide."""
    code, output = _explain("--as", "model_janitor", "--search-path", "public", "DELETE FROM users")
    assert code == 1
    for line in (
        "forbid by rule no-destructive-autonomy",
        "account   models (model, login model_janitor)",
        "read by   libpg_query and sqlglot, which agree",
        "delete users, in one of pg_temp, public [unbounded]  <- decided",
        "models-read                says nothing of delete",
        'ERROR:  42501: DELETE on users refused for account "models"',
        "DETAIL:  Rule no-destructive-autonomy: Models recommend; people decide. Decision TRIAL.",
        "HINT:  Insert a row into interlock.recommendation; a person can approve it.",
    ):
        assert line in output


def test_explain_reads_standard_input() -> None:
    """Long statements come through a pipe."""
    code, output = _explain("--as", "model_janitor", "-", stdin="SELECT 1;\nSELECT 2")
    assert code == 0
    assert "permit by rule models-read" in output
    assert "Statement 2: SELECT" in output


def test_explain_judges_as_another_kind() -> None:
    """What would happen if this login were a model."""
    assert _explain("--as", "alice", "DELETE FROM users")[0] == 0
    assert _explain("--as", "alice", "--account-kind", "model", "DELETE FROM users")[0] == 1


def test_explain_says_that_a_person_is_let_through_where_nothing_can_be_read() -> None:
    """Undecidable comes to something else for each kind."""
    code, output = _explain("--as", "alice", "DELTE 1")
    assert code == 0
    assert "undecidable (let through and recorded) by rule reading" in output


MATCHED = """version: 1
accounts:
  - {name: here, kind: model, match: {user: "*", client_address: 10.0.0.0/8}}
  - {name: certified, kind: model, match: {user: "*", certificate_name: robot}}
  - {name: called, kind: model, match: {user: "*", application_name: batch}}
"""


@pytest.mark.parametrize(
    ("flag", "value", "account"),
    [
        ("--client-address", "10.1.2.3", "here"),
        ("--certificate-name", "robot", "certified"),
        ("--application-name", "batch", "called"),
    ],
)
def test_explain_finds_accounts_by_all_that_they_are_matched_by(
    flag: str, value: str, account: str, tmp_path: Path
) -> None:
    """What the proxy would see of a connection can be told here."""
    (tmp_path / "a.yaml").write_text(MATCHED)
    usual = ("explain", "--policies", str(tmp_path), "--as", "alice", "SELECT 1")
    assert f"account   {account} (model" in _run(*usual, flag, value)[1]
    assert "account   alice (person)" in _run(*usual)[1]


def test_explain_says_what_it_was_not_told() -> None:
    """A trial that knows less than the proxy says so, and how to tell it."""
    asked = ("--as", "model_janitor", "SELECT max(id) FROM users")
    assert "give it with --search-path" in _explain(*asked)[1]
    assert "--control-dsn" in _explain(*asked)[1]
    assert "--search-path" not in _explain(*asked, "--search-path", "public")[1]
    assert "note:" not in _explain("--as", "model_janitor", "SELECT id FROM a.users")[1]


def test_explain_decides_as_the_proxy_where_it_may_read_the_catalog() -> None:
    """A built-in function may go by its plain name once it is known that nothing stands beside it."""
    asked = (
        "--as",
        "model_janitor",
        "--database",
        "postgres",
        "--search-path",
        "public",
        "SELECT max(id) FROM a.users",
    )
    with Cluster() as server:
        server.run("CREATE SCHEMA a; CREATE TABLE a.users (id int)", database="postgres")
        known = (*asked, "--control-dsn", server.dsn("template1"))
        assert _explain(*asked)[0] == 1
        code, output = _explain(*known)
        assert (code, "note:" in output) == (0, False)
        server.run("CREATE FUNCTION max(text) RETURNS text LANGUAGE sql AS 'SELECT $1'", database="postgres")
        code, output = _explain(*known)
        assert (code, "stands beside the built-in one" in output) == (1, True)


def test_explain_with_a_control_dsn_that_does_not_serve_is_wrong_use() -> None:
    """It does not fall back to knowing less, and the password is not repeated."""
    dsn = "postgresql://someone:hunter2@127.0.0.1:1/shop"
    with pytest.raises(Failure, match="--control-dsn: the catalog") as raised:
        app(
            ["explain", "--policies", str(SHIPPED), "--as", "m", "--control-dsn", dsn, "SELECT 1"],
            standalone_mode=False,
        )
    assert "hunter2" not in str(raised.value)
    assert raised.value.exit_code == ExitCode.USAGE


def test_explain_forgets_the_search_path_where_the_text_moves_it(tmp_path: Path) -> None:
    """As the proxy does: what the next statement is read under has not been reported yet."""
    (tmp_path / "a.yaml").write_text(
        "version: 1\nrules:\n"
        "  - {id: r, for: {kind: model}, permit: {effects: [select], on: [public.users]}}\n"
        "  - {id: s, for: {kind: model}, permit: {effects: [set], on: [search_path]}}\n"
        "accounts:\n  - {name: models, kind: model, match: {user: m}}\n"
    )
    usual = ("explain", "--policies", str(tmp_path), "--as", "m", "--search-path", "public")
    assert _run(*usual, "SET search_path = public; SELECT * FROM public.users")[0] == 0
    assert _run(*usual, "SET search_path = public; SELECT * FROM users")[0] == 1


def test_explain_keeps_its_columns_for_long_ids(tmp_path: Path) -> None:
    """The words begin in one column, whatever the longest id."""
    ids = ["short", "a-very-long-rule-id-that-goes-beyond-twenty-six"]
    rules = "".join(f"  - {{id: {each}, for: everyone, permit: {{effects: [drop], on: [a.b]}}}}\n" for each in ids)
    (tmp_path / "a.yaml").write_text(f"version: 1\nrules:\n{rules}")
    lines = _run("explain", "--policies", str(tmp_path), "--as", "alice", "SELECT 1 FROM a.b")[1].splitlines()
    assert len({line.index("says nothing") for line in lines if "says nothing" in line}) == 1


def test_explain_answers_machines_in_json() -> None:
    """The same, with each rule's miss as one word."""
    code, output = _explain("--json", "--as", "model_janitor", "SELECT 1 FOR UPDATE; DELETE FROM a.b")
    answer = orjson.loads(output)
    assert (
        code,
        answer["verdict"],
        answer["refused"],
        answer["rule"],
        answer["statement"],
    ) == (1, "forbid", True, "no-destructive-autonomy", 1)
    rules = {rule["id"]: rule["miss"] for rule in answer["statements"][1]["acts"][0]["rules"]}
    assert (rules["no-destructive-autonomy"], rules["models-read"]) == (None, "effect")
    assert answer["client_sees"]["sqlstate"] == "42501"


def test_explain_with_a_broken_policy_is_a_finding(tmp_path: Path) -> None:
    """Nothing is judged by half a policy."""
    (tmp_path / "a.yaml").write_text("version: 1\nrulez: []\n")
    code, output = _run("explain", "--policies", str(tmp_path), "--as", "alice", "SELECT 1")
    assert code == 1
    assert "unknown key" in output


def test_policy_files_of_a_folder_come_sorted(tmp_path: Path) -> None:
    """So that mistakes come in the same order on every machine."""
    for name in ("b.yaml", "a.yml"):
        (tmp_path / name).write_text(document(READ if name == "b.yaml" else NO_DELETE))
    assert [str(tmp_path / "a.yml"), str(tmp_path / "b.yaml")] == [name for name, _ in policy_files(tmp_path)]


def test_an_unknown_kind_is_told_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    """In words of the command line's own."""
    code, output = _run("explain", "--policies", "policies", "--as", "x", "--account-kind", "robot", "SELECT 1")
    assert code == 2
    said = " ".join((output + capsys.readouterr().err).replace("\u2502", " ").split())
    assert "'robot' is none of model, service, person" in said
    assert "Value error" not in said
