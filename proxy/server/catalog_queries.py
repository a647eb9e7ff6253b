"""What is asked of a catalog, in SQL that PostgreSQL 14 to 18 understand.

Every name is qualified, so nothing can take a built-in's place. Objects of users have oids from 16384 on.
"""

from __future__ import annotations

from typing import Final

from proxy.sql import StoredKind

_WATCHED: Final = """
    pg_proc pg_class pg_type pg_rewrite pg_trigger pg_constraint pg_attrdef pg_policy pg_cast pg_operator pg_opclass
    pg_amproc pg_amop pg_inherits pg_index pg_namespace pg_event_trigger pg_extension pg_partitioned_table pg_enum
    pg_statistic_ext pg_db_role_setting
"""


# Between two looks every new row version has a greater transaction id than all before, so count and sum cannot both
# stay the same. pg_attribute and pg_depend are too large to be looked at every few seconds.
_COUNTED: Final = (
    "(SELECT pg_catalog.concat(pg_catalog.count(*), '/', pg_catalog.sum(xmin::pg_catalog.text::pg_catalog.int8))"
    " FROM pg_catalog.{})"
)
FINGERPRINT: Final = "SELECT pg_catalog.concat_ws(' ', " + ", ".join(map(_COUNTED.format, _WATCHED.split())) + ")"
"""One line that changes whenever a row of these catalogs does."""

SCHEMAS: Final = "SELECT oid, nspname::pg_catalog.text FROM pg_catalog.pg_namespace"

BUILT_IN: Final = """
SELECT p.oid, n.nspname::pg_catalog.text, p.proname::pg_catalog.text
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid < 16384
"""

# A built-in in another language than internal, C and SQL (12 to 14, pg_language.dat) has been replaced.
FUNCTIONS: Final = """
SELECT p.oid, p.pronamespace, p.proname::pg_catalog.text, l.lanname::pg_catalog.text,
       CASE WHEN p.prolang = 12 THEN p.prosrc ELSE '' END,
       (SELECT e.extname::pg_catalog.text FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
        WHERE d.classid = 1255 AND d.objid = p.oid AND d.refclassid = 3079 AND d.deptype = 'e' LIMIT 1),
       p.pronargs, p.pronargdefaults, p.provariadic <> 0, coalesce(p.proargtypes[0], 0), p.prokind = 'a',
       CASE WHEN a.aggfnoid IS NULL THEN '{}'::pg_catalog.oid[] ELSE
           ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn,
                 a.aggminvtransfn, a.aggmfinalfn]::pg_catalog.oid[] END,
       ARRAY(SELECT DISTINCT t FROM pg_catalog.unnest(
                 p.prorettype || p.proargtypes::pg_catalog.oid[] || p.proallargtypes) t WHERE t >= 16384 ORDER BY 1)
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
WHERE p.oid >= 16384 OR p.prolang NOT IN (12, 13, 14)
ORDER BY p.oid
"""

OPERATORS: Final = """
SELECT oprnamespace, oprname::pg_catalog.text, oid,
       ARRAY[oprcode, oprrest, oprjoin]::pg_catalog.oid[], ARRAY[oprleft, oprright, oprresult]
FROM pg_catalog.pg_operator WHERE oid >= 16384 ORDER BY oid
"""

CASTS: Final = """
SELECT c.castsource, c.casttarget, t.typname::pg_catalog.text, c.castfunc, c.castcontext::pg_catalog.text
FROM pg_catalog.pg_cast c JOIN pg_catalog.pg_type t ON t.oid = c.casttarget
WHERE c.oid >= 16384 AND c.castfunc <> 0 ORDER BY c.oid
"""

TYPES: Final = """
SELECT t.oid, t.typnamespace, t.typname::pg_catalog.text, t.typtype::pg_catalog.text, t.typarray, t.typbasetype,
       t.typrelid, coalesce(r.rngsubtype, 0),
       ARRAY[t.typinput, t.typreceive, t.typmodin, r.rngcanonical, r.rngsubdiff]::pg_catalog.oid[], t.typelem,
       CASE WHEN t.typtype = 'm' THEN coalesce(r.rngtypid, 0) ELSE 0 END,
       CASE WHEN r.rngsubopc >= 16384 THEN r.rngsubopc ELSE 0 END
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_range r ON t.oid IN (r.rngtypid, r.rngmultitypid)
WHERE t.oid >= 16384 AND NOT (t.typelem <> 0 AND t.typlen = -1 AND t.typcategory = 'A')
  AND NOT (t.typtype = 'c' AND (SELECT c.relkind <> 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid))
ORDER BY t.oid
"""

