CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN email AS text CHECK (value ~ '@');
CREATE TABLE users (
    id bigserial PRIMARY KEY,
    name text NOT NULL,
    email text DEFAULT 'nobody@example.org',
    age int,
    mood mood DEFAULT 'ok',
    created timestamptz DEFAULT now(),
    tags text[] DEFAULT '{}',
    prefs jsonb DEFAULT '{}',
    parent bigint REFERENCES users (id)
);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint REFERENCES users (id) ON DELETE CASCADE,
    amount numeric(12, 2),
    at timestamptz DEFAULT now(),
    day date DEFAULT current_date
);
INSERT INTO users (name, email, age, tags, prefs)
SELECT 'u' || i, 'u' || i || '@example.org', i % 90, ARRAY['a', 'b' || i], jsonb_build_object('k', i)
FROM generate_series(1, 100) i;
INSERT INTO orders (user_id, amount) SELECT 1 + i % 100, i FROM generate_series(1, 300) i;
CREATE SEQUENCE s1;
SELECT lo_from_bytea(4242, 'hello');
CREATE VIEW v_users AS SELECT id, name FROM users;
CREATE TABLE "Weird Name" ("Col Umn" int);
CREATE TABLE parted (id int, d date) PARTITION BY RANGE (d);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2030-01-01');
INSERT INTO parted VALUES (1, '2024-01-01');
CREATE MATERIALIZED VIEW mv AS SELECT count(*) AS n FROM users;
CREATE FUNCTION bump() RETURNS int LANGUAGE sql AS $$ DELETE FROM orders; SELECT 1 $$;
CREATE FUNCTION trip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM orders; RETURN NEW; END $$;
CREATE PROCEDURE purge() LANGUAGE sql AS $$ DELETE FROM orders $$;
CREATE FUNCTION bump(int, int) RETURNS int LANGUAGE sql AS $$ DELETE FROM orders; SELECT 1 $$;
CREATE OPERATOR @#@ (LEFTARG = int, RIGHTARG = int, FUNCTION = bump);
CREATE SCHEMA app;
CREATE TABLE app.ids (id bigint);
INSERT INTO app.ids VALUES (1);
