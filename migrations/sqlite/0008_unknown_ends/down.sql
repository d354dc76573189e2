DROP INDEX idx_jobs_unknown_ends;
