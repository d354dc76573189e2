-- fieldfen object: table files
CREATE TABLE files (
    id TEXT PRIMARY KEY,
    original_filename TEXT NOT NULL,
    processed_filename TEXT,
    species TEXT,
    status TEXT NOT NULL,
    drive_file_id TEXT,
    metadata_json TEXT,
    width INTEGER,
    height INTEGER,
    aspect_ratio TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
, failed_from TEXT, failure TEXT, content_hash TEXT);
-- fieldfen object: index idx_files_status
CREATE INDEX idx_files_status ON files(status);
-- fieldfen object: index idx_files_species
CREATE INDEX idx_files_species ON files(species);
-- fieldfen object: index idx_files_drive_file_id
CREATE INDEX idx_files_drive_file_id ON files(drive_file_id);
-- fieldfen object: table jobs
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    file_id TEXT,
    command_type TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER DEFAULT 0,
    last_error TEXT,
    payload_json TEXT,
    result_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    started_at TIMESTAMP,
    completed_at TIMESTAMP, priority INTEGER NOT NULL DEFAULT 2, run_at TIMESTAMP NOT NULL DEFAULT '1970-01-01 00:00:00.000000', max_retries INTEGER NOT NULL DEFAULT 5, lease_token TEXT, lease_expires_at TIMESTAMP, worker TEXT, dedup_key TEXT, progress_json TEXT, cancel_requested_at TIMESTAMP, lost_leases INTEGER NOT NULL DEFAULT 0, alone INTEGER NOT NULL DEFAULT 0, declined_since TIMESTAMP, throttled INTEGER NOT NULL DEFAULT 0, waiting_since TIMESTAMP, parked_for TEXT, account TEXT, partition_key TEXT, waits_for TEXT NOT NULL DEFAULT '', error_fingerprint TEXT, on_worker_death TEXT,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE
);
-- fieldfen object: index idx_jobs_status
CREATE INDEX idx_jobs_status ON jobs(status);
-- fieldfen object: index idx_jobs_file_id
CREATE INDEX idx_jobs_file_id ON jobs(file_id);
-- fieldfen object: index idx_jobs_command_type
CREATE INDEX idx_jobs_command_type ON jobs(command_type);
-- fieldfen object: table processed_hashes
CREATE TABLE processed_hashes (
    hash TEXT PRIMARY KEY,
    file_id TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, source TEXT, expires_at TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE SET NULL
);
-- fieldfen object: index idx_processed_hashes_created_at
CREATE INDEX idx_processed_hashes_created_at ON processed_hashes(created_at);
-- fieldfen object: table api_usage
CREATE TABLE api_usage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,
    endpoint TEXT,
    request_count INTEGER DEFAULT 1,
    rate_limit_remaining INTEGER,
    rate_limit_reset_at TIMESTAMP,
    recorded_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
, account TEXT, outcome TEXT, http_status INTEGER, error TEXT, duration_ms INTEGER, job_id TEXT, file_id TEXT, external_id TEXT);
-- fieldfen object: index idx_api_usage_service
CREATE INDEX idx_api_usage_service ON api_usage(service);
-- fieldfen object: index idx_api_usage_recorded_at
CREATE INDEX idx_api_usage_recorded_at ON api_usage(recorded_at);
-- fieldfen object: table listings
CREATE TABLE listings (
    id TEXT PRIMARY KEY,
    file_id TEXT NOT NULL,
    platform TEXT NOT NULL,
    platform_listing_id TEXT NOT NULL,
    listing_url TEXT,
    status TEXT NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, platform_status TEXT, status_event_at TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE,
    UNIQUE(platform, platform_listing_id)
);
-- fieldfen object: index idx_listings_file_id
CREATE INDEX idx_listings_file_id ON listings(file_id);
-- fieldfen object: index idx_listings_platform
CREATE INDEX idx_listings_platform ON listings(platform);
-- fieldfen object: table social_posts
CREATE TABLE social_posts (
    id TEXT PRIMARY KEY,
    file_id TEXT NOT NULL,
    platform TEXT NOT NULL,
    post_type TEXT,
    platform_post_id TEXT,
    post_url TEXT,
    posted_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, gone_at TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE
);
-- fieldfen object: index idx_social_posts_file_id
CREATE INDEX idx_social_posts_file_id ON social_posts(file_id);
-- fieldfen object: index idx_social_posts_platform
CREATE INDEX idx_social_posts_platform ON social_posts(platform);
-- fieldfen object: index idx_jobs_lease
CREATE INDEX idx_jobs_lease ON jobs(lease_expires_at) WHERE status = 'running' AND lease_expires_at IS NOT NULL;
-- fieldfen object: index idx_jobs_ended
CREATE INDEX idx_jobs_ended ON jobs(status, parked_for, completed_at, command_type) WHERE completed_at IS NOT NULL;
-- fieldfen object: index idx_jobs_parked
CREATE INDEX idx_jobs_parked ON jobs(status) WHERE parked_for IS NOT NULL;
-- fieldfen object: index idx_jobs_dedup_key
CREATE INDEX idx_jobs_dedup_key ON jobs(dedup_key)
    WHERE dedup_key IS NOT NULL AND status IN ('pending', 'running');
