DROP TABLE api_permit_limits;
DROP TABLE api_permits;
DROP TABLE rate_limit_usage;
DROP TABLE rate_limits;
