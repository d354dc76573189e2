-- Actions on all jobs that match a filter, which are carried out in batches.

CREATE TABLE bulk_actions (
    number INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    id TEXT NOT NULL,
    -- A word of `operator_actions.action`. `argument` is the due time of 'reschedule' and the number of 'set_priority'.
    action TEXT NOT NULL,
    argument TEXT,
    -- The conditions that a job meets, as an object with one member for each.
    filter_json TEXT NOT NULL,
    by TEXT NOT NULL,
    via TEXT NOT NULL,
    reason TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    -- The positions after the last job at the start, and after the last job that was examined; NULL before the first batch.
    jobs_until TEXT NOT NULL,
    cursor TEXT,
    done INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    -- NULL while jobs are left.
    finished_at TIMESTAMP
);

CREATE UNIQUE INDEX idx_bulk_actions_id ON bulk_actions(id);
CREATE INDEX idx_bulk_actions_finished ON bulk_actions(started_at) WHERE finished_at IS NOT NULL;
