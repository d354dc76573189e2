-- Rate limits of external services, shared by all processes: what a service allows, what is used of it, and the permits
-- for calls that are being made. An empty account or endpoint stands for all of them.

CREATE TABLE rate_limits (
    -- Never used twice: a permit names the limits that it has taken from by their numbers.
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    service TEXT NOT NULL,
    account TEXT NOT NULL DEFAULT '',
    endpoint TEXT NOT NULL DEFAULT '',
    bucket TEXT NOT NULL DEFAULT '',
    -- 'window': at most limit_units in window_ms. 'refill': a bucket of limit_units that refills. 'said': nobody has
    -- configured the limit, and the columns said_… and left_… have what the answers say.
    kind TEXT NOT NULL,
    limit_units INTEGER,
    window_ms INTEGER,
    refill_micros_per_s INTEGER,
    said_units INTEGER,
    said_refill_micros_per_s INTEGER,
    used_units INTEGER NOT NULL DEFAULT 0,
    permitted_units INTEGER NOT NULL DEFAULT 0,
    settled_units INTEGER NOT NULL DEFAULT 0,
    level_micros INTEGER,
    level_at TIMESTAMP,
    other_units INTEGER,
    other_until TIMESTAMP,
    left_units INTEGER,
    left_until TIMESTAMP,
    used_basis_points INTEGER,
    blocked_since TIMESTAMP,
    blocked_until TIMESTAMP,
    blocked_reason TEXT,
    throttles INTEGER NOT NULL DEFAULT 0,
    tightened_at TIMESTAMP,
    said_at TIMESTAMP
);

CREATE UNIQUE INDEX idx_rate_limits_key ON rate_limits(service, account, endpoint, bucket);

-- Settled calls that still count in a window. Calls that stop counting at about the same time share a row, so that a limit
-- has at most 258 rows.
CREATE TABLE rate_limit_usage (
    limit_id INTEGER NOT NULL,
    frees_at TIMESTAMP NOT NULL,
    units INTEGER NOT NULL,
    PRIMARY KEY (limit_id, frees_at)
) WITHOUT ROWID;

-- Permits that are neither settled nor lapsed.
CREATE TABLE api_permits (
    id TEXT PRIMARY KEY NOT NULL,
    service TEXT NOT NULL,
    account TEXT NOT NULL DEFAULT '',
    endpoint TEXT NOT NULL DEFAULT '',
    units INTEGER NOT NULL,
    worker TEXT NOT NULL,
    acquired_at TIMESTAMP NOT NULL,
    start_by TIMESTAMP NOT NULL,
    lapses_at TIMESTAMP NOT NULL,
    guess_micros INTEGER,
    currency TEXT
);

CREATE INDEX idx_api_permits_lapses_at ON api_permits(lapses_at);

-- What a permit has taken of each limit.
CREATE TABLE api_permit_limits (
    permit_id TEXT NOT NULL,
    limit_id INTEGER NOT NULL,
    units INTEGER NOT NULL,
    settled_units_then INTEGER NOT NULL,
    PRIMARY KEY (permit_id, limit_id)
) WITHOUT ROWID;
