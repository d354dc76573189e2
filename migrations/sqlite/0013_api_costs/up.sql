-- The cost of each thing that an external API charges for. Rows are not pruned: they say where the money went.

CREATE TABLE api_costs (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    service TEXT NOT NULL,
    -- The id that the service gave to what it charges for, for example a prediction.
    external_id TEXT NOT NULL,
    account TEXT,
    endpoint TEXT,
    -- What was bought, for example the name of a model.
    item TEXT,
    -- The measured amounts by name, in millionths, as a JSON object.
    amounts_json TEXT NOT NULL,
    -- 'pending', 'known', 'unknown' or 'free'.
    status TEXT NOT NULL,
    -- In millionths of the currency's unit. NULL while the cost is not known, 0 if it is free.
    amount_micros INTEGER,
    -- The amount that budgets count while the cost is not known.
    guess_micros INTEGER,
    -- NULL if the cost is free.
    currency TEXT,
    at TIMESTAMP NOT NULL,
    settled_at TIMESTAMP,
    -- A cost outlives its job and its file, so that these columns refer to no table.
    job_id TEXT,
    file_id TEXT,
    UNIQUE (service, external_id)
);

CREATE INDEX idx_api_costs_dearest ON api_costs(service, endpoint, currency, amount_micros) WHERE status = 'known';
CREATE INDEX idx_api_costs_unsettled ON api_costs(status) WHERE status IN ('pending', 'unknown');
CREATE INDEX idx_api_costs_job_id ON api_costs(job_id) WHERE job_id IS NOT NULL;
CREATE INDEX idx_api_costs_file_id ON api_costs(file_id) WHERE file_id IS NOT NULL;

-- The costs of each day, for reports. Account and endpoint are '' where the rows have NULL, the currency is '' for free
-- items. The transaction that writes a cost writes its day and its month too.
CREATE TABLE api_cost_daily (
    day TEXT NOT NULL,
    service TEXT NOT NULL,
    account TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    currency TEXT NOT NULL,
    known_micros INTEGER NOT NULL,
    guessed_micros INTEGER NOT NULL,
    items INTEGER NOT NULL,
    unknown_items INTEGER NOT NULL,
    PRIMARY KEY (day, service, account, endpoint, currency)
) WITHOUT ROWID;

-- The costs of each month without the free items, for budgets: a budget is checked before each call, and must not add up
-- the days.
CREATE TABLE api_cost_monthly (
    month TEXT NOT NULL,
    service TEXT NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    known_micros INTEGER NOT NULL,
    guessed_micros INTEGER NOT NULL,
    items INTEGER NOT NULL,
    unknown_items INTEGER NOT NULL,
    PRIMARY KEY (month, service, account, currency)
) WITHOUT ROWID;
