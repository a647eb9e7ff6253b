"""Statement text -> facts. Pure: no sockets, no clock, no files. This module is the room's door."""

from proxy.sql.catalog_rows import (
    PLANNED,
    CastRow,
    CatalogRows,
    ClassRow,
    FunctionRow,
    KeyRow,
    OperatorRow,
    RelationRow,
    StoredKind,
    StoredRow,
    TriggerRow,
    TypeRow,
)
from proxy.sql.census import Census, Knowledge, Lost
from proxy.sql.consequences import expand, expand_each, is_harmless_built_in
from proxy.sql.facts import (
    TO_DEFAULT,
    Act,
    Bounds,
    Call,
    Effect,
    Facts,
    Modifier,
    Settings,
    Target,
    TargetKind,
    Unreadable,
)
from proxy.sql.given_types import types_given
from proxy.sql.normal import fingerprint, mask, normalize
from proxy.sql.reading import read_statements
from proxy.sql.search_path import Moves, may_make_temporary, moves, search_path_of
from proxy.sql.shapes import covers, shape
from proxy.sql.stored_code import StoredCode, read_stored
from proxy.sql.text_study import LARGE_TEXT_BYTES, Study, study

__all__ = [
    "LARGE_TEXT_BYTES",
    "PLANNED",
    "TO_DEFAULT",
    "Act",
    "Bounds",
    "Call",
    "CastRow",
    "CatalogRows",
    "Census",
    "ClassRow",
    "Effect",
    "Facts",
    "FunctionRow",
    "KeyRow",
    "Knowledge",
    "Lost",
    "Modifier",
    "Moves",
    "OperatorRow",
    "RelationRow",
    "Settings",
    "StoredCode",
    "StoredKind",
    "StoredRow",
    "Study",
    "Target",
    "TargetKind",
    "TriggerRow",
    "TypeRow",
    "Unreadable",
    "covers",
    "expand",
    "expand_each",
    "fingerprint",
    "is_harmless_built_in",
    "mask",
    "may_make_temporary",
    "moves",
    "normalize",
    "read_statements",
    "read_stored",
    "search_path_of",
    "shape",
    "study",
    "types_given",
]
