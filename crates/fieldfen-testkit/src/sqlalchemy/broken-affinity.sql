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
CREATE TABLE "jobs" (
	id VARCHAR(36) NOT NULL,
	file_id VARCHAR(36),
	command_type VARCHAR NOT NULL,
	status VARCHAR NOT NULL,
	attempts INTEGER DEFAULT '0',
	last_error VARCHAR,
	payload_json JSON,
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
INSERT INTO alembic_version VALUES('002');
INSERT INTO api_usage VALUES(1,'replicate','predictions',1,NULL,NULL,'2026-11-23 14:07:09');
INSERT INTO api_usage VALUES(2,'etsy',NULL,1,9,'2026-11-23 15:05:09.000000','2026-11-23 14:08:09');
INSERT INTO files VALUES('87751d4c-a850-4e2c-84dc-da6a797d76de','ingested.jpg',NULL,'fox','ingested','drive-0','{"title": "Fox 0", "hashtags": ["wildlifeart"], "captions": {}}',3000,2000,'3:2','2026-11-23 14:05:09','2026-11-23 14:15:09.250000');
INSERT INTO files VALUES('61b339ff-2481-44e5-998b-88dbaa99e079','processing.jpg',NULL,'fox','processing','drive-1','{"title": "Fox 1", "hashtags": ["wildlifeart"], "captions": {}}',3000,2000,'3:2','2026-11-23 14:06:09','2026-11-23 14:16:09.250000');
INSERT INTO files VALUES('7b87a9e2-5fef-4911-bf22-a27b02c7bff2','processed.jpg',NULL,'fox','processed','drive-2','{"title": "Fox 2", "hashtags": ["wildlifeart"], "captions": {}}',3000,2000,'3:2','2026-11-23 14:07:09','2026-11-23 14:17:09.250000');
INSERT INTO files VALUES('75d0dd66-cf72-4858-a4b6-6f8c462804db','approved.jpg',NULL,'fox','approved','drive-3','{"title": "Fox 3", "hashtags": ["wildlifeart"], "captions": {}}',3000,2000,'3:2','2026-11-23 14:08:09','2026-11-23 14:18:09.250000');
INSERT INTO files VALUES('3a46e6b0-99f9-46b1-9d45-af1cb0caae1c','published.jpg',NULL,'fox','published','drive-4','{"title": "Fox 4", "hashtags": ["wildlifeart"], "captions": {}}',3000,2000,'3:2','2026-11-23 14:09:09','2026-11-23 14:19:09.250000');
INSERT INTO files VALUES('9fcdb9e1-a94c-46b9-806d-2cc78ee58b06','failed.jpg',NULL,'fox','failed','drive-5','{"title": "Fox 5", "hashtags": ["wildlifeart"], "captions": {}}',3000,2000,'3:2','2026-11-23 14:10:09','2026-11-23 14:20:09.250000');
INSERT INTO jobs VALUES('5e1ea978-70a7-4e49-ba60-dbd625329041','87751d4c-a850-4e2c-84dc-da6a797d76de','UpscaleImage','pending',0,NULL,'{"file_id": "87751d4c-a850-4e2c-84dc-da6a797d76de"}',NULL,'2026-11-23 14:05:09',NULL,NULL);
INSERT INTO jobs VALUES('35d30d74-e7ed-4867-96f5-47ab298a59f8','61b339ff-2481-44e5-998b-88dbaa99e079','GenerateMetadata','running',1,NULL,'{"file_id": "61b339ff-2481-44e5-998b-88dbaa99e079"}',NULL,'2026-11-23 14:06:09','2026-11-23 14:07:09.000001',NULL);
INSERT INTO jobs VALUES('331b2fb3-d19e-4224-9382-cc710f0f1c69','7b87a9e2-5fef-4911-bf22-a27b02c7bff2','CreateListing','completed',2,NULL,'{"file_id": "7b87a9e2-5fef-4911-bf22-a27b02c7bff2"}','{"ok": true}','2026-11-23 14:07:09','2026-11-23 14:08:09.000001','2026-11-23 14:09:09.999999');
INSERT INTO jobs VALUES('d1ba5c0f-afdb-491d-8376-099813199de0','75d0dd66-cf72-4858-a4b6-6f8c462804db','PublishSocial','failed',3,'timeout','{"file_id": "75d0dd66-cf72-4858-a4b6-6f8c462804db"}',NULL,'2026-11-23 14:08:09','2026-11-23 14:09:09.000001','2026-11-23 14:10:09.999999');
INSERT INTO listings VALUES('cc419a5e-6794-4d2e-ae72-9aff56459afe','3a46e6b0-99f9-46b1-9d45-af1cb0caae1c','shopify','7000','https://shop.example/7000','draft','2026-11-23 14:09:09','2026-11-23 14:10:09.000500');
INSERT INTO listings VALUES('eb3d7873-04c3-405b-965c-982bd7a7bf5e','3a46e6b0-99f9-46b1-9d45-af1cb0caae1c','etsy','7001','https://shop.example/7001','active','2026-11-23 14:09:09','2026-11-23 14:10:09.000500');
INSERT INTO listings VALUES('a97bcc25-ea3f-451c-91d4-d2b30f8f95ef','3a46e6b0-99f9-46b1-9d45-af1cb0caae1c','ebay','7002','https://shop.example/7002','sold_out','2026-11-23 14:09:09','2026-11-23 14:10:09.000500');
INSERT INTO listings VALUES('fd4cb8b3-174a-454f-b926-847b8248f803','3a46e6b0-99f9-46b1-9d45-af1cb0caae1c','amazon','7003','https://shop.example/7003','delisted','2026-11-23 14:09:09','2026-11-23 14:10:09.000500');
INSERT INTO processed_hashes VALUES('0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f','3a46e6b0-99f9-46b1-9d45-af1cb0caae1c','2026-11-23 14:06:09');
INSERT INTO social_posts VALUES('71992790-f25b-48cf-ac7e-c515fcb4d02b','3a46e6b0-99f9-46b1-9d45-af1cb0caae1c','instagram','post','p0',NULL,'2026-11-23 14:11:09');
INSERT INTO social_posts VALUES('f8a88518-6c57-44bc-a92e-6b951cce9c77','3a46e6b0-99f9-46b1-9d45-af1cb0caae1c','pinterest','post','p1',NULL,'2026-11-23 14:11:09');
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
