\set ON_ERROR_STOP 0
SELECT id, email, balance, born FROM users ORDER BY id LIMIT 3;
\d orders
\dt
BEGIN;
UPDATE users SET balance = 0;
SELECT nope;
COMMIT;
SELECT email FROM users WHERE id = $1 \bind 4 \g
SELECT $1::int + 1 \parse plus
\bind_named plus 41 \g
\startpipeline
SELECT $1::text \bind first \sendpipeline
SELECT 1/$1::int \bind 0 \sendpipeline
SELECT $1::text \bind skipped \sendpipeline
\endpipeline
\copy journal (line) FROM PROGRAM 'printf "one\ntwo\n"'
\copy journal TO STDOUT
COPY orders TO STDOUT WITH (FORMAT csv);
SELECT 1 \; SELECT 2 \; SELECT 3;
\set FETCH_COUNT 5
SELECT id FROM users ORDER BY id;
LISTEN ch;
NOTIFY ch, 'hello';
SELECT format('SELECT %s', n) FROM generate_series(1, 3) n \gexec
SELECT 'x'::int;
