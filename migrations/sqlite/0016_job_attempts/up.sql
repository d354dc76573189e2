-- The attempts of jobs that ended without completing them, and the fingerprints of errors.

-- One row for each claim that ended otherwise than by a completion. `attempt` counts from 1 and goes on after a retry.
-- `outcome` is 'failed', 'timed out', 'lease lost', 'killed', 'cancelled', 'declined', 'parked' or 'throttled'.
CREATE TABLE job_attempts (
    job_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    claimed_at TIMESTAMP,
    ended_at TIMESTAMP NOT NULL,
    worker TEXT,
    outcome TEXT NOT NULL,
    error TEXT,
    PRIMARY KEY (job_id, attempt),
    FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE ON UPDATE CASCADE
) WITHOUT ROWID;

-- The last error without numbers, ids, paths and names of hosts. NULL if there is no error, or if a program wrote it that
-- knows only the initial schema.
ALTER TABLE jobs ADD COLUMN error_fingerprint TEXT;

-- The dead letters by error, those of one error in the order in which they failed. `status` and `parked_for` are in the
-- index although they are the same in all its entries, so that a count reads the index alone.
CREATE INDEX idx_jobs_errors ON jobs(command_type, error_fingerprint, status, parked_for, completed_at)
    WHERE status = 'failed' AND parked_for IS NULL;
