-- The statements of the store of fieldfen 0.1. Each migration must let them work, for as long as programs
-- of this release may be at work. `just record-statements` has written this file.
-- fieldfen schema: 0019
-- fieldfen program: fieldfen 0.1
-- fieldfen statement: recurring::removed_work_is_gone
DELETE FROM `recurring_jobs` WHERE (`recurring_jobs`.`name` = ?);
-- fieldfen statement: paused_calls::a_paused_service_refuses_the_calls_of_all_its_accounts
DELETE FROM api_permit_limits WHERE permit_id = ?;
-- fieldfen statement: paused_calls::a_paused_service_refuses_the_calls_of_all_its_accounts
DELETE FROM api_permits WHERE id = ?;
-- fieldfen statement: api_usage::days_do_not_change_when_rows_are_rolled_up_and_pruned
DELETE FROM api_usage WHERE id IN (SELECT id FROM api_usage INDEXED BY idx_api_usage_recorded_at WHERE recorded_at >= '' AND recorded_at < ? AND id <= (SELECT rolled_up_to FROM api_usage_rollup WHERE id = 1) ORDER BY recorded_at LIMIT ?);
-- fieldfen statement: bulk_actions::finished_bulk_actions_are_pruned_the_oldest_first
DELETE FROM bulk_actions WHERE number IN (SELECT number FROM bulk_actions INDEXED BY idx_bulk_actions_finished WHERE finished_at IS NOT NULL AND started_at < ? ORDER BY started_at, number LIMIT ?);
-- fieldfen statement: concurrency_limits::limits_are_listed_changed_and_removed
DELETE FROM concurrency_limits WHERE kind = ? AND partition = ?;
-- fieldfen statement: files::every_drive_id_of_a_file_leads_to_it_until_it_is_deleted
DELETE FROM files WHERE id = ?;
-- fieldfen statement: attempts::the_first_and_the_latest_attempts_are_kept
DELETE FROM job_attempts WHERE job_id = ? AND attempt > ? AND attempt <= ?;
-- fieldfen statement: pages::a_place_stays_where_it_is_while_rows_come_and_go
DELETE FROM jobs WHERE id = ? AND status <> 'running';
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
DELETE FROM jobs WHERE rowid IN (SELECT rowid FROM (SELECT completed_at AS ended_at, rowid FROM jobs INDEXED BY idx_jobs_ended WHERE status = ? AND parked_for IS NULL AND completed_at IS NOT NULL AND completed_at < ? UNION ALL SELECT created_at, rowid FROM jobs INDEXED BY idx_jobs_unknown_ends WHERE status = ? AND status IN ('completed', 'failed') AND completed_at IS NULL AND parked_for IS NULL AND created_at > '' AND created_at < ? ORDER BY ended_at LIMIT ?));
-- fieldfen statement: parked::a_parked_job_is_not_pruned_before_it_is_cancelled
DELETE FROM jobs WHERE rowid IN (SELECT rowid FROM (SELECT completed_at AS ended_at, rowid FROM jobs INDEXED BY idx_jobs_ended WHERE status = ? AND parked_for IS NULL AND completed_at IS NOT NULL UNION ALL SELECT created_at, rowid FROM jobs INDEXED BY idx_jobs_unknown_ends WHERE status = ? AND status IN ('completed', 'failed') AND completed_at IS NULL AND parked_for IS NULL AND created_at > '' ORDER BY ended_at LIMIT ?));
-- fieldfen statement: operator_actions::old_actions_are_pruned_the_oldest_first
DELETE FROM operator_actions WHERE id IN (SELECT id FROM operator_actions INDEXED BY idx_operator_actions_at WHERE at < ? ORDER BY at, id LIMIT ?);
-- fieldfen statement: pauses::a_pause_ends_by_itself
DELETE FROM pauses WHERE rowid = ?;
-- fieldfen statement: hashes::a_forgotten_delivery_is_new
DELETE FROM processed_hashes WHERE hash = ?;
-- fieldfen statement: hashes::a_purge_takes_what_has_expired_and_no_more_than_its_limit
DELETE FROM processed_hashes WHERE rowid IN (SELECT rowid FROM processed_hashes INDEXED BY idx_processed_hashes_expires_at WHERE expires_at <= ? ORDER BY expires_at LIMIT ?);
-- fieldfen statement: hashes::a_purge_takes_what_has_expired_and_no_more_than_its_limit
DELETE FROM processed_hashes WHERE rowid IN (SELECT rowid FROM processed_hashes INDEXED BY idx_processed_hashes_unlimited WHERE expires_at IS NULL AND created_at <= ? ORDER BY created_at LIMIT ?);
-- fieldfen statement: publication_pruning::publications_that_are_over_are_pruned
DELETE FROM publications WHERE rowid IN (SELECT rowid FROM publications AS over INDEXED BY idx_publications_over WHERE state IN ('released', 'ended') AND updated_at < ? AND held_until < ? AND NOT EXISTS (SELECT 1 FROM listings WHERE platform = over.platform AND platform_listing_id IN (over.platform_id, over.account || ':' || over.platform_id) AND file_id = over.file_id AND status <> 'delisted') ORDER BY updated_at, rowid LIMIT ?);
-- fieldfen statement: rate_limit_pruning::limits_that_no_answer_names_any_more_are_pruned
DELETE FROM rate_limit_usage WHERE limit_id = ?;
-- fieldfen statement: rate_limits::no_permit_beyond_the_limit_until_a_window_after_the_answers
DELETE FROM rate_limit_usage WHERE limit_id = ? AND frees_at <= ?;
-- fieldfen statement: rate_limits::no_permit_beyond_the_limit_until_a_window_after_the_answers
DELETE FROM rate_limit_usage WHERE limit_id = ? AND frees_at > ?;
-- fieldfen statement: rate_limit_pruning::limits_that_no_answer_names_any_more_are_pruned
DELETE FROM rate_limits WHERE id = ?;
-- fieldfen statement: recurring::the_last_runs_are_kept
DELETE FROM recurring_runs WHERE name = ? AND (run_at, job_id) <= (SELECT run_at, job_id FROM recurring_runs WHERE name = ? ORDER BY run_at DESC, job_id DESC LIMIT 1 OFFSET ?);
-- fieldfen statement: workers::silent_workers_are_forgotten
DELETE FROM workers INDEXED BY idx_workers_last_seen_at WHERE last_seen_at < ?;
-- fieldfen statement: workers::a_worker_that_is_unregistered_is_gone
DELETE FROM workers WHERE id = ?;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
INSERT INTO `file_history` (`file_id`, `from_status`, `to_status`, `reason`, `at`) VALUES (?, ?, ?, ?, ?);
-- fieldfen statement: api_costs::a_cost_is_found_as_it_was_recorded
INSERT INTO api_cost_daily (day, service, account, endpoint, currency, known_micros, guessed_micros, items, unknown_items) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET known_micros = known_micros + min(excluded.known_micros, 9223372036854775807 - known_micros), guessed_micros = guessed_micros + min(excluded.guessed_micros, 9223372036854775807 - guessed_micros), items = items + excluded.items, unknown_items = unknown_items + excluded.unknown_items;
-- fieldfen statement: api_costs::a_cost_is_found_as_it_was_recorded
INSERT INTO api_cost_monthly (month, service, account, currency, known_micros, guessed_micros, items, unknown_items) VALUES (?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET known_micros = known_micros + min(excluded.known_micros, 9223372036854775807 - known_micros), guessed_micros = guessed_micros + min(excluded.guessed_micros, 9223372036854775807 - guessed_micros), items = items + excluded.items, unknown_items = unknown_items + excluded.unknown_items;
-- fieldfen statement: api_costs::a_cost_is_found_as_it_was_recorded
INSERT INTO api_costs (service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- fieldfen statement: paused_calls::a_refusal_that_lasts_pauses_the_account_for_all_jobs
INSERT INTO api_permit_limits (permit_id, limit_id, units, settled_units_then) VALUES (?, ?, ?, ?);
-- fieldfen statement: paused_calls::a_paused_service_refuses_the_calls_of_all_its_accounts
INSERT INTO api_permits (id, service, account, endpoint, units, worker, acquired_at, start_by, lapses_at, guess_micros, currency) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
INSERT INTO api_usage (service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- fieldfen statement: api_usage::days_do_not_change_when_rows_are_rolled_up_and_pruned
INSERT INTO api_usage_daily (day, service, account, endpoint, outcome, calls, requests, duration_ms) SELECT substr(recorded_at, 1, 10), service, coalesce(account, ''), coalesce(endpoint, ''), coalesce(outcome, ''), count(*), sum(coalesce(request_count, 1)), sum(coalesce(duration_ms, 0)) FROM api_usage WHERE id > ? AND id <= ? AND (typeof(service) = 'text' AND typeof(recorded_at) = 'text' AND date(substr(recorded_at, 1, 10)) IS substr(recorded_at, 1, 10) AND typeof(account) IN ('null', 'text') AND typeof(endpoint) IN ('null', 'text') AND coalesce(outcome, 'ok') IN ('ok', 'refused', 'throttled', 'not_sent', 'no_answer') AND typeof(coalesce(request_count, 1)) = 'integer' AND coalesce(request_count, 1) BETWEEN 0 AND 4294967295 AND typeof(coalesce(duration_ms, 0)) = 'integer' AND coalesce(duration_ms, 0) BETWEEN 0 AND 4294967295) GROUP BY 1, 2, 3, 4, 5 ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, requests = requests + excluded.requests, duration_ms = duration_ms + excluded.duration_ms;
-- fieldfen statement: api_usage::days_do_not_change_when_rows_are_rolled_up_and_pruned
INSERT INTO api_usage_monthly (month, service, account, requests) SELECT substr(recorded_at, 1, 7), service, coalesce(account, ''), sum(coalesce(request_count, 1)) FROM api_usage WHERE id > ? AND id <= ? AND (typeof(service) = 'text' AND typeof(recorded_at) = 'text' AND date(substr(recorded_at, 1, 10)) IS substr(recorded_at, 1, 10) AND typeof(account) IN ('null', 'text') AND typeof(endpoint) IN ('null', 'text') AND coalesce(outcome, 'ok') IN ('ok', 'refused', 'throttled', 'not_sent', 'no_answer') AND typeof(coalesce(request_count, 1)) = 'integer' AND coalesce(request_count, 1) BETWEEN 0 AND 4294967295 AND typeof(coalesce(duration_ms, 0)) = 'integer' AND coalesce(duration_ms, 0) BETWEEN 0 AND 4294967295) GROUP BY 1, 2, 3 ON CONFLICT DO UPDATE SET requests = requests + excluded.requests;
-- fieldfen statement: bulk_actions::a_bulk_action_is_kept_as_it_was_ordered
INSERT INTO bulk_actions (id, action, argument, filter_json, by, via, reason, started_at, jobs_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
-- fieldfen statement: claim_places::a_limit_is_reached_by_running_jobs_and_by_jobs_before
INSERT INTO concurrency_limits (kind, partition, max_running) VALUES (?, ?, ?) ON CONFLICT (kind, partition) DO UPDATE SET max_running = excluded.max_running;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
INSERT INTO file_drive_ids (drive_file_id, file_id) VALUES (?, ?) ON CONFLICT (drive_file_id) DO UPDATE SET file_id = excluded.file_id WHERE file_drive_ids.file_id IS NOT excluded.file_id;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
INSERT INTO files (id, original_filename, species, drive_file_id, content_hash, width, height, aspect_ratio, created_at, updated_at, status) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'ingested' WHERE NOT EXISTS (SELECT 1 FROM files WHERE id = ?) ON CONFLICT DO NOTHING;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
INSERT INTO jobs (id, file_id, command_type, status, attempts, payload_json, priority, run_at, max_retries, dedup_key, created_at, waiting_since, account, partition_key, waits_for, on_worker_death) VALUES (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- fieldfen statement: enqueue_many::ten_thousand_jobs_are_enqueued_at_once_in_their_order
INSERT INTO jobs (id, file_id, command_type, status, attempts, payload_json, priority, run_at, max_retries, dedup_key, created_at, waiting_since, account, partition_key, waits_for, on_worker_death) VALUES (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- fieldfen statement: enqueue_many::ten_thousand_jobs_are_enqueued_at_once_in_their_order
INSERT INTO jobs (id, file_id, command_type, status, attempts, payload_json, priority, run_at, max_retries, dedup_key, created_at, waiting_since, account, partition_key, waits_for, on_worker_death) VALUES (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), (?, ?, ?, 'pending', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- fieldfen statement: pages::cursors_of_other_lists_are_refused
INSERT INTO listings (id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- fieldfen statement: pages::cursors_of_other_lists_are_refused
INSERT INTO operator_actions (action_id, at, by, via, action, subject_kind, subject_id, reason, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
-- fieldfen statement: claim_places::jobs_of_paused_accounts_take_no_place
INSERT INTO pauses (scope, name, reason, since, until, by) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (scope, name) DO UPDATE SET (reason, since, until, by) = (excluded.reason, excluded.since, excluded.until, excluded.by);
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
INSERT INTO processed_hashes (hash, source, created_at, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO UPDATE SET file_id = NULL, source = excluded.source, created_at = excluded.created_at, expires_at = excluded.expires_at WHERE expires_at <= ? OR (expires_at IS NULL AND created_at <= ?);
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
INSERT INTO publications (id, file_id, channel, platform, account, discriminator, post_type, client_key, token, held_until, held_since, created_at, updated_at, calls, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'reserved');
-- fieldfen statement: paused_calls::a_refusal_of_one_endpoint_pauses_nothing
INSERT INTO rate_limit_usage (limit_id, frees_at, units) VALUES (?, ?, ?) ON CONFLICT (limit_id, frees_at) DO UPDATE SET units = units + excluded.units;
-- fieldfen statement: paused_calls::a_refusal_that_lasts_pauses_the_account_for_all_jobs
INSERT INTO rate_limits (service, account, endpoint, bucket, kind, limit_units, window_ms, refill_micros_per_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
INSERT INTO recurring_jobs (name, schedule, time_zone, command_type, payload_json, account, defined_in, next_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET next_at = CASE WHEN schedule = excluded.schedule AND time_zone IS excluded.time_zone THEN next_at ELSE excluded.next_at END, schedule = excluded.schedule, time_zone = excluded.time_zone, command_type = excluded.command_type, payload_json = excluded.payload_json, account = excluded.account, defined_in = excluded.defined_in, updated_at = max(updated_at, excluded.updated_at);
-- fieldfen statement: pages::cursors_of_other_lists_are_refused
INSERT INTO social_posts (id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?);
-- fieldfen statement: workers::a_worker_is_kept_as_it_registered
INSERT INTO workers (id, name, process, host, version, kinds_json, threads, started_at, last_seen_at, stuck_jobs_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET (name, process, host, version, kinds_json, threads, started_at, last_seen_at, stuck_jobs_json) = (excluded.name, excluded.process, excluded.host, excluded.version, excluded.kinds_json, excluded.threads, excluded.started_at, excluded.last_seen_at, excluded.stuck_jobs_json);
-- fieldfen statement: recurring::the_last_runs_are_kept
INSERT OR IGNORE INTO recurring_runs (name, run_at, job_id, due_at) SELECT name, ?, ?, ? FROM recurring_jobs WHERE name = ?;
-- fieldfen statement: enqueueing::a_dedup_key_is_free_again_when_its_job_has_ended
INSERT OR REPLACE INTO job_attempts (job_id, attempt, claimed_at, ended_at, worker, outcome, error) SELECT id, (SELECT min(coalesce(max(attempt), 0) + 1, 4294967295) FROM job_attempts WHERE job_id = jobs.id), started_at, ?, worker, iif(cancel_requested_at IS NULL, ?, ?), ? FROM jobs WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ? RETURNING job_id, attempt;
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
INSERT OR REPLACE INTO job_attempts (job_id, attempt, claimed_at, ended_at, worker, outcome, error) SELECT id, (SELECT min(coalesce(max(attempt), 0) + 1, 4294967295) FROM job_attempts WHERE job_id = jobs.id), started_at, ?, worker, iif(cancel_requested_at IS NULL, ?, ?), ? FROM jobs WHERE id = ? AND status = 'running' RETURNING job_id, attempt;
-- fieldfen statement: health
SELECT 'job ' || coalesce(id, 'without id, rowid ' || rowid) || ' of ' || command_type || ', started ' || coalesce(started_at, 'at an unknown time') AS text FROM jobs INDEXED BY idx_jobs_status WHERE status = 'running' AND lease_expires_at IS NULL AND (started_at IS NULL OR started_at < '2025-12-31 23:00:01') LIMIT 20;
-- fieldfen statement: health
SELECT 'jobs ' || coalesce(id, 'without id (rowid ' || rowid || ')') || ': column payload_json holds a ' || typeof(payload_json) || '; it must be a text' AS text FROM jobs WHERE typeof(payload_json) NOT IN ('text', 'null') LIMIT 20;
-- fieldfen statement: health
SELECT 'jobs ' || coalesce(id, 'without id (rowid ' || rowid || ')') || ': column progress_json holds a ' || typeof(progress_json) || '; it must be a text' AS text FROM jobs WHERE typeof(progress_json) NOT IN ('text', 'null') LIMIT 20;
-- fieldfen statement: health
SELECT 'jobs ' || coalesce(id, 'without id (rowid ' || rowid || ')') || ': column result_json holds a ' || typeof(result_json) || '; it must be a text' AS text FROM jobs WHERE typeof(result_json) NOT IN ('text', 'null') LIMIT 20;
-- fieldfen statement: paused_calls::a_refusal_of_one_endpoint_pauses_nothing
SELECT (SELECT coalesce(sum(units), 0) FROM rate_limit_usage WHERE limit_id = ? AND frees_at <= ?), (SELECT coalesce(sum(units), 0) FROM rate_limit_usage WHERE limit_id = ? AND frees_at > ?);
-- fieldfen statement: pauses::a_worker_is_told_when_the_first_pause_ends
SELECT 1 FROM jobs INDEXED BY idx_jobs_waits_for WHERE status = 'pending' AND waits_for <> '' AND command_type = ? AND waits_for = ? LIMIT 1;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT `recurring_jobs`.`name`, `recurring_jobs`.`schedule`, `recurring_jobs`.`time_zone`, `recurring_jobs`.`command_type`, `recurring_jobs`.`payload_json`, `recurring_jobs`.`account`, `recurring_jobs`.`defined_in`, `recurring_jobs`.`next_at`, `recurring_jobs`.`last_at`, `recurring_jobs`.`paused_at` FROM `recurring_jobs` ORDER BY `recurring_jobs`.`name`;
-- fieldfen statement: api_costs::nothing_recorded_costs_nothing
SELECT amount_micros FROM api_costs INDEXED BY idx_api_costs_dearest WHERE service = ? AND endpoint IS ? AND currency = ? AND status = 'known' AND amount_micros BETWEEN 0 AND 9223372036854775807 AND typeof(amount_micros) = 'integer' ORDER BY amount_micros DESC LIMIT 1;
-- fieldfen statement: attempts::a_job_that_completes_at_once_has_no_attempts
SELECT attempt, claimed_at, ended_at, worker, outcome, error FROM job_attempts WHERE job_id = ? ORDER BY attempt;
-- fieldfen statement: pauses::a_pause_that_is_renewed_holds_on
SELECT checked_to FROM concurrency_limits WHERE kind = ? AND partition IN ('file', 'account');
-- fieldfen statement: health
SELECT coalesce(action_id, 'without action_id') || iif((at > '2026-01-01 00:01:01' AND substr(at, 11, 1) = ' '), ', at ' || at, '') AS text FROM operator_actions WHERE (at > '2026-01-01 00:01:01' AND substr(at, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: health
SELECT coalesce(file_id, 'without file_id') || iif((at > '2026-01-01 00:01:01' AND substr(at, 11, 1) = ' '), ', at ' || at, '') AS text FROM file_history WHERE (at > '2026-01-01 00:01:01' AND substr(at, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: health
SELECT coalesce(hash, 'without hash') || iif((created_at > '2026-01-01 00:01:01' AND substr(created_at, 11, 1) = ' '), ', created_at ' || created_at, '') AS text FROM processed_hashes WHERE (created_at > '2026-01-01 00:01:01' AND substr(created_at, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: health
SELECT coalesce(id, 'without id') || iif((at > '2026-01-01 00:01:01' AND substr(at, 11, 1) = ' '), ', at ' || at, '') || iif((settled_at > '2026-01-01 00:01:01' AND substr(settled_at, 11, 1) = ' '), ', settled_at ' || settled_at, '') AS text FROM api_costs WHERE (at > '2026-01-01 00:01:01' AND substr(at, 11, 1) = ' ') OR (settled_at > '2026-01-01 00:01:01' AND substr(settled_at, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: health
SELECT coalesce(id, 'without id') || iif((created_at > '2026-01-01 00:01:01' AND substr(created_at, 11, 1) = ' '), ', created_at ' || created_at, '') || iif((started_at > '2026-01-01 00:01:01' AND substr(started_at, 11, 1) = ' '), ', started_at ' || started_at, '') || iif((completed_at > '2026-01-01 00:01:01' AND substr(completed_at, 11, 1) = ' '), ', completed_at ' || completed_at, '') || iif((waiting_since > '2026-01-01 00:01:01' AND substr(waiting_since, 11, 1) = ' '), ', waiting_since ' || waiting_since, '') || iif((declined_since > '2026-01-01 00:01:01' AND substr(declined_since, 11, 1) = ' '), ', declined_since ' || declined_since, '') || iif((cancel_requested_at > '2026-01-01 00:01:01' AND substr(cancel_requested_at, 11, 1) = ' '), ', cancel_requested_at ' || cancel_requested_at, '') AS text FROM jobs WHERE (created_at > '2026-01-01 00:01:01' AND substr(created_at, 11, 1) = ' ') OR (started_at > '2026-01-01 00:01:01' AND substr(started_at, 11, 1) = ' ') OR (completed_at > '2026-01-01 00:01:01' AND substr(completed_at, 11, 1) = ' ') OR (waiting_since > '2026-01-01 00:01:01' AND substr(waiting_since, 11, 1) = ' ') OR (declined_since > '2026-01-01 00:01:01' AND substr(declined_since, 11, 1) = ' ') OR (cancel_requested_at > '2026-01-01 00:01:01' AND substr(cancel_requested_at, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: health
SELECT coalesce(id, 'without id') || iif((created_at > '2026-01-01 00:01:01' AND substr(created_at, 11, 1) = ' '), ', created_at ' || created_at, '') || iif((updated_at > '2026-01-01 00:01:01' AND substr(updated_at, 11, 1) = ' '), ', updated_at ' || updated_at, '') AS text FROM files WHERE (created_at > '2026-01-01 00:01:01' AND substr(created_at, 11, 1) = ' ') OR (updated_at > '2026-01-01 00:01:01' AND substr(updated_at, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: health
SELECT coalesce(id, 'without id') || iif((created_at > '2026-01-01 00:01:01' AND substr(created_at, 11, 1) = ' '), ', created_at ' || created_at, '') || iif((updated_at > '2026-01-01 00:01:01' AND substr(updated_at, 11, 1) = ' '), ', updated_at ' || updated_at, '') || iif((held_since > '2026-01-01 00:01:01' AND substr(held_since, 11, 1) = ' '), ', held_since ' || held_since, '') AS text FROM publications WHERE (created_at > '2026-01-01 00:01:01' AND substr(created_at, 11, 1) = ' ') OR (updated_at > '2026-01-01 00:01:01' AND substr(updated_at, 11, 1) = ' ') OR (held_since > '2026-01-01 00:01:01' AND substr(held_since, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: health
SELECT coalesce(id, 'without id') || iif((created_at > '2026-01-01 00:01:01' AND substr(created_at, 11, 1) = ' '), ', created_at ' || created_at, '') || iif((updated_at > '2026-01-01 00:01:01' AND substr(updated_at, 11, 1) = ' '), ', updated_at ' || updated_at, '') || iif((status_event_at > '2026-01-01 00:01:01' AND substr(status_event_at, 11, 1) = ' '), ', status_event_at ' || status_event_at, '') AS text FROM listings WHERE (created_at > '2026-01-01 00:01:01' AND substr(created_at, 11, 1) = ' ') OR (updated_at > '2026-01-01 00:01:01' AND substr(updated_at, 11, 1) = ' ') OR (status_event_at > '2026-01-01 00:01:01' AND substr(status_event_at, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: health
SELECT coalesce(id, 'without id') || iif((posted_at > '2026-01-01 00:01:01' AND substr(posted_at, 11, 1) = ' '), ', posted_at ' || posted_at, '') || iif((gone_at > '2026-01-01 00:01:01' AND substr(gone_at, 11, 1) = ' '), ', gone_at ' || gone_at, '') AS text FROM social_posts WHERE (posted_at > '2026-01-01 00:01:01' AND substr(posted_at, 11, 1) = ' ') OR (gone_at > '2026-01-01 00:01:01' AND substr(gone_at, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: health
SELECT coalesce(id, 'without id') || iif((recorded_at > '2026-01-01 00:01:01' AND substr(recorded_at, 11, 1) = ' '), ', recorded_at ' || recorded_at, '') AS text FROM api_usage WHERE (recorded_at > '2026-01-01 00:01:01' AND substr(recorded_at, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: health
SELECT coalesce(id, 'without id') || iif((started_at > '2026-01-01 00:01:01' AND substr(started_at, 11, 1) = ' '), ', started_at ' || started_at, '') || iif((last_seen_at > '2026-01-01 00:01:01' AND substr(last_seen_at, 11, 1) = ' '), ', last_seen_at ' || last_seen_at, '') AS text FROM workers WHERE (started_at > '2026-01-01 00:01:01' AND substr(started_at, 11, 1) = ' ') OR (last_seen_at > '2026-01-01 00:01:01' AND substr(last_seen_at, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: health
SELECT coalesce(job_id, 'without job_id') || iif((claimed_at > '2026-01-01 00:01:01' AND substr(claimed_at, 11, 1) = ' '), ', claimed_at ' || claimed_at, '') || iif((ended_at > '2026-01-01 00:01:01' AND substr(ended_at, 11, 1) = ' '), ', ended_at ' || ended_at, '') AS text FROM job_attempts WHERE (claimed_at > '2026-01-01 00:01:01' AND substr(claimed_at, 11, 1) = ' ') OR (ended_at > '2026-01-01 00:01:01' AND substr(ended_at, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: health
SELECT coalesce(name, 'without name') || iif((last_at > '2026-01-01 00:01:01' AND substr(last_at, 11, 1) = ' '), ', last_at ' || last_at, '') || iif((updated_at > '2026-01-01 00:01:01' AND substr(updated_at, 11, 1) = ' '), ', updated_at ' || updated_at, '') AS text FROM recurring_jobs WHERE (last_at > '2026-01-01 00:01:01' AND substr(last_at, 11, 1) = ' ') OR (updated_at > '2026-01-01 00:01:01' AND substr(updated_at, 11, 1) = ' ') LIMIT 21;
-- fieldfen statement: budgets::requests_of_a_period_are_those_of_its_scope
SELECT coalesce(sum(coalesce(request_count, 1)), 0) FROM api_usage WHERE id > ? AND substr(recorded_at, 1, 10) BETWEEN ? AND ? AND service = coalesce(?, service) AND coalesce(account, '') = coalesce(?, account, '') AND (typeof(service) = 'text' AND typeof(recorded_at) = 'text' AND date(substr(recorded_at, 1, 10)) IS substr(recorded_at, 1, 10) AND typeof(account) IN ('null', 'text') AND typeof(endpoint) IN ('null', 'text') AND coalesce(outcome, 'ok') IN ('ok', 'refused', 'throttled', 'not_sent', 'no_answer') AND typeof(coalesce(request_count, 1)) = 'integer' AND coalesce(request_count, 1) BETWEEN 0 AND 4294967295 AND typeof(coalesce(duration_ms, 0)) = 'integer' AND coalesce(duration_ms, 0) BETWEEN 0 AND 4294967295);
-- fieldfen statement: budgets::requests_of_a_period_are_those_of_its_scope
SELECT coalesce(sum(requests), 0) FROM api_usage_daily WHERE day = ? AND service = coalesce(?, service) AND account = coalesce(?, account);
-- fieldfen statement: budgets::requests_of_a_period_are_those_of_its_scope
SELECT coalesce(sum(requests), 0) FROM api_usage_monthly WHERE month = ? AND service = coalesce(?, service) AND account = coalesce(?, account);
-- fieldfen statement: paused_calls::an_account_whose_limit_is_used_up_is_paused
SELECT coalesce(sum(units), 0) FROM api_permits INDEXED BY idx_api_permits_lapses_at WHERE lapses_at >= '' AND service = ?;
-- fieldfen statement: budgets::permits_in_flight_add_up_by_scope_and_currency
SELECT coalesce(sum(units), 0), CAST(total(CASE WHEN currency = ? THEN guess_micros END) AS INTEGER), min(lapses_at) FROM api_permits INDEXED BY idx_api_permits_lapses_at WHERE lapses_at > ? AND lapses_at <= ? AND service = coalesce(?, service) AND account = coalesce(?, account);
-- fieldfen statement: claim_places::each_status_is_counted_by_kind
SELECT command_type FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' AND command_type > CAST(? AS TEXT) ORDER BY command_type LIMIT 1;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT command_type FROM jobs INDEXED BY idx_jobs_errors WHERE status = 'failed' AND parked_for IS NULL AND command_type > CAST(? AS TEXT) ORDER BY command_type LIMIT 1;
-- fieldfen statement: claim_places::each_status_is_counted_by_kind
SELECT command_type FROM jobs INDEXED BY idx_jobs_waits_for WHERE status = 'pending' AND waits_for <> '' AND command_type > CAST(? AS TEXT) ORDER BY command_type LIMIT 1;
-- fieldfen statement: claim_places::each_status_is_counted_by_kind
SELECT command_type, count(*) FROM (SELECT command_type FROM jobs INDEXED BY idx_jobs_ended WHERE status = 'completed' AND parked_for IS NULL AND completed_at >= ? LIMIT ?) GROUP BY command_type;
-- fieldfen statement: claim_places::each_status_is_counted_by_kind
SELECT command_type, count(*) FROM (SELECT command_type FROM jobs INDEXED BY idx_jobs_ended WHERE status = 'failed' AND parked_for > '' AND completed_at IS NOT NULL LIMIT ?) GROUP BY command_type;
-- fieldfen statement: claim_places::each_status_is_counted_by_kind
SELECT command_type, count(*) FROM (SELECT command_type FROM jobs INDEXED BY idx_jobs_status WHERE status = 'running' LIMIT ?) GROUP BY command_type;
-- fieldfen statement: claim_places::each_status_is_counted_by_kind
SELECT command_type, jobs_of_kind, (SELECT id FROM jobs WHERE rowid = first), ended FROM (SELECT command_type, count(*) AS jobs_of_kind, first, min(iif(typeof(completed_at) = 'text', completed_at, NULL)) AS ended FROM (SELECT command_type, completed_at, rowid AS first FROM jobs INDEXED BY idx_jobs_ended WHERE status = 'failed' AND parked_for = ? AND completed_at IS NOT NULL ORDER BY completed_at LIMIT ?) GROUP BY command_type);
-- fieldfen statement: claim_places::each_status_is_counted_by_kind
SELECT command_type, jobs_of_kind, (SELECT id FROM jobs WHERE rowid = first), ended FROM (SELECT command_type, count(*) AS jobs_of_kind, first, min(iif(typeof(completed_at) = 'text', completed_at, NULL)) AS ended FROM (SELECT command_type, completed_at, rowid AS first FROM jobs INDEXED BY idx_jobs_ended WHERE status = 'failed' AND parked_for IS NULL AND completed_at IS NOT NULL ORDER BY completed_at LIMIT ?) GROUP BY command_type);
-- fieldfen statement: claim_places::each_status_is_counted_by_kind
SELECT command_type, jobs_of_kind, (SELECT id FROM jobs WHERE rowid = first), ended FROM (SELECT command_type, count(*) AS jobs_of_kind, first, min(iif(typeof(completed_at) = 'text', completed_at, NULL)) AS ended FROM (SELECT command_type, completed_at, rowid AS first FROM jobs INDEXED BY idx_jobs_unknown_ends WHERE status = 'failed' AND status IN ('completed', 'failed') AND completed_at IS NULL AND parked_for IS NULL LIMIT ?) GROUP BY command_type);
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT command_type, status, iif(status = 'failed', parked_for, NULL) AS parked, count(*) FROM jobs GROUP BY command_type, status, parked;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT completed_at FROM jobs INDEXED BY idx_jobs_errors WHERE status = 'failed' AND parked_for IS NULL AND command_type = ? AND error_fingerprint IS ? AND completed_at >= '' ORDER BY completed_at LIMIT 1;
-- fieldfen statement: health
SELECT count(*) AS n FROM jobs INDEXED BY idx_jobs_status WHERE status = 'running' AND lease_expires_at IS NULL;
-- fieldfen statement: health
SELECT count(*) AS n FROM jobs INDEXED BY idx_jobs_status WHERE status = 'running' AND lease_expires_at IS NULL AND (started_at IS NULL OR started_at < '2025-12-31 23:00:01');
-- fieldfen statement: claim_places::files_are_counted_up_to_a_bound
SELECT count(*) FROM (SELECT 1 FROM files INDEXED BY idx_files_status WHERE status = ? LIMIT ?);
-- fieldfen statement: claim_places::each_status_is_counted_by_kind
SELECT count(*) FROM (SELECT 1 FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' AND command_type = CAST(? AS TEXT) AND priority IN (0, 1, 2, 3) AND run_at >= '' AND run_at <= ? LIMIT ?);
-- fieldfen statement: claim_places::each_status_is_counted_by_kind
SELECT count(*) FROM (SELECT 1 FROM jobs INDEXED BY idx_jobs_ended WHERE status = 'completed' AND parked_for IS NULL AND completed_at >= ? AND completed_at < ? LIMIT ?);
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT count(*) FROM (SELECT 1 FROM jobs INDEXED BY idx_jobs_errors WHERE status = 'failed' AND parked_for IS NULL AND command_type = ? AND error_fingerprint IS ? LIMIT ?);
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT count(*) FROM files WHERE id = ? AND rowid > (SELECT last_file FROM publication_gap WHERE id = 1);
-- fieldfen statement: parked::a_parked_job_is_not_pruned_before_it_is_cancelled
SELECT count(*) FROM jobs INDEXED BY idx_jobs_ended WHERE status = ? AND parked_for IS NULL AND completed_at IS NOT NULL;
-- fieldfen statement: claim_places::a_limit_is_reached_by_running_jobs_and_by_jobs_before
SELECT count(*) FROM jobs INDEXED BY idx_jobs_running WHERE status = 'running' AND partition_key IS NOT NULL AND command_type = ?;
-- fieldfen statement: claim_places::a_limit_is_reached_by_running_jobs_and_by_jobs_before
SELECT count(*) FROM jobs INDEXED BY idx_jobs_running WHERE status = 'running' AND partition_key IS NOT NULL AND command_type = ? AND partition_key = ?;
-- fieldfen statement: parked::a_parked_job_is_not_pruned_before_it_is_cancelled
SELECT count(*) FROM jobs INDEXED BY idx_jobs_unknown_ends WHERE status = ? AND status IN ('completed', 'failed') AND completed_at IS NULL AND parked_for IS NULL AND created_at > '';
-- fieldfen statement: api_usage::days_add_up_by_service_account_endpoint_and_outcome
SELECT count(*), min(id) FROM api_usage WHERE id > ? AND id <= ? AND NOT (typeof(service) = 'text' AND typeof(recorded_at) = 'text' AND date(substr(recorded_at, 1, 10)) IS substr(recorded_at, 1, 10) AND typeof(account) IN ('null', 'text') AND typeof(endpoint) IN ('null', 'text') AND coalesce(outcome, 'ok') IN ('ok', 'refused', 'throttled', 'not_sent', 'no_answer') AND typeof(coalesce(request_count, 1)) = 'integer' AND coalesce(request_count, 1) BETWEEN 0 AND 4294967295 AND typeof(coalesce(duration_ms, 0)) = 'integer' AND coalesce(duration_ms, 0) BETWEEN 0 AND 4294967295);
-- fieldfen statement: claim_places::a_count_ends_at_its_bound_and_says_so
SELECT count(*), min(run_at) FROM (SELECT run_at FROM jobs INDEXED BY idx_jobs_waits_for WHERE status = 'pending' AND waits_for <> '' AND command_type = CAST(? AS TEXT) LIMIT ?);
-- fieldfen statement: api_costs::nothing_recorded_costs_nothing
SELECT day, service, account, endpoint, currency, known_micros, guessed_micros, items, unknown_items FROM api_cost_daily WHERE day >= ? AND day <= ? AND items <> 0 ORDER BY day, service, account, endpoint, currency;
-- fieldfen statement: api_usage::days_add_up_by_service_account_endpoint_and_outcome
SELECT day, service, account, endpoint, outcome, calls, requests, duration_ms FROM api_usage_daily WHERE day >= ? AND day <= ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT error_fingerprint FROM jobs INDEXED BY idx_jobs_errors WHERE status = 'failed' AND parked_for IS NULL AND command_type = ? AND error_fingerprint > CAST(? AS TEXT) ORDER BY error_fingerprint LIMIT 1;
-- fieldfen statement: rate_limits::requests_beyond_those_of_a_permit_count_once
SELECT frees_at, units FROM rate_limit_usage WHERE limit_id = ? AND frees_at > ? ORDER BY frees_at;
-- fieldfen statement: enqueue_many::each_job_of_a_batch_is_created_or_meets_a_live_one
SELECT given.key, jobs.rowid, jobs.id FROM json_each(?) AS given CROSS JOIN jobs INDEXED BY idx_jobs_dedup_key ON jobs.dedup_key = given.value AND jobs.dedup_key IS NOT NULL AND jobs.status IN ('pending', 'running');
-- fieldfen statement: ids::ids_are_found_by_their_beginning_in_each_table
SELECT id FROM files WHERE id >= ? AND id < ? ORDER BY id LIMIT ?;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT id FROM files WHERE id IN (?, ?);
-- fieldfen statement: claim_places::a_limit_is_reached_by_running_jobs_and_by_jobs_before
SELECT id FROM jobs INDEXED BY idx_jobs_running WHERE status = 'running' AND partition_key IS NOT NULL AND command_type = ? AND partition_key = ? LIMIT ?;
-- fieldfen statement: claim_places::a_limit_of_the_kind_comes_before_that_of_the_partition
SELECT id FROM jobs INDEXED BY idx_jobs_running WHERE status = 'running' AND partition_key IS NOT NULL AND command_type = ? LIMIT ?;
-- fieldfen statement: ids::ids_are_found_by_their_beginning_in_each_table
SELECT id FROM jobs WHERE id >= ? AND id < ? ORDER BY id LIMIT ?;
-- fieldfen statement: ids::ids_are_found_by_their_beginning_in_each_table
SELECT id FROM listings WHERE id >= ? AND id < ? ORDER BY id LIMIT ?;
-- fieldfen statement: ids::ids_are_found_by_their_beginning_in_each_table
SELECT id FROM publications WHERE id >= ? AND id < ? ORDER BY id LIMIT ?;
-- fieldfen statement: rate_limit_pruning::limits_that_no_answer_names_any_more_are_pruned
SELECT id FROM rate_limits INDEXED BY idx_rate_limits_key WHERE service >= '' AND kind = 'said' AND permitted_units = 0 AND coalesce(said_at, '') < ? AND coalesce(blocked_since, '') < ? LIMIT ?;
-- fieldfen statement: ids::ids_are_found_by_their_beginning_in_each_table
SELECT id FROM social_posts WHERE id >= ? AND id < ? ORDER BY id LIMIT ?;
-- fieldfen statement: operator_actions::an_action_is_kept_as_it_was_recorded
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_action_id WHERE action_id = ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_by WHERE rowid > ? AND rowid <= ? AND by = ? AND action = ? AND at >= ? AND at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_by WHERE rowid > ? AND rowid <= ? AND by = ? AND action = ? AND at >= ? AND at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_by WHERE rowid > ? AND rowid <= ? AND by = ? AND action = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_by WHERE rowid > ? AND rowid <= ? AND by = ? AND action = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_by WHERE rowid > ? AND rowid <= ? AND by = ? AND at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_by WHERE rowid > ? AND rowid <= ? AND by = ? AND at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_by WHERE rowid > ? AND rowid <= ? AND by = ? AND at >= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_by WHERE rowid > ? AND rowid <= ? AND by = ? AND at >= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_by WHERE rowid > ? AND rowid <= ? AND by = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_by WHERE rowid > ? AND rowid <= ? AND by = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND action = ? AND at >= ? AND at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND action = ? AND at >= ? AND at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND action = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND action = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND at >= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND at >= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND by = ? AND action = ? AND at >= ? AND at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND by = ? AND action = ? AND at >= ? AND at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND by = ? AND action = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND by = ? AND action = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND by = ? AND at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND by = ? AND at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND by = ? AND at >= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND by = ? AND at >= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND by = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND by = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions WHERE rowid > ? AND rowid <= ? AND action = ? AND at >= ? AND at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions WHERE rowid > ? AND rowid <= ? AND action = ? AND at >= ? AND at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions WHERE rowid > ? AND rowid <= ? AND action = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions WHERE rowid > ? AND rowid <= ? AND action = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions WHERE rowid > ? AND rowid <= ? AND at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions WHERE rowid > ? AND rowid <= ? AND at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions WHERE rowid > ? AND rowid <= ? AND at >= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions WHERE rowid > ? AND rowid <= ? AND at >= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: operator_actions::an_action_is_kept_as_it_was_recorded
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: pages::cursors_of_other_lists_are_refused
SELECT id, action_id, at, by, via, action, subject_kind, subject_id, reason, outcome FROM operator_actions WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT id, completed_at FROM jobs INDEXED BY idx_jobs_errors WHERE status = 'failed' AND parked_for IS NULL AND command_type = ? AND error_fingerprint IS ? ORDER BY completed_at DESC, rowid DESC LIMIT 1;
-- fieldfen statement: health
SELECT id, from_status, to_status, reason, at FROM file_history;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT id, from_status, to_status, reason, at FROM file_history INDEXED BY idx_file_history_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT id, from_status, to_status, reason, at FROM file_history INDEXED BY idx_file_history_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: workers::a_worker_is_kept_as_it_registered
SELECT id, name, process, host, version, kinds_json, threads, started_at, last_seen_at, stuck_jobs_json FROM workers INDEXED BY idx_workers_last_seen_at WHERE last_seen_at >= ? ORDER BY last_seen_at, rowid;
-- fieldfen statement: paused_calls::a_paused_service_refuses_the_calls_of_all_its_accounts
SELECT id, service, account, endpoint, bucket, kind, limit_units, window_ms, refill_micros_per_s, said_units, said_refill_micros_per_s, used_units, permitted_units, settled_units, level_micros, level_at, other_units, other_until, left_units, left_until, used_basis_points, blocked_since, blocked_until, blocked_reason, throttles, tightened_at, said_at FROM rate_limits INDEXED BY idx_rate_limits_key WHERE service = ? AND account IN ('', ?) AND endpoint IN ('', ?);
-- fieldfen statement: paused_calls::a_paused_service_refuses_the_calls_of_all_its_accounts
SELECT id, service, account, endpoint, bucket, kind, limit_units, window_ms, refill_micros_per_s, said_units, said_refill_micros_per_s, used_units, permitted_units, settled_units, level_micros, level_at, other_units, other_until, left_units, left_until, used_basis_points, blocked_since, blocked_until, blocked_reason, throttles, tightened_at, said_at FROM rate_limits INDEXED BY idx_rate_limits_key WHERE service = ? ORDER BY account, endpoint, bucket;
-- fieldfen statement: rate_limit_pruning::limits_that_no_answer_names_any_more_are_pruned
SELECT id, service, account, endpoint, bucket, kind, limit_units, window_ms, refill_micros_per_s, said_units, said_refill_micros_per_s, used_units, permitted_units, settled_units, level_micros, level_at, other_units, other_until, left_units, left_until, used_basis_points, blocked_since, blocked_until, blocked_reason, throttles, tightened_at, said_at FROM rate_limits INDEXED BY idx_rate_limits_key WHERE service >= '' ORDER BY service, account, endpoint, bucket;
-- fieldfen statement: rate_limit_pruning::a_limit_with_a_permit_in_flight_is_kept
SELECT id, service, account, endpoint, bucket, kind, limit_units, window_ms, refill_micros_per_s, said_units, said_refill_micros_per_s, used_units, permitted_units, settled_units, level_micros, level_at, other_units, other_until, left_units, left_until, used_basis_points, blocked_since, blocked_until, blocked_reason, throttles, tightened_at, said_at FROM rate_limits WHERE id = ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_failures WHERE rowid > ? AND rowid <= ? AND outcome <> 'ok' AND outcome = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_failures WHERE rowid > ? AND rowid <= ? AND outcome <> 'ok' AND outcome = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? AND file_id = ? AND outcome <> 'ok' AND outcome = ? AND service = ? AND account = ? AND endpoint = ? AND recorded_at >= ? AND recorded_at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? AND file_id = ? AND outcome <> 'ok' AND outcome = ? AND service = ? AND account = ? AND endpoint = ? AND recorded_at >= ? AND recorded_at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? AND file_id = ? AND outcome <> 'ok' AND outcome = ? AND service = ? AND account = ? AND endpoint = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? AND file_id = ? AND outcome <> 'ok' AND outcome = ? AND service = ? AND account = ? AND endpoint = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_service WHERE rowid > ? AND rowid <= ? AND service = ? AND recorded_at >= ? AND recorded_at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_service WHERE rowid > ? AND rowid <= ? AND service = ? AND recorded_at >= ? AND recorded_at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_service WHERE rowid > ? AND rowid <= ? AND service = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage INDEXED BY idx_api_usage_service WHERE rowid > ? AND rowid <= ? AND service = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? AND endpoint = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? AND endpoint = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? AND outcome = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? AND outcome = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? AND recorded_at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? AND recorded_at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? AND recorded_at >= ? AND recorded_at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? AND recorded_at >= ? AND recorded_at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? AND recorded_at >= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? AND recorded_at >= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: pages::cursors_of_other_lists_are_refused
SELECT id, service, account, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, outcome, http_status, error, duration_ms, job_id, file_id, external_id, recorded_at FROM api_usage WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: paused_calls::a_paused_service_refuses_the_calls_of_all_its_accounts
SELECT id, service, account, endpoint, worker, acquired_at, start_by, lapses_at, guess_micros, currency FROM api_permits INDEXED BY idx_api_permits_lapses_at WHERE lapses_at <= ? ORDER BY lapses_at, rowid LIMIT ?;
-- fieldfen statement: paused_calls::a_paused_service_refuses_the_calls_of_all_its_accounts
SELECT id, service, account, endpoint, worker, acquired_at, start_by, lapses_at, guess_micros, currency FROM api_permits INDEXED BY idx_api_permits_lapses_at WHERE lapses_at > ? ORDER BY lapses_at DESC LIMIT ?;
-- fieldfen statement: budgets::a_late_settlement_frees_the_cost_of_the_lapsed_permit
SELECT id, service, account, endpoint, worker, acquired_at, start_by, lapses_at, guess_micros, currency FROM api_permits WHERE id = ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs INDEXED BY idx_api_costs_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs INDEXED BY idx_api_costs_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs INDEXED BY idx_api_costs_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? AND file_id = ? AND status IN ('pending', 'unknown') AND status = ? AND service = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs INDEXED BY idx_api_costs_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? AND file_id = ? AND status IN ('pending', 'unknown') AND status = ? AND service = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs INDEXED BY idx_api_costs_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs INDEXED BY idx_api_costs_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs INDEXED BY idx_api_costs_unsettled WHERE rowid > ? AND rowid <= ? AND status IN ('pending', 'unknown') AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs INDEXED BY idx_api_costs_unsettled WHERE rowid > ? AND rowid <= ? AND status IN ('pending', 'unknown') AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs NOT INDEXED WHERE rowid > ? AND rowid <= ? AND service = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs NOT INDEXED WHERE rowid > ? AND rowid <= ? AND service = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs NOT INDEXED WHERE rowid > ? AND rowid <= ? AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs NOT INDEXED WHERE rowid > ? AND rowid <= ? AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_costs::a_blank_id_or_service_is_refused
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs NOT INDEXED WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: api_costs::a_blank_id_or_service_is_refused
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs NOT INDEXED WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: api_costs::nothing_recorded_costs_nothing
SELECT id, service, external_id, account, endpoint, item, amounts_json, status, amount_micros, guess_micros, currency, at, settled_at, job_id, file_id FROM api_costs WHERE service = ? AND external_id = ?;
-- fieldfen statement: health
SELECT job_id, attempt, claimed_at, ended_at, worker, outcome, error FROM job_attempts;
-- fieldfen statement: claims_many::claims_of_a_batch_are_completed_as_one_by_one
SELECT jobs.command_type, jobs.partition_key, jobs.status = 'running', EXISTS (SELECT 1 FROM jobs AS waiting INDEXED BY idx_jobs_waits_for WHERE waiting.status = 'pending' AND waiting.waits_for <> '' AND waiting.command_type = jobs.command_type AND waiting.waits_for = jobs.partition_key) FROM (SELECT key AS id, substr(value, 1, 36) AS token FROM json_each(?)) AS given CROSS JOIN jobs ON jobs.id = given.id WHERE +jobs.lease_token = given.token AND +jobs.status = 'running' AND +jobs.partition_key IS NOT NULL AND +jobs.waits_for = '';
-- fieldfen statement: files::every_drive_id_of_a_file_leads_to_it_until_it_is_deleted
SELECT jobs.command_type, jobs.partition_key, jobs.status = 'running', EXISTS (SELECT 1 FROM jobs AS waiting INDEXED BY idx_jobs_waits_for WHERE waiting.status = 'pending' AND waiting.waits_for <> '' AND waiting.command_type = jobs.command_type AND waiting.waits_for = jobs.partition_key) FROM jobs INDEXED BY idx_jobs_file_id WHERE file_id IN (?, ?) AND partition_key IS NOT NULL AND waits_for = '' AND status IN ('pending', 'running');
-- fieldfen statement: pages::a_place_stays_where_it_is_while_rows_come_and_go
SELECT jobs.command_type, jobs.partition_key, jobs.status = 'running', EXISTS (SELECT 1 FROM jobs AS waiting INDEXED BY idx_jobs_waits_for WHERE waiting.status = 'pending' AND waiting.waits_for <> '' AND waiting.command_type = jobs.command_type AND waiting.waits_for = jobs.partition_key) FROM jobs WHERE partition_key IS NOT NULL AND waits_for = '' AND status IN ('pending', 'running') AND id = ?;
-- fieldfen statement: deletions::a_deleted_file_takes_along_all_that_hangs_on_it_and_nothing_else
SELECT jobs.command_type, jobs.partition_key, jobs.status = 'running', EXISTS (SELECT 1 FROM jobs AS waiting INDEXED BY idx_jobs_waits_for WHERE waiting.status = 'pending' AND waiting.waits_for <> '' AND waiting.command_type = jobs.command_type AND waiting.waits_for = jobs.partition_key) FROM jobs WHERE partition_key IS NOT NULL AND waits_for = '' AND status IN ('pending', 'running') AND id = ? AND lease_token = ? AND status = 'running';
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
SELECT jobs.command_type, jobs.partition_key, jobs.status = 'running', EXISTS (SELECT 1 FROM jobs AS waiting INDEXED BY idx_jobs_waits_for WHERE waiting.status = 'pending' AND waiting.waits_for <> '' AND waiting.command_type = jobs.command_type AND waiting.waits_for = jobs.partition_key) FROM jobs WHERE partition_key IS NOT NULL AND waits_for = '' AND status IN ('pending', 'running') AND rowid = ?;
-- fieldfen statement: claim_places::a_limit_is_reached_by_running_jobs_and_by_jobs_before
SELECT kind, partition, max_running FROM concurrency_limits WHERE kind >= '' ORDER BY kind, partition;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT kind, partition, max_running, running, EXISTS (SELECT 1 FROM jobs INDEXED BY idx_jobs_uncounted WHERE status = 'running' AND lease_expires_at IS NULL AND (partition_key IS NULL OR waits_for <> '') AND command_type = kind), NULL FROM concurrency_limits WHERE kind >= '' UNION ALL SELECT scope, name, NULL, NULL, 0, until FROM pauses WHERE scope >= '';
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
SELECT lease_expires_at FROM jobs WHERE id = ? AND status = 'failed';
-- fieldfen statement: job_actions::every_operation_in_every_status_is_as_the_table_says
SELECT lease_expires_at FROM jobs WHERE id = ? AND status IN ('pending', 'running');
-- fieldfen statement: health
SELECT ledger.*, diesel.run_on IS NULL OR ledger.run_on IS NOT diesel.run_on AS is_stale
         FROM __fieldfen_migrations AS ledger
         LEFT JOIN __diesel_schema_migrations AS diesel ON diesel.version = ledger.version;
-- fieldfen statement: paused_calls::a_paused_service_refuses_the_calls_of_all_its_accounts
SELECT limit_id, units, settled_units_then FROM api_permit_limits WHERE permit_id = ?;
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
SELECT live.rowid, live.id FROM jobs AS failed CROSS JOIN jobs AS live INDEXED BY idx_jobs_dedup_key WHERE failed.id IN (?, ?) AND failed.status = 'failed' AND live.dedup_key = failed.dedup_key AND live.dedup_key IS NOT NULL AND live.status IN ('pending', 'running') LIMIT 1;
-- fieldfen statement: api_usage::days_do_not_change_when_rows_are_rolled_up_and_pruned
SELECT max(id), count(*) FROM (SELECT id FROM api_usage WHERE id > ? ORDER BY id LIMIT ?);
-- fieldfen statement: bulk_actions::a_bulk_action_is_kept_as_it_was_ordered
SELECT max(rowid) FROM jobs;
-- fieldfen statement: recurring::the_last_runs_are_kept
SELECT name, run_at, job_id, due_at FROM recurring_runs WHERE name = ? ORDER BY run_at DESC, job_id DESC LIMIT ?;
-- fieldfen statement: recurring::paused_work_has_no_ticks_until_it_is_resumed
SELECT name, schedule, time_zone, command_type, payload_json, account, defined_in, next_at, last_at, paused_at FROM recurring_jobs INDEXED BY idx_recurring_jobs_irregular WHERE name >= '' AND paused_at IS NULL AND (typeof(next_at) <> 'text' OR next_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]') LIMIT ?;
-- fieldfen statement: recurring::zone_account_and_file_are_kept_until_it_is_defined_without_them
SELECT name, schedule, time_zone, command_type, payload_json, account, defined_in, next_at, last_at, paused_at FROM recurring_jobs INDEXED BY idx_recurring_jobs_next_at WHERE paused_at IS NULL AND next_at <= ? ORDER BY next_at, rowid LIMIT ?;
-- fieldfen statement: recurring::paused_work_has_no_ticks_until_it_is_resumed
SELECT name, schedule, time_zone, command_type, payload_json, account, defined_in, next_at, last_at, paused_at FROM recurring_jobs INDEXED BY idx_recurring_jobs_updated_at WHERE paused_at IS NULL AND updated_at > ? ORDER BY updated_at DESC LIMIT ?;
-- fieldfen statement: recurring::zone_account_and_file_are_kept_until_it_is_defined_without_them
SELECT name, schedule, time_zone, command_type, payload_json, account, defined_in, next_at, last_at, paused_at FROM recurring_jobs WHERE name = ?;
-- fieldfen statement: recurring::paused_work_has_no_ticks_until_it_is_resumed
SELECT next_at FROM recurring_jobs INDEXED BY idx_recurring_jobs_next_at WHERE paused_at IS NULL AND next_at > ? ORDER BY next_at LIMIT 1;
-- fieldfen statement: recurring::defining_it_again_keeps_the_next_tick
SELECT next_at, next_at FROM recurring_jobs WHERE name = ?;
-- fieldfen statement: bulk_actions::a_bulk_action_is_kept_as_it_was_ordered
SELECT number, id, action, argument, filter_json, by, via, reason, started_at, jobs_until, cursor, done, refused, finished_at FROM bulk_actions INDEXED BY idx_bulk_actions_id WHERE id = ?;
-- fieldfen statement: bulk_actions::a_bulk_action_is_kept_as_it_was_ordered
SELECT number, id, action, argument, filter_json, by, via, reason, started_at, jobs_until, cursor, done, refused, finished_at FROM bulk_actions WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: bulk_actions::a_bulk_action_is_kept_as_it_was_ordered
SELECT number, id, action, argument, filter_json, by, via, reason, started_at, jobs_until, cursor, done, refused, finished_at FROM bulk_actions WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: on_worker_death::the_consequence_of_each_job_is_kept
SELECT on_worker_death FROM jobs WHERE id = ?;
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
SELECT on_worker_death FROM jobs WHERE rowid = ?;
-- fieldfen statement: file_pages::a_cursor_of_a_window_keeps_its_place_in_other_windows_while_files_come_and_go
SELECT platform, platform_listing_id FROM listings INDEXED BY idx_listings_file_id WHERE file_id IN (?, ?) AND status <> 'delisted' UNION ALL SELECT platform, id FROM publications INDEXED BY idx_publications_file_id WHERE file_id IN (?, ?) AND state NOT IN ('confirmed', 'released', 'ended');
-- fieldfen statement: claim_places::a_limit_is_reached_by_running_jobs_and_by_jobs_before
SELECT priority, run_at FROM jobs INDEXED BY idx_jobs_admitted WHERE status = 'pending' AND partition_key IS NOT NULL AND waits_for = '' AND command_type = ? AND partition_key = ? AND priority IN (0, 1, 2, 3) AND run_at >= '' AND run_at <= ? ORDER BY priority, run_at LIMIT ?;
-- fieldfen statement: claim_places::a_limit_is_reached_by_running_jobs_and_by_jobs_before
SELECT priority, run_at FROM jobs INDEXED BY idx_jobs_waits_for WHERE status = 'pending' AND waits_for <> '' AND command_type = ? AND waits_for = ? AND priority IN (0, 1, 2, 3) AND run_at >= '' ORDER BY priority, run_at LIMIT 1;
-- fieldfen statement: claims::the_order_holds_across_kinds
SELECT priority, run_at, rowid FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' AND command_type = ? AND priority IN (0, 1, 2, 3) AND run_at >= '' AND run_at <= ? ORDER BY priority, run_at, rowid LIMIT ?;
-- fieldfen statement: claim_places::only_due_pending_jobs_have_a_place
SELECT priority, run_at, rowid, file_id, account FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' AND command_type = ? AND priority IN (0, 1, 2, 3) AND run_at >= '' AND run_at <= ? ORDER BY priority, run_at, rowid LIMIT ?;
-- fieldfen statement: claim_places::jobs_of_paused_accounts_take_no_place
SELECT priority, run_at, rowid, file_id, account FROM jobs INDEXED BY idx_jobs_waits_for WHERE status = 'pending' AND waits_for <> '' AND command_type = ? AND waits_for = ? AND priority IN (0, 1, 2, 3) AND run_at >= '' ORDER BY priority, run_at, rowid LIMIT ?;
-- fieldfen statement: api_usage::days_add_up_by_service_account_endpoint_and_outcome
SELECT rolled_up_to, uncounted, first_uncounted FROM api_usage_rollup WHERE id = 1;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT rowid FROM api_costs INDEXED BY idx_api_costs_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT rowid FROM api_costs INDEXED BY idx_api_costs_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT rowid FROM api_costs NOT INDEXED WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: api_costs::costs_are_listed_by_each_field
SELECT rowid FROM api_costs NOT INDEXED WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT rowid FROM api_usage INDEXED BY idx_api_usage_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: api_usage::each_field_filters_and_all_combine
SELECT rowid FROM api_usage INDEXED BY idx_api_usage_job_id WHERE rowid > ? AND rowid <= ? AND job_id = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT rowid FROM api_usage INDEXED BY idx_api_usage_service WHERE rowid > ? AND rowid <= ? AND service = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT rowid FROM api_usage INDEXED BY idx_api_usage_service WHERE rowid > ? AND rowid <= ? AND service = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT rowid FROM api_usage WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: api_usage::calls_are_listed_as_they_were_recorded
SELECT rowid FROM api_usage WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT rowid FROM jobs INDEXED BY idx_jobs_command_type WHERE rowid > ? AND rowid <= ? AND command_type = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT rowid FROM jobs INDEXED BY idx_jobs_command_type WHERE rowid > ? AND rowid <= ? AND command_type = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT rowid FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND parked_for IS NULL AND status = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT rowid FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND parked_for IS NULL AND status = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: enqueueing::filters_hold_all_at_once
SELECT rowid FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND status = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: enqueueing::filters_hold_all_at_once
SELECT rowid FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND status = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT rowid FROM jobs WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT rowid FROM jobs WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid FROM listings INDEXED BY idx_listings_live WHERE rowid > ? AND rowid <= ? AND status <> 'delisted' AND platform = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid FROM listings INDEXED BY idx_listings_live WHERE rowid > ? AND rowid <= ? AND status <> 'delisted' AND platform = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid FROM listings INDEXED BY idx_listings_platform WHERE rowid > ? AND rowid <= ? AND platform = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid FROM listings INDEXED BY idx_listings_platform WHERE rowid > ? AND rowid <= ? AND platform = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid FROM listings INDEXED BY idx_listings_status WHERE rowid > ? AND rowid <= ? AND status = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid FROM listings INDEXED BY idx_listings_status WHERE rowid > ? AND rowid <= ? AND status = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid FROM listings WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid FROM listings WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT rowid FROM operator_actions INDEXED BY idx_operator_actions_by WHERE rowid > ? AND rowid <= ? AND by = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT rowid FROM operator_actions INDEXED BY idx_operator_actions_by WHERE rowid > ? AND rowid <= ? AND by = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT rowid FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND by = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT rowid FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? AND by = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT rowid FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT rowid FROM operator_actions INDEXED BY idx_operator_actions_subject_id WHERE rowid > ? AND rowid <= ? AND subject_id = ? AND subject_kind = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT rowid FROM operator_actions WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: operator_actions::actions_are_listed_by_subject_and_by_actor
SELECT rowid FROM operator_actions WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid FROM publications INDEXED BY idx_publications_state WHERE rowid > ? AND rowid <= ? AND state = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid FROM publications INDEXED BY idx_publications_state WHERE rowid > ? AND rowid <= ? AND state = ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid FROM publications WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT 1 OFFSET ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid FROM publications WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT 1 OFFSET ?;
-- fieldfen statement: claim_places::only_due_pending_jobs_have_a_place
SELECT rowid, command_type, waits_for, file_id, account FROM jobs WHERE id = ? AND status = 'pending' AND run_at <= ?;
-- fieldfen statement: hashes::a_purge_takes_what_has_expired_and_no_more_than_its_limit
SELECT rowid, created_at, expires_at FROM processed_hashes INDEXED BY idx_processed_hashes_created_at WHERE created_at > ? AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' ORDER BY created_at LIMIT ?;
-- fieldfen statement: deletions::a_hash_outlives_its_file_without_it
SELECT rowid, created_at, expires_at, file_id FROM processed_hashes WHERE hash = ?;
-- fieldfen statement: claim_places::a_limit_is_reached_by_running_jobs_and_by_jobs_before
SELECT rowid, file_id, account FROM jobs INDEXED BY idx_jobs_status WHERE status = 'running' AND command_type = ?;
-- fieldfen statement: hashes::deliveries_are_found_and_listed_as_they_were_taken_in
SELECT rowid, hash, source, file_id, created_at, expires_at FROM processed_hashes WHERE hash = ?;
-- fieldfen statement: hashes::deliveries_are_found_and_listed_as_they_were_taken_in
SELECT rowid, hash, source, file_id, created_at, expires_at FROM processed_hashes WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: pages::cursors_of_other_lists_are_refused
SELECT rowid, hash, source, file_id, created_at, expires_at FROM processed_hashes WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: deletions::a_dedup_key_is_free_again_after_its_job_went_with_the_file
SELECT rowid, id FROM jobs INDEXED BY idx_jobs_dedup_key WHERE dedup_key = ? AND dedup_key IS NOT NULL AND status IN ('pending', 'running') ORDER BY rowid LIMIT 1;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT rowid, id, file_id, account, command_type, 'pending', attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, payload_json, result_json, progress_json, last_error, cancel_requested_at, created_at, NULL, completed_at, NULL, NULL, NULL, declined_since, NULL FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' AND command_type = ? AND priority IN (0, 1, 2, 3) AND run_at >= '' AND run_at <= ? ORDER BY priority, run_at, rowid LIMIT ?;
-- fieldfen statement: claim_places::jobs_of_paused_accounts_take_no_place
SELECT rowid, id, file_id, account, command_type, 'pending', attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, payload_json, result_json, progress_json, last_error, cancel_requested_at, created_at, NULL, completed_at, NULL, NULL, NULL, declined_since, NULL FROM jobs WHERE rowid = ? AND status = 'pending';
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_command_type WHERE rowid > ? AND rowid <= ? AND command_type = ? AND error_fingerprint = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_command_type WHERE rowid > ? AND rowid <= ? AND command_type = ? AND error_fingerprint = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: enqueueing::filters_hold_all_at_once
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_command_type WHERE rowid > ? AND rowid <= ? AND command_type = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: enqueueing::filters_hold_all_at_once
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_command_type WHERE rowid > ? AND rowid <= ? AND command_type = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: enqueueing::filters_hold_all_at_once
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND status = ? AND command_type = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: enqueueing::filters_hold_all_at_once
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND status = ? AND command_type = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: enqueueing::filters_hold_all_at_once
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: enqueueing::filters_hold_all_at_once
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: enqueueing::filters_hold_all_at_once
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: enqueueing::filters_hold_all_at_once
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: parked::parked_jobs_and_dead_letters_are_listed_and_counted_apart
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_parked WHERE rowid > ? AND rowid <= ? AND parked_for IS NOT NULL AND status = ? AND parked_for = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: parked::parked_jobs_and_dead_letters_are_listed_and_counted_apart
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_parked WHERE rowid > ? AND rowid <= ? AND parked_for IS NOT NULL AND status = ? AND parked_for = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: parked::parked_jobs_and_dead_letters_are_listed_and_counted_apart
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_parked WHERE rowid > ? AND rowid <= ? AND parked_for IS NOT NULL AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: parked::parked_jobs_and_dead_letters_are_listed_and_counted_apart
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_parked WHERE rowid > ? AND rowid <= ? AND parked_for IS NOT NULL AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: parked::parked_jobs_and_dead_letters_are_listed_and_counted_apart
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_parked WHERE rowid > ? AND rowid <= ? AND status = ? AND parked_for IS NOT NULL AND status = ? AND parked_for = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: parked::parked_jobs_and_dead_letters_are_listed_and_counted_apart
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_parked WHERE rowid > ? AND rowid <= ? AND status = ? AND parked_for IS NOT NULL AND status = ? AND parked_for = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: parked::parked_jobs_and_dead_letters_are_listed_and_counted_apart
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_parked WHERE rowid > ? AND rowid <= ? AND status = ? AND parked_for IS NOT NULL AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: parked::parked_jobs_and_dead_letters_are_listed_and_counted_apart
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_parked WHERE rowid > ? AND rowid <= ? AND status = ? AND parked_for IS NOT NULL AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_their_end_and_their_creation
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND parked_for IS NULL AND status = ? AND completed_at >= ? AND completed_at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_their_end_and_their_creation
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND parked_for IS NULL AND status = ? AND completed_at >= ? AND completed_at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND parked_for IS NULL AND status = ? AND error_fingerprint = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND parked_for IS NULL AND status = ? AND error_fingerprint = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: parked::parked_jobs_and_dead_letters_are_listed_and_counted_apart
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND parked_for IS NULL AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: parked::parked_jobs_and_dead_letters_are_listed_and_counted_apart
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND parked_for IS NULL AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: enqueueing::filters_hold_all_at_once
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND status = ? AND command_type = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: enqueueing::filters_hold_all_at_once
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND status = ? AND command_type = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: parked::parked_jobs_and_dead_letters_are_listed_and_counted_apart
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND status = ? AND parked_for IS NULL AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: parked::parked_jobs_and_dead_letters_are_listed_and_counted_apart
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND status = ? AND parked_for IS NULL AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: pages::a_cursor_serves_every_filter_and_either_order
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: pages::a_cursor_serves_every_filter_and_either_order
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_status WHERE rowid > ? AND rowid <= ? AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_worker_account_and_payload
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_worker_account_and_payload
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_their_end_and_their_creation
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND completed_at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_their_end_and_their_creation
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND completed_at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_their_end_and_their_creation
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND completed_at >= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_their_end_and_their_creation
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND completed_at >= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_their_end_and_their_creation
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND created_at < ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_their_end_and_their_creation
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND created_at < ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: dead_letters_by_error::a_job_that_is_no_dead_letter_is_in_no_group
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND error_fingerprint = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: dead_letters_by_error::a_job_that_is_no_dead_letter_is_in_no_group
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND error_fingerprint = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND error_fingerprint IS NULL ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: dead_letters_by_error::errors_that_differ_in_a_number_are_one_group
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND error_fingerprint IS NULL ORDER BY rowid LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_worker_account_and_payload
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND instr(payload_json, ?) > 0 ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_worker_account_and_payload
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND instr(payload_json, ?) > 0 ORDER BY rowid LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_worker_account_and_payload
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND worker = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: dead_letters_by_error::jobs_are_found_by_worker_account_and_payload
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? AND worker = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: transactions::an_operation_that_fails_takes_its_transaction_along
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: transactions::an_operation_that_fails_takes_its_transaction_along
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, NULL, NULL, NULL, substr(last_error, 1, 500), cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, payload_json, result_json, progress_json, last_error, cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_lease WHERE status = 'running' AND lease_expires_at IS NOT NULL AND lease_expires_at <= ? ORDER BY lease_expires_at, rowid LIMIT ?;
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, payload_json, result_json, progress_json, last_error, cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs INDEXED BY idx_jobs_lease WHERE status = 'running' AND lease_expires_at IS NOT NULL AND lease_expires_at > ? ORDER BY lease_expires_at, rowid LIMIT ?;
-- fieldfen statement: transactions::maintenance_changes_nothing
SELECT rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, payload_json, result_json, progress_json, last_error, cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for FROM jobs WHERE id = ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_account WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_account WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_account WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_account WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND account = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND account = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND state = ? AND account = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND state = ? AND account = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND state = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_client_key WHERE rowid > ? AND rowid <= ? AND state = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE file_id IN (?, ?) ORDER BY rowid;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND account = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND account = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND channel = ? AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: same_platform_ids::two_accounts_list_products_with_one_id
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND platform_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: same_platform_ids::two_accounts_list_products_with_one_id
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND platform_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND account = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND account = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND channel = ? AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND client_key = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? AND client_key = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND state = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_platform WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_platform WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_platform WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_platform WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: pages::cursors_of_other_lists_are_refused
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_platform_id WHERE platform = ? AND platform_id = ? ORDER BY rowid;
-- fieldfen statement: same_platform_ids::two_accounts_list_products_with_one_id
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_platform_id WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND account = ? AND platform_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: same_platform_ids::two_accounts_list_products_with_one_id
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_platform_id WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND account = ? AND platform_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: same_platform_ids::two_accounts_list_products_with_one_id
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_platform_id WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND platform_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: same_platform_ids::two_accounts_list_products_with_one_id
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_platform_id WHERE rowid > ? AND rowid <= ? AND channel = ? AND platform = ? AND platform_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: same_platform_ids::two_accounts_list_products_with_one_id
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_platform_id WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND platform_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: same_platform_ids::two_accounts_list_products_with_one_id
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_platform_id WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND platform_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_state WHERE rowid > ? AND rowid <= ? AND state = ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_state WHERE rowid > ? AND rowid <= ? AND state = ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_file_and_by_state
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_state WHERE rowid > ? AND rowid <= ? AND state = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_file_and_by_state
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_state WHERE rowid > ? AND rowid <= ? AND state = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_state_account WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_state_account WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_state_account WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_state_account WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_state_platform WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_state_platform WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? AND channel = ? AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_state_platform WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications INDEXED BY idx_publications_state_platform WHERE rowid > ? AND rowid <= ? AND state = ? AND channel = ? AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: transactions::maintenance_changes_nothing
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications WHERE id IN (?, ?);
-- fieldfen statement: same_platform_ids::two_accounts_list_products_with_one_id
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications WHERE rowid > ? AND rowid <= ? AND account = ? AND platform_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: same_platform_ids::two_accounts_list_products_with_one_id
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications WHERE rowid > ? AND rowid <= ? AND account = ? AND platform_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications WHERE rowid > ? AND rowid <= ? AND account = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications WHERE rowid > ? AND rowid <= ? AND account = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: same_platform_ids::two_accounts_list_products_with_one_id
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications WHERE rowid > ? AND rowid <= ? AND platform_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: same_platform_ids::two_accounts_list_products_with_one_id
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications WHERE rowid > ? AND rowid <= ? AND platform_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: publication_pages::publications_are_listed_by_all_that_a_filter_names
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: pages::cursors_of_other_lists_are_refused
SELECT rowid, id, file_id, channel, platform, account, discriminator, post_type, client_key, state, token, held_until, calls, last_error, parked_for, platform_id, created_at, updated_at, held_since FROM publications WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE file_id IN (?, ?) ORDER BY rowid;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND platform = ? AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND platform = ? AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND platform_listing_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND platform_listing_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE rowid > ? AND rowid <= ? AND status <> 'delisted' AND file_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_file_id WHERE rowid > ? AND rowid <= ? AND status <> 'delisted' AND file_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_live WHERE rowid > ? AND rowid <= ? AND status <> 'delisted' AND platform = ? AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_live WHERE rowid > ? AND rowid <= ? AND status <> 'delisted' AND platform = ? AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_live WHERE rowid > ? AND rowid <= ? AND status <> 'delisted' AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_live WHERE rowid > ? AND rowid <= ? AND status <> 'delisted' AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_platform WHERE rowid > ? AND rowid <= ? AND platform = ? AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_platform WHERE rowid > ? AND rowid <= ? AND platform = ? AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_platform WHERE rowid > ? AND rowid <= ? AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_platform WHERE rowid > ? AND rowid <= ? AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_status WHERE rowid > ? AND rowid <= ? AND status = ? AND status <> 'delisted' ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_status WHERE rowid > ? AND rowid <= ? AND status = ? AND status <> 'delisted' ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_status WHERE rowid > ? AND rowid <= ? AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings INDEXED BY idx_listings_status WHERE rowid > ? AND rowid <= ? AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: ids::a_listing_and_a_post_are_found_by_their_id
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings WHERE id IN (?, ?);
-- fieldfen statement: pages::cursors_of_other_lists_are_refused
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings WHERE platform = ? AND platform_listing_id = ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings WHERE rowid > ? AND rowid <= ? AND platform = ? AND platform_listing_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings WHERE rowid > ? AND rowid <= ? AND platform = ? AND platform_listing_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings WHERE rowid > ? AND rowid <= ? AND platform_listing_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings WHERE rowid > ? AND rowid <= ? AND platform_listing_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings WHERE rowid > ? AND rowid <= ? AND status <> 'delisted' AND platform = ? AND platform_listing_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings WHERE rowid > ? AND rowid <= ? AND status <> 'delisted' AND platform = ? AND platform_listing_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings WHERE rowid > ? AND rowid <= ? AND status <> 'delisted' ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings WHERE rowid > ? AND rowid <= ? AND status <> 'delisted' ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::listings_are_listed_by_file_and_by_platform
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: pages::cursors_of_other_lists_are_refused
SELECT rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, created_at, updated_at FROM listings WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: deletions::a_deleted_file_takes_along_all_that_hangs_on_it_and_nothing_else
SELECT rowid, id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at FROM social_posts INDEXED BY idx_social_posts_file_id WHERE file_id IN (?, ?) ORDER BY rowid;
-- fieldfen statement: listing_updates::posts_are_listed_by_network_and_by_file
SELECT rowid, id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at FROM social_posts INDEXED BY idx_social_posts_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::posts_are_listed_by_network_and_by_file
SELECT rowid, id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at FROM social_posts INDEXED BY idx_social_posts_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::posts_are_listed_by_network_and_by_file
SELECT rowid, id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at FROM social_posts INDEXED BY idx_social_posts_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::posts_are_listed_by_network_and_by_file
SELECT rowid, id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at FROM social_posts INDEXED BY idx_social_posts_file_id WHERE rowid > ? AND rowid <= ? AND file_id = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: listing_updates::posts_are_listed_by_network_and_by_file
SELECT rowid, id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at FROM social_posts INDEXED BY idx_social_posts_platform WHERE rowid > ? AND rowid <= ? AND platform = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: listing_updates::posts_are_listed_by_network_and_by_file
SELECT rowid, id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at FROM social_posts INDEXED BY idx_social_posts_platform WHERE rowid > ? AND rowid <= ? AND platform = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: ids::a_listing_and_a_post_are_found_by_their_id
SELECT rowid, id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at FROM social_posts WHERE id IN (?, ?);
-- fieldfen statement: listing_updates::posts_are_listed_by_network_and_by_file
SELECT rowid, id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at FROM social_posts WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: pages::cursors_of_other_lists_are_refused
SELECT rowid, id, file_id, platform, post_type, platform_post_id, post_url, posted_at, gone_at FROM social_posts WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at FROM files INDEXED BY idx_files_content_hash WHERE content_hash = ? ORDER BY rowid LIMIT 1;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at FROM files INDEXED BY idx_files_drive_file_id WHERE drive_file_id = ? ORDER BY rowid LIMIT 1;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at FROM files WHERE id = (SELECT file_id FROM file_drive_ids WHERE drive_file_id = ?);
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at FROM files WHERE id IN (?, ?);
-- fieldfen statement: file_pages::a_window_is_sorted_by_time_and_then_by_insertion_whatever_else_is_wanted
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, '' FROM files INDEXED BY idx_files_arrival WHERE rowid > ? AND rowid <= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END IS NULL ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: file_pages::a_window_is_sorted_by_time_and_then_by_insertion_whatever_else_is_wanted
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, '' FROM files INDEXED BY idx_files_arrival WHERE rowid > ? AND rowid <= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END IS NULL ORDER BY rowid LIMIT ?;
-- fieldfen statement: file_pages::filters_hold_all_at_once
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, '' FROM files INDEXED BY idx_files_species WHERE rowid > ? AND rowid <= ? AND species = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: file_pages::filters_hold_all_at_once
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, '' FROM files INDEXED BY idx_files_species WHERE rowid > ? AND rowid <= ? AND species = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: file_pages::filters_hold_all_at_once
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, '' FROM files INDEXED BY idx_files_species_status WHERE rowid > ? AND rowid <= ? AND species = ? AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: file_pages::filters_hold_all_at_once
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, '' FROM files INDEXED BY idx_files_species_status WHERE rowid > ? AND rowid <= ? AND species = ? AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: file_pages::filters_hold_all_at_once
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, '' FROM files INDEXED BY idx_files_status WHERE rowid > ? AND rowid <= ? AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: file_pages::filters_hold_all_at_once
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, '' FROM files INDEXED BY idx_files_status WHERE rowid > ? AND rowid <= ? AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: file_pages::pages_follow_each_other_in_the_order_of_insertion
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, '' FROM files WHERE rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: file_pages::pages_follow_each_other_in_the_order_of_insertion
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, '' FROM files WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: file_pages::a_time_window_includes_its_beginning_and_not_its_end
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_arrival WHERE CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END >= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END < ? ORDER BY CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END DESC, rowid DESC LIMIT ?;
-- fieldfen statement: file_pages::a_time_window_includes_its_beginning_and_not_its_end
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_arrival WHERE CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END >= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END < ? ORDER BY CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END, rowid LIMIT ?;
-- fieldfen statement: file_pages::a_time_window_includes_its_beginning_and_not_its_end
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_arrival WHERE rowid > ? AND rowid <= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: file_pages::a_time_window_includes_its_beginning_and_not_its_end
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_arrival WHERE rowid > ? AND rowid <= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: file_pages::a_window_is_sorted_by_time_and_then_by_insertion_whatever_else_is_wanted
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_species_arrival WHERE CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END >= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END < ? AND species = ? ORDER BY CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END DESC, rowid DESC LIMIT ?;
-- fieldfen statement: file_pages::a_window_is_sorted_by_time_and_then_by_insertion_whatever_else_is_wanted
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_species_arrival WHERE CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END >= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END < ? AND species = ? ORDER BY CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END, rowid LIMIT ?;
-- fieldfen statement: file_pages::a_window_is_sorted_by_time_and_then_by_insertion_whatever_else_is_wanted
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_species_arrival WHERE rowid > ? AND rowid <= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END = ? AND species = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: file_pages::a_window_is_sorted_by_time_and_then_by_insertion_whatever_else_is_wanted
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_species_arrival WHERE rowid > ? AND rowid <= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END = ? AND species = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: file_pages::filters_hold_all_at_once
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_species_status_arrival WHERE CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END >= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END < ? AND species = ? AND status = ? ORDER BY CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END DESC, rowid DESC LIMIT ?;
-- fieldfen statement: file_pages::filters_hold_all_at_once
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_species_status_arrival WHERE CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END >= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END < ? AND species = ? AND status = ? ORDER BY CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END, rowid LIMIT ?;
-- fieldfen statement: file_pages::a_window_is_sorted_by_time_and_then_by_insertion_whatever_else_is_wanted
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_status_arrival WHERE CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END >= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END < ? AND status = ? ORDER BY CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END DESC, rowid DESC LIMIT ?;
-- fieldfen statement: file_pages::a_window_is_sorted_by_time_and_then_by_insertion_whatever_else_is_wanted
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_status_arrival WHERE CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END >= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END < ? AND status = ? ORDER BY CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END, rowid LIMIT ?;
-- fieldfen statement: file_pages::a_window_is_sorted_by_time_and_then_by_insertion_whatever_else_is_wanted
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_status_arrival WHERE rowid > ? AND rowid <= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END = ? AND status = ? ORDER BY rowid DESC LIMIT ?;
-- fieldfen statement: file_pages::a_window_is_sorted_by_time_and_then_by_insertion_whatever_else_is_wanted
SELECT rowid, id, original_filename, processed_filename, species, status, failed_from, failure, drive_file_id, content_hash, metadata_json, width, height, created_at, updated_at, created_at FROM files INDEXED BY idx_files_status_arrival WHERE rowid > ? AND rowid <= ? AND CASE WHEN typeof(created_at) = 'text' AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END = ? AND status = ? ORDER BY rowid LIMIT ?;
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
SELECT rowid, run_at, waiting_since FROM jobs INDEXED BY idx_jobs_waiting WHERE status = 'pending' AND waiting_since IS NOT NULL AND waiting_since > ? ORDER BY waiting_since LIMIT ?;
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
SELECT rowid, since, until FROM pauses WHERE scope >= '' AND until IS NOT NULL;
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
SELECT rowid, status, run_at, lease_expires_at, typeof(run_at) <> 'text' OR run_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]' FROM jobs INDEXED BY idx_jobs_irregular WHERE status IN ('pending', 'running') AND ((status = 'pending' AND ((priority <> 0 AND priority <> 1 AND priority <> 2 AND priority <> 3) OR typeof(command_type) <> 'text' OR typeof(run_at) <> 'text' OR run_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]')) OR (status = 'running' AND lease_expires_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]')) LIMIT ?;
-- fieldfen statement: enqueueing::the_next_due_time_is_that_of_pending_jobs_of_these_kinds
SELECT run_at FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' AND command_type = ? AND priority = ? AND run_at >= '' ORDER BY run_at LIMIT 1;
-- fieldfen statement: claim_places::jobs_of_paused_accounts_take_no_place
SELECT scope, name, reason, since, until, by FROM pauses WHERE scope = ? AND name = ?;
-- fieldfen statement: paused_calls::a_refusal_that_lasts_pauses_the_account_for_all_jobs
SELECT scope, name, reason, since, until, by FROM pauses WHERE scope >= '' ORDER BY scope, name;
-- fieldfen statement: api_costs::the_same_external_id_of_two_services_is_two_costs
SELECT service, currency, known_micros, guessed_micros, items, unknown_items FROM api_cost_daily WHERE day = ? AND service = coalesce(?, service) AND account = coalesce(?, account) AND currency <> '' AND items <> 0;
-- fieldfen statement: api_costs::nothing_recorded_costs_nothing
SELECT service, currency, known_micros, guessed_micros, items, unknown_items FROM api_cost_monthly WHERE month = ? AND service = coalesce(?, service) AND account = coalesce(?, account) AND items <> 0;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT service, sum(n >> 32), sum(n & 4294967295), count(n), min(id), min(CASE WHEN n IS NULL THEN id END) FROM (SELECT id, service, CASE WHEN request_count IS NULL THEN 1 WHEN typeof(request_count) = 'integer' AND request_count >= 0 THEN request_count END AS n FROM api_usage INDEXED BY idx_api_usage_recorded_at WHERE recorded_at >= ?) GROUP BY service ORDER BY service;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
SELECT status, count(*) FROM files INDEXED BY idx_files_status GROUP BY status;
-- fieldfen statement: deletions::a_deleted_file_takes_along_all_that_hangs_on_it_and_nothing_else
SELECT status, lease_token, completed_at, status = 'failed' AND lease_expires_at IS NOT NULL FROM jobs WHERE id = ?;
-- fieldfen statement: confirmations::an_ended_publication_is_confirmed_anew
SELECT status_event_at FROM listings WHERE id IN (?, ?);
-- fieldfen statement: api_usage::days_add_up_by_service_account_endpoint_and_outcome
SELECT substr(recorded_at, 1, 10), service, coalesce(account, ''), coalesce(endpoint, ''), coalesce(outcome, ''), count(*), sum(coalesce(request_count, 1)), sum(coalesce(duration_ms, 0)) FROM api_usage WHERE id > ? AND substr(recorded_at, 1, 10) BETWEEN ? AND ? AND (typeof(service) = 'text' AND typeof(recorded_at) = 'text' AND date(substr(recorded_at, 1, 10)) IS substr(recorded_at, 1, 10) AND typeof(account) IN ('null', 'text') AND typeof(endpoint) IN ('null', 'text') AND coalesce(outcome, 'ok') IN ('ok', 'refused', 'throttled', 'not_sent', 'no_answer') AND typeof(coalesce(request_count, 1)) = 'integer' AND coalesce(request_count, 1) BETWEEN 0 AND 4294967295 AND typeof(coalesce(duration_ms, 0)) = 'integer' AND coalesce(duration_ms, 0) BETWEEN 0 AND 4294967295) GROUP BY 1, 2, 3, 4, 5;
-- fieldfen statement: health
SELECT version FROM __diesel_schema_migrations ORDER BY version;
-- fieldfen statement: concurrency_limits::limits_are_listed_changed_and_removed
SELECT waits_for FROM jobs INDEXED BY idx_jobs_waits_for WHERE status = 'pending' AND waits_for <> '' AND command_type = ? AND waits_for > ? ORDER BY waits_for LIMIT 1;
-- fieldfen statement: api_costs::a_cost_that_is_recorded_again_follows_the_table
UPDATE api_cost_daily SET guessed_micros = max(guessed_micros - ?, 0), items = items - 1, unknown_items = unknown_items - ? WHERE day = ? AND service = ? AND account = ? AND endpoint = ? AND currency = ?;
-- fieldfen statement: api_costs::a_cost_that_is_recorded_again_follows_the_table
UPDATE api_cost_monthly SET guessed_micros = max(guessed_micros - ?, 0), items = items - 1, unknown_items = unknown_items - ? WHERE month = ? AND service = ? AND account = ? AND currency = ?;
-- fieldfen statement: api_costs::a_cost_that_is_recorded_again_follows_the_table
UPDATE api_costs SET item = ?, amounts_json = ?, status = ?, amount_micros = ?, guess_micros = ?, currency = ?, settled_at = ?, job_id = ?, file_id = ? WHERE id = ? AND status = ?;
-- fieldfen statement: budgets::a_late_settlement_frees_the_cost_of_the_lapsed_permit
UPDATE api_permits SET guess_micros = NULL, currency = NULL WHERE id = ?;
-- fieldfen statement: api_usage::days_do_not_change_when_rows_are_rolled_up_and_pruned
UPDATE api_usage_rollup SET rolled_up_to = ?, uncounted = uncounted + ?, first_uncounted = coalesce(first_uncounted, ?) WHERE id = 1;
-- fieldfen statement: bulk_actions::the_progress_moves_only_from_where_it_is
UPDATE bulk_actions SET cursor = ?, done = ?, refused = ?, finished_at = ? WHERE id = ? AND cursor IS ? AND finished_at IS NULL;
-- fieldfen statement: claim_places::a_limit_is_reached_by_running_jobs_and_by_jobs_before
UPDATE concurrency_limits SET running = ? WHERE kind = ? AND partition = 'all';
-- fieldfen statement: claim_places::a_limit_is_reached_by_running_jobs_and_by_jobs_before
UPDATE concurrency_limits SET running = max(running + ?, 0) WHERE kind = ? AND partition = 'all';
-- fieldfen statement: files::a_met_file_gets_the_drive_id_and_the_hash_that_it_lacks
UPDATE files SET drive_file_id = coalesce(?, drive_file_id), content_hash = coalesce(?, content_hash), updated_at = ? WHERE id = ?;
-- fieldfen statement: files::an_edit_sets_what_is_given_and_leaves_the_rest
UPDATE files SET processed_filename = iif(?, NULL, coalesce(?, processed_filename)), species = iif(?, NULL, coalesce(?, species)), metadata_json = iif(?, NULL, coalesce(?, metadata_json)), width = iif(?, NULL, coalesce(?, width)), height = iif(?, NULL, coalesce(?, height)), aspect_ratio = iif(?, NULL, coalesce(?, aspect_ratio)), updated_at = ? WHERE id IN (?, ?);
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
UPDATE files SET status = ?, failed_from = ?, failure = ?, updated_at = ? WHERE id IN (?, ?) AND status = ? AND (status <> ? OR failed_from IS NOT ?) RETURNING id;
-- fieldfen statement: must_run_alone::a_job_runs_alone_only_when_its_holder_says_so
UPDATE jobs SET alone = 1 WHERE id = ? AND lease_token = ? AND status = 'running';
-- fieldfen statement: must_run_alone::the_wait_grows_with_the_lost_leases
UPDATE jobs SET alone = ? WHERE rowid = ?;
-- fieldfen statement: pages::a_cursor_serves_every_filter_and_either_order
UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, ?), last_error = ?, error_fingerprint = ? WHERE id = ? AND status = 'running';
-- fieldfen statement: pages::a_cursor_serves_every_filter_and_either_order
UPDATE jobs SET last_error = ?, error_fingerprint = ?, completed_at = ?, parked_for = NULL WHERE id = ? AND status = 'failed' AND parked_for IS NOT NULL;
-- fieldfen statement: fence::the_current_token_does_it
UPDATE jobs SET lease_expires_at = ?, progress_json = coalesce(?, progress_json) WHERE id = ? AND lease_token = ? AND status = 'running' RETURNING cancel_requested_at;
-- fieldfen statement: claims_many::leases_of_a_batch_are_extended_as_one_by_one
UPDATE jobs SET lease_expires_at = ?, progress_json = coalesce(given.json, progress_json) FROM (SELECT key AS id, substr(value, 1, 36) AS token, nullif(substr(value, 37), '') AS json FROM json_each(?)) AS given WHERE jobs.id = given.id AND +jobs.lease_token = given.token AND +jobs.status = 'running' RETURNING id, cancel_requested_at;
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
UPDATE jobs SET lease_expires_at = ?, run_at = iif(status = 'pending', max(run_at, ?), run_at), waiting_since = iif(status = 'pending', max(waiting_since, ?), waiting_since), waits_for = '' WHERE id = ? AND lease_token = ? AND status IN ('failed', 'pending') AND lease_expires_at IS NOT NULL;
-- fieldfen statement: deletions::a_deleted_file_takes_along_all_that_hangs_on_it_and_nothing_else
UPDATE jobs SET lease_token = NULL, lease_expires_at = NULL, run_at = iif(status = 'pending' AND waiting_since IS NOT NULL, min(run_at, ?), run_at), waits_for = '' WHERE id = ? AND lease_token = ? AND status IN ('failed', 'pending') AND lease_expires_at IS NOT NULL;
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
UPDATE jobs SET parked_for = NULL WHERE rowid IN (SELECT rowid FROM jobs INDEXED BY idx_jobs_parked WHERE status = 'completed' AND parked_for IS NOT NULL LIMIT ?);
-- fieldfen statement: concurrency_limits::a_limit_counts_the_jobs_that_run_already
UPDATE jobs SET partition_key = ?, waits_for = '' WHERE rowid = ? AND status = 'running';
-- fieldfen statement: claim_places::jobs_of_paused_accounts_take_no_place
UPDATE jobs SET partition_key = given.partition_key, waits_for = given.waits_for FROM (SELECT value ->> 0 AS id, value ->> 1 AS partition_key, value ->> 2 AS waits_for FROM json_each(?)) AS given WHERE jobs.rowid = given.id AND +jobs.status = 'pending';
-- fieldfen statement: job_actions::every_operation_in_every_status_is_as_the_table_says
UPDATE jobs SET priority = ? WHERE id = ? AND status IN ('running', 'failed');
-- fieldfen statement: job_actions::every_operation_in_every_status_is_as_the_table_says
UPDATE jobs SET priority = ?, waits_for = '' WHERE id = ? AND status = 'pending';
-- fieldfen statement: job_actions::every_operation_in_every_status_is_as_the_table_says
UPDATE jobs SET run_at = ?, waiting_since = ?, waits_for = '' WHERE id = ? AND status = 'pending';
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
UPDATE jobs SET run_at = coalesce(?, run_at), waiting_since = ?, waits_for = '' WHERE rowid = ? AND status = 'pending';
-- fieldfen statement: deletions::a_deleted_file_takes_along_all_that_hangs_on_it_and_nothing_else
UPDATE jobs SET status = 'completed', result_json = ?, completed_at = ?, lease_expires_at = NULL WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ?;
-- fieldfen statement: claims_many::claims_of_a_batch_are_completed_as_one_by_one
UPDATE jobs SET status = 'completed', result_json = given.json, completed_at = ?, lease_expires_at = NULL FROM (SELECT key AS id, substr(value, 1, 36) AS token, nullif(substr(value, 37), '') AS json FROM json_each(?)) AS given WHERE jobs.id = given.id AND +jobs.lease_token = given.token AND +jobs.status = 'running';
-- fieldfen statement: claims_many::claims_of_a_batch_are_completed_as_one_by_one
UPDATE jobs SET status = 'completed', result_json = given.json, completed_at = ?, lease_expires_at = NULL FROM (SELECT key AS id, substr(value, 1, 36) AS token, nullif(substr(value, 37), '') AS json FROM json_each(?)) AS given WHERE jobs.id = given.id AND +jobs.lease_token = given.token AND +jobs.status = 'running' AND +jobs.partition_key IS NULL;
-- fieldfen statement: enqueueing::a_dedup_key_is_free_again_when_its_job_has_ended
UPDATE jobs SET status = 'failed', last_error = ?, error_fingerprint = ?, completed_at = ?, lease_expires_at = NULL, parked_for = NULL WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ?;
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
UPDATE jobs SET status = 'failed', last_error = ?, error_fingerprint = ?, completed_at = ?, lost_leases = min(lost_leases + 1, 4294967295), lease_token = NULL, lease_expires_at = NULL, parked_for = ? WHERE rowid = ? AND status = 'running' RETURNING rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, payload_json, result_json, progress_json, last_error, cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for;
-- fieldfen statement: claim_places::each_status_is_counted_by_kind
UPDATE jobs SET status = 'failed', last_error = ?, error_fingerprint = ?, completed_at = ?, parked_for = ?, lease_expires_at = NULL WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ? AND cancel_requested_at IS NULL;
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
UPDATE jobs SET status = 'failed', last_error = ?, error_fingerprint = ?, completed_at = ?, parked_for = NULL WHERE id = ? AND status = 'running';
-- fieldfen statement: pages::a_cursor_serves_every_filter_and_either_order
UPDATE jobs SET status = 'failed', last_error = ?, error_fingerprint = ?, completed_at = ?, parked_for = NULL, waits_for = '' WHERE id = ? AND status = 'pending';
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
UPDATE jobs SET status = 'pending', attempts = 0, throttled = 0, run_at = ?, waiting_since = ?, completed_at = NULL, started_at = NULL, alone = 0, cancel_requested_at = NULL, declined_since = NULL, parked_for = NULL, waits_for = '', lease_expires_at = ?, lease_token = iif(? IS NULL, NULL, lease_token), worker = NULL WHERE id = ? AND status = 'failed';
-- fieldfen statement: fence::a_lost_claim_changes_nothing_and_says_why
UPDATE jobs SET status = 'pending', last_error = ?, error_fingerprint = ?, run_at = ?, waiting_since = ?, attempts = min(coalesce(attempts, 0) + 1, 4294967295), lost_leases = min(lost_leases + 1, 4294967295), lease_token = NULL, lease_expires_at = NULL, worker = NULL, started_at = NULL WHERE rowid = ? AND status = 'running' AND cancel_requested_at IS NULL AND max_retries > 0 AND (coalesce(attempts, 0) < max_retries OR alone = 0) RETURNING rowid, id, file_id, account, command_type, status, attempts, max_retries, lost_leases, throttled, priority, run_at, dedup_key, payload_json, result_json, progress_json, last_error, cancel_requested_at, created_at, started_at, completed_at, lease_token, lease_expires_at, worker, declined_since, parked_for;
-- fieldfen statement: claims::a_job_keeps_its_place_when_it_comes_back
UPDATE jobs SET status = 'pending', last_error = ?, error_fingerprint = ?, run_at = ?, waiting_since = ?, attempts = min(coalesce(attempts, 0) + 1, 4294967295), throttled = 0, lease_token = NULL, lease_expires_at = NULL, worker = NULL, started_at = NULL, declined_since = NULL WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ? AND coalesce(attempts, 0) < max_retries AND cancel_requested_at IS NULL RETURNING attempts;
-- fieldfen statement: waiting_jobs::every_way_to_leave_a_place_admits_the_next_job
UPDATE jobs SET status = 'pending', last_error = ?, error_fingerprint = ?, run_at = ?, waiting_since = ?, declined_since = min(coalesce(declined_since, ?), ?), lease_token = NULL, lease_expires_at = NULL, worker = NULL, started_at = NULL WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ?;
-- fieldfen statement: must_run_alone::a_job_that_has_lost_two_leases_is_claimed_alone
UPDATE jobs SET status = 'pending', lease_token = NULL, lease_expires_at = NULL, worker = NULL, started_at = NULL WHERE rowid = ?;
-- fieldfen statement: claims_many::claims_of_a_batch_are_released_as_one_by_one
UPDATE jobs SET status = 'pending', run_at = ?, waiting_since = ?, lease_token = NULL, lease_expires_at = NULL, worker = NULL, started_at = NULL, declined_since = NULL FROM (SELECT key AS id, substr(value, 1, 36) AS token, nullif(substr(value, 37), '') AS json FROM json_each(?)) AS given WHERE jobs.id = given.id AND +jobs.lease_token = given.token AND +jobs.status = 'running';
-- fieldfen statement: claims_many::claims_of_a_batch_are_released_as_one_by_one
UPDATE jobs SET status = 'pending', run_at = ?, waiting_since = ?, lease_token = NULL, lease_expires_at = NULL, worker = NULL, started_at = NULL, declined_since = NULL FROM (SELECT key AS id, substr(value, 1, 36) AS token, nullif(substr(value, 37), '') AS json FROM json_each(?)) AS given WHERE jobs.id = given.id AND +jobs.lease_token = given.token AND +jobs.status = 'running' AND +jobs.partition_key IS NULL;
-- fieldfen statement: job_actions::every_operation_in_every_status_is_as_the_table_says
UPDATE jobs SET status = 'pending', run_at = ?, waiting_since = ?, started_at = NULL, worker = NULL, alone = 0, declined_since = NULL, waits_for = '', lease_expires_at = ?, lease_token = iif(? IS NULL, NULL, lease_token) WHERE id = ? AND status = 'running';
-- fieldfen statement: claims::a_job_keeps_its_place_when_it_comes_back
UPDATE jobs SET status = 'pending', run_at = ?, waiting_since = ?, throttled = min(throttled + ?, 4294967295), lease_token = NULL, lease_expires_at = NULL, worker = NULL, started_at = NULL, declined_since = NULL WHERE id = ? AND lease_token = ? AND status = 'running' AND partition_key IS ?;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
UPDATE jobs SET status = 'running', lease_token = ?, lease_expires_at = ?, worker = ?, started_at = ?, on_worker_death = coalesce(on_worker_death, ?), alone = 0, parked_for = NULL WHERE rowid = ? AND status = 'pending';
-- fieldfen statement: enqueueing::pages_follow_each_other_in_the_order_of_insertion
UPDATE jobs SET status = 'running', lease_token = ?, lease_expires_at = ?, worker = ?, started_at = ?, on_worker_death = coalesce(on_worker_death, ?), alone = 0, parked_for = NULL WHERE rowid IN (SELECT rowid FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' AND command_type = ? AND priority IN (0, 1, 2, 3) AND run_at >= '' AND run_at <= ? ORDER BY priority, run_at, rowid LIMIT ?);
-- fieldfen statement: claim_places::jobs_of_paused_accounts_take_no_place
UPDATE jobs SET status = 'running', lease_token = ?, lease_expires_at = ?, worker = ?, started_at = ?, on_worker_death = coalesce(on_worker_death, ?), alone = 0, parked_for = NULL, partition_key = ? WHERE rowid = ? AND status = 'pending';
-- fieldfen statement: claim_places::a_limit_is_reached_by_running_jobs_and_by_jobs_before
UPDATE jobs SET waits_for = '' WHERE rowid IN (SELECT rowid FROM jobs INDEXED BY idx_jobs_waits_for WHERE status = 'pending' AND waits_for <> '' AND command_type = ? AND waits_for = ? AND priority IN (0, 1, 2, 3) AND run_at >= '' ORDER BY priority, run_at, rowid LIMIT ?);
-- fieldfen statement: confirmations::an_ended_publication_is_confirmed_anew
UPDATE listings SET listing_url = ?, status = ?, platform_status = ?, status_event_at = ?, updated_at = ? WHERE id IN (?, ?);
-- fieldfen statement: same_platform_ids::an_id_that_a_delisted_listing_has_held_goes_to_the_live_product
UPDATE listings SET platform_listing_id = ?, updated_at = ? WHERE id IN (?, ?);
-- fieldfen statement: deletions::a_live_listing_refuses_the_deletion_until_it_is_delisted
UPDATE listings SET status = ?, platform_status = ?, status_event_at = ?, updated_at = ? WHERE id IN (?, ?) AND (status_event_at IS NULL OR status_event_at <= ? OR status_event_at > ?) RETURNING file_id;
-- fieldfen statement: pauses::a_pause_that_a_clock_ahead_has_written_begins_anew
UPDATE pauses SET since = ?, until = ? WHERE rowid = ?;
-- fieldfen statement: paused_calls::a_paused_account_refuses_its_own_calls
UPDATE pauses SET until = ? WHERE scope = ? AND name = ?;
-- fieldfen statement: paused_calls::a_part_of_the_program_lifts_only_its_own_pause_and_no_block
UPDATE pauses SET until = ? WHERE scope = ? AND name = ? AND by = ? AND coalesce(until, '9') > ?;
-- fieldfen statement: hashes::a_hash_first_seen_in_the_future_is_remembered_from_its_repetition_on
UPDATE processed_hashes SET created_at = ?, expires_at = ? WHERE rowid = ?;
-- fieldfen statement: transactions::a_closure_that_fails_leaves_nothing
UPDATE processed_hashes SET file_id = ? WHERE hash = ?;
-- fieldfen statement: adoption::a_publication_takes_the_key_that_a_person_has_given_its_product
UPDATE publications SET client_key = ?, updated_at = ? WHERE id = ? AND state IN ('confirmed', 'ended');
-- fieldfen statement: reservations::a_hold_that_began_in_the_future_begins_anew
UPDATE publications SET held_since = ?, held_until = ? WHERE id = ? AND token = ?;
-- fieldfen statement: deletions::a_live_listing_refuses_the_deletion_until_it_is_delisted
UPDATE publications SET state = 'ended', updated_at = ? WHERE id IN (?, ?) AND state = 'confirmed';
-- fieldfen statement: reservations::a_released_target_is_granted_again_in_the_same_row
UPDATE publications SET state = 'reserved', post_type = ?, token = ?, held_until = ?, held_since = ?, updated_at = ?, calls = ? WHERE id = ? AND state = 'released';
-- fieldfen statement: reservations::a_hold_that_began_in_the_future_begins_anew
UPDATE publications SET state = 'unknown', token = ?, held_until = ?, held_since = ?, updated_at = ? WHERE id = ? AND token = ? AND state = ?;
-- fieldfen statement: deletions::a_call_that_may_be_under_way_refuses_the_deletion
UPDATE publications SET state = ?, calls = ?, last_error = ?, parked_for = ?, updated_at = ? WHERE id = ? AND token = ? AND state = ?;
-- fieldfen statement: pages::cursors_of_other_lists_are_refused
UPDATE publications SET state = ?, platform_id = ?, last_error = NULL, parked_for = CASE state WHEN 'ended' THEN parked_for END, updated_at = ? WHERE id = ? AND state = ?;
-- fieldfen statement: paused_calls::a_paused_account_refuses_its_own_calls
UPDATE rate_limits INDEXED BY idx_rate_limits_key SET blocked_until = ? WHERE service = ? AND account = ? AND endpoint = '' AND blocked_until > ?;
-- fieldfen statement: paused_calls::a_refusal_that_lasts_pauses_the_account_for_all_jobs
UPDATE rate_limits SET kind = ?, limit_units = ?, window_ms = ?, refill_micros_per_s = ?, said_units = ?, said_refill_micros_per_s = ?, used_units = ?, permitted_units = ?, settled_units = ?, level_micros = ?, level_at = ?, other_units = ?, other_until = ?, left_units = ?, left_until = ?, used_basis_points = ?, blocked_since = ?, blocked_until = ?, blocked_reason = ?, throttles = ?, tightened_at = ?, said_at = ? WHERE id = ?;
-- fieldfen statement: recurring::defining_it_again_keeps_the_next_tick
UPDATE recurring_jobs SET next_at = ?, last_at = ?, updated_at = ? WHERE name = ? AND next_at = ? AND paused_at IS NULL;
-- fieldfen statement: recurring::work_that_a_clock_ahead_has_set_is_doubtful_until_it_is_set_again
UPDATE recurring_jobs SET next_at = ?, updated_at = ? WHERE name = ? AND next_at = ?;
-- fieldfen statement: recurring::paused_work_has_no_ticks_until_it_is_resumed
UPDATE recurring_jobs SET paused_at = ? WHERE name = ? AND paused_at IS NULL;
-- fieldfen statement: recurring::paused_work_has_no_ticks_until_it_is_resumed
UPDATE recurring_jobs SET paused_at = NULL WHERE name = ? AND paused_at IS NOT NULL;
-- fieldfen statement: foreign_rows::a_post_without_a_publication_keeps_its_network_from_being_reserved
UPDATE social_posts SET gone_at = ? WHERE id IN (?, ?) AND gone_at IS NULL;
-- fieldfen statement: adoption::an_adopted_post_belongs_to_its_publication
UPDATE social_posts SET platform_post_id = ? WHERE id IN (?, ?) AND platform_post_id IS NULL;
-- fieldfen statement: foreign_rows::a_confirmation_takes_the_row_that_another_program_has_made
UPDATE social_posts SET post_url = ?, gone_at = NULL WHERE id IN (?, ?);