RELATIONS: Final = """
SELECT c.oid, c.relnamespace, c.relname::pg_catalog.text, c.relkind::pg_catalog.text, c.reltype, c.relrowsecurity,
       c.relispartition, coalesce(t.typarray, 0)
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_type t ON t.oid = c.reltype
WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
  AND (c.relpersistence <> 't' OR c.relkind <> 'r' OR c.relhasrules OR c.relhastriggers OR c.relrowsecurity
       OR c.relchecks > 0)
ORDER BY c.oid
"""

OTHER_RELATIONS: Final = """
SELECT relnamespace, relname::pg_catalog.text FROM pg_catalog.pg_class
WHERE relkind = 'S' AND relpersistence <> 't' OR oid < 16384 AND relkind IN ('r', 'v', 't', 'f', 'm', 'p') ORDER BY oid
"""

COLUMNS: Final = """
SELECT DISTINCT attrelid, atttypid FROM pg_catalog.pg_attribute
WHERE atttypid >= 16384 AND attrelid >= 16384 AND attnum > 0 AND NOT attisdropped
UNION SELECT 1249, atttypid FROM pg_catalog.pg_attribute WHERE atttypid >= 16384 AND atthasmissing ORDER BY 1, 2
"""

INHERITS: Final = """
SELECT i.inhparent, i.inhrelid FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhparent
WHERE c.relkind IN ('r', 'p', 'f') ORDER BY 1, 2
"""

KEYS: Final = """
SELECT k.oid, k.conrelid, k.confrelid, k.conparentid, k.confupdtype::pg_catalog.text, k.confdeltype::pg_catalog.text,
       ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)),
       ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)),
       k.conname::pg_catalog.text
FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' ORDER BY k.oid
"""

TRIGGERS: Final = """
SELECT tgrelid, tgname::pg_catalog.text, tgfoid, tgtype
FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' ORDER BY tgrelid, tgname, oid
"""

# Default operator classes by which PostgreSQL sorts, groups and compares (btree 403, hash 405 of pg_am.dat), and what
# users added to families.
CLASSES: Final = """
SELECT c.oid, ARRAY[c.opcintype], c.opcdefault AND c.opcmethod IN (403, 405),
       ARRAY(SELECT p.amproc::pg_catalog.oid FROM pg_catalog.pg_amproc p
             WHERE p.amprocfamily = c.opcfamily AND p.oid >= 16384
             UNION SELECT o.oprcode::pg_catalog.oid FROM pg_catalog.pg_amop m
             JOIN pg_catalog.pg_operator o ON o.oid = m.amopopr
             WHERE m.amopfamily = c.opcfamily AND m.oid >= 16384 ORDER BY 1),
       c.opcname::pg_catalog.text
FROM pg_catalog.pg_opclass c WHERE c.oid >= 16384
UNION ALL
SELECT 0, ARRAY[m.l, m.r], f.opfmethod IN (403, 405), ARRAY[m.function], f.opfname::pg_catalog.text
FROM (SELECT amprocfamily AS family, amproclefttype AS l, amprocrighttype AS r, amproc::pg_catalog.oid AS function
      FROM pg_catalog.pg_amproc WHERE oid >= 16384
      UNION ALL SELECT a.amopfamily, a.amoplefttype, a.amoprighttype, o.oprcode::pg_catalog.oid
      FROM pg_catalog.pg_amop a JOIN pg_catalog.pg_operator o ON o.oid = a.amopopr WHERE a.oid >= 16384) m
JOIN pg_catalog.pg_opfamily f ON f.oid = m.family WHERE f.oid < 16384
ORDER BY 1, 4
"""

INDEX_CLASSES: Final = """
SELECT DISTINCT i.indrelid, c.oid FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_opclass c ON c.oid >= 16384 AND c.oid = ANY (i.indclass)
UNION SELECT p.partrelid, c.oid FROM pg_catalog.pg_partitioned_table p
JOIN pg_catalog.pg_opclass c ON c.oid >= 16384 AND c.oid = ANY (p.partclass)
ORDER BY 1, 2
"""

EVENT_TRIGGERS: Final = """
SELECT evtname::pg_catalog.text, evtfoid FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D' ORDER BY 1
"""

