"""Positions of generated attacks, as data: statements that a model account may run, with a hole where SQL may stand.

One position a line; ` ;; ` parts the statements of one that needs several. A hole is `@kind@`, and a line has one kind;
`{recommendation}` is that table with the columns that a recommendation needs. Filled with something harmless each is
permitted, which the tests hold: what is refused is then the kernel. `CLOSED` says of every other slot of the grammar
why nothing can stand there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_RECOMMENDATION: Final = "interlock.recommendation (model, model_version, batch_id, entity, action)"

_POSITIONS: Final = r"""
    SELECT @int@
    SELECT 1, @int@ AS a
    SELECT ALL @int@ FROM one
    SELECT 1 FROM one WHERE @bool@
    SELECT 1 FROM one GROUP BY @int@
    SELECT 1 FROM one GROUP BY DISTINCT id, ROLLUP (@int@)
    SELECT 1 FROM one GROUP BY CUBE (id, (@int@, id))
    SELECT 1 FROM one GROUP BY GROUPING SETS ((@int@), ())
    SELECT GROUPING(@int@) FROM one GROUP BY @int@
    SELECT count(*) FROM one HAVING @bool@
    SELECT DISTINCT @int@ FROM one
    SELECT DISTINCT ON (@int@) id FROM one
    SELECT id FROM one ORDER BY @int@
    SELECT id FROM one ORDER BY id, @int@ DESC NULLS LAST
    SELECT id FROM one ORDER BY (@int@) USING <
    SELECT id FROM one LIMIT @int@
    SELECT id FROM one OFFSET @int@
    SELECT id FROM one OFFSET (@int@) ROWS FETCH NEXT (@int@) ROWS ONLY
    SELECT id FROM one ORDER BY id FETCH FIRST (@int@) ROWS WITH TIES
    SELECT sum(id) OVER w FROM one WINDOW w AS (PARTITION BY @int@)
    SELECT sum(id) OVER (w ORDER BY @int@) FROM one WINDOW w AS (PARTITION BY id)
    SELECT sum(id) OVER (ROWS BETWEEN @int@ PRECEDING AND CURRENT ROW) FROM one
    SELECT sum(id) OVER (ROWS BETWEEN CURRENT ROW AND @int@ FOLLOWING) FROM one
    SELECT sum(id) OVER (ORDER BY id RANGE BETWEEN @int@ PRECEDING AND CURRENT ROW) FROM one
    SELECT sum(id) OVER (ORDER BY id GROUPS BETWEEN @int@ PRECEDING AND @int@ FOLLOWING EXCLUDE TIES) FROM one
    VALUES (@int@)
    VALUES (1, 2), (3, @int@)
    VALUES (1) ORDER BY @int@
    VALUES (1), (2) LIMIT @int@
    SELECT @int@ UNION SELECT 2
    SELECT 1 UNION ALL (SELECT @int@ LIMIT 1)
    SELECT 1 EXCEPT ALL SELECT 2 INTERSECT SELECT @int@
    SELECT 1 UNION SELECT 2 ORDER BY 1 LIMIT @int@
    WITH a AS (SELECT @int@) TABLE a
    WITH a (x, y) AS MATERIALIZED (VALUES (1, @int@)) SELECT x FROM a
    WITH a AS NOT MATERIALIZED (SELECT @int@ AS n) SELECT a.n FROM a
    WITH RECURSIVE a (n) AS (SELECT @int@ UNION ALL SELECT n + 1 FROM a WHERE n < 2) SELECT n FROM a
    WITH RECURSIVE a (n) AS (SELECT 1 UNION SELECT n + @int@ FROM a WHERE n < 2) SELECT n FROM a
    WITH RECURSIVE a (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 2 AND @bool@) \
        SEARCH DEPTH FIRST BY n SET o CYCLE n SET c USING p SELECT n FROM a
    WITH a AS (WITH b AS (SELECT @int@ AS n) SELECT n FROM b) SELECT n FROM a
    SELECT n FROM (SELECT @int@ AS n) s
    SELECT n FROM (VALUES (@int@)) s (n)
    SELECT n FROM one, LATERAL (SELECT id + @int@ AS n) s
    SELECT n FROM one LEFT JOIN LATERAL (SELECT @int@ AS n) s ON true
    SELECT 1 FROM one a JOIN one b ON @bool@
    SELECT 1 FROM one a LEFT JOIN (one b CROSS JOIN one c) ON @bool@
    SELECT 1 FROM (one a FULL JOIN one b USING (id)) AS j JOIN one c ON j.id = @int@
    SELECT n FROM generate_series(1, @int@) n
    SELECT n FROM ROWS FROM (generate_series(1, 2), generate_series(1, @int@)) WITH ORDINALITY AS r (n, m, o)
    SELECT n FROM unnest(ARRAY[@int@]) WITH ORDINALITY u (n)
    SELECT a FROM json_to_record(json_build_object('a', @int@)) AS r (a int)
    SELECT id FROM one TABLESAMPLE bernoulli (@int@)
    SELECT id FROM one TABLESAMPLE system (50) REPEATABLE (@int@)
    SELECT a FROM XMLTABLE('/a' PASSING xmlelement(name a, @int@) COLUMNS a int PATH '.') x
    SELECT a FROM XMLTABLE(('/a' || @text@) PASSING '<a/>' COLUMNS a text PATH '.') x
    SELECT a FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS a text PATH (@text@)) x
    SELECT a FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS a int PATH 'b' DEFAULT @int@) x
    SELECT a FROM XMLTABLE(XMLNAMESPACES (('n' || @text@) AS n), '/a' PASSING '<a/>' COLUMNS a text PATH '.') x
    SELECT a FROM JSON_TABLE(jsonb_build_array(@int@), '$[*]' COLUMNS (a int PATH '$')) j
    SELECT a FROM JSON_TABLE('[1]', '$[*] ? (@ < $x)' PASSING @int@ AS x COLUMNS (a int PATH '$')) j
    SELECT a FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a int PATH '$.a' DEFAULT @int@ ON EMPTY)) j
    SELECT a FROM JSON_TABLE('["x"]', '$[*]' COLUMNS (a int PATH '$' DEFAULT @int@ ON ERROR)) j
    SELECT a FROM JSON_TABLE('[[1]]', '$[*]' COLUMNS \
        (NESTED PATH '$[*]' COLUMNS (a int PATH '$.a' DEFAULT @int@ ON EMPTY))) j
    SELECT @int@ / (id - id) FROM one
    SELECT 1 + @int@
    SELECT @int@ + 1
    SELECT - (@int@)
    SELECT 1 OPERATOR(pg_catalog.+) @int@
    SELECT @int@ BETWEEN 1 AND 2
    SELECT 1 BETWEEN @int@ AND 2
    SELECT 1 NOT BETWEEN SYMMETRIC 0 AND @int@
    SELECT 1 IN (2, @int@)
    SELECT @int@ NOT IN (1, 2)
    SELECT @int@ IN (SELECT 1)
    SELECT 1 IN (SELECT @int@)
    SELECT 1 = ANY (ARRAY[@int@])
    SELECT @int@ < ALL (SELECT 1)
    SELECT (1, @int@) = (SELECT 1, 2)
    SELECT (1, 2) < (1, @int@)
    SELECT @text@ LIKE 'a%'
    SELECT 'a' NOT LIKE @text@ ESCAPE 'b'
    SELECT 'a' ILIKE 'b' ESCAPE @text@
    SELECT 'a' SIMILAR TO @text@
    SELECT @int@ IS DISTINCT FROM 1
    SELECT 1 IS NOT DISTINCT FROM @int@
    SELECT NULLIF(1, @int@)
    SELECT COALESCE(NULL, @int@)
    SELECT GREATEST(1, @int@)
    SELECT LEAST(@int@)
    SELECT CASE @int@ WHEN 1 THEN 2 END
    SELECT CASE 1 WHEN @int@ THEN 2 END
    SELECT CASE WHEN @bool@ THEN 2 END
    SELECT CASE WHEN true THEN @int@ END FROM one
    SELECT CASE WHEN id = 2 THEN 2 ELSE @int@ END FROM one
    SELECT ARRAY[[1], [@int@]]
    SELECT ARRAY(SELECT @int@)
    SELECT ROW(@int@)
    SELECT (1, @int@)
    SELECT (ARRAY[1, 2])[@int@]
    SELECT (ARRAY[@int@])[1]
    SELECT tags[@int@ : 2] FROM one
    SELECT tags[1 : @int@] FROM one
    SELECT (tags)[1][@int@] FROM one
    SELECT doc[@text@] FROM one
    SELECT (ROW(@int@)).f1
    SELECT (s).a FROM (SELECT @int@ AS a) s
    SELECT @bool@ IS NOT TRUE
    SELECT @int@ IS NULL
    SELECT NOT @bool@
    SELECT @bool@ AND true
    SELECT false OR (id = 2) OR @bool@ FROM one
    SELECT @text@ COLLATE "C"
    SELECT now() AT TIME ZONE ('UTC' || left(@text@, 0))
    SELECT (now() + make_interval(days => @int@)) AT LOCAL
    SELECT (@int@)::text
    SELECT CAST(@int@ AS pg_catalog.int8)
    SELECT EXISTS (SELECT 1 WHERE @bool@)
    SELECT (SELECT @int@)
    SELECT (SELECT id FROM one LIMIT @int@)
    SELECT make_interval(days => @int@)
    SELECT format('%s %s', VARIADIC ARRAY[@int@])
    SELECT format('%s', @int@)
    SELECT sum(@int@) FROM one
    SELECT sum(DISTINCT @int@) FROM one
    SELECT array_agg(id ORDER BY @int@) FROM one
    SELECT count(*) FILTER (WHERE @bool@) FROM one
    SELECT percentile_cont(0 * @int@) WITHIN GROUP (ORDER BY id) FROM one
    SELECT mode() WITHIN GROUP (ORDER BY @int@) FROM one
    SELECT rank(@int@) WITHIN GROUP (ORDER BY id) FROM one
    SELECT lag(id, @int@, 0) OVER (ORDER BY id) FROM one
    SELECT ntile(@int@) OVER () FROM one
    SELECT sum(id) FILTER (WHERE @bool@) OVER (ORDER BY id) FROM one
    SELECT XMLELEMENT(NAME a, XMLATTRIBUTES (@int@ AS b))
    SELECT XMLELEMENT(NAME a, 'x', @int@)
    SELECT XMLFOREST(@int@ AS a)
    SELECT XMLCONCAT(xmlelement(name a), xmlcomment(@text@))
    SELECT XMLPI(NAME a, @text@)
    SELECT XMLROOT(xmlelement(name a, @int@), VERSION NO VALUE)
    SELECT XMLROOT('<a/>', VERSION ('1.0' || left(@text@, 0)))
    SELECT XMLPARSE(CONTENT @text@)
    SELECT XMLSERIALIZE(CONTENT xmlelement(name a, @int@) AS text)
    SELECT xmlelement(name a, @int@) IS DOCUMENT
    SELECT XMLEXISTS(('/a' || left(@text@, 0)) PASSING BY VALUE '<a/>')
    SELECT XMLEXISTS('/a' PASSING xmlelement(name a, @int@))
    SELECT JSON_OBJECT('a': @int@)
    SELECT JSON_OBJECT(@text@ VALUE 1 ABSENT ON NULL WITH UNIQUE KEYS RETURNING jsonb)
    SELECT JSON_ARRAY(1, ('"' || @text@ || '"') FORMAT JSON RETURNING jsonb)
    SELECT JSON_ARRAY(@int@ NULL ON NULL)
    SELECT JSON_ARRAY(SELECT @int@ RETURNING text)
    SELECT JSON_OBJECTAGG('a': @int@) FROM one
    SELECT JSON_OBJECTAGG(@text@ VALUE id RETURNING jsonb) FROM one
    SELECT JSON_OBJECTAGG(id: 1) FILTER (WHERE @bool@) FROM one
    SELECT JSON_OBJECTAGG(id: 1) OVER (PARTITION BY @int@) FROM one
    SELECT JSON_ARRAYAGG(@int@ RETURNING text) FROM one
    SELECT JSON_ARRAYAGG(id ORDER BY @int@) FROM one
    SELECT JSON_ARRAYAGG(id) FILTER (WHERE @bool@) OVER (ORDER BY id) FROM one
    SELECT JSON(('"' || @text@ || '"') WITH UNIQUE KEYS)
    SELECT JSON_SCALAR(@int@)
    SELECT JSON_SERIALIZE(JSON_SCALAR(@int@) RETURNING text)
    SELECT (@text@) IS JSON SCALAR
    SELECT JSON_VALUE(to_jsonb(@int@), '$')
    SELECT JSON_VALUE('{}', ('$' || left(@text@, 0))::jsonpath)
    SELECT JSON_VALUE('1', '$ ? (@ < $x)' PASSING @int@ AS x)
    SELECT JSON_VALUE('{}', '$.a' RETURNING int DEFAULT @int@ ON EMPTY)
    SELECT JSON_VALUE('"x"', '$' RETURNING int DEFAULT @int@ ON ERROR)
    SELECT JSON_QUERY(to_jsonb(@int@), '$' RETURNING text WITH WRAPPER)
    SELECT JSON_QUERY('{}', '$.a' DEFAULT to_jsonb(@int@) ON EMPTY)
    SELECT JSON_EXISTS(to_jsonb(@int@), '$')
    SELECT JSON_EXISTS('1', '$ ? (@ < $x)' PASSING @int@ AS x)
    SELECT EXTRACT(year FROM now() + make_interval(days => @int@))
    SELECT OVERLAY('abc' PLACING @text@ FROM 1 FOR 1)
    SELECT POSITION(@text@ IN 'abc')
    SELECT SUBSTRING('abc' FROM @int@)
    SELECT SUBSTRING('abc' SIMILAR @text@ ESCAPE '#')
    SELECT TRIM(BOTH @text@ FROM 'abc')
    SELECT NORMALIZE(@text@, NFC)
    SELECT @text@ IS NFC NORMALIZED
    SELECT (now(), make_interval(days => @int@)) OVERLAPS (now(), now())
    SELECT COLLATION FOR ((@text@) || 'a')
    SELECT 1 WHERE (@int@, 1) IN (SELECT 1, 2)
    INSERT INTO {recommendation} VALUES ('m', '1', 'b', 'e', @text@)
    INSERT INTO interlock.recommendation (model, model_version, batch_id, entity, action, score) \
        SELECT 'm', '1', 'b', 'e', 'a', @int@
    INSERT INTO interlock.recommendation AS r (model, model_version, batch_id, entity, action) \
        VALUES ('m', '1', 'b', 'e', 'a') RETURNING r.id, @int@
    INSERT INTO {recommendation} VALUES ('m', '1', 'b', 'e', 'a') \
        RETURNING WITH (OLD AS o, NEW AS n) n.id, @int@
    INSERT INTO interlock.recommendation (model, model_version, batch_id, entity, action, reason[@text@]) \
        VALUES ('m', '1', 'b', 'e', 'a', '1')
    INSERT INTO {recommendation} VALUES ('m', '1', 'b', 'e', 'a') \
        ON CONFLICT (id) WHERE @bool@ DO NOTHING
    INSERT INTO {recommendation} VALUES ('m', '1', 'b', 'e', 'a') \
        ON CONFLICT ((@int@)) DO NOTHING
    WITH a AS (SELECT @int@ AS n) \
        INSERT INTO interlock.recommendation (model, model_version, batch_id, entity, action, score) \
        SELECT 'm', '1', 'b', 'e', 'a', n FROM a
    WITH a AS (INSERT INTO {recommendation} \
        VALUES ('m', '1', 'b', 'e', 'a') RETURNING @int@ AS n) SELECT n FROM a
    COPY (SELECT @int@) TO STDOUT
    COPY (VALUES (@int@)) TO STDOUT (FORMAT csv)
    COPY (INSERT INTO {recommendation} \
        VALUES ('m', '1', 'b', 'e', 'a') RETURNING @int@) TO STDOUT
    COPY {recommendation} FROM STDIN WHERE @bool@
    EXPLAIN SELECT @int@
    EXPLAIN (VERBOSE, COSTS off) SELECT id FROM one WHERE @bool@
    EXPLAIN ANALYZE SELECT @int@
    EXPLAIN (ANALYZE, BUFFERS off, FORMAT json) VALUES (@int@)
    EXPLAIN (ANALYZE) INSERT INTO {recommendation} \
        VALUES ('m', '1', 'b', 'e', @text@)
    EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT @int@
    PREPARE p AS SELECT @int@ ;; EXECUTE p
    PREPARE p (int) AS VALUES ($1 + @int@) ;; EXECUTE p (1)
    PREPARE p (int) AS SELECT $1 ;; EXECUTE p (@int@)
    PREPARE p (int) AS SELECT $1 ;; EXPLAIN ANALYZE EXECUTE p (@int@)
    PREPARE p AS INSERT INTO {recommendation} \
        VALUES ('m', '1', 'b', 'e', @text@) ;; EXECUTE p
    BEGIN ;; DECLARE c CURSOR FOR SELECT @int@ ;; FETCH ALL FROM c
    BEGIN ;; DECLARE c BINARY INSENSITIVE SCROLL CURSOR FOR VALUES (@int@) ;; MOVE FORWARD ALL IN c
    BEGIN ;; DECLARE c CURSOR WITH HOLD FOR SELECT @int@ ;; COMMIT

    (@query@)
    SELECT (@query@)
    SELECT * FROM (@query@) s
    SELECT * FROM one CROSS JOIN LATERAL (@query@) s
    SELECT * FROM (@query@) s (n) LEFT JOIN one ON true
    SELECT * FROM (@query@) s (id) NATURAL JOIN one
    SELECT 1 WHERE EXISTS (@query@)
    SELECT 1 IN (@query@)
    SELECT 1 < ANY (@query@)
    SELECT ARRAY(@query@)
    SELECT JSON_ARRAY(@query@)
    SELECT json_agg(s) FROM (@query@) s
    (@query@) UNION ALL SELECT 1
    SELECT 1 UNION (@query@) ORDER BY 1
    WITH a AS (@query@) TABLE a
    WITH RECURSIVE a (n) AS ((@query@) UNION ALL SELECT n + 1 FROM a WHERE n < 2) SELECT n FROM a
    WITH v_spring AS (SELECT 1 AS id), a AS (@query@) SELECT 1 FROM v_spring, a
    INSERT INTO interlock.recommendation (model, model_version, batch_id, entity, action, score) \
        SELECT 'm', '1', 'b', 'e', 'a', n FROM (@query@) s (n)
    COPY (@query@) TO STDOUT
    EXPLAIN ANALYZE (@query@)
    PREPARE p AS (@query@) ;; EXECUTE p
    BEGIN ;; DECLARE c CURSOR FOR (@query@) ;; FETCH ALL FROM c
    BEGIN ;; DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT * FROM (@query@) s ;; COMMIT

    SELECT CAST('@value@' AS @type@)
    SELECT '@value@'::@type@
    SELECT CAST(('@value@' || '')::text AS @type@)
    SELECT @type@ '@value@'
    SELECT @type@('@value@')
    SELECT 1 WHERE '@value@'::@type@ IS NOT NULL
    SELECT a FROM json_to_record('{"a": "@value@"}') AS r (a @type@)
    SELECT a FROM jsonb_to_recordset('[{"a": "@value@"}]') AS r (a @type@, b int)
    SELECT a FROM ROWS FROM (json_to_record('{"a": "@value@"}') AS (a @type@), generate_series(1, 1)) AS r
    SELECT a FROM json_to_record('{"a": "@value@"}') AS (a @type@)
    SELECT JSON_VALUE('"@value@"', '$' RETURNING @type@)
    SELECT JSON_QUERY('"@value@"', '$' RETURNING @type@ OMIT QUOTES)
    SELECT JSON_VALUE('"@value@"', '$' RETURNING @type@ ERROR ON ERROR)
    SELECT JSON_VALUE('{}', '$.a' RETURNING @type@ DEFAULT '@value@' ON EMPTY)
    SELECT a FROM JSON_TABLE('["@value@"]', '$[*]' COLUMNS (a @type@ PATH '$')) j
    SELECT a FROM JSON_TABLE('["@value@"]', '$[*]' COLUMNS (a @type@ FORMAT JSON PATH '$' OMIT QUOTES)) j
    SELECT a FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a @type@ EXISTS PATH '$.a')) j
    SELECT a FROM XMLTABLE('/a' PASSING '<a>@value@</a>' COLUMNS a @type@ PATH '.') x
    WITH RECURSIVE a (n) AS (SELECT 1 UNION ALL SELECT 2 FROM a WHERE n < 2) \
        CYCLE n SET c TO @type@ '@value@' DEFAULT @type@ '@value@' USING p SELECT n FROM a
    SELECT ARRAY['@value@']::@type@[]
    SELECT '{"@value@"}'::@type@[]
    SELECT COALESCE(NULL, '@value@'::@type@), ROW('@value@'::@type@)
    SELECT XMLSERIALIZE(CONTENT '@value@' AS @type@)
    SELECT JSON_OBJECT('a': 1 RETURNING @type@)
    SELECT JSON_ARRAY(1 RETURNING @type@)
    SELECT JSON_ARRAY(SELECT 1 RETURNING @type@)
    SELECT JSON_OBJECTAGG('a': 1 RETURNING @type@)
    SELECT JSON_ARRAYAGG(1 RETURNING @type@)
    SELECT JSON_SERIALIZE('1' RETURNING @type@)
    PREPARE p (@type@) AS SELECT $1 ;; EXECUTE p ('@value@')
    PREPARE p AS SELECT '@value@'::@type@ ;; EXECUTE p
    EXPLAIN SELECT '@value@'::@type@
    COPY (SELECT '@value@'::@type@) TO STDOUT
    VALUES ('@value@'::@type@)
    BEGIN ;; DECLARE c CURSOR FOR SELECT @type@ '@value@' ;; FETCH c
    INSERT INTO {recommendation} \
        VALUES ('m', '1', 'b', 'e', '@value@'::@type@::text)

    SELECT id @operator@ 2 FROM one
    SELECT 1 @operator@ 2
    SELECT 1 @operator@ ANY (ARRAY[1])
    SELECT id @operator@ ALL ('{1}') FROM one
    SELECT id @operator@ ANY (SELECT 1) FROM one
    SELECT id @operator@ SOME (VALUES (1)) FROM one
    SELECT 1 FROM one WHERE id @operator@ 2
    SELECT 1 FROM one a JOIN one b ON a.id @operator@ b.id
    SELECT id FROM one ORDER BY id @operator@ 2
    SELECT (NOT id @operator@ 2) IS NULL FROM one
    SELECT count(*) FILTER (WHERE id @operator@ 2) FROM one
    INSERT INTO {recommendation} \
        VALUES ('m', '1', 'b', 'e', (1 @operator@ 2)::text)
    COPY (SELECT id @operator@ 2 FROM one) TO STDOUT
    EXPLAIN ANALYZE SELECT id @operator@ 2 FROM one
    PREPARE p (int) AS SELECT $1 @operator@ 2 ;; EXECUTE p (1)

    WITH g AS (@change@) SELECT 1
    WITH g AS MATERIALIZED (@change@) SELECT n FROM g
    WITH a AS (SELECT 1), g (m) AS (@change@) SELECT m FROM g, a
    WITH RECURSIVE g AS (@change@) TABLE g
    WITH orders AS (@change@) SELECT n FROM orders
    WITH ids AS (SELECT 1 AS id), g AS (@change@) SELECT id FROM ids
    WITH g AS (@change@) VALUES (1)
    WITH g AS (@change@) SELECT 1 UNION SELECT n FROM g
    (WITH g AS (@change@) SELECT n FROM g)
    WITH g AS (@change@) INSERT INTO {recommendation} \
        VALUES ('m', '1', 'b', 'e', 'a')
    COPY (@change@) TO STDOUT
    COPY (WITH g AS (@change@) SELECT n FROM g) TO STDOUT
    EXPLAIN ANALYZE @change@
    EXPLAIN (ANALYZE) WITH g AS (@change@) SELECT 1
    PREPARE p AS @change@ ;; EXECUTE p
    PREPARE p AS WITH g AS (@change@) SELECT n FROM g ;; EXECUTE p
    PREPARE p AS @change@ ;; EXPLAIN ANALYZE EXECUTE p
    SELECT 1 ; @change@
    BEGIN READ WRITE ;; @change@ ;; COMMIT
