-- Limits on the number of jobs that run at the same time, and pauses. Both are data that every process honours.

-- The service or account that a job uses: `service` or `service/account`.
ALTER TABLE jobs ADD COLUMN account TEXT;
-- What the limit of the job's kind counts it by: `file:ID`, `account:NAME`, or '' if only all jobs of the kind are limited.
-- NULL means that no limit counts the job: its kind has none, or no claim has come upon it yet.
ALTER TABLE jobs ADD COLUMN partition_key TEXT;
-- Why no claim looks at a pending job: its partition is full (the partition key), or its account is paused (`pause:NAME`).
-- Empty and not NULL, because SQLite then reads the claim's index alone.
ALTER TABLE jobs ADD COLUMN waits_for TEXT NOT NULL DEFAULT '';

CREATE TABLE concurrency_limits (
    kind TEXT NOT NULL,
    partition TEXT NOT NULL CHECK (partition IN ('all', 'file', 'account')),
    max_running INTEGER NOT NULL CHECK (max_running BETWEEN 1 AND 4294967295),
    -- How many jobs of the kind run; only of the partition 'all'. A reclaim counts anew, for other programs do not.
    running INTEGER NOT NULL DEFAULT 0,
    -- Up to which key a reclaim has looked for jobs that wait although their partition has room.
    checked_to TEXT,
    PRIMARY KEY (kind, partition)
);

CREATE TABLE pauses (
    scope TEXT NOT NULL CHECK (scope IN ('kind', 'service', 'account')),
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    since TIMESTAMP NOT NULL,
    until TIMESTAMP,
    by TEXT NOT NULL,
    PRIMARY KEY (scope, name)
);

-- The claim looks only at jobs that wait for nothing.
DROP INDEX idx_jobs_claim;
CREATE INDEX idx_jobs_claim ON jobs(command_type, priority, run_at) WHERE status = 'pending' AND waits_for = '';

-- The jobs of limited kinds: those that run, and those that the claim looks at. Jobs of other kinds are in neither index.
CREATE INDEX idx_jobs_running ON jobs(command_type, partition_key) WHERE status = 'running' AND partition_key IS NOT NULL;
CREATE INDEX idx_jobs_admitted ON jobs(command_type, partition_key, priority, run_at)
    WHERE status = 'pending' AND partition_key IS NOT NULL AND waits_for = '';

-- The jobs that wait, in the order in which they come next.
CREATE INDEX idx_jobs_waits_for ON jobs(command_type, waits_for, priority, run_at)
    WHERE status = 'pending' AND waits_for <> '';

-- Jobs that other programs run, and that no limit counts yet.
CREATE INDEX idx_jobs_uncounted ON jobs(command_type) WHERE status = 'running' AND lease_expires_at IS NULL AND (partition_key IS NULL OR waits_for <> '');