-- fieldfen object: index idx_jobs_waiting
CREATE INDEX idx_jobs_waiting ON jobs(waiting_since) WHERE status = 'pending' AND waiting_since IS NOT NULL;
-- fieldfen object: index idx_jobs_irregular
CREATE INDEX idx_jobs_irregular ON jobs(status)
    WHERE (status = 'pending' AND ((priority <> 0 AND priority <> 1 AND priority <> 2 AND priority <> 3) OR typeof(command_type) <> 'text' OR typeof(run_at) <> 'text' OR run_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]')) OR (status = 'running' AND lease_expires_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]');
-- fieldfen object: index idx_files_content_hash
CREATE INDEX idx_files_content_hash ON files(content_hash) WHERE content_hash IS NOT NULL;
-- fieldfen object: index idx_files_species_status
CREATE INDEX idx_files_species_status ON files(species, status) WHERE species IS NOT NULL;
-- fieldfen object: table file_drive_ids
CREATE TABLE file_drive_ids (
    drive_file_id TEXT PRIMARY KEY NOT NULL,
    file_id TEXT,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE ON UPDATE CASCADE
);
-- fieldfen object: index idx_file_drive_ids_file_id
CREATE INDEX idx_file_drive_ids_file_id ON file_drive_ids(file_id);
-- fieldfen object: table file_history
CREATE TABLE file_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id TEXT,
    from_status TEXT,
    to_status TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE ON UPDATE CASCADE
);
-- fieldfen object: index idx_file_history_file_id
CREATE INDEX idx_file_history_file_id ON file_history(file_id);
-- fieldfen object: table publications
CREATE TABLE publications (
    id TEXT PRIMARY KEY NOT NULL,
    file_id TEXT,
    channel TEXT NOT NULL,
    platform TEXT NOT NULL,
    account TEXT NOT NULL DEFAULT '',
    discriminator TEXT NOT NULL DEFAULT '',
    post_type TEXT,
    client_key TEXT NOT NULL,
    state TEXT NOT NULL,
    token TEXT NOT NULL,
    held_until TIMESTAMP NOT NULL,
    calls INTEGER NOT NULL DEFAULT 1,
    last_error TEXT,
    -- What has to come before an unknown publication may be called again, where a lookup that finds nothing is not enough.
    parked_for TEXT,
    platform_id TEXT,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    -- When the hold began that ends at `held_until`. One that begins in the future was written by a clock that was ahead,
    -- and begins anew when it is found.
    held_since TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE ON UPDATE CASCADE
);
-- fieldfen object: index idx_publications_live
CREATE UNIQUE INDEX idx_publications_live ON publications(file_id, channel, platform, account, discriminator)
    WHERE state IN ('reserved', 'unknown', 'confirmed');
