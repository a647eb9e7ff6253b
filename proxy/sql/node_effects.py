"""Which effects each node of PostgreSQL 18's grammar stands for: a table, complete by test.

Every node that libpg_query's protobuf contract names is in exactly one of four sets: a statement with its effects, a
node that is walked for what it carries, a leaf, or a node that only the analyzer builds and that therefore cannot come
from a text. A node in none of them makes the statement unreadable; there is no silent default.
Source: PostgreSQL's gram.y, and CreateCommandTag in src/backend/tcop/utility.c for the tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from proxy.sql.facts import Effect, TargetKind

_RELATION = TargetKind.RELATION
_FUNCTION = TargetKind.FUNCTION
_TYPE = TargetKind.TYPE
_OTHER = TargetKind.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A statement with one effect on one object that one field of its node names."""

    effect: Effect
    tag: str
    kind: TargetKind = _OTHER
    field: str = ""
    """The field that names the object: text, a dotted name, a relation or a role. Empty: no object is named."""


def _create(what: str, field: str, kind: TargetKind = _OTHER) -> Definition:
    return Definition(effect=Effect.CREATE, tag=f"CREATE {what}", kind=kind, field=field)


def _alter(what: str, field: str, kind: TargetKind = _OTHER) -> Definition:
    return Definition(effect=Effect.ALTER, tag=f"ALTER {what}", kind=kind, field=field)


def _drop(what: str, field: str, kind: TargetKind = _OTHER) -> Definition:
    return Definition(effect=Effect.DROP, tag=f"DROP {what}", kind=kind, field=field)


def _replicate(tag: str, field: str) -> Definition:
    return Definition(effect=Effect.REPLICATE, tag=tag, field=field)


