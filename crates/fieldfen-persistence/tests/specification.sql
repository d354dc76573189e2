CREATE TABLE files (
    id TEXT PRIMARY KEY,                    -- UUID v4
    original_filename TEXT NOT NULL,        -- As uploaded/ingested
    processed_filename TEXT,                -- After processing (optional)
    species TEXT,                           -- Category (whitetail-deer, fox, etc)
    status TEXT NOT NULL,                   -- Enum: ingested, processing, processed, approved, published, failed
    drive_file_id TEXT,                     -- Google Drive file ID (for re-download)
    metadata_json TEXT,                     -- JSON blob: {title, description, hashtags, etc}
    width INTEGER,                          -- Image width in pixels
    height INTEGER,                         -- Image height in pixels
    aspect_ratio TEXT,                      -- '3:2', '2:3', '4:5', etc
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX idx_files_status ON files(status);
CREATE INDEX idx_files_species ON files(species);
CREATE INDEX idx_files_drive_file_id ON files(drive_file_id);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,                    -- UUID v4
    file_id TEXT,                           -- Foreign key to files(id), nullable for non-file jobs
    command_type TEXT NOT NULL,             -- Enum: CreateFileRecord, UpscaleImage, GenerateMetadata, etc
    status TEXT NOT NULL,                   -- Enum: pending, running, completed, failed
    attempts INTEGER DEFAULT 0,             -- Retry counter
    last_error TEXT,                        -- Error message from last failure
    payload_json TEXT,                      -- Command-specific data (JSON)
    result_json TEXT,                       -- Command result data (JSON)
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE
);

CREATE INDEX idx_jobs_status ON jobs(status);
CREATE INDEX idx_jobs_file_id ON jobs(file_id);
CREATE INDEX idx_jobs_command_type ON jobs(command_type);

CREATE TABLE processed_hashes (
    hash TEXT PRIMARY KEY,                  -- SHA256 of webhook payload
    file_id TEXT,                           -- Associated file (if applicable)
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE SET NULL
);

CREATE INDEX idx_processed_hashes_created_at ON processed_hashes(created_at);

CREATE TABLE api_usage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,                  -- 'shopify', 'etsy', 'replicate', etc
    endpoint TEXT,                          -- API endpoint or action name
    request_count INTEGER DEFAULT 1,        -- Number of requests (for batch tracking)
    rate_limit_remaining INTEGER,           -- From response headers (if available)
    rate_limit_reset_at TIMESTAMP,          -- From response headers (if available)
    recorded_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX idx_api_usage_service ON api_usage(service);
CREATE INDEX idx_api_usage_recorded_at ON api_usage(recorded_at);

CREATE TABLE listings (
    id TEXT PRIMARY KEY,                    -- UUID v4
    file_id TEXT NOT NULL,                  -- Foreign key to files(id)
    platform TEXT NOT NULL,                 -- 'shopify', 'etsy', 'ebay', 'amazon'
    platform_listing_id TEXT NOT NULL,      -- External ID from platform
    listing_url TEXT,                       -- Direct link to product page
    status TEXT NOT NULL,                   -- 'draft', 'active', 'sold_out', 'delisted'
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE,
    UNIQUE(platform, platform_listing_id)
);

CREATE INDEX idx_listings_file_id ON listings(file_id);
CREATE INDEX idx_listings_platform ON listings(platform);

CREATE TABLE social_posts (
    id TEXT PRIMARY KEY,                    -- UUID v4
    file_id TEXT NOT NULL,                  -- Foreign key to files(id)
    platform TEXT NOT NULL,                 -- 'instagram', 'tiktok', 'facebook', 'pinterest'
    post_type TEXT,                         -- 'post', 'story', 'reel', 'pin'
    platform_post_id TEXT,                  -- External ID from platform
    post_url TEXT,                          -- Direct link to post
    posted_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE
);

CREATE INDEX idx_social_posts_file_id ON social_posts(file_id);
CREATE INDEX idx_social_posts_platform ON social_posts(platform);
