DROP TABLE api_usage_monthly;