DEFINITIONS: Final[Mapping[str, Definition]] = {
    "CreateSchemaStmt": _create("SCHEMA", "schemaname", TargetKind.SCHEMA),
    "CreateStmt": _create("TABLE", "relation", _RELATION),
    "CreateTableSpaceStmt": _create("TABLESPACE", "tablespacename"),
    "CreateExtensionStmt": _create("EXTENSION", "extname"),
    "CreateFdwStmt": _create("FOREIGN DATA WRAPPER", "fdwname"),
    "CreateForeignServerStmt": _create("SERVER", "servername"),
    "CreateUserMappingStmt": _create("USER MAPPING", "servername"),
    "CreateAmStmt": _create("ACCESS METHOD", "amname"),
    "CreateEventTrigStmt": _create("EVENT TRIGGER", "trigname"),
    "CreatePLangStmt": _create("LANGUAGE", "plname", TargetKind.LANGUAGE),
    "CreateRoleStmt": _create("ROLE", "role", TargetKind.ROLE),
    "CreateSeqStmt": _create("SEQUENCE", "sequence", _RELATION),
    "CreateDomainStmt": _create("DOMAIN", "domainname", _TYPE),
    "CreateOpClassStmt": _create("OPERATOR CLASS", "opclassname"),
    "CreateOpFamilyStmt": _create("OPERATOR FAMILY", "opfamilyname"),
    "CreateStatsStmt": _create("STATISTICS", "defnames"),
    "CompositeTypeStmt": _create("TYPE", "typevar", _TYPE),
    "CreateEnumStmt": _create("TYPE", "typeName", _TYPE),
    "CreateRangeStmt": _create("TYPE", "typeName", _TYPE),
    "ViewStmt": _create("VIEW", "view", _RELATION),
    "CreatedbStmt": _create("DATABASE", "dbname", TargetKind.DATABASE),
    "CreateConversionStmt": _create("CONVERSION", "conversion_name"),
    "CreateCastStmt": _create("CAST", ""),
    "CreateTransformStmt": _create("TRANSFORM", "lang"),
    "AlterCollationStmt": _alter("COLLATION", "collname"),
    "AlterDomainStmt": _alter("DOMAIN", "typeName", _TYPE),
    "AlterTableSpaceOptionsStmt": _alter("TABLESPACE", "tablespacename"),
    "AlterTableMoveAllStmt": _alter("TABLESPACE", "orig_tablespacename"),
    "AlterExtensionStmt": _alter("EXTENSION", "extname"),
    "AlterExtensionContentsStmt": _alter("EXTENSION", "extname"),
    "AlterFdwStmt": _alter("FOREIGN DATA WRAPPER", "fdwname"),
    "AlterForeignServerStmt": _alter("SERVER", "servername"),
    "AlterUserMappingStmt": _alter("USER MAPPING", "servername"),
    "AlterEventTrigStmt": _alter("EVENT TRIGGER", "trigname"),
    "AlterRoleStmt": _alter("ROLE", "role", TargetKind.ROLE),
    "AlterRoleSetStmt": _alter("ROLE", "role", TargetKind.ROLE),
    "AlterSeqStmt": _alter("SEQUENCE", "sequence", _RELATION),
    "AlterOpFamilyStmt": _alter("OPERATOR FAMILY", "opfamilyname"),
    "AlterStatsStmt": _alter("STATISTICS", "defnames"),
    "AlterTypeStmt": _alter("TYPE", "typeName", _TYPE),
    "AlterEnumStmt": _alter("TYPE", "typeName", _TYPE),
    "AlterDatabaseStmt": _alter("DATABASE", "dbname", TargetKind.DATABASE),
    "AlterDatabaseRefreshCollStmt": _alter("DATABASE", "dbname", TargetKind.DATABASE),
    "AlterDatabaseSetStmt": _alter("DATABASE", "dbname", TargetKind.DATABASE),
    "AlterTSDictionaryStmt": _alter("TEXT SEARCH DICTIONARY", "dictname"),
    "AlterTSConfigurationStmt": _alter("TEXT SEARCH CONFIGURATION", "cfgname"),
    "AlterOperatorStmt": _alter("OPERATOR", "opername", TargetKind.OPERATOR),
    "DropTableSpaceStmt": _drop("TABLESPACE", "tablespacename"),
    "DropUserMappingStmt": _drop("USER MAPPING", "servername"),
    "DropdbStmt": _drop("DATABASE", "dbname", TargetKind.DATABASE),
    "ImportForeignSchemaStmt": Definition(
        effect=Effect.IMPORT, tag="IMPORT FOREIGN SCHEMA", kind=TargetKind.SCHEMA, field="local_schema"
    ),
    "CreatePublicationStmt": _replicate("CREATE PUBLICATION", "pubname"),
    "AlterPublicationStmt": _replicate("ALTER PUBLICATION", "pubname"),
    "CreateSubscriptionStmt": _replicate("CREATE SUBSCRIPTION", "subname"),
    "AlterSubscriptionStmt": _replicate("ALTER SUBSCRIPTION", "subname"),
    "DropSubscriptionStmt": _replicate("DROP SUBSCRIPTION", "subname"),
    "VariableShowStmt": Definition(effect=Effect.SHOW, tag="SHOW", kind=TargetKind.SETTING, field="name"),
    "CheckPointStmt": Definition(effect=Effect.CHECKPOINT, tag="CHECKPOINT"),
    "DiscardStmt": Definition(effect=Effect.DISCARD, tag="DISCARD"),
    "ListenStmt": Definition(effect=Effect.LISTEN, tag="LISTEN", kind=TargetKind.CHANNEL, field="conditionname"),
    "UnlistenStmt": Definition(effect=Effect.LISTEN, tag="UNLISTEN", kind=TargetKind.CHANNEL, field="conditionname"),
    "NotifyStmt": Definition(effect=Effect.NOTIFY, tag="NOTIFY", kind=TargetKind.CHANNEL, field="conditionname"),
    "ClosePortalStmt": Definition(effect=Effect.CURSOR, tag="CLOSE CURSOR", kind=TargetKind.CURSOR, field="portalname"),
    "DeallocateStmt": Definition(effect=Effect.PREPARE, tag="DEALLOCATE", kind=TargetKind.PREPARED, field="name"),
    "ConstraintsSetStmt": Definition(effect=Effect.TRANSACTION, tag="SET CONSTRAINTS"),
    "DoStmt": Definition(effect=Effect.DO, tag="DO"),
    "ReassignOwnedStmt": Definition(effect=Effect.GRANT, tag="REASSIGN OWNED", kind=TargetKind.ROLE, field="newrole"),
    "AlterDefaultPrivilegesStmt": Definition(effect=Effect.GRANT, tag="ALTER DEFAULT PRIVILEGES"),
}
"""Statements whose act needs nothing but the name of their object. What they carry is walked besides."""

_WRITES: Final = frozenset({Effect.INSERT, Effect.UPDATE, Effect.DELETE})

