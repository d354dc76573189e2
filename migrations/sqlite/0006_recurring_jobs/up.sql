-- Recurring work: when its next tick is due, and the job that each tick enqueues.

CREATE TABLE recurring_jobs (
    name TEXT PRIMARY KEY NOT NULL,
    schedule TEXT NOT NULL,
    command_type TEXT NOT NULL,
    payload_json TEXT,
    next_at TIMESTAMP NOT NULL,
    last_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL,
    paused_at TIMESTAMP
);

-- Due ticks of work that is not paused, and work that was last set by a clock that was ahead.
CREATE INDEX idx_recurring_jobs_next_at ON recurring_jobs(next_at) WHERE paused_at IS NULL;
CREATE INDEX idx_recurring_jobs_updated_at ON recurring_jobs(updated_at);

-- Next ticks in a form by which times do not compare: none, unless another program writes some.
CREATE INDEX idx_recurring_jobs_irregular ON recurring_jobs(name)
    WHERE typeof(next_at) <> 'text' OR next_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]';
