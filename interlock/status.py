"""`interlock status`: what a running proxy says of itself, and what its audit log says of it. Only reads."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import typer
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from audit import journals_of, verify
from interlock.failure import ExitCode, Failure

ANSWER_TIMEOUT_S = 5.0
ANSWER_BYTES = 16 * 1_048_576
"""Most that is read of an answer: an endpoint of another kind may never end."""

_LOGIN_FAILED = "the login of --control-dsn FAILED at the start"


def read_metrics(address: str) -> list[Metric]:
    """Fetch and parse the metrics at HOST:PORT. Raises Failure: usage for a bad address, finding for no answer."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise Failure(f"--metrics: expected HOST:PORT, as 127.0.0.1:9187, found {address!r}")
    # What the proxy listens on may be "every interface"; a client needs one.
    host = host.strip("[]").replace("*", "") or "127.0.0.1"
    connection = http.client.HTTPConnection(host, int(port), timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        text = answer.read(ANSWER_BYTES).decode()
        if answer.status != http.client.OK:
            raise Failure(f"{address} answered {answer.status} {answer.reason}", ExitCode.FINDING)
        return list(text_string_to_metric_families(text))
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"no proxy answers at {address}: {error}", ExitCode.FINDING) from error
    except ValueError as error:
        raise Failure(f"what answers at {address} is not a proxy's metrics endpoint", ExitCode.FINDING) from error
    finally:
        connection.close()


def proxy_status(metrics: Iterable[Metric]) -> dict[str, Any]:
    """Pick from the metrics what people ask for. Raises Failure where they are not a proxy's."""
    samples = [sample for metric in metrics for sample in metric.samples]

    def labels(name: str, label: str) -> list[str]:
        return [sample.labels[label] for sample in samples if sample.name == name and sample.value]

    def total(name: str) -> int:
        return round(sum(sample.value for sample in samples if sample.name == name))

    def by(name: str, label: str) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for sample in samples:
            if sample.name == name:
                counts[sample.labels[label]] += round(sample.value)
        return dict(sorted(counts.items()))

    versions = labels("interlock_build_info", "version")
    if not versions:
        raise Failure("what answers there is not a proxy's metrics endpoint", ExitCode.FINDING)
    return {
        "version": versions[0],
        "policies": labels("interlock_policy_info", "digest"),
        "workers": total("interlock_workers"),
        "connections": total("interlock_connections"),
        "verdicts": by("interlock_statements_total", "verdict"),
        "account_kinds": by("interlock_statements_total", "account_kind"),
        "decision_cache": by("interlock_decision_cache_total", "result"),
        "census": _census(samples),
        "policy_reload_failures": total("interlock_policy_reload_failures_total"),
        "policy_reload_failing": bool(total("interlock_policy_reload_failing")),
        "audit_writable": bool(total("interlock_audit_writable")),
        "audit_lag_records": total("interlock_audit_lag_records"),
        "audit_lost_records": total("interlock_audit_lost_records_total"),
    }


def _census(samples: Iterable[Sample]) -> dict[str, Any] | None:
    """Tell how the proxy knows its databases; None where it has no control DSN."""
    found = [sample for sample in samples if sample.name.startswith(("interlock_control_dsn_", "interlock_census_"))]
    if not found:
        return None
    states = {sample.labels["state"]: round(sample.value) for sample in found if "state" in sample.labels}
    lost = {
        sample.labels["database"]: datetime.fromtimestamp(sample.value, UTC).isoformat(" ", "seconds")
        for sample in found
        if "database" in sample.labels
    }
    return {
        "control_dsn_works": any(sample.name == "interlock_control_dsn_works" and sample.value for sample in found),
        "known_databases": states.get("known", 0),
        "lost_since": lost,
    }


def audit_status(folder: Path) -> dict[str, Any]:
    """Verify the journals of a folder and say where each stands. Raises Failure if there are none."""
    if not folder.is_dir():
        raise Failure(f"--audit: {folder} is not a folder")
    if not journals_of(folder):
        raise Failure(f"--audit: no journals in {folder}")
    found = verify(folder)
    return {
        "sound": found.sound,
        "findings": [str(finding) for finding in found.findings],
        "journals": [
            {
                "journal": chain.journal,
                "files": chain.files,
                "records": chain.records,
                "last_seq": chain.seq,
                "closed": chain.closed,
                "lost": chain.lost,
            }
            for chain in found.chains
        ],
    }


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none yet"