READ_STATEMENTS: Final[Mapping[str, frozenset[Effect]]] = {
    "RawStmt": frozenset(),
    "SelectStmt": frozenset({Effect.SELECT, Effect.CREATE}),
    "InsertStmt": frozenset({Effect.INSERT, Effect.UPDATE}),
    "UpdateStmt": frozenset({Effect.UPDATE}),
    "DeleteStmt": frozenset({Effect.DELETE}),
    "MergeStmt": _WRITES | {Effect.MERGE},
    "CopyStmt": frozenset({Effect.COPY_IN, Effect.COPY_OUT, Effect.COPY_FILE, Effect.COPY_PROGRAM}),
    "TruncateStmt": frozenset({Effect.TRUNCATE}),
    "CreateTableAsStmt": frozenset({Effect.CREATE}),
    "CreateForeignTableStmt": frozenset({Effect.CREATE}),
    "CreatePolicyStmt": frozenset({Effect.CREATE, Effect.ALTER}),
    "CreateTrigStmt": frozenset({Effect.CREATE, Effect.ALTER}),
    "RuleStmt": frozenset({Effect.CREATE, Effect.ALTER}),
    "CreateFunctionStmt": frozenset({Effect.CREATE}),
    "DefineStmt": frozenset({Effect.CREATE}),
    "IndexStmt": frozenset({Effect.CREATE}),
    "AlterTableStmt": frozenset({Effect.ALTER}),
    "AlterFunctionStmt": frozenset({Effect.ALTER}),
    "AlterPolicyStmt": frozenset({Effect.ALTER}),
    "RenameStmt": frozenset({Effect.ALTER}),
    "AlterObjectDependsStmt": frozenset({Effect.ALTER}),
    "AlterObjectSchemaStmt": frozenset({Effect.ALTER}),
    "AlterOwnerStmt": frozenset({Effect.ALTER}),
    "DropStmt": frozenset({Effect.DROP, Effect.ALTER}),
    "DropRoleStmt": frozenset({Effect.DROP}),
    "CommentStmt": frozenset({Effect.COMMENT}),
    "SecLabelStmt": frozenset({Effect.SECURITY_LABEL}),
    "GrantStmt": frozenset({Effect.GRANT}),
    "GrantRoleStmt": frozenset({Effect.GRANT}),
    "VariableSetStmt": frozenset({Effect.SET, Effect.ROLE_CHANGE}),
    "AlterSystemStmt": frozenset({Effect.SYSTEM_SETTING}),
    "TransactionStmt": frozenset({Effect.TRANSACTION, Effect.TWO_PHASE}),
    "DeclareCursorStmt": frozenset({Effect.CURSOR}),
    "PrepareStmt": frozenset({Effect.PREPARE}),
    "ExecuteStmt": frozenset({Effect.PREPARE}),
    "DropOwnedStmt": frozenset({Effect.DROP}),
    "FetchStmt": frozenset({Effect.CURSOR}),
    "LockStmt": frozenset({Effect.LOCK}),
    "CallStmt": frozenset({Effect.CALL}),
    "LoadStmt": frozenset({Effect.LOAD}),
    "ExplainStmt": frozenset({Effect.EXPLAIN}),
    "VacuumStmt": frozenset({Effect.MAINTAIN}),
    "ClusterStmt": frozenset({Effect.MAINTAIN}),
    "ReindexStmt": frozenset({Effect.MAINTAIN}),
    "RefreshMatViewStmt": frozenset({Effect.MAINTAIN}),
}
"""Statements that `witness_pg` reads field by field, and the effects that its reading may give."""

STATEMENT_EFFECTS: Final[Mapping[str, frozenset[Effect]]] = {
    **READ_STATEMENTS,
    **{node: frozenset({definition.effect}) for node, definition in DEFINITIONS.items()},
}
"""Every statement node that a text can give, and its effects beside those of what it carries."""

LEAVES: Final = frozenset(
    """A_Const A_Star Alias BitString Boolean CurrentOfExpr Float IntList Integer JsonFormat OidList ParamRef
    ReturningOption RoleSpec SQLValueFunction SetToDefault String TriggerTransition""".split()  # noqa: SIM905 - one word a string would take a page
)
"""Nodes of a raw parse tree that carry no node worth a look."""