OTHER_ROLES: Final = """
SELECT DISTINCT coalesce(r.rolname::pg_catalog.text, '')
FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole,
     pg_catalog.unnest(s.setconfig) c
WHERE c LIKE 'role=%' AND s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d
                                                WHERE d.datname = pg_catalog.current_database()))
"""

_GENERATED: Final = (
    "(SELECT a.attgenerated FROM pg_catalog.pg_attribute a WHERE a.attrelid = adrelid AND a.attnum = adnum)"
)

_STORED: Final[tuple[tuple[StoredKind, str, str, str, str, str, str, str], ...]] = (
    (
        StoredKind.RULE, "pg_rewrite", "oid", "ev_class", "rulename", "ev_type",
        "pg_catalog.concat(ev_qual::pg_catalog.text, ' ', ev_action::pg_catalog.text)",
        "oid >= 16384 AND ev_enabled <> 'D'",
    ),
    (StoredKind.DEFAULT, "pg_attrdef", "oid", "adrelid", "adnum", "''", "adbin", f"{_GENERATED} = ''"),
    (StoredKind.GENERATED, "pg_attrdef", "oid", "adrelid", "adnum", _GENERATED, "adbin", f"{_GENERATED} <> ''"),
    (
        StoredKind.CHECK, "pg_constraint", "oid", "conrelid", "conname", "''", "conbin",
        "contype = 'c' AND conrelid >= 16384",
    ),
    (
        StoredKind.DOMAIN, "pg_constraint", "oid", "contypid", "conname", "''", "conbin",
        "contype = 'c' AND contypid >= 16384",
    ),
    (
        StoredKind.DOMAIN_DEFAULT,
        "pg_type",
        "oid",
        "oid",
        "typname",
        "''",
        "typdefaultbin",
        "typdefaultbin IS NOT NULL AND oid >= 16384",
    ),
    (
        StoredKind.POLICY, "pg_policy", "oid", "polrelid", "polname", "polcmd",
        "pg_catalog.concat(polqual::pg_catalog.text, ' ', polwithcheck::pg_catalog.text)", "true",
    ),
    (
        StoredKind.INDEX, "pg_index", "indexrelid", "indrelid", "indexrelid", "''",
        "pg_catalog.concat(indexprs::pg_catalog.text, ' ', indpred::pg_catalog.text)",
        "indexprs IS NOT NULL OR indpred IS NOT NULL",
    ),
    (
        StoredKind.TRIGGER, "pg_trigger", "oid", "tgrelid", "tgname", "tgtype", "tgqual",
        "tgqual IS NOT NULL AND NOT tgisinternal AND tgenabled <> 'D'",
    ),
    (
        StoredKind.PARTITION_KEY, "pg_partitioned_table", "partrelid", "partrelid", "''", "''", "partexprs",
        "partexprs IS NOT NULL",
    ),
    (
        StoredKind.STATISTICS,
        "pg_statistic_ext",
        "oid",
        "stxrelid",
        "stxname",
        "''",
        "stxexprs",
        "stxexprs IS NOT NULL",
    ),
    (
        StoredKind.ARGUMENT, "pg_proc", "oid", "oid", "proname", "''", "proargdefaults",
        "proargdefaults IS NOT NULL AND oid >= 16384",
    ),
)  # fmt: skip
"""Kind, and of its catalog: name, key, owner, name of the object, event, tree, condition."""

STORED_KINDS: Final = tuple(row[0] for row in _STORED)
"""Kinds by the numbers that KEYS_OF_STORED gives."""

KEYS_OF_STORED: Final = " UNION ALL ".join(
    f"SELECT {number}, {key}::pg_catalog.oid, xmin::pg_catalog.text, {owner}::pg_catalog.oid,"  # noqa: S608 - constants
    f" {name}::pg_catalog.text, {event}::pg_catalog.text FROM pg_catalog.{catalog} WHERE {condition}"
    for number, (_, catalog, key, owner, name, event, _, condition) in enumerate(_STORED)
)
"""Number of the kind, key, version, owner, name, event."""

TEXTS_OF_STORED: Final = tuple(
    f"SELECT {key}::pg_catalog.oid, ({tree})::pg_catalog.text FROM pg_catalog.{catalog}"  # noqa: S608 - constants
    f" WHERE {key} = ANY ($1::pg_catalog.oid[])"
    for _, catalog, key, _, _, _, tree, _ in _STORED
)
"""By the number of the kind: key and text of each tree whose key is in $1."""