def _census_rows(census: dict[str, Any] | None) -> list[str]:
    if census is None:
        return ["none: the proxy has no --control-dsn"]
    known, lost = census["known_databases"], census["lost_since"]
    if not known and not lost:
        works = census["control_dsn_works"]
        return ["no session yet; " + ("the login of --control-dsn works" if works else f"[bold red]{_LOGIN_FAILED}[/]")]
    rows = [f"known of {known} {'database' if known == 1 else 'databases'}"] if known else []
    words = "models are refused what needs it"
    return rows + [f"[bold red]LOST[/] of {escape(name)} since {since}: {words}" for name, since in lost.items()]


def _show(console: Console, known: dict[str, Any]) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    proxy, audit = known.get("proxy"), known.get("audit")
    if proxy is not None:
        workers = {0: "[bold red]NO WORKER[/]", 1: "1 worker"}.get(proxy["workers"], f"{proxy['workers']} workers")
        table.add_row("proxy", f"up, version {proxy['version']}, {workers}")
        table.add_row("policy", ", ".join(digest[:12] for digest in proxy["policies"]) or "none in force")
        table.add_row("connections", f"{proxy['connections']:,}")
        table.add_row("statements", _counted(proxy["verdicts"]))
        table.add_row("by account", _counted(proxy["account_kinds"]))
        table.add_row("decisions", _counted(proxy["decision_cache"]))
        writable = "writable" if proxy["audit_writable"] else "[bold red]NOT WRITABLE[/]: model accounts are refused"
        table.add_row("recording", f"{writable}, {proxy['audit_lag_records']:,} waiting")
        for place, row in enumerate(_census_rows(proxy["census"])):
            table.add_row("" if place else "census", row)
        failures = proxy["policy_reload_failures"]
        if proxy["policy_reload_failing"]:
            table.add_row("reload", "[yellow]the last one failed; what was in force before still is[/]")
        elif failures:
            table.add_row("reload", f"{failures} {'has' if failures == 1 else 'have'} failed; the last one succeeded")
    if audit is not None:
        table.add_row("audit log", "sound" if audit["sound"] else "[bold red]NOT SOUND[/]")
        for finding in audit["findings"]:
            table.add_row("", escape(finding))
        for chain in audit["journals"]:
            end = "closed" if chain["closed"] else "open"
            table.add_row("", f"{escape(chain['journal'])}: {chain['records']:,} records, {end}")
    console.print(table, highlight=False)


def report(*, metrics: str | None, audit: Path | None, as_json: bool) -> int:
    """Print what is known; gives the exit code. Raises Failure, also where nothing was asked for.

    What one place cannot tell does not keep back what the other can: that is printed before the failure is raised.
    """
    if metrics is None and audit is None:
        raise Failure("say where to look: --metrics HOST:PORT, --audit DIR, or both")
    places: dict[str, Callable[[], dict[str, Any]]] = {}
    if metrics is not None:
        places["proxy"] = lambda: proxy_status(read_metrics(metrics))
    if audit is not None:
        places["audit"] = lambda: audit_status(audit)
    known: dict[str, Any] = {}
    failures: list[Failure] = []
    for name, look in places.items():
        try:
            known[name] = look()
        except Failure as failure:
            failures.append(failure)
    if known and as_json:
        typer.echo(orjson.dumps(known, option=orjson.OPT_INDENT_2).decode())
    elif known:
        _show(Console(), known)
    if failures:
        raise Failure("\n".join(map(str, failures)), max(failure.exit_code for failure in failures))
    proxy = known.get("proxy", {"audit_writable": True, "workers": 1})
    # Without a worker the parent process answers for itself, and nobody for the clients.
    well = proxy["audit_writable"] and proxy["workers"] and known.get("audit", {"sound": True})["sound"]
    return ExitCode.OK if well else ExitCode.FINDING