-- fieldfen object: index idx_publications_file_id
CREATE INDEX idx_publications_file_id ON publications(file_id);
-- fieldfen object: index idx_publications_state
CREATE INDEX idx_publications_state ON publications(state);
-- fieldfen object: index idx_publications_platform
CREATE INDEX idx_publications_platform ON publications(channel, platform);
-- fieldfen object: index idx_publications_state_platform
CREATE INDEX idx_publications_state_platform ON publications(state, channel, platform);
-- fieldfen object: index idx_publications_account
CREATE INDEX idx_publications_account ON publications(channel, platform, account);
-- fieldfen object: index idx_publications_state_account
CREATE INDEX idx_publications_state_account ON publications(state, channel, platform, account);
-- fieldfen object: index idx_publications_client_key
CREATE INDEX idx_publications_client_key ON publications(client_key);
-- fieldfen object: index idx_publications_platform_id
CREATE INDEX idx_publications_platform_id ON publications(platform, platform_id) WHERE platform_id IS NOT NULL;
-- fieldfen object: index idx_publications_over
CREATE INDEX idx_publications_over ON publications(updated_at) WHERE state IN ('released', 'ended');
-- fieldfen object: table publication_gap
CREATE TABLE publication_gap (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    last_file INTEGER NOT NULL
);
-- fieldfen object: index idx_listings_status
CREATE INDEX idx_listings_status ON listings(status);
-- fieldfen object: index idx_listings_live
CREATE INDEX idx_listings_live ON listings(platform) WHERE status <> 'delisted';
-- fieldfen object: index idx_processed_hashes_expires_at
CREATE INDEX idx_processed_hashes_expires_at ON processed_hashes(expires_at) WHERE expires_at IS NOT NULL;
-- fieldfen object: index idx_processed_hashes_unlimited
CREATE INDEX idx_processed_hashes_unlimited ON processed_hashes(created_at) WHERE expires_at IS NULL;
-- fieldfen object: index idx_processed_hashes_file_id
CREATE INDEX idx_processed_hashes_file_id ON processed_hashes(file_id) WHERE file_id IS NOT NULL;
-- fieldfen object: table recurring_jobs
CREATE TABLE recurring_jobs (
    name TEXT PRIMARY KEY NOT NULL,
    schedule TEXT NOT NULL,
    command_type TEXT NOT NULL,
    payload_json TEXT,
    next_at TIMESTAMP NOT NULL,
    last_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL,
    paused_at TIMESTAMP
, time_zone TEXT, account TEXT, defined_in TEXT);
-- fieldfen object: index idx_recurring_jobs_next_at
CREATE INDEX idx_recurring_jobs_next_at ON recurring_jobs(next_at) WHERE paused_at IS NULL;
-- fieldfen object: index idx_recurring_jobs_updated_at
CREATE INDEX idx_recurring_jobs_updated_at ON recurring_jobs(updated_at);
-- fieldfen object: index idx_recurring_jobs_irregular
CREATE INDEX idx_recurring_jobs_irregular ON recurring_jobs(name)
    WHERE typeof(next_at) <> 'text' OR next_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]';
-- fieldfen object: index idx_files_arrival
CREATE INDEX idx_files_arrival ON files(
    CASE WHEN typeof(created_at) = 'text'
        AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*'
        AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END
);
-- fieldfen object: index idx_files_status_arrival
CREATE INDEX idx_files_status_arrival ON files(
    status,
    CASE WHEN typeof(created_at) = 'text'
        AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*'
        AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END
);
-- fieldfen object: index idx_files_species_arrival
CREATE INDEX idx_files_species_arrival ON files(
    species,
    CASE WHEN typeof(created_at) = 'text'
        AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*'
        AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END
) WHERE species IS NOT NULL;
-- fieldfen object: index idx_files_species_status_arrival
CREATE INDEX idx_files_species_status_arrival ON files(
    species, status,
    CASE WHEN typeof(created_at) = 'text'
        AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*'
        AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END
) WHERE species IS NOT NULL;
-- fieldfen object: index idx_jobs_unknown_ends
CREATE INDEX idx_jobs_unknown_ends ON jobs(status, completed_at, parked_for, created_at)
    WHERE completed_at IS NULL AND status IN ('completed', 'failed');
