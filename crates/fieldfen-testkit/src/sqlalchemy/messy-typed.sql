PRAGMA foreign_keys=OFF;
BEGIN;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE api_usage (
	id INTEGER NOT NULL,
	service VARCHAR NOT NULL,
	endpoint VARCHAR,
	request_count INTEGER DEFAULT '1',
	rate_limit_remaining INTEGER,
	rate_limit_reset_at DATETIME,
	recorded_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	PRIMARY KEY (id)
);
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
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	updated_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	PRIMARY KEY (id)
);
CREATE TABLE jobs (
	id VARCHAR(36) NOT NULL,
	file_id VARCHAR(36),
	command_type VARCHAR NOT NULL,
	status VARCHAR NOT NULL,
	attempts INTEGER DEFAULT '0',
	last_error VARCHAR,
	payload_json TEXT,
	result_json TEXT,
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	started_at DATETIME,
	completed_at DATETIME,
	PRIMARY KEY (id),
	FOREIGN KEY(file_id) REFERENCES files (id) ON DELETE CASCADE
);
CREATE TABLE listings (
	id VARCHAR(36) NOT NULL,
	file_id VARCHAR(36) NOT NULL,
	platform VARCHAR NOT NULL,
	platform_listing_id VARCHAR NOT NULL,
	listing_url VARCHAR,
	status VARCHAR NOT NULL,
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	updated_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	PRIMARY KEY (id),
	FOREIGN KEY(file_id) REFERENCES files (id) ON DELETE CASCADE,
	CONSTRAINT uq_listings_platform_id UNIQUE (platform, platform_listing_id)
);
CREATE TABLE processed_hashes (
	hash VARCHAR(64) NOT NULL,
	file_id VARCHAR(36),
	created_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	PRIMARY KEY (hash),
	FOREIGN KEY(file_id) REFERENCES files (id) ON DELETE SET NULL
);
CREATE TABLE social_posts (
	id VARCHAR(36) NOT NULL,
	file_id VARCHAR(36) NOT NULL,
	platform VARCHAR NOT NULL,
	post_type VARCHAR,
	platform_post_id VARCHAR,
	post_url VARCHAR,
	posted_at DATETIME DEFAULT (CURRENT_TIMESTAMP),
	PRIMARY KEY (id),
	FOREIGN KEY(file_id) REFERENCES files (id) ON DELETE CASCADE
);
INSERT INTO alembic_version VALUES('001');
INSERT INTO files VALUES('07158ab795f341839b6913cd87684f34','typed.jpg',NULL,NULL,'PUBLISHED',NULL,'null',NULL,NULL,NULL,'2026-11-23 14:25:09.000000','2026-11-23 14:26:09.000005');
INSERT INTO files VALUES('07a81949e60d4347bab434fed7e439fe','scored.jpg',NULL,NULL,'INGESTED',NULL,'{"title": "Owl", "score": NaN, "best": Infinity}',NULL,NULL,NULL,'2026-11-23 14:27:09.000000','2026-11-23 14:27:09.000000');
INSERT INTO jobs VALUES('f45ed8c55d5c4422a399227ae1d6f9f5','07158ab795f341839b6913cd87684f34','UpscaleImage','PENDING',0,NULL,'{"file_id": "07158ab7-95f3-4183-9b69-13cd87684f34", "scale_factor": 4, "target_dpi": 300}','null','2026-11-23 14:28:09.000000',NULL,NULL);
INSERT INTO jobs VALUES('f49b20846c9045f8908797d6f2e7351d','07158ab795f341839b6913cd87684f34','UpscaleImage','RUNNING',0,NULL,'{"file_id": "07158ab7-95f3-4183-9b69-13cd87684f34", "scale_factor": 4, "target_dpi": 300}','null','2026-11-23 14:28:09.000000',NULL,NULL);
INSERT INTO jobs VALUES('9584375618334edc97548d5f4e620f38','07158ab795f341839b6913cd87684f34','UpscaleImage','COMPLETED',0,NULL,'{"file_id": "07158ab7-95f3-4183-9b69-13cd87684f34", "scale_factor": 4, "target_dpi": 300}','null','2026-11-23 14:28:09.000000',NULL,NULL);
INSERT INTO jobs VALUES('18b3cf3527a240cc9291a42182fd5645','07158ab795f341839b6913cd87684f34','UpscaleImage','FAILED',0,NULL,'{"file_id": "07158ab7-95f3-4183-9b69-13cd87684f34", "scale_factor": 4, "target_dpi": 300}','null','2026-11-23 14:28:09.000000',NULL,NULL);
INSERT INTO listings VALUES('006037d09c4f425598d9e5b64633e8a5','07158ab795f341839b6913cd87684f34','etsy','8001',NULL,'ACTIVE','2026-11-23 14:29:09.000000','2026-11-23 14:29:09.000000');
INSERT INTO social_posts VALUES('861abd5dc0ae4995a7aae362c6c0ac72','07158ab795f341839b6913cd87684f34','instagram',NULL,'p8',NULL,'2026-11-23 14:30:09.000000');
CREATE INDEX ix_api_usage_recorded_at ON api_usage (recorded_at);
CREATE INDEX ix_api_usage_service ON api_usage (service);
CREATE INDEX ix_files_drive_file_id ON files (drive_file_id);
CREATE INDEX ix_files_species ON files (species);
CREATE INDEX ix_files_status ON files (status);
CREATE INDEX ix_jobs_command_type ON jobs (command_type);
CREATE INDEX ix_jobs_file_id ON jobs (file_id);
CREATE INDEX ix_jobs_status ON jobs (status);
CREATE INDEX ix_listings_file_id ON listings (file_id);
CREATE INDEX ix_listings_platform ON listings (platform);
CREATE INDEX ix_processed_hashes_created_at ON processed_hashes (created_at);
CREATE INDEX ix_social_posts_file_id ON social_posts (file_id);
CREATE INDEX ix_social_posts_platform ON social_posts (platform);
COMMIT;
