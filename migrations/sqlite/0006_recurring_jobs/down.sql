DROP TABLE recurring_jobs;
