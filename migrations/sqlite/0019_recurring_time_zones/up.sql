-- The time zone and the account of recurring work, the file that defines it, and its last runs.

-- The zone of the schedule, by its name in the IANA database. NULL is UTC.
ALTER TABLE recurring_jobs ADD COLUMN time_zone TEXT;
-- The service or account that the jobs use, for `jobs.account`.
ALTER TABLE recurring_jobs ADD COLUMN account TEXT;
-- The name of the file that defines the work, 'fieldfen.toml'. NULL if a program defines it.
ALTER TABLE recurring_jobs ADD COLUMN defined_in TEXT;

-- The last jobs of each recurring work. `due_at` is the tick, NULL for a run that a person has asked for. The job may have
-- been deleted since.
CREATE TABLE recurring_runs (
    name TEXT NOT NULL,
    run_at TIMESTAMP NOT NULL,
    job_id TEXT NOT NULL,
    due_at TIMESTAMP,
    PRIMARY KEY (name, run_at, job_id),
    FOREIGN KEY (name) REFERENCES recurring_jobs(name) ON DELETE CASCADE ON UPDATE CASCADE
) WITHOUT ROWID;
