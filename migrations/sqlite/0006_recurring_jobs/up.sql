-- Recurring work: when its next tick is due, and the job that each tick enqueues.

CREATE TABLE recurring_jobs (
    name TEXT PRIMARY KEY NOT NULL,
    schedule TEXT NOT NULL,
    command_type TEXT NOT NULL,
    payload_json TEXT,
    next_at TIMESTAMP NOT NULL,
    last_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL
);
