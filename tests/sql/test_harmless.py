"""The list of harmless built-ins, held against a real PostgreSQL 18."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from proxy.sql.harmless import (
    HARMLESS,
    HARMLESS_STABLE,
    HARMLESS_TYPES,
    HARMLESS_VOLATILE,
    INFORMATION_SCHEMA_FUNCTIONS,
    INFORMATION_SCHEMA_TYPES,
    OTHER_VERSIONS,
    SYSTEM_RELATIONS,
    WITHHELD,
)
from tests.clusters import Cluster

VOLATILE = frozenset(" ".join(HARMLESS_VOLATILE.values()).split())
WITHHELD_NAMES = frozenset(" ".join(WITHHELD.values()).split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """What PostgreSQL 18's own catalog says."""

    volatile: frozenset[str]
    """Names of pg_catalog functions of which some overload is volatile."""
    functions: frozenset[str]
    types: frozenset[str]
    relations: frozenset[str]
    information_schema: frozenset[str]
    """Names of functions and domains of information_schema."""


@pytest.fixture(scope="module")
def catalog() -> Iterator[Catalog]:
    """Ask a new PostgreSQL 18."""
    with (
        Cluster() as server,
        psycopg.connect(host="127.0.0.1", port=server.port, user="postgres", dbname="postgres") as connection,
    ):

        def names(query: str) -> frozenset[str]:
            return frozenset(row[0] for row in connection.execute(query))

        functions = "SELECT proname FROM pg_proc WHERE pronamespace = '{}'::regnamespace"
        types = "SELECT typname FROM pg_type WHERE typnamespace = '{}'::regnamespace"
        yield Catalog(
            functions=names(functions.format("pg_catalog")),
            volatile=names(functions.format("pg_catalog") + " AND provolatile = 'v'"),
            types=names(types.format("pg_catalog")),
            relations=names(
                "SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v')"
            ),
            information_schema=names(functions.format("information_schema"))
            | names(types.format("information_schema")),
        )


def test_every_harmless_function_exists(catalog: Catalog) -> None:
    """No name is listed that PostgreSQL 18 does not know, but for those noted as other versions'."""
    assert frozenset() == (HARMLESS - OTHER_VERSIONS) - catalog.functions
    assert frozenset() == OTHER_VERSIONS & catalog.functions


def test_volatile_functions_are_harmless_only_by_a_reason_of_their_own(catalog: Catalog) -> None:
    """Whatever has a volatile overload is listed among the volatile ones, and nothing else is."""
    assert frozenset() == HARMLESS_STABLE & catalog.volatile
    assert frozenset() == VOLATILE - catalog.volatile


def test_every_function_is_placed(catalog: Catalog) -> None:
    """Each function of pg_catalog is either harmless or withheld, never both, so new ones are noticed."""
    assert frozenset() == catalog.functions - HARMLESS - WITHHELD_NAMES
    assert frozenset() == HARMLESS & WITHHELD_NAMES


def test_reasons_are_given() -> None:
    """Each group has a reason and names, and no name stands twice."""
    assert all(reason and names.split() for reason, names in [*WITHHELD.items(), *HARMLESS_VOLATILE.items()])
    assert len(WITHHELD_NAMES) == sum(len(names.split()) for names in WITHHELD.values())


@pytest.mark.parametrize(
    "name",
    """nextval setval lo_export lo_unlink loread pg_read_file pg_ls_dir pg_stat_file query_to_xml table_to_xml
    cursor_to_xml schema_to_xml database_to_xml ts_stat ts_rewrite set_config pg_notify pg_advisory_lock
    pg_cancel_backend pg_terminate_backend pg_reload_conf pg_rotate_logfile pg_create_logical_replication_slot
    pg_drop_replication_slot pg_replication_origin_create pg_logical_emit_message pg_backup_start pg_switch_wal
    pg_export_snapshot pg_stat_reset pg_restore_relation_stats pg_clear_attribute_stats pg_sleep pg_current_xact_id
    txid_current binary_upgrade_create_empty_extension brin_summarize_new_values gin_clean_pending_list
    pg_stat_force_next_flush currtid2 pg_extension_config_dump amvalidate pg_promote pg_wal_replay_pause domain_in
    pg_input_is_valid pg_import_system_collations pg_log_backend_memory_contexts""".split(),  # noqa: SIM905
)
def test_what_does_something_is_withheld(catalog: Catalog, name: str) -> None:
    """Functions with side effects, with SQL in their arguments or with the server's files are not harmless."""
    assert name in catalog.functions
    assert name not in HARMLESS


def test_types_and_relations_are_the_catalog_s_own(catalog: Catalog) -> None:
    """Harmless types exist in pg_catalog, and every relation of it is known as one."""
    assert frozenset() == HARMLESS_TYPES - catalog.types
    assert frozenset() == catalog.relations - SYSTEM_RELATIONS
    assert frozenset() == (INFORMATION_SCHEMA_FUNCTIONS | INFORMATION_SCHEMA_TYPES) - catalog.information_schema