-- fieldfen object: table operator_actions
CREATE TABLE operator_actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    -- Given by the caller once for an action, however often its transaction is tried.
    action_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    by TEXT NOT NULL,
    via TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    outcome TEXT NOT NULL
);
-- fieldfen object: index idx_operator_actions_action_id
CREATE UNIQUE INDEX idx_operator_actions_action_id ON operator_actions(action_id);
-- fieldfen object: index idx_operator_actions_at
CREATE INDEX idx_operator_actions_at ON operator_actions(at);
-- fieldfen object: index idx_operator_actions_subject_id
CREATE INDEX idx_operator_actions_subject_id ON operator_actions(subject_id);
-- fieldfen object: index idx_operator_actions_by
CREATE INDEX idx_operator_actions_by ON operator_actions(by);
-- fieldfen object: table workers
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
, stuck_jobs_json TEXT NOT NULL DEFAULT '[]');
-- fieldfen object: index idx_workers_last_seen_at
CREATE INDEX idx_workers_last_seen_at ON workers(last_seen_at);
-- fieldfen object: index idx_api_usage_job_id
CREATE INDEX idx_api_usage_job_id ON api_usage(job_id) WHERE job_id IS NOT NULL;
-- fieldfen object: index idx_api_usage_file_id
CREATE INDEX idx_api_usage_file_id ON api_usage(file_id) WHERE file_id IS NOT NULL;
-- fieldfen object: index idx_api_usage_failures
CREATE INDEX idx_api_usage_failures ON api_usage(outcome) WHERE outcome <> 'ok';
-- fieldfen object: table api_usage_daily
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
-- fieldfen object: table api_usage_rollup
CREATE TABLE api_usage_rollup (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    rolled_up_to INTEGER NOT NULL,
    uncounted INTEGER NOT NULL,
    first_uncounted INTEGER
);
-- fieldfen object: table rate_limits
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
-- fieldfen object: index idx_rate_limits_key
CREATE UNIQUE INDEX idx_rate_limits_key ON rate_limits(service, account, endpoint, bucket);
-- fieldfen object: table rate_limit_usage
CREATE TABLE rate_limit_usage (
    limit_id INTEGER NOT NULL,
    frees_at TIMESTAMP NOT NULL,
    units INTEGER NOT NULL,
    PRIMARY KEY (limit_id, frees_at)
) WITHOUT ROWID;
-- fieldfen object: table api_permits
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
-- fieldfen object: index idx_api_permits_lapses_at
CREATE INDEX idx_api_permits_lapses_at ON api_permits(lapses_at);
-- fieldfen object: table api_permit_limits
CREATE TABLE api_permit_limits (
    permit_id TEXT NOT NULL,
    limit_id INTEGER NOT NULL,
    units INTEGER NOT NULL,
    settled_units_then INTEGER NOT NULL,
    PRIMARY KEY (permit_id, limit_id)
) WITHOUT ROWID;
-- fieldfen object: table api_costs
CREATE TABLE api_costs (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    service TEXT NOT NULL,
    -- The id that the service gave to what it charges for, for example a prediction.
    external_id TEXT NOT NULL,
    account TEXT,
    endpoint TEXT,
    -- What was bought, for example the name of a model.
    item TEXT,
    -- The measured amounts by name, in millionths, as a JSON object.
    amounts_json TEXT NOT NULL,
    -- 'pending', 'known', 'unknown' or 'free'.
    status TEXT NOT NULL,
    -- In millionths of the currency's unit. NULL while the cost is not known, 0 if it is free.
    amount_micros INTEGER,
    -- The amount that budgets count while the cost is not known.
    guess_micros INTEGER,
    -- NULL if the cost is free.
    currency TEXT,
    at TIMESTAMP NOT NULL,
    settled_at TIMESTAMP,
    -- A cost outlives its job and its file, so that these columns refer to no table.
    job_id TEXT,
    file_id TEXT,
    UNIQUE (service, external_id)
);
-- fieldfen object: index idx_api_costs_dearest
CREATE INDEX idx_api_costs_dearest ON api_costs(service, endpoint, currency, amount_micros) WHERE status = 'known';
-- fieldfen object: index idx_api_costs_unsettled
CREATE INDEX idx_api_costs_unsettled ON api_costs(status) WHERE status IN ('pending', 'unknown');
-- fieldfen object: index idx_api_costs_job_id
CREATE INDEX idx_api_costs_job_id ON api_costs(job_id) WHERE job_id IS NOT NULL;
-- fieldfen object: index idx_api_costs_file_id
CREATE INDEX idx_api_costs_file_id ON api_costs(file_id) WHERE file_id IS NOT NULL;
-- fieldfen object: table api_cost_daily
CREATE TABLE api_cost_daily (
    day TEXT NOT NULL,
    service TEXT NOT NULL,
    account TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    currency TEXT NOT NULL,
    known_micros INTEGER NOT NULL,
    guessed_micros INTEGER NOT NULL,
    items INTEGER NOT NULL,
    unknown_items INTEGER NOT NULL,
    PRIMARY KEY (day, service, account, endpoint, currency)
) WITHOUT ROWID;
-- fieldfen object: table api_cost_monthly
CREATE TABLE api_cost_monthly (
    month TEXT NOT NULL,
    service TEXT NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    known_micros INTEGER NOT NULL,
    guessed_micros INTEGER NOT NULL,
    items INTEGER NOT NULL,
    unknown_items INTEGER NOT NULL,
    PRIMARY KEY (month, service, account, currency)
) WITHOUT ROWID;
-- fieldfen object: table concurrency_limits
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
-- fieldfen object: table pauses
CREATE TABLE pauses (
    scope TEXT NOT NULL CHECK (scope IN ('kind', 'service', 'account')),
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    since TIMESTAMP NOT NULL,
    until TIMESTAMP,
    by TEXT NOT NULL,
    PRIMARY KEY (scope, name)
);
-- fieldfen object: index idx_jobs_claim
CREATE INDEX idx_jobs_claim ON jobs(command_type, priority, run_at) WHERE status = 'pending' AND waits_for = '';
-- fieldfen object: index idx_jobs_running
CREATE INDEX idx_jobs_running ON jobs(command_type, partition_key) WHERE status = 'running' AND partition_key IS NOT NULL;
-- fieldfen object: index idx_jobs_admitted
CREATE INDEX idx_jobs_admitted ON jobs(command_type, partition_key, priority, run_at)
    WHERE status = 'pending' AND partition_key IS NOT NULL AND waits_for = '';
