DROP TABLE recurring_runs;
ALTER TABLE recurring_jobs DROP COLUMN defined_in;
ALTER TABLE recurring_jobs DROP COLUMN account;
ALTER TABLE recurring_jobs DROP COLUMN time_zone;
