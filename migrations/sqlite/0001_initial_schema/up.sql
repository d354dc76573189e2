-- The schema of the specification, to the letter: six tables, thirteen indexes.

CREATE TABLE files (
    id TEXT PRIMARY KEY,
    original_filename TEXT NOT NULL,
    processed_filename TEXT,
    species TEXT,
    status TEXT NOT NULL,
    drive_file_id TEXT,
    metadata_json TEXT,
    width INTEGER,
    height INTEGER,
    aspect_ratio TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX idx_files_status ON files(status);
CREATE INDEX idx_files_species ON files(species);
CREATE INDEX idx_files_drive_file_id ON files(drive_file_id);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    file_id TEXT,
    command_type TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER DEFAULT 0,
    last_error TEXT,
    payload_json TEXT,
    result_json TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE
);

CREATE INDEX idx_jobs_status ON jobs(status);
CREATE INDEX idx_jobs_file_id ON jobs(file_id);
CREATE INDEX idx_jobs_command_type ON jobs(command_type);

CREATE TABLE processed_hashes (
    hash TEXT PRIMARY KEY,
    file_id TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE SET NULL
);

CREATE INDEX idx_processed_hashes_created_at ON processed_hashes(created_at);

CREATE TABLE api_usage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,
    endpoint TEXT,
    request_count INTEGER DEFAULT 1,
    rate_limit_remaining INTEGER,
    rate_limit_reset_at TIMESTAMP,
    recorded_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX idx_api_usage_service ON api_usage(service);
CREATE INDEX idx_api_usage_recorded_at ON api_usage(recorded_at);

CREATE TABLE listings (
    id TEXT PRIMARY KEY,
    file_id TEXT NOT NULL,
    platform TEXT NOT NULL,
    platform_listing_id TEXT NOT NULL,
    listing_url TEXT,
    status TEXT NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE,
    UNIQUE(platform, platform_listing_id)
);

CREATE INDEX idx_listings_file_id ON listings(file_id);
CREATE INDEX idx_listings_platform ON listings(platform);

CREATE TABLE social_posts (
    id TEXT PRIMARY KEY,
    file_id TEXT NOT NULL,
    platform TEXT NOT NULL,
    post_type TEXT,
    platform_post_id TEXT,
    post_url TEXT,
    posted_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE
);

CREATE INDEX idx_social_posts_file_id ON social_posts(file_id);
CREATE INDEX idx_social_posts_platform ON social_posts(platform);