WALKED: Final = frozenset(
    """ATAlterConstraint A_ArrayExpr A_Expr A_Indices A_Indirection AccessPriv AlterTableCmd BoolExpr BooleanTest
    CTECycleClause CTESearchClause CaseExpr CaseWhen CoalesceExpr CollateClause ColumnDef ColumnRef
    CommonTableExpr Constraint CreateOpClassItem DefElem FuncCall FunctionParameter GroupingFunc GroupingSet
    IndexElem InferClause IntoClause JoinExpr JsonAggConstructor JsonArgument JsonArrayAgg JsonArrayConstructor
    JsonArrayQueryConstructor JsonBehavior JsonFuncExpr JsonIsPredicate JsonKeyValue JsonObjectAgg
    JsonObjectConstructor JsonOutput JsonParseExpr JsonReturning JsonScalarExpr JsonSerializeExpr JsonTable
    JsonTableColumn JsonTablePathSpec JsonValueExpr List LockingClause MergeSupportFunc MergeWhenClause MinMaxExpr
    MultiAssignRef NamedArgExpr NullTest ObjectWithArgs OnConflictClause PartitionBoundSpec PartitionCmd PartitionElem
    PartitionRangeDatum PartitionSpec PublicationObjSpec PublicationTable RangeFunction RangeSubselect
    RangeTableFunc RangeTableFuncCol RangeTableSample RangeVar ReplicaIdentityStmt ResTarget ReturnStmt
    ReturningClause RowExpr SortBy StatsElem SubLink TableLikeClause TypeCast TypeName VacuumRelation WindowDef
    WithClause XmlExpr XmlSerialize""".split()  # noqa: SIM905 - one word a string would take a page
)
"""Nodes of a raw parse tree that have no effect of their own; every field is walked for statements and calls."""

ANALYZED: Final = frozenset(
    """Aggref AlternativeSubPlan ArrayCoerceExpr ArrayExpr CallContext CaseTestExpr CoerceToDomain
    CoerceToDomainValue CoerceViaIO CollateExpr ConvertRowtypeExpr DistinctExpr FieldSelect FieldStore FromExpr
    FuncExpr InferenceElem InlineCodeBlock JsonConstructorExpr JsonExpr JsonTablePath JsonTablePathScan
    JsonTableSiblingJoin MergeAction NextValueExpr NullIfExpr OnConflictExpr OpExpr PLAssignStmt Param Query
    RTEPermissionInfo RangeTblEntry RangeTblFunction RangeTblRef RelabelType ReturningExpr RowCompareExpr
    RowMarkClause ScalarArrayOpExpr SetOperationStmt SortGroupClause SubPlan SubscriptingRef TableFunc
    TableSampleClause TargetEntry Var WindowClause WindowFunc WindowFuncRunCondition WithCheckOption""".split()  # noqa: SIM905 - one word a string would take a page
)
"""Nodes that the analyzer, the planner or PL/pgSQL builds. None can come from a text; one that does is not read."""

