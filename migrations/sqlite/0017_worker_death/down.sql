ALTER TABLE workers DROP COLUMN stuck_jobs_json;
ALTER TABLE jobs DROP COLUMN on_worker_death;
