-- What the proxy's census needs: a login of its own that may read the catalog and nothing else, and a notification when
-- something is defined, so that a change is known within moments of its commit.

-- pg_catalog is open to every login, so this one is granted nothing but to connect. It has no password: give it one, or
-- let it in by a certificate or pg_hba.conf.
DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'interlock_census') THEN
        CREATE ROLE interlock_census LOGIN NOINHERIT;
        ALTER ROLE interlock_census SET default_transaction_read_only = on;
        COMMENT ON ROLE interlock_census IS 'Interlock: the proxy reads the catalog by this login, and nothing else.';
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$roles$;

DO $connect$
BEGIN
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO interlock_census', pg_catalog.current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'interlock_census was not granted CONNECT on this database: only its owner may do that';
END
$connect$;

-- Temporary objects are left out: other sessions cannot name them, and they come and go too often. A failure to notify
-- must never make a definition fail: the census then finds out by itself, within seconds.
CREATE FUNCTION interlock.catalog_changed() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF TG_EVENT = 'ddl_command_end' AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp'
    ) THEN
        RETURN;
    END IF;
    IF TG_EVENT = 'sql_drop' AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_event_trigger_dropped_objects() WHERE NOT is_temporary
    ) THEN
        RETURN;
    END IF;
    PERFORM pg_catalog.pg_notify('interlock_catalog', '');
EXCEPTION WHEN OTHERS THEN
    NULL;
END
$body$;

COMMENT ON FUNCTION interlock.catalog_changed() IS 'Tells the proxy''s census that something was defined or dropped.';

-- ENABLE ALWAYS: also in sessions whose session_replication_role is replica.
DO $triggers$
BEGIN
    CREATE EVENT TRIGGER interlock_catalog_defined ON ddl_command_end EXECUTE FUNCTION interlock.catalog_changed();
    CREATE EVENT TRIGGER interlock_catalog_dropped ON sql_drop EXECUTE FUNCTION interlock.catalog_changed();
    ALTER EVENT TRIGGER interlock_catalog_defined ENABLE ALWAYS;
    ALTER EVENT TRIGGER interlock_catalog_dropped ENABLE ALWAYS;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'event triggers were left out, for only a superuser may create them: the proxy then looks for changes every two seconds';
END
$triggers$;