OBJECT_TYPES: Final[Mapping[str, tuple[str, TargetKind]]] = {
    "OBJECT_ACCESS_METHOD": ("ACCESS METHOD", _OTHER),
    "OBJECT_AGGREGATE": ("AGGREGATE", _FUNCTION),
    "OBJECT_AMOP": ("OPERATOR FAMILY", _OTHER),
    "OBJECT_AMPROC": ("OPERATOR FAMILY", _OTHER),
    "OBJECT_ATTRIBUTE": ("TYPE", _TYPE),
    "OBJECT_CAST": ("CAST", _OTHER),
    "OBJECT_COLLATION": ("COLLATION", _OTHER),
    "OBJECT_COLUMN": ("TABLE", _RELATION),
    "OBJECT_CONVERSION": ("CONVERSION", _OTHER),
    "OBJECT_DATABASE": ("DATABASE", TargetKind.DATABASE),
    "OBJECT_DEFACL": ("DEFAULT PRIVILEGES", _OTHER),
    "OBJECT_DEFAULT": ("TABLE", _RELATION),
    "OBJECT_DOMAIN": ("DOMAIN", _TYPE),
    "OBJECT_DOMCONSTRAINT": ("DOMAIN", _TYPE),
    "OBJECT_EVENT_TRIGGER": ("EVENT TRIGGER", _OTHER),
    "OBJECT_EXTENSION": ("EXTENSION", _OTHER),
    "OBJECT_FDW": ("FOREIGN DATA WRAPPER", _OTHER),
    "OBJECT_FOREIGN_SERVER": ("SERVER", _OTHER),
    "OBJECT_FOREIGN_TABLE": ("FOREIGN TABLE", _RELATION),
    "OBJECT_FUNCTION": ("FUNCTION", _FUNCTION),
    "OBJECT_INDEX": ("INDEX", _RELATION),
    "OBJECT_LANGUAGE": ("LANGUAGE", TargetKind.LANGUAGE),
    "OBJECT_LARGEOBJECT": ("LARGE OBJECT", _OTHER),
    "OBJECT_MATVIEW": ("MATERIALIZED VIEW", _RELATION),
    "OBJECT_OPCLASS": ("OPERATOR CLASS", _OTHER),
    "OBJECT_OPERATOR": ("OPERATOR", TargetKind.OPERATOR),
    "OBJECT_OPFAMILY": ("OPERATOR FAMILY", _OTHER),
    "OBJECT_PARAMETER_ACL": ("PARAMETER", TargetKind.SETTING),
    "OBJECT_POLICY": ("POLICY", _OTHER),
    "OBJECT_PROCEDURE": ("PROCEDURE", _FUNCTION),
    "OBJECT_PUBLICATION": ("PUBLICATION", _OTHER),
    "OBJECT_PUBLICATION_NAMESPACE": ("PUBLICATION", _OTHER),
    "OBJECT_PUBLICATION_REL": ("PUBLICATION", _OTHER),
    "OBJECT_ROLE": ("ROLE", TargetKind.ROLE),
    "OBJECT_ROUTINE": ("ROUTINE", _FUNCTION),
    "OBJECT_RULE": ("RULE", _OTHER),
    "OBJECT_SCHEMA": ("SCHEMA", TargetKind.SCHEMA),
    "OBJECT_SEQUENCE": ("SEQUENCE", _RELATION),
    "OBJECT_STATISTIC_EXT": ("STATISTICS", _OTHER),
    "OBJECT_SUBSCRIPTION": ("SUBSCRIPTION", _OTHER),
    "OBJECT_TABCONSTRAINT": ("TABLE", _RELATION),
    "OBJECT_TABLE": ("TABLE", _RELATION),
    "OBJECT_TABLESPACE": ("TABLESPACE", _OTHER),
    "OBJECT_TRANSFORM": ("TRANSFORM", _OTHER),
    "OBJECT_TRIGGER": ("TRIGGER", _OTHER),
    "OBJECT_TSCONFIGURATION": ("TEXT SEARCH CONFIGURATION", _OTHER),
    "OBJECT_TSDICTIONARY": ("TEXT SEARCH DICTIONARY", _OTHER),
    "OBJECT_TSPARSER": ("TEXT SEARCH PARSER", _OTHER),
    "OBJECT_TSTEMPLATE": ("TEXT SEARCH TEMPLATE", _OTHER),
    "OBJECT_TYPE": ("TYPE", _TYPE),
    "OBJECT_USER_MAPPING": ("USER MAPPING", _OTHER),
    "OBJECT_VIEW": ("VIEW", _RELATION),
}
"""PostgreSQL's ObjectType -> the words of its command tags, and the kind of target that it is."""

ON_A_RELATION: Final = frozenset(
    {"OBJECT_COLUMN", "OBJECT_DEFAULT", "OBJECT_POLICY", "OBJECT_RULE", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER"}
)
"""Object types whose dotted name is a relation's with one part more; a change to them changes the relation."""

TRANSACTION_TAGS: Final[Mapping[str, tuple[str, Effect]]] = {
    "TRANS_STMT_BEGIN": ("BEGIN", Effect.TRANSACTION),
    "TRANS_STMT_START": ("START TRANSACTION", Effect.TRANSACTION),
    "TRANS_STMT_COMMIT": ("COMMIT", Effect.TRANSACTION),
    "TRANS_STMT_ROLLBACK": ("ROLLBACK", Effect.TRANSACTION),
    "TRANS_STMT_SAVEPOINT": ("SAVEPOINT", Effect.TRANSACTION),
    "TRANS_STMT_RELEASE": ("RELEASE", Effect.TRANSACTION),
    "TRANS_STMT_ROLLBACK_TO": ("ROLLBACK", Effect.TRANSACTION),
    "TRANS_STMT_PREPARE": ("PREPARE TRANSACTION", Effect.TWO_PHASE),
    "TRANS_STMT_COMMIT_PREPARED": ("COMMIT PREPARED", Effect.TWO_PHASE),
    "TRANS_STMT_ROLLBACK_PREPARED": ("ROLLBACK PREPARED", Effect.TWO_PHASE),
}
"""PostgreSQL's TransactionStmtKind -> command tag and effect."""
