-- What create_all() of SQLAlchemy 2.1.9 makes of models after the specification, and Alembic's own table, as `.dump` shows
-- them.
CREATE TABLE files (
	id VARCHAR(36) NOT NULL,
	original_filename VARCHAR NOT NULL,
	processed_filename VARCHAR,
	species VARCHAR,
	status VARCHAR NOT NULL,
	drive_file_id VARCHAR,
	metadata_json TEXT,
	width INTEGER,
	height INTEGER,
	aspect_ratio VARCHAR,
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
	updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (id)
);
CREATE TABLE api_usage (
	id INTEGER NOT NULL,
	service VARCHAR NOT NULL,
	endpoint VARCHAR,
	request_count INTEGER DEFAULT 1,
	rate_limit_remaining INTEGER,
	rate_limit_reset_at DATETIME,
	recorded_at DATETIME DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (id)
);
CREATE TABLE jobs (
	id CHAR(32) NOT NULL,
	file_id VARCHAR(36),
	command_type VARCHAR NOT NULL,
	status VARCHAR NOT NULL,
	attempts INTEGER DEFAULT '0',
	last_error VARCHAR,
	payload_json TEXT,
	result_json TEXT,
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
	started_at DATETIME,
	completed_at DATETIME,
	PRIMARY KEY (id),
	FOREIGN KEY(file_id) REFERENCES files (id) ON DELETE CASCADE
);
CREATE TABLE processed_hashes (
	hash VARCHAR NOT NULL,
	file_id VARCHAR(36),
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (hash),
	FOREIGN KEY(file_id) REFERENCES files (id) ON DELETE SET NULL
);
CREATE TABLE listings (
	id VARCHAR NOT NULL,
	file_id VARCHAR(36) NOT NULL,
	platform VARCHAR NOT NULL,
	platform_listing_id VARCHAR NOT NULL,
	listing_url VARCHAR,
	status VARCHAR NOT NULL,
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (id),
	CONSTRAINT uq_listing UNIQUE (platform, platform_listing_id),
	FOREIGN KEY(file_id) REFERENCES files (id) ON DELETE CASCADE
);
CREATE TABLE social_posts (
	id VARCHAR NOT NULL,
	file_id VARCHAR(36) NOT NULL,
	platform VARCHAR NOT NULL,
	post_type VARCHAR,
	platform_post_id VARCHAR,
	post_url VARCHAR,
	posted_at DATETIME DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (id),
	FOREIGN KEY(file_id) REFERENCES files (id) ON DELETE CASCADE
);
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO alembic_version VALUES('001');
CREATE INDEX ix_files_species ON files (species);
CREATE INDEX ix_files_drive_file_id ON files (drive_file_id);
CREATE INDEX ix_files_status ON files (status);
CREATE INDEX ix_jobs_file_id ON jobs (file_id);
CREATE INDEX ix_processed_hashes_created_at ON processed_hashes (created_at);
