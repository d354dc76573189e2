DROP TABLE api_usage_rollup;
DROP TABLE api_usage_daily;

DROP INDEX idx_api_usage_failures;
DROP INDEX idx_api_usage_file_id;
DROP INDEX idx_api_usage_job_id;

ALTER TABLE api_usage DROP COLUMN external_id;
ALTER TABLE api_usage DROP COLUMN file_id;
ALTER TABLE api_usage DROP COLUMN job_id;
ALTER TABLE api_usage DROP COLUMN duration_ms;
ALTER TABLE api_usage DROP COLUMN error;
ALTER TABLE api_usage DROP COLUMN http_status;
ALTER TABLE api_usage DROP COLUMN outcome;
ALTER TABLE api_usage DROP COLUMN account;