"""

POSITIONS: Final = tuple(
    tuple(step.strip() for step in line.split(" ;; "))
    for line in _POSITIONS.replace("\\\n", "").replace("{recommendation}", _RECOMMENDATION).splitlines()
    if line.strip()
)
"""Each position as its statements, in order."""

_NAME = "it holds a name or a mark, not an expression"
_ANALYZER = "only the analyzer or a definition fills it"
_CONSTANT = "the grammar or the server takes a constant only"
_DEFINITION = "it belongs to a definition, which is refused for what it is"
_CHANGE = "it belongs to UPDATE, MERGE or ON CONFLICT DO UPDATE, which are refused for what they are"
_KERNEL = "what stands there does or does no harm by itself: kernels have it"

STATEMENTS: Final = frozenset(
    """RawStmt SelectStmt InsertStmt CopyStmt ExplainStmt DeclareCursorStmt PrepareStmt ExecuteStmt VariableSetStmt
    VariableShowStmt TransactionStmt FetchStmt ClosePortalStmt DeallocateStmt DiscardStmt ListenStmt UnlistenStmt
    ConstraintsSetStmt""".split()  # noqa: SIM905 - one word a string would take a page
)
"""Statements that the shipped policy permits to a model account in some form."""

ELSEWHERE: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        """AccessPriv AlterTableCmd Constraint CreateOpClassItem FunctionParameter IntoClause ObjectWithArgs
        PartitionBoundSpec PartitionCmd PartitionElem PartitionRangeDatum PartitionSpec PublicationObjSpec
        PublicationTable ReplicaIdentityStmt ReturnStmt StatsElem TableLikeClause VacuumRelation""".split(),  # noqa: SIM905
        _DEFINITION,
    ),
    **dict.fromkeys(("MergeWhenClause", "MergeSupportFunc", "MultiAssignRef", "CurrentOfExpr"), _CHANGE),
    **dict.fromkeys(("A_Const", "Alias", "JsonFormat", "JsonReturning", "JsonTablePathSpec", "RangeVar"), _NAME),
    **dict.fromkeys(("IntList", "OidList"), _ANALYZER),
}
"""Nodes that none of these statements can hold, or that hold nothing which runs, and why."""

_CLOSED: Final = {
    _NAME: """CTECycleClause.cycle_col_list CTESearchClause.search_col_list CollateClause.collname ColumnDef.collClause
        CommonTableExpr.aliascolnames CommonTableExpr.search_clause ConstraintsSetStmt.constraints CopyStmt.attlist
        IndexElem.collation IndexElem.opclass JoinExpr.alias JoinExpr.join_using_alias JoinExpr.usingClause
        JsonArrayQueryConstructor.format JsonIsPredicate.format JsonOutput.returning JsonTable.alias
        JsonTableColumn.format JsonValueExpr.format LockingClause.lockedRels RangeFunction.alias RangeSubselect.alias
        RangeTableFunc.alias RangeTableSample.method ReturningClause.options RowExpr.colnames TypeName.arrayBounds
        XmlExpr.arg_names""",
    _ANALYZER: """ColumnDef.constraints ColumnDef.cooked_default ColumnDef.fdwoptions ColumnDef.identitySequence
        ColumnDef.raw_default CommonTableExpr.ctecolcollations CommonTableExpr.ctecolnames
        CommonTableExpr.ctecoltypes CommonTableExpr.ctecoltypmods GroupingFunc.refs IndexElem.opclassopts
        JsonParseExpr.output JsonScalarExpr.output JsonValueExpr.formatted_expr""",
    _CONSTANT: """CopyStmt.options DefElem.arg ExplainStmt.options JsonTable.on_error JsonTable.pathspec
        JsonTableColumn.pathspec TransactionStmt.options TypeName.typmods VariableSetStmt.args""",
    _DEFINITION: "SelectStmt.intoClause",
    _CHANGE: "OnConflictClause.targetList OnConflictClause.whereClause",
    _KERNEL: """ColumnRef.fields CopyStmt.relation InsertStmt.relation RangeTableSample.relation
        SelectStmt.lockingClause SortBy.useOp""",
}

CLOSED: Final[Mapping[tuple[str, str], str]] = {
    (slot.partition(".")[0], slot.partition(".")[2]): reason
    for reason, said in _CLOSED.items()
    for slot in said.split()
}
"""Slots of the other nodes in which no expression, type, operator or query of a kernel can stand, and why."""
