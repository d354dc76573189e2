-- How each call to an external API ended, and for which job and file it was made. All columns may be NULL: programs that
-- know only the initial schema insert rows without them.

ALTER TABLE api_usage ADD COLUMN account TEXT;
-- 'ok', 'refused', 'throttled', 'not_sent' or 'no_answer'.
ALTER TABLE api_usage ADD COLUMN outcome TEXT;
ALTER TABLE api_usage ADD COLUMN http_status INTEGER;
ALTER TABLE api_usage ADD COLUMN error TEXT;
ALTER TABLE api_usage ADD COLUMN duration_ms INTEGER;
-- A call outlives its job and its file, so that these columns refer to no table.
ALTER TABLE api_usage ADD COLUMN job_id TEXT;
ALTER TABLE api_usage ADD COLUMN file_id TEXT;
-- The id that the service gave to what the call has made, for example a prediction.
ALTER TABLE api_usage ADD COLUMN external_id TEXT;

CREATE INDEX idx_api_usage_job_id ON api_usage(job_id) WHERE job_id IS NOT NULL;
CREATE INDEX idx_api_usage_file_id ON api_usage(file_id) WHERE file_id IS NOT NULL;
CREATE INDEX idx_api_usage_failures ON api_usage(outcome) WHERE outcome <> 'ok';

-- The calls of each day, which are kept when their rows are pruned. A column is '' where the rows have NULL.
CREATE TABLE api_usage_daily (
    day TEXT NOT NULL,
    service TEXT NOT NULL,
    account TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    outcome TEXT NOT NULL,
    calls INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    PRIMARY KEY (day, service, account, endpoint, outcome)
);

-- The one row says up to which id the rows of api_usage are added up in api_usage_daily, how many of these rows are in no
-- total, since another program gave them a value that cannot be counted, and which was the first of them.
CREATE TABLE api_usage_rollup (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    rolled_up_to INTEGER NOT NULL,
    uncounted INTEGER NOT NULL,
    first_uncounted INTEGER
);

INSERT INTO api_usage_rollup (id, rolled_up_to, uncounted) VALUES (1, 0, 0);
