DROP TABLE api_cost_monthly;
DROP TABLE api_cost_daily;
DROP TABLE api_costs;