-- fieldfen object: index idx_jobs_waits_for
CREATE INDEX idx_jobs_waits_for ON jobs(command_type, waits_for, priority, run_at)
    WHERE status = 'pending' AND waits_for <> '';
-- fieldfen object: index idx_jobs_uncounted
CREATE INDEX idx_jobs_uncounted ON jobs(command_type) WHERE status = 'running' AND lease_expires_at IS NULL AND (partition_key IS NULL OR waits_for <> '');
-- fieldfen object: table api_usage_monthly
CREATE TABLE api_usage_monthly (
    month TEXT NOT NULL,
    service TEXT NOT NULL,
    account TEXT NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (month, service, account)
) WITHOUT ROWID;
-- fieldfen object: table job_attempts
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
-- fieldfen object: index idx_jobs_errors
CREATE INDEX idx_jobs_errors ON jobs(command_type, error_fingerprint, status, parked_for, completed_at)
    WHERE status = 'failed' AND parked_for IS NULL;
-- fieldfen object: table bulk_actions
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
-- fieldfen object: index idx_bulk_actions_id
CREATE UNIQUE INDEX idx_bulk_actions_id ON bulk_actions(id);
-- fieldfen object: index idx_bulk_actions_finished
CREATE INDEX idx_bulk_actions_finished ON bulk_actions(started_at) WHERE finished_at IS NOT NULL;
-- fieldfen object: table recurring_runs
CREATE TABLE recurring_runs (
    name TEXT NOT NULL,
    run_at TIMESTAMP NOT NULL,
    job_id TEXT NOT NULL,
    due_at TIMESTAMP,
    PRIMARY KEY (name, run_at, job_id),
    FOREIGN KEY (name) REFERENCES recurring_jobs(name) ON DELETE CASCADE ON UPDATE CASCADE
) WITHOUT ROWID;
