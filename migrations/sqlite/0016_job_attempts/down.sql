DROP INDEX idx_jobs_errors;
ALTER TABLE jobs DROP COLUMN error_fingerprint;
DROP TABLE job_attempts;
