"""What was measured, as a table for people and as JSON for machines, with the project's floors beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.bulk import BULK
from bench.bulk import CELLS as STREAMS
from bench.decisions import CORPUS, DECISION, KINDS
from bench.figures import Floor, Slice, geometric_mean, median_of, paired_difference, paired_ratio
from bench.memory import CELL as IDLE
from bench.memory import MEMORY
from bench.pgbench import CPU, LATENCY, LATENCY_CELL, THROUGHPUT, prepared
from bench.regression import CELLS as ACCOUNTS
from bench.regression import COLUMNS, REGRESSION
from bench.stage import DIRECT, INTERLOCK, PEERS, PGBOUNCER, PGPOOL, RELAY

OVERALL: Final = Floor(name="throughput against PgBouncer, all cells", bound=0.65, at_least=True, unit="x")
PREPARED: Final = Floor(name="throughput against PgBouncer, prepared", bound=0.8, at_least=True, unit="x")
PGPOOL_FLOOR: Final = Floor(name="throughput against Pgpool-II, all cells", bound=1.3, at_least=True, unit="x")
ADDED: Final = Floor(name="added latency, one client, prepared select", bound=80.0, at_least=False, unit="us")
STREAM: Final = {name: Floor(name=f"{name} against direct", bound=0.9, at_least=True, unit="x") for name in STREAMS}
IDLE_FLOOR: Final = Floor(name="memory per idle connection", bound=60.0, at_least=False, unit="KB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One figure beside its floor, and what others have in the same run."""

    name: str
    figure: float
    unit: str
    floor: float
    at_least: bool
    met: bool
    others: dict[str, float]


def findings(slices: Sequence[Slice]) -> list[Finding]:
    """Hold what was measured against the floors; what was not measured has no finding."""
    throughput = [each for each in slices if each.section == THROUGHPUT]
    cells = list(dict.fromkeys(each.cell for each in throughput))
    prepared_cells = [cell for cell in cells if prepared(cell)]
    found = [
        _finding(OVERALL, {peer: _mean(throughput, cells, peer, PGBOUNCER) for peer in _without(PGBOUNCER)}),
        _finding(PREPARED, {peer: _mean(throughput, prepared_cells, peer, PGBOUNCER) for peer in _without(PGBOUNCER)}),
        _finding(PGPOOL_FLOOR, {peer: _mean(throughput, cells, peer, PGPOOL) for peer in _without(PGPOOL)}),
    ]
    latency = [each for each in slices if each.section == LATENCY]
    added = {peer: paired_difference(latency, LATENCY_CELL, peer, DIRECT) for peer in _without(DIRECT)}
    found.append(_finding(ADDED, {peer: None if value is None else value * 1e6 for peer, value in added.items()}))
    bulk = [each for each in slices if each.section == BULK]
    for name, floor in STREAM.items():
        found.append(_finding(floor, {peer: paired_ratio(bulk, name, peer, DIRECT) for peer in _without(DIRECT)}))
    idle = [each for each in slices if each.section == MEMORY]
    held = {peer: median_of(idle, IDLE, peer) for peer in PEERS}
    found.append(_finding(IDLE_FLOOR, {peer: None if value is None else value / 1e3 for peer, value in held.items()}))
    return [each for each in found if each is not None]


def _without(name: str) -> list[str]:
    return [peer for peer in PEERS if peer != name]


def _mean(slices: Sequence[Slice], cells: Iterable[str], peer: str, other: str) -> float | None:
    ratios = (paired_ratio(slices, cell, peer, other) for cell in cells)
    return geometric_mean([ratio for ratio in ratios if ratio is not None])


def _finding(floor: Floor, figures: dict[str, float | None]) -> Finding | None:
    figure = figures.pop(INTERLOCK, None)
    if figure is None:
        return None
    return Finding(
        name=floor.name,
        figure=figure,
        unit=floor.unit,
        floor=floor.bound,
        at_least=floor.at_least,
        met=floor.met(figure),
        others={peer: value for peer, value in figures.items() if value is not None},
    )


def show(console: Console, slices: Sequence[Slice]) -> None:
    """Print the tables: cells of throughput, decisions, and the floors last."""
    throughput = [each for each in slices if each.section == THROUGHPUT]
    if throughput:
        console.print(_throughput_table(throughput))
    spent = [each for each in slices if each.section == CPU]
    if spent:
        cells = list(dict.fromkeys(each.cell for each in spent))
        title = "Processor time of one transaction in the peer, microseconds (medians)"
        console.print(_medians(title, spent, cells, PEERS, 1e-6))
    streams = [each for each in slices if each.section == BULK]
    if streams:
        console.print(_medians("Streams, megabytes per second (medians)", streams, STREAMS, PEERS, 1e6))
    latency = [each for each in slices if each.section == LATENCY]
    if latency:
        title = "Latency of one client, microseconds (medians)"
        console.print(_medians(title, latency, [LATENCY_CELL], PEERS, 1e-6))
    decided = [each for each in slices if each.section == DECISION]
    if decided:
        console.print(_medians("One decision, microseconds (medians)", decided, list(CORPUS), KINDS, 1e-6))
    regression = [each for each in slices if each.section == REGRESSION]
    if regression:
        title = "One decision over PostgreSQL's regression statements, microseconds"
        console.print(_medians(title, regression, ACCOUNTS, COLUMNS, 1e-6))
    found = findings(slices)
    if found:
        console.print(_floors_table(found))


def _throughput_table(slices: Sequence[Slice]) -> Table:
    table = Table(title="Throughput: transactions per second (medians), and the ratio to PgBouncer beside it")
    table.add_column("script, mode, clients")
    measured = [peer for peer in PEERS if any(each.peer == peer for each in slices)]
    for peer in measured:
        table.add_column(peer, justify="right")
    for cell in dict.fromkeys(each.cell for each in slices):
        row = [cell]
        for peer in measured:
            rate = median_of(slices, cell, peer)
            ratio = paired_ratio(slices, cell, peer, PGBOUNCER) if peer != PGBOUNCER else None
            row.append(("-" if rate is None else f"{rate:,.0f}") + ("" if ratio is None else f"  {ratio:.2f}"))
        table.add_row(*row)
    return table


def _medians(title: str, slices: Sequence[Slice], cells: Sequence[str], columns: Sequence[str], unit: float) -> Table:
    table = Table(title=title)
    table.add_column("")
    shown = [name for name in columns if any(each.peer == name for each in slices)]
    for name in shown:
        table.add_column(name, justify="right")
    for cell in cells:
        values = [median_of(slices, cell, name) for name in shown]
        table.add_row(cell, *("-" if value is None else f"{value / unit:,.1f}" for value in values))
    return table


def _floors_table(found: Sequence[Finding]) -> Table:
    others = [peer for peer in (RELAY, PGBOUNCER, PGPOOL, DIRECT) if any(peer in each.others for each in found)]
    table = Table(title="The floors")
    for heading in ("", "interlock", "floor", ""):
        table.add_column(heading, justify="left" if not heading else "right")
    for peer in others:
        table.add_column(peer, justify="right", style="dim")
    for each in found:
        sign = ">=" if each.at_least else "<="
        table.add_row(
            each.name,
            f"{each.figure:.2f} {each.unit}",
            f"{sign} {each.floor:g} {each.unit}",
            "[green]met[/]" if each.met else "[red]missed[/]",
            *(f"{each.others[peer]:.2f}" if peer in each.others else "" for peer in others),
        )
    return table
