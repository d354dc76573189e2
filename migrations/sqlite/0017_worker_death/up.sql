-- The consequence of a worker's death for each job, and the stuck handlers of each worker.

-- 'retry', 'hold' or 'fail'. The jobs of programs that know only the initial schema have NULL until a worker claims them that
-- has a rule for their kind. NULL is 'retry'.
ALTER TABLE jobs ADD COLUMN on_worker_death TEXT;

-- The ids of the jobs whose handlers do not return although they were interrupted, as a JSON array.
ALTER TABLE workers ADD COLUMN stuck_jobs_json TEXT NOT NULL DEFAULT '[]';
