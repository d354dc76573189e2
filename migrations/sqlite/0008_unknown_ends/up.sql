-- Ended jobs of programs that leave `completed_at` out are pruned as if they had ended when they were created. That column
-- and `parked_for` are in the index too, so that asking for them does not lead to the row.
CREATE INDEX idx_jobs_unknown_ends ON jobs(status, completed_at, parked_for, created_at)
    WHERE completed_at IS NULL AND status IN ('completed', 'failed');
