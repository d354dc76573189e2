-- The requests of each month, for budgets in calls: a budget is checked before each call, and must not add up the days. The
-- transaction that adds rows to api_usage_daily adds their requests here too. The account is '' where the rows have NULL.
CREATE TABLE api_usage_monthly (
    month TEXT NOT NULL,
    service TEXT NOT NULL,
    account TEXT NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (month, service, account)
) WITHOUT ROWID;

INSERT INTO api_usage_monthly (month, service, account, requests)
SELECT substr(day, 1, 7), service, account, sum(requests) FROM api_usage_daily GROUP BY 1, 2, 3;
