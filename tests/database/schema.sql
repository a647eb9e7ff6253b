-- The demo database of the integration tests. Run by the superuser in database `demo`, once.
CREATE ROLE owner SUPERUSER LOGIN PASSWORD 'owner';
-- A superuser, so that nothing but the proxy stands between the model and the data.
CREATE ROLE model_janitor SUPERUSER LOGIN PASSWORD 'model_janitor';
CREATE ROLE model_scram SUPERUSER LOGIN PASSWORD 'model_scram';
CREATE ROLE service_billing LOGIN PASSWORD 'service_billing';
CREATE ROLE person_ada SUPERUSER LOGIN PASSWORD 'person_ada';
CREATE ROLE person_trust SUPERUSER LOGIN;
CREATE ROLE person_cert LOGIN;
CREATE ROLE person_password LOGIN PASSWORD 'person_password';
SET password_encryption = 'md5';
CREATE ROLE person_md5 LOGIN PASSWORD 'person_md5';
RESET password_encryption;
-- The server's own refusals come from this login: it may do nothing with schema `secret`.
CREATE ROLE plain_reader LOGIN;

CREATE TABLE users (
    id integer PRIMARY KEY,
    email text NOT NULL UNIQUE,
    balance numeric(12, 2) NOT NULL DEFAULT 0,
    born date
);
CREATE TABLE orders (
    id integer PRIMARY KEY,
    user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
    total numeric(12, 2) NOT NULL,
    note text
);
CREATE TABLE journal (id serial PRIMARY KEY, line text);
CREATE SCHEMA secret;
CREATE TABLE secret.users (id integer, email text);
CREATE FUNCTION secret.purge(integer) RETURNS integer LANGUAGE sql AS 'DELETE FROM secret.users; SELECT $1';
GRANT SELECT, INSERT, UPDATE, DELETE ON users, orders, journal TO PUBLIC;
GRANT ALL ON SEQUENCE journal_id_seq TO PUBLIC;
