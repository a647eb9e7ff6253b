"""Extensions whose functions were reviewed: data, each with its reason.

A function is harmless by this list only if pg_depend says that it belongs to the extension, and it is written in C or
SQL: whoever gives it a body in another language has made it another function. Source: the extensions' own control and
SQL files, PostgreSQL 15 and 18, pgvector 0.8, PostGIS 3, TimescaleDB 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Reviewed(NamedTuple):
    """What is known of an extension's functions."""

    because: str
    """Why they do no harm."""
    but: frozenset[str] = frozenset()
    """Names that do something."""
    only: frozenset[str] | None = None
    """The only names that were reviewed; None: all were."""


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


REVIEWED: Final[Mapping[str, Reviewed]] = {
    "citext": Reviewed("compares and searches text without regard to case"),
    "pg_trgm": Reviewed("compares text by trigrams", but=_names("set_limit")),
    "hstore": Reviewed("reads, builds and compares key-value pairs"),
    "ltree": Reviewed("compares and searches labels of a tree"),
    "cube": Reviewed("computes with points and boxes"),
    "seg": Reviewed("computes with intervals of numbers"),
    "isn": Reviewed("reads and compares product numbers", but=_names("isn_weak")),
    "intarray": Reviewed("computes with arrays of integers"),
    "intagg": Reviewed("aggregates integers"),
    "earthdistance": Reviewed("computes distances on the earth"),
    "fuzzystrmatch": Reviewed("compares text by sound and edit distance"),
    "unaccent": Reviewed("removes accents, by a dictionary that is configured on the server"),
    "dict_int": Reviewed("a dictionary template for text search"),
    "dict_xsyn": Reviewed("a dictionary template for text search"),
    "uuid-ossp": Reviewed("makes identifiers"),
    "pgcrypto": Reviewed("digests, encrypts and makes random bytes from its arguments alone"),
    "bloom": Reviewed("an index access method"),
    "btree_gin": Reviewed("operator classes over built-in types"),
    "btree_gist": Reviewed("operator classes over built-in types"),
    "tsm_system_rows": Reviewed("a sampling method"),
    "tsm_system_time": Reviewed("a sampling method"),
    "tablefunc": Reviewed("makes random numbers; the others run SQL that they are given", only=_names("normal_rand")),
    "moddatetime": Reviewed("a trigger that sets a column of the same row to now"),
    "insert_username": Reviewed("a trigger that sets a column of the same row to the login"),
    "pg_stat_statements": Reviewed(
        "reads counters of statements", only=_names("pg_stat_statements pg_stat_statements_info")
    ),
    "sslinfo": Reviewed("reads what TLS says of the session"),
    "vector": Reviewed("computes with vectors, and finds near ones"),
    "postgis": Reviewed(
        "computes with geometry, and reads spatial_ref_sys",
        but=_names(
            """addgeometrycolumn dropgeometrycolumn dropgeometrytable updategeometrysrid populate_geometry_columns
            postgis_extensions_upgrade postgis_full_version addauth checkauth checkauthtrigger disablelongtransactions
            enablelongtransactions gettransactionid lockrow unlockrows longtransactionsenabled st_fromflatgeobuftotable
            st_findextent find_srid"""
        ),
    ),
    "timescaledb": Reviewed(
        "puts times into buckets and aggregates them",
        only=_names(
            """time_bucket time_bucket_ng time_bucket_gapfill first last histogram interpolate locf
            approximate_row_count"""
        ),
    ),
}
"""By the name of the extension."""

_LANGUAGES: Final = frozenset({"c", "sql", "internal"})


def is_reviewed(extension: str | None, name: str, language: str) -> bool:
    """Tell whether a function is known to do no harm because it belongs to an extension."""
    reviewed = REVIEWED.get(extension or "")
    if reviewed is None or language not in _LANGUAGES or name in reviewed.but:
        return False
    return reviewed.only is None or name in reviewed.only
