-- Priorities, due times, leases and dedup keys. Everything has a constant default or may be NULL, so that a program
-- that knows only the initial schema can still insert a job, which is then due at once.

ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 2;
ALTER TABLE jobs ADD COLUMN run_at TIMESTAMP NOT NULL DEFAULT '1970-01-01 00:00:00.000000';
ALTER TABLE jobs ADD COLUMN max_retries INTEGER NOT NULL DEFAULT 5;
ALTER TABLE jobs ADD COLUMN lease_token TEXT;
ALTER TABLE jobs ADD COLUMN lease_expires_at TIMESTAMP;
ALTER TABLE jobs ADD COLUMN worker TEXT;
ALTER TABLE jobs ADD COLUMN dedup_key TEXT;
ALTER TABLE jobs ADD COLUMN progress_json TEXT;
ALTER TABLE jobs ADD COLUMN cancel_requested_at TIMESTAMP;
-- How many leases the job has lost, and whether its holder runs nothing beside it (1) or may do so (0).
ALTER TABLE jobs ADD COLUMN lost_leases INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN declined_since TIMESTAMP;
-- How often it was throttled since it last failed: each time it waits longer.
ALTER TABLE jobs ADD COLUMN throttled INTEGER NOT NULL DEFAULT 0;
-- When the clock that has set `run_at` began to count the wait: the time of a retry, or of the insertion of a job that is due
-- at once. NULL means that somebody has chosen `run_at`.
ALTER TABLE jobs ADD COLUMN waiting_since TIMESTAMP;
-- What a failed job waits for that has not failed: an approval, for example. NULL means that it is a dead letter.
ALTER TABLE jobs ADD COLUMN parked_for TEXT;

-- fieldfen:changes jobs because jobs that the reversal of this migration held as failed become pending again

-- Jobs that were not due when this migration was taken back. No handler gives a failed job a result.
UPDATE jobs SET (status, run_at, priority, max_retries, dedup_key, progress_json, cancel_requested_at, lost_leases, alone,
    declined_since, throttled, waiting_since, last_error, result_json) = (
    SELECT 'pending', held ->> 'run_at', coalesce(held ->> 'priority', 2), coalesce(held ->> 'max_retries', 5),
        held ->> 'dedup_key', held ->> 'progress_json', held ->> 'cancel_requested_at',
        coalesce(held ->> 'lost_leases', 0), coalesce(held ->> 'alone', 0), held ->> 'declined_since',
        coalesce(held ->> 'throttled', 0), held ->> 'waiting_since', held ->> 'last_error', held ->> 'result_json'
    FROM (SELECT result_json AS held)
)
WHERE status = 'failed' AND iif(typeof(result_json) = 'text' AND json_valid(result_json),
    result_json ->> 'held_until_migration' = '0002' AND result_json ->> 'run_at' IS NOT NULL, 0);

-- The claim seeks once for each kind and priority; its ORDER BY ends in the rowid, which every index ends in.
CREATE INDEX idx_jobs_claim ON jobs(command_type, priority, run_at) WHERE status = 'pending';

-- Jobs that run without a lease belong to a program that knows only the initial schema, and are never reclaimed.
CREATE INDEX idx_jobs_lease ON jobs(lease_expires_at) WHERE status = 'running' AND lease_expires_at IS NOT NULL;

-- Pruning, which leaves parked jobs alone, and the numbers of ended jobs of each kind, for which no row is read.
CREATE INDEX idx_jobs_ended ON jobs(status, parked_for, completed_at, command_type) WHERE completed_at IS NOT NULL;

-- The list of parked jobs.
CREATE INDEX idx_jobs_parked ON jobs(status) WHERE parked_for IS NOT NULL;

-- Not unique: the queue looks before it inserts, and other programs may set any status that they like.
CREATE INDEX idx_jobs_dedup_key ON jobs(dedup_key)
    WHERE dedup_key IS NOT NULL AND status IN ('pending', 'running');

-- Waits that began in the future: a clock that was ahead has written them.
CREATE INDEX idx_jobs_waiting ON jobs(waiting_since) WHERE status = 'pending' AND waiting_since IS NOT NULL;

-- Jobs that no claim and no reclaim finds in its index: their due time or the end of their lease is in a form by which times
-- do not compare, or they have a priority or a kind that there is not. Other programs may write such rows; a reclaim puts
-- them right.
-- The condition is in one line: SQLAlchemy reads no further, so that Alembic could not make the table anew.
CREATE INDEX idx_jobs_irregular ON jobs(status)
    WHERE (status = 'pending' AND ((priority <> 0 AND priority <> 1 AND priority <> 2 AND priority <> 3) OR typeof(command_type) <> 'text' OR typeof(run_at) <> 'text' OR run_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]')) OR (status = 'running' AND lease_expires_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]');
