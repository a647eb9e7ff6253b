"""What models, drivers and analysts honestly say: one statement a line; a backslash at a line's end continues it."""

from __future__ import annotations

from typing import Final

HONEST: Final = r"""
    select 1
    select * from users where id = any(array[1,2,3])
    select u.id, o.amount from users u join orders o on o.user_id=u.id where o.amount > 10 order by 2 desc \
        limit 5
    with t as (select user_id, sum(amount) s from orders group by 1) select u.name, t.s, rank() over (order by \
        t.s desc) from users u join t on t.user_id=u.id
    select date_trunc('day', at) d, count(*) filter (where amount>100), avg(amount), percentile_cont(0.5) \
        within group (order by amount) from orders group by 1 order by 1
    select grouping(user_id), user_id, sum(amount) from orders group by grouping sets ((user_id),())
    select user_id, day, sum(amount) from orders group by rollup(user_id, day)
    select user_id, day, sum(amount) from orders group by cube(user_id, day)
    select distinct on (user_id) user_id, amount from orders order by user_id, at desc
    select string_agg(name, ',' order by name), array_agg(distinct age order by age) from users
    select prefs->>'k', prefs->'a'->'b', prefs #>> '{a,b}', prefs @> '{"k":1}', prefs ? 'k', prefs ?| \
        array['k'] from users
    select jsonb_build_object('a', id, 'b', name), to_jsonb(users), row_to_json(users) from users
    select tags[1], tags[1:2], array_length(tags,1), 'a' = any(tags), tags || 'z' from users
    select now() - interval '1 day', current_date + 7, age(created), extract(epoch from created), \
        date_part('year', created), created::date, created at time zone 'UTC' from users
    select g from generate_series(1,10) g
    select d::date from generate_series('2024-01-01'::date, '2024-02-01', '1 day') d
    select u.id, x.amount from users u cross join lateral (select amount from orders o where o.user_id=u.id \
        order by amount desc limit 1) x
    select u.id, x.* from users u left join lateral unnest(u.tags) with ordinality x(tag, n) on true
    select * from unnest(array[1,2], array['a','b']) as t(a,b)
    select name ~ '^u1', regexp_replace(name, 'u', 'x', 'g'), regexp_matches(name, '(\d+)'), substring(name \
        from 2), name like 'u%', name ilike 'U%', name similar to 'u%', position('1' in name), trim(both 'u' \
        from name), overlay(name placing 'x' from 1) from users
    select case when age > 10 then 'a' else 'b' end, coalesce(age,0), nullif(age,1), greatest(age,1), \
        least(age,2) from users
    select lag(amount) over w, lead(amount,1) over w, first_value(amount) over w, sum(amount) over (order by at \
        rows between 3 preceding and current row), ntile(4) over w from orders window w as (partition by \
        user_id order by at)
    with recursive t(n) as (select 1 union all select n+1 from t where n<10) select * from t
    with recursive p as (select id, parent, array[id] path from users where parent is null union all select \
        u.id, u.parent, p.path||u.id from users u join p on u.parent=p.id) search depth first by id set o cycle \
        id set c using pth select * from p
    select 1 union select 2 except select 3 intersect select 4
    select * from users tablesample system (10)
    select * from users tablesample bernoulli (10) repeatable (1)
    select null::int, 1::bigint, 1::smallint, '1'::numeric(10,2), 1.5::float8, 1::real, 'a'::varchar(10), \
        'a'::char(3), 'a'::bpchar, 'a'::text, 'a'::name, '\x00'::bytea, 't'::bool, '2020-01-01'::date, \
        '10:00'::time, '10:00+00'::timetz, '2020-01-01'::timestamp, '2020-01-01'::timestamptz, \
        '1 day'::interval, '{}'::json, '{}'::jsonb, gen_random_uuid()::uuid, '<a/>'::xml, '1.1.1.1'::inet, \
        '1.1.1.0/24'::cidr, '08:00:2b:01:02:03'::macaddr, 'B1'::"char", '101'::bit(3), '101'::bit varying, \
        '(1,2)'::point, '[1,2)'::int4range, '{[1,2)}'::int4multirange, 'a b'::tsvector, 'a & b'::tsquery, \
        '$.a'::jsonpath, 1::oid, 'users'::regclass, 'int4'::regtype, '1'::money, '12'::xid8
    select 1::double precision, 'x'::character varying, 1::integer, 'x'::character(2), '1'::decimal, \
        't'::boolean, '1 mon'::interval year to month, '10:00'::time with time zone, now()::timestamp without \
        time zone, 1::int2, 1::int4, 1::int8, 'a'::national character varying(3)
    select interval '1 day', date '2020-01-01', timestamp '2020-01-01', time '10:00', timestamptz '2020-01-01', \
        json '{}', int '1', bool 't', numeric '1', float8 '1', B'101', X'1F', E'a\nb', U&'\0061', $$x$$, \
        $tag$x$tag$, N'x'
    select timestamp with time zone '2020-01-01 00:00', time with time zone '10:00'
    select extract(year from date '2020-01-01'), extract('month' from now()), current_timestamp, localtime, \
        localtimestamp, current_time(0), current_user, session_user, current_catalog, current_schema, user, \
        current_role
    select - - - 1, -(1), +1, 2^3, 5%3, |/ 4, @ -1, 5 & 3, 5 | 3, 5 # 3, ~5, 1<<2, 'a'||'b', 1!=2, 1<>2, not \
        true, 1 between 0 and 2, 1 not between symmetric 2 and 0, null is null, null is distinct from 1, true \
        is not unknown
    select (1,2) = (1,2), row(1,'a'), (select row(1,2)), (1,2) < (2,3), row(1,2) in ((1,2),(3,4)), (1,2) in \
        (select 1,2)
    select exists(select 1 from users where id=1), id in (select user_id from orders), id > all(select 1), id = \
        some(array[1,2]) from users
    select (select count(*) from orders o where o.user_id=u.id) n from users u
    select * from (values (1,'a'),(2,'b')) v(x,y)
    values (1),(2)
    table users
    select * from only users
    select u.* from users u, orders o where u.id=o.user_id
    select * from users natural join orders
    select * from users u join orders o using (id)
    select * from users u full outer join orders o on u.id=o.user_id
    select id as "Id", "Col Umn" from users, "Weird Name"
    select * from "Weird Name"
    select * from app.ids
    select t.id from app.ids as t
    select app.ids.id from app.ids
    select * from demo.app.ids
    select * from parted
    select * from mv
    select * from v_users
    select count(*), count(distinct id), sum(age), avg(age), min(age), max(age), stddev(age), variance(age), \
        corr(age,id), bool_and(age>1), every(true), bit_or(age), json_agg(id), jsonb_object_agg(id,name), \
        mode() within group (order by age), regr_slope(age,id) from users
    select width_bucket(age,0,100,10), round(avg(amount),2), trunc(1.5), ceil(1.2), floor(1.2), power(2,3), \
        sqrt(4), ln(2), log(10), exp(1), mod(5,2), random(), sign(-1), degrees(1), pi() from users, orders \
        group by age limit 1
    select to_char(now(),'YYYY-MM-DD'), to_date('2020','YYYY'), to_timestamp(0), to_number('1','9'), \
        make_date(2020,1,1), make_interval(days => 1), date_bin('1 hour', now(), 'epoch'), \
        justify_days('40 days'), clock_timestamp(), statement_timestamp(), timeofday(), isfinite(now())
    select concat('a',1), concat_ws(',','a','b'), format('%s %I %L','a','b','c'), length('a'), upper('a'), \
        lower('A'), initcap('a b'), lpad('a',3,'0'), rpad('a',3), repeat('a',3), replace('a','a','b'), \
        reverse('a'), split_part('a,b',',',1), string_to_array('a,b',','), array_to_string(array[1],','), \
        left('abc',2), right('abc',2), md5('a'), encode('a','hex'), decode('00','hex'), ascii('a'), chr(65), \
        strpos('abc','b'), translate('a','a','b'), quote_literal('x'), quote_ident('x'), sha256('a'), \
        starts_with('a','a'), regexp_split_to_array('a b',' '), regexp_count('a','a'), btrim(' a '), \
        ltrim('a'), rtrim('a'), char_length('a'), octet_length('a'), to_hex(10)
    select * from json_to_recordset('[{"a":1}]') as x(a int, b text)
    select * from jsonb_to_record('{"a":1}') as x(a int)
    select * from json_each('{"a":1}')
    select * from jsonb_array_elements('[1,2]') with ordinality
    select jsonb_path_query('{"a":1}','$.a'), jsonb_path_exists(prefs,'$.k'), prefs @? '$.k', prefs @@ \
        '$.k == 1' from users
    select json_object('a': 1, 'b' value 2), json_array(1,2), json_objectagg(id: name), json_arrayagg(id) from \
        users
    select json_value('{"a":1}', '$.a' returning int), json_query('{"a":1}','$'), json_exists('{"a":1}','$.a'), \
        '{}' is json, json_serialize('{}'), json_scalar(1), json('{}')
    select * from json_table('[{"a":1}]', '$[*]' columns (id for ordinality, a int path '$.a', b text path \
        '$.b' default 'x' on empty)) jt
    select xmlelement(name a, xmlattributes(1 as x), 'y'), xmlforest(1 as a), xmlconcat('<a/>','<b/>'), \
        xmlparse(content '<a/>'), xmlserialize(content '<a/>' as text), xpath('//a','<a/>')
    select to_tsvector('english', name) @@ to_tsquery('english','u1'), ts_rank(to_tsvector(name), \
        plainto_tsquery('x')), ts_headline('a b','a'::tsquery) from users
    select name collate "C" from users order by name collate "C" desc nulls last
    select * from users order by age using <
    select * from users order by id offset 1 rows fetch first 5 rows only
    select * from users order by age fetch first 3 rows with ties
    select (u).name, (u.prefs)['k'], prefs['k'] from users u
    select u from users u
    select count(u) from users u
    select to_json(u) from users u
    select (ids).id from app.ids
    select id, sum(amount) over (partition by user_id order by at range between interval '1 day' preceding and \
        current row exclude current row) from orders
    select pg_typeof(id), pg_size_pretty(pg_total_relation_size('users')), pg_relation_size('users'), \
        obj_description('users'::regclass), version(), current_database(), current_setting('server_version'), \
        pg_backend_pid(), current_schemas(true) from users limit 1
    select * from information_schema.columns
    select table_name from information_schema.tables where table_schema='public'
    select * from pg_stat_activity
    select * from pg_stat_user_tables
    select * from pg_locks
    select * from pg_settings where name like 'a%'
    select relname, n.nspname from pg_class c join pg_namespace n on n.oid=c.relnamespace
    show all
    show server_version
    show search_path
    show transaction isolation level
    show time zone
    set statement_timeout = '30s'
    set local statement_timeout = 5000
    reset statement_timeout
    set statement_timeout to default
    set local lock_timeout to default
    reset client_encoding
    set lock_timeout to '5s'
    set datestyle to iso, mdy
    set time zone 'UTC'
    set timezone to 'Europe/Berlin'
    set time zone interval '+01:00' hour to minute
    set time zone default
    set time zone local
    set client_encoding to 'UTF8'
    set names 'utf8'
    set standard_conforming_strings to on
    set application_name = 'x'
    set client_min_messages to warning
    set extra_float_digits = 3
    set session characteristics as transaction read only
    set session characteristics as transaction isolation level serializable
    set default_transaction_read_only to off
    set enable_seqscan = off
    set intervalstyle = 'postgres'
    set bytea_output = 'hex'
    reset all
    reset timezone
    select set_config('application_name','y',false)
    select set_config('timezone','UTC',true)
    select pg_catalog.set_config('statement_timeout','10s',false)
    begin
    begin isolation level repeatable read read only
    start transaction read write
    commit
    savepoint a
    release a
    rollback to a
    rollback to savepoint a
    rollback
    end
    abort
    begin; savepoint a; select 1; rollback to a; release a; commit
    commit and chain
    set transaction isolation level serializable
    set transaction read only, deferrable
    set constraints all deferred
    declare c cursor with hold for select * from users
    declare c2 no scroll cursor with hold for select id from users order by id
    fetch 5 from c
    fetch all in c2
    move 2 in c
    fetch forward 10 c
    close c
    close all
    begin; declare c3 binary insensitive scroll cursor for select 1; fetch next c3; fetch backward 1 from c3; \
        close c3; commit
    prepare p1 as select * from users where id = $1
    prepare p2 (int, text) as select * from users where id=$1 and name=$2
    execute p1(1)
    execute p2(1,'x')
    explain execute p1(1)
    explain analyze execute p1(2)
    deallocate p1
    deallocate prepare p2
    discard plans
    discard temp
    discard sequences
    explain select * from users
    explain (costs off, verbose) select * from users
    explain (analyze, buffers, timing off, format json) select * from users
    explain analyze verbose select count(*) from orders
    explain (analyze false) select 1
    explain (generic_plan) select * from users where id=$1
    explain delete from users
    explain update users set age=1
    listen foo
    unlisten foo
    unlisten *
    copy users to stdout
    copy users (id,name) to stdout with (format csv, header)
    copy (select * from users where id<5) to stdout with csv header delimiter ';'
    copy (select 1) to stdout (format binary)
    insert into interlock.recommendation (model, model_version, batch_id, entity, action, score, reason) values \
        ('m','1','b','users:1','delete',0.5,'{"a":1}')
    insert into interlock.recommendation (model, model_version, batch_id, entity, action) values \
        ('m','1','b','users:1','delete'),('m','1','b','users:2','delete')
    insert into interlock.recommendation (model, model_version, batch_id, entity, action) values \
        ('m','1','b','users:1','delete') returning id
    insert into interlock.recommendation (model, model_version, batch_id, entity, action) values \
        ('m','1','b','users:1','delete') returning *
    insert into interlock.recommendation (id, model, model_version, batch_id, entity, action) values \
        ('00000000-0000-0000-0000-000000000001','m','1','b','users:1','delete') on conflict (id) do nothing
    insert into interlock.recommendation (id, model, model_version, batch_id, entity, action) values \
        ('00000000-0000-0000-0000-000000000001','m','1','b','users:1','delete') on conflict do nothing \
        returning id
    insert into interlock.recommendation (model, model_version, batch_id, entity, action) select \
        'm','1','b','users:'||id, 'archive' from users where age > 80
    with stale as (select id from users where age > 80) insert into interlock.recommendation (model, \
        model_version, batch_id, entity, action) select 'm','1','b','users:'||id, 'archive' from stale
    with r as (insert into interlock.recommendation (model, model_version, batch_id, entity, action) values \
        ('m','1','b','e','a') returning id) select count(*) from r
    insert into interlock.recommendation (model, model_version, batch_id, entity, action, reason) select \
        'm','1','b','users:'||u.id, 'archive', jsonb_build_object('age', u.age) from users u join orders o on \
        o.user_id=u.id group by u.id
    insert into interlock.recommendation as r (model, model_version, batch_id, entity, action, score) values \
        ('m','1','b','e','a', default)
    insert into interlock.recommendation (model, model_version, batch_id, entity, action) select * from (values \
        ('m','1','b','e','a')) v
    insert into interlock.recommendation (model, model_version, batch_id, entity, action) select * from \
        unnest(array['m'],array['1'],array['b'],array['e'],array['a'])
    insert into interlock.recommendation (model, model_version, batch_id, entity, action) select m,v,b,e,a from \
        json_to_recordset('[]') as x(m text, v text, b text, e text, a text)
    explain insert into interlock.recommendation (model, model_version, batch_id, entity, action) values \
        ('m','1','b','e','a')
    select status, count(*) from interlock.recommendation group by 1
    -- only a comment
    select 1; select 2
    /* c */ select /*+ hint */ 1 -- x
    select 'it''s', "name" from users
    select * from users where name = 'DROP TABLE users'
    select * from users u where (u.name, u.age) in (select name, age from users)
    select sum(case when age>1 then 1 else 0 end)::float / count(*) from users
    select array(select id from users), array[[1,2],[3,4]], (array[1,2,3])[2]
    select id::text || '-' || name as delete from users
    select age as update, name as value from users
    select u.name as drop from users u
    select rank() over (order by age) as "rank", row_number() over () rn from users
    select 1 as one, 2 two, 3 "three"
    select nextval from (select 1 as nextval) q
    select users.id from public.users
    select public.users.name from public.users
    select x.key, x.value from users, jsonb_each(prefs) x
    select x.key from users u cross join lateral jsonb_each_text(u.prefs) as x(key, value)
    select * from pg_catalog.generate_series(1,3)
    select * from rows from (generate_series(1,3), generate_series(1,2)) as t(a,b)
    select count(*) from users where age between 10 and 20 and name in ('u1','u2') and not (email like '%x')
    select * from orders where day >= date_trunc('month', current_date) - interval '3 months'
    select to_char(day,'IYYY-IW') w, sum(amount) from orders group by w having sum(amount)>0 order by w
    select age, count(*)*100.0/sum(count(*)) over () from users group by age
    select amount - lag(amount) over (order by id) as diff from orders
    select (select jsonb_agg(o) from (select id, amount from orders where user_id=u.id) o) from users u
    select * from users where prefs->>'k' = '1' and (prefs->'k')::int = 1
    select current_query(), pg_is_in_recovery(), txid_current_if_assigned(), inet_server_addr(), \
        pg_postmaster_start_time()
    select pg_advisory_unlock_all()
    select oid, typname from pg_type where typname = any('{int4,text}')
    select x from (select 1 x) as s where x = 1 for share of s skip locked
    select 1 limit all
    select 1 limit null offset 0
    select all 1
    select distinct age from users
    select 0x1F, 1_000, 0b11, 1e3, .5, 5.
    select 'x' is normalized, normalize('x', nfc)
    select a.* from (users u join orders o on true) as a limit 1
    select merge_action from (select 1 merge_action) x
    with a as materialized (select 1), b as not materialized (select 2) select * from a, b
    select u.name from users u where u.id = 1 and u.age is not null limit 1 offset 0
    select tstzrange(now(), now()+'1 day') && tstzrange(now(),null), int4range(1,5) @> 3, lower(int4range(1,5))
    select count(*) filter (where mood='ok') * 1.0 / nullif(count(*),0) from users
    select name, ctid, xmin, tableoid::regclass from users limit 1
    select pg_get_viewdef('v_users'::regclass), pg_get_constraintdef(oid) from pg_constraint
    select g.n, x.length, j.key, j.value, e.count, t.name from generate_series(1,3) as g(n), \
        unnest(array['a']) x, json_each('{}') j, rows from (generate_series(1,2)) as e(count), users t
    select a.attname, s.pid from pg_attribute a, pg_stat_get_activity(null) s limit 1
    select set_config('statement_timeout', '5s', false)
    select * from current_date
    select * from system_user
    select json_value(prefs, '$.k'), json_exists(prefs, '$'), json_scalar(1), json_array(1, 2), json_object('a': 1) \
        from users
    select d from current_timestamp d, current_user, localtime(0), users u
    select s.current_schema, "user".u from current_schema s, users as "user" (u)
    select age not between 1 and 2, age between symmetric 3 and 1 from users
    select has_table_privilege('users','select'), has_schema_privilege('public','usage')
    select col_description(1259,1), format_type(23,-1), pg_get_userbyid(10), pg_table_is_visible(1259)
"""
