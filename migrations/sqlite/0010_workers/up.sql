-- The workers that live: each writes its row at its start, brings it up to date while it runs, and deletes it at its end.
-- `kinds_json` has the kinds of job that it handles, as an array of texts.

CREATE TABLE workers (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    process INTEGER NOT NULL,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    kinds_json TEXT NOT NULL,
    threads INTEGER NOT NULL,
    started_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL
);

CREATE INDEX idx_workers_last_seen_at ON workers(last_seen_at);
