-- What a model may produce: a recommendation, waiting for a person.
--
-- An INSERT here must set off nothing but built-in code: no triggers, no functions of users in checks or defaults, no
-- domains. A model account's write is then exactly as large as it looks.

-- Roles belong to the whole cluster and may exist from another database's installation, which may be under way now.
DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'interlock_model') THEN
        CREATE ROLE interlock_model NOLOGIN;
        COMMENT ON ROLE interlock_model IS 'Interlock: logins of models are members; may add recommendations.';
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$roles$;

DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'interlock_reviewer') THEN
        CREATE ROLE interlock_reviewer NOLOGIN;
        COMMENT ON ROLE interlock_reviewer IS 'Interlock: people who read recommendations and decide on them.';
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$roles$;

CREATE TABLE interlock.recommendation (
    id            uuid             NOT NULL DEFAULT pg_catalog.gen_random_uuid() PRIMARY KEY,
    made_at       timestamptz      NOT NULL DEFAULT pg_catalog.now(),
    model         text             NOT NULL CHECK (model <> '' AND pg_catalog.octet_length(model) <= 255),
    model_version text             NOT NULL CHECK (model_version <> '' AND pg_catalog.octet_length(model_version) <= 255),
    batch_id      text             NOT NULL CHECK (batch_id <> '' AND pg_catalog.octet_length(batch_id) <= 255),
    entity        text             NOT NULL CHECK (entity <> '' AND pg_catalog.octet_length(entity) <= 1024),
    action        text             NOT NULL CHECK (action <> '' AND pg_catalog.octet_length(action) <= 255),
    -- NaN sorts above infinity in PostgreSQL, so the upper bound excludes both.
    score         double precision          CHECK (score > '-Infinity' AND score < 'Infinity'),
    reason        jsonb,
    status        text             NOT NULL DEFAULT 'pending'
        CONSTRAINT recommendation_status_known
        CHECK (status IN ('pending', 'approved', 'rejected', 'executed', 'failed', 'undone', 'expired'))
);

-- The queue: what waits, oldest first; a model's own recommendations; a batch as a whole; all about one entity.
CREATE INDEX recommendation_pending ON interlock.recommendation (made_at, id) WHERE status = 'pending';
CREATE INDEX recommendation_by_model ON interlock.recommendation (model, status, made_at);
CREATE INDEX recommendation_by_batch ON interlock.recommendation (batch_id);
CREATE INDEX recommendation_by_entity ON interlock.recommendation (entity, made_at);

COMMENT ON TABLE interlock.recommendation IS
    'What models propose. Models add rows; people decide on them; nothing happens by itself.';
COMMENT ON COLUMN interlock.recommendation.id IS
    'Given by the server, or by a model that wants to repeat an INSERT safely (ON CONFLICT (id) DO NOTHING).';
COMMENT ON COLUMN interlock.recommendation.made_at IS 'Start of the transaction that added the row; the server''s clock.';
COMMENT ON COLUMN interlock.recommendation.model IS 'Name of the model.';
COMMENT ON COLUMN interlock.recommendation.model_version IS 'Version of the model, as its bundle states it.';
COMMENT ON COLUMN interlock.recommendation.batch_id IS 'Groups what one run of a model proposed.';
COMMENT ON COLUMN interlock.recommendation.entity IS 'What it is about, as `users:4711`: the reviewer''s handle.';
COMMENT ON COLUMN interlock.recommendation.action IS 'What is proposed, as `delete` or `archive`: a word, never SQL.';
COMMENT ON COLUMN interlock.recommendation.score IS 'The model''s score; finite; its meaning is the model''s. NULL: none.';
COMMENT ON COLUMN interlock.recommendation.reason IS 'What led to it, for a person to read. NULL: none given.';
COMMENT ON COLUMN interlock.recommendation.status IS 'pending until a person decides. Models cannot write it.';

GRANT USAGE ON SCHEMA interlock TO interlock_model, interlock_reviewer;

-- By column: a model cannot write when it was made or how it stands, whatever the policy says.
GRANT INSERT (id, model, model_version, batch_id, entity, action, score, reason)
    ON interlock.recommendation TO interlock_model;
GRANT SELECT ON interlock.recommendation TO interlock_model, interlock_reviewer;
GRANT UPDATE (status) ON interlock.recommendation TO interlock_reviewer;
