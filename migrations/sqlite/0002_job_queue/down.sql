-- fieldfen:changes jobs because jobs that are not due, and jobs that run under a lease, become failed ones

-- A program that knows only the initial schema takes every pending job at once, so that jobs that are not due yet become
-- failed ones until this migration is applied again. What this migration says of them is kept as their result. Times are
-- compared as the claim compares them.
UPDATE jobs SET status = 'failed', last_error = 'held by fieldfen until migration 0002 is applied again', result_json = json_object(
    'held_until_migration', '0002',
    'run_at', CAST(run_at AS TEXT),
    'priority', CAST(priority AS TEXT),
    'max_retries', CAST(max_retries AS TEXT),
    'dedup_key', CAST(dedup_key AS TEXT),
    'progress_json', CAST(progress_json AS TEXT),
    'cancel_requested_at', CAST(cancel_requested_at AS TEXT),
    'lost_leases', CAST(lost_leases AS TEXT),
    'alone', CAST(alone AS TEXT),
    'declined_since', CAST(declined_since AS TEXT),
    'throttled', CAST(throttled AS TEXT),
    'waiting_since', CAST(waiting_since AS TEXT),
    'last_error', CAST(last_error AS TEXT),
    'result_json', CAST(result_json AS TEXT)
) WHERE status = 'pending' AND run_at > strftime('%Y-%m-%d %H:%M:%f', 'now');

-- Without its lease a running job would be nobody's for ever, and as a pending one it might run a second time.
UPDATE jobs SET status = 'failed', completed_at = strftime('%Y-%m-%d %H:%M:%f000', 'now'),
    last_error = 'was running when migration 0002 was taken back: see whether its work is done before it is retried'
WHERE status = 'running' AND lease_expires_at IS NOT NULL;

DROP INDEX idx_jobs_irregular;
DROP INDEX idx_jobs_waiting;
DROP INDEX idx_jobs_dedup_key;
DROP INDEX idx_jobs_parked;
DROP INDEX idx_jobs_ended;
DROP INDEX idx_jobs_lease;
DROP INDEX idx_jobs_claim;
ALTER TABLE jobs DROP COLUMN parked_for;
ALTER TABLE jobs DROP COLUMN waiting_since;
ALTER TABLE jobs DROP COLUMN throttled;
ALTER TABLE jobs DROP COLUMN declined_since;
ALTER TABLE jobs DROP COLUMN alone;
ALTER TABLE jobs DROP COLUMN lost_leases;
ALTER TABLE jobs DROP COLUMN cancel_requested_at;
ALTER TABLE jobs DROP COLUMN progress_json;
ALTER TABLE jobs DROP COLUMN dedup_key;
ALTER TABLE jobs DROP COLUMN worker;
ALTER TABLE jobs DROP COLUMN lease_expires_at;
ALTER TABLE jobs DROP COLUMN lease_token;
ALTER TABLE jobs DROP COLUMN max_retries;
ALTER TABLE jobs DROP COLUMN run_at;
ALTER TABLE jobs DROP COLUMN priority;
