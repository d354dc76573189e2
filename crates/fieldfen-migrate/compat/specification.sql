-- The statements of programs after the specification, in the order of their run. Each migration must let them work.
-- `just record-statements` has written this file: tests/python/record_statements.py.
-- fieldfen schema: 0001
-- fieldfen program: specification.py
-- fieldfen statement: write
INSERT INTO files (original_filename, status, species, drive_file_id, id) VALUES ('ingested.jpg', 'ingested', 'fox', 'ingested', '4d24c9b9f6e94a26babe735a7cfdd016');
-- fieldfen statement: write
INSERT INTO files (original_filename, status, species, drive_file_id, id) VALUES ('processing.jpg', 'processing', 'fox', 'processing', 'ee617f2a7d07404b84ea03bb36fd5c9f');
-- fieldfen statement: write
INSERT INTO files (original_filename, status, species, drive_file_id, id) VALUES ('processed.jpg', 'processed', 'fox', 'processed', 'ecfa27fd47614e898c2c345353d3444a');
-- fieldfen statement: write
INSERT INTO files (original_filename, status, species, drive_file_id, id) VALUES ('approved.jpg', 'approved', 'fox', 'approved', '4efef22c36b54ff58912459363f4b4d3');
-- fieldfen statement: write
INSERT INTO files (original_filename, status, species, drive_file_id, id) VALUES ('published.jpg', 'published', 'fox', 'published', '0acafa2621234a20b258e74771fb1ca9');
-- fieldfen statement: write
INSERT INTO files (original_filename, status, species, drive_file_id, id) VALUES ('failed.jpg', 'failed', 'fox', 'failed', 'bd6dfa09d3a544f99b2c9b5acf89ecb2');
-- fieldfen statement: write
INSERT INTO files (original_filename, status, created_at, updated_at, id) VALUES ('undated.jpg', 'ingested', NULL, NULL, '44f1d3f0d25346e2bc74c81ba4e75165');
-- fieldfen statement: write
INSERT INTO jobs (file_id, command_type, payload_json, status, id) VALUES ('4d24c9b9f6e94a26babe735a7cfdd016', 'UpscaleImage', '{"file_id": "4d24c9b9f6e94a26babe735a7cfdd016", "scale_factor": 4, "target_dpi": 300}', 'pending', '602967a1dca1416ca753fd38020f14b6');
-- fieldfen statement: write
INSERT INTO jobs (file_id, command_type, payload_json, status, created_at, attempts, id) VALUES ('44f1d3f0d25346e2bc74c81ba4e75165', 'UpscaleImage', '{"file_id": "44f1d3f0d25346e2bc74c81ba4e75165", "scale_factor": 4, "target_dpi": 300}', 'pending', NULL, NULL, '1f0f09facbc1433bb066854de24cab17');
-- fieldfen statement: write
INSERT INTO jobs (file_id, command_type, payload_json, status, attempts, last_error, id) VALUES ('ee617f2a7d07404b84ea03bb36fd5c9f', 'UpscaleImage', '{"file_id": "ee617f2a7d07404b84ea03bb36fd5c9f", "scale_factor": 4, "target_dpi": 300}', 'pending', 3, 'timeout', '80a6282f52454cbbb8ca7b28fbec0725');
-- fieldfen statement: write
INSERT INTO jobs (file_id, command_type, payload_json, status, started_at, id) VALUES ('ee617f2a7d07404b84ea03bb36fd5c9f', 'GenerateMetadata', '{"file_id": "ee617f2a7d07404b84ea03bb36fd5c9f", "scale_factor": 4, "target_dpi": 300}', 'running', '2026-11-23 14:05:09', '9440341b22a149859f95dd09c7514e4f');
-- fieldfen statement: write
INSERT INTO jobs (file_id, command_type, payload_json, status, completed_at, id) VALUES ('ecfa27fd47614e898c2c345353d3444a', 'GenerateMetadata', '{"file_id": "ecfa27fd47614e898c2c345353d3444a", "scale_factor": 4, "target_dpi": 300}', 'completed', '2026-11-23 14:05:09.5', 'c45bc970c7f84c55af7e0b956ab9ca42');
-- fieldfen statement: write
INSERT INTO processed_hashes (hash, file_id) VALUES ('cae088b160b70555ea05a99e8f80cd9040c568b71b9d1b99739ff5cce84e05ee', '4d24c9b9f6e94a26babe735a7cfdd016');
-- fieldfen statement: write
INSERT INTO api_usage (service, endpoint) VALUES ('replicate', 'predictions');
-- fieldfen statement: write
INSERT INTO listings (file_id, platform, platform_listing_id, status, id) VALUES ('0acafa2621234a20b258e74771fb1ca9', 'etsy', '77', 'active', 'd5a40bbc8a394145a1d4da734d41f83a');
-- fieldfen statement: write
INSERT INTO social_posts (file_id, platform, platform_post_id, id) VALUES ('0acafa2621234a20b258e74771fb1ca9', 'instagram', 'p7', '9d9afa4b4b0947028ea320a55bd3b658');
-- fieldfen statement: read
SELECT id, original_filename, processed_filename, species, status, drive_file_id, metadata_json, width, height, aspect_ratio, created_at, updated_at FROM files ORDER BY rowid;
-- fieldfen statement: read
SELECT id, file_id, command_type, status, attempts, last_error, payload_json, result_json, created_at, started_at, completed_at FROM jobs ORDER BY rowid;
-- fieldfen statement: read
SELECT hash, file_id, created_at FROM processed_hashes ORDER BY rowid;
-- fieldfen statement: read
SELECT id, service, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, recorded_at FROM api_usage ORDER BY rowid;
-- fieldfen statement: read
SELECT id, file_id, platform, platform_listing_id, listing_url, status, created_at, updated_at FROM listings ORDER BY rowid;
-- fieldfen statement: read
SELECT id, file_id, platform, post_type, platform_post_id, post_url, posted_at FROM social_posts ORDER BY rowid;
-- fieldfen statement: enqueue
INSERT INTO jobs (id, command_type, status) VALUES ('93afd4e3ba69495caba9b1847c4e5afe', 'test.foreign', 'pending');
-- fieldfen program: program.py text
-- fieldfen statement: insert
INSERT INTO files (id, original_filename, processed_filename, species, status, drive_file_id, metadata_json, width, height, aspect_ratio) VALUES ('2fd3eda0-66c2-49f3-8237-86970c9918e9', 'heron.jpg', NULL, 'heron', 'published', NULL, '{"title": "Heron"}', NULL, NULL, NULL) RETURNING created_at, updated_at;
-- fieldfen statement: insert
INSERT INTO jobs (id, file_id, command_type, status, last_error, payload_json, result_json, started_at, completed_at) VALUES ('2fb290a2-3c87-4f22-9320-f605cfa609ce', '2fd3eda0-66c2-49f3-8237-86970c9918e9', 'UpscaleImage', 'pending', NULL, '{"file_id": "2fd3eda0-66c2-49f3-8237-86970c9918e9", "scale_factor": 4, "target_dpi": 300}', NULL, NULL, NULL) RETURNING attempts, created_at;
-- fieldfen statement: insert
INSERT INTO listings (id, file_id, platform, platform_listing_id, listing_url, status) VALUES ('8a5480e8-64e6-4ca8-9ff6-87944a038643', '2fd3eda0-66c2-49f3-8237-86970c9918e9', 'etsy', 'inserted-2fd3eda0-66c2-49f3-8237-86970c9918e9', NULL, 'active') RETURNING created_at, updated_at;
-- fieldfen statement: get
SELECT files.id, files.original_filename, files.processed_filename, files.species, files.status, files.drive_file_id, files.metadata_json, files.width, files.height, files.aspect_ratio, files.created_at, files.updated_at
FROM files
WHERE files.id = '2fd3eda0-66c2-49f3-8237-86970c9918e9';
-- fieldfen statement: by-status
SELECT files.id, files.original_filename, files.processed_filename, files.species, files.status, files.drive_file_id, files.metadata_json, files.width, files.height, files.aspect_ratio, files.created_at, files.updated_at
FROM files
WHERE files.status = 'processing' ORDER BY files.id;
-- fieldfen statement: update
UPDATE files SET status='processed', updated_at='2020-01-03 03:04:05.678000' WHERE files.id = '2fd3eda0-66c2-49f3-8237-86970c9918e9';
-- fieldfen statement: fill
INSERT INTO files (id, original_filename, processed_filename, species, status, drive_file_id, metadata_json, width, height, aspect_ratio, created_at, updated_at) VALUES ('f046585e-8377-4583-9449-74cfedc865ef', 'original_filename', 'processed_filename', 'species', 'processed', 'drive_file_id', '{"title": "Grebe"}', 7, 7, 'aspect_ratio', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO files (id, original_filename, processed_filename, species, status, drive_file_id, metadata_json, width, height, aspect_ratio, created_at, updated_at) VALUES ('e9a520a7-d2db-48c2-8e4e-2a7784e79176', 'original_filename', 'processed_filename', 'species', 'processed', 'drive_file_id', '{"title": "Grebe"}', 7, 7, 'aspect_ratio', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO jobs (id, file_id, command_type, status, attempts, last_error, payload_json, result_json, created_at, started_at, completed_at) VALUES ('34da8413-8a98-4c9a-a8c8-f5af64f6d910', 'f046585e-8377-4583-9449-74cfedc865ef', 'UpdateImage', 'pending', 7, 'last_error', '{"title": "Grebe"}', '{"title": "Grebe"}', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO jobs (id, file_id, command_type, status, attempts, last_error, payload_json, result_json, created_at, started_at, completed_at) VALUES ('badf3fe4-2856-40a5-a37e-a1647536682b', 'f046585e-8377-4583-9449-74cfedc865ef', 'UpdateImage', 'pending', 7, 'last_error', '{"title": "Grebe"}', '{"title": "Grebe"}', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO processed_hashes (hash, file_id, created_at) VALUES ('657f5c7798f1427298107a8b9c202134657f5c7798f1427298107a8b9c202134', 'f046585e-8377-4583-9449-74cfedc865ef', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO processed_hashes (hash, file_id, created_at) VALUES ('90a74054dbeb4e7791292a775bfb241b90a74054dbeb4e7791292a775bfb241b', 'f046585e-8377-4583-9449-74cfedc865ef', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO api_usage (service, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, recorded_at) VALUES ('service', 'endpoint', 7, 7, '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO api_usage (service, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, recorded_at) VALUES ('service', 'endpoint', 7, 7, '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO listings (id, file_id, platform, platform_listing_id, listing_url, status, created_at, updated_at) VALUES ('7912040e-1eec-4f8c-93da-7b06c5aa3288', 'f046585e-8377-4583-9449-74cfedc865ef', 'etsy', 'filled-53171650-bc18-4510-b6f3-80bc01e36014', 'listing_url', 'draft', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO listings (id, file_id, platform, platform_listing_id, listing_url, status, created_at, updated_at) VALUES ('618f967f-57a7-4bc6-9923-41455f6a6083', 'f046585e-8377-4583-9449-74cfedc865ef', 'etsy', 'filled-4ebddbfe-294c-4d1a-a9bf-abc9ea0bc7d6', 'listing_url', 'draft', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO social_posts (id, file_id, platform, post_type, platform_post_id, post_url, posted_at) VALUES ('d5967070-8cc4-433b-a58f-66376facf05b', 'f046585e-8377-4583-9449-74cfedc865ef', 'pinterest', 'pin', 'platform_post_id', 'post_url', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO social_posts (id, file_id, platform, post_type, platform_post_id, post_url, posted_at) VALUES ('f5b88158-7142-4239-b27f-761220f8197b', 'f046585e-8377-4583-9449-74cfedc865ef', 'pinterest', 'pin', 'platform_post_id', 'post_url', '2020-01-02 03:04:05.678000');
-- fieldfen statement: work
SELECT jobs.id, jobs.file_id, jobs.command_type, jobs.status, jobs.attempts, jobs.last_error, jobs.payload_json, jobs.result_json, jobs.created_at, jobs.started_at, jobs.completed_at
FROM jobs
WHERE jobs.status = 'pending' ORDER BY jobs.created_at
 LIMIT 1 OFFSET 0;
-- fieldfen statement: work
UPDATE jobs SET status='running', attempts=8, started_at='2020-01-02 03:13:05.678000' WHERE jobs.id = '34da8413-8a98-4c9a-a8c8-f5af64f6d910';
-- fieldfen statement: work
UPDATE jobs SET status='failed', last_error='timeout', completed_at='2020-01-02 03:13:05.678000' WHERE jobs.id = '34da8413-8a98-4c9a-a8c8-f5af64f6d910';
-- fieldfen statement: work
UPDATE jobs SET status='pending', started_at=NULL, completed_at=NULL WHERE jobs.id = '34da8413-8a98-4c9a-a8c8-f5af64f6d910';
-- fieldfen statement: work
UPDATE jobs SET status='completed', result_json='{"ok": true}', completed_at='2020-01-02 03:13:05.678000' WHERE jobs.id = '34da8413-8a98-4c9a-a8c8-f5af64f6d910';
-- fieldfen statement: hash
SELECT processed_hashes.hash, processed_hashes.file_id, processed_hashes.created_at
FROM processed_hashes
WHERE processed_hashes.hash = '657f5c7798f1427298107a8b9c202134657f5c7798f1427298107a8b9c202134';
-- fieldfen statement: hash
SELECT processed_hashes.hash, processed_hashes.file_id, processed_hashes.created_at
FROM processed_hashes
WHERE processed_hashes.hash = '7a9dd6c5bb8e4e048d253f130c8dd5ed7a9dd6c5bb8e4e048d253f130c8dd5ed';
-- fieldfen statement: hash
INSERT INTO processed_hashes (hash, file_id) VALUES ('7a9dd6c5bb8e4e048d253f130c8dd5ed7a9dd6c5bb8e4e048d253f130c8dd5ed', NULL) RETURNING created_at;
-- fieldfen statement: purge
DELETE FROM processed_hashes WHERE processed_hashes.created_at < '2020-01-02 03:04:05.678000';
-- fieldfen statement: read
SELECT files.id, files.original_filename, files.processed_filename, files.species, files.status, files.drive_file_id, files.metadata_json, files.width, files.height, files.aspect_ratio, files.created_at, files.updated_at
FROM files;
-- fieldfen statement: read
SELECT jobs.id, jobs.file_id, jobs.command_type, jobs.status, jobs.attempts, jobs.last_error, jobs.payload_json, jobs.result_json, jobs.created_at, jobs.started_at, jobs.completed_at
FROM jobs;
-- fieldfen statement: read
SELECT processed_hashes.hash, processed_hashes.file_id, processed_hashes.created_at
FROM processed_hashes;
-- fieldfen statement: read
SELECT api_usage.id, api_usage.service, api_usage.endpoint, api_usage.request_count, api_usage.rate_limit_remaining, api_usage.rate_limit_reset_at, api_usage.recorded_at
FROM api_usage;
-- fieldfen statement: read
SELECT listings.id, listings.file_id, listings.platform, listings.platform_listing_id, listings.listing_url, listings.status, listings.created_at, listings.updated_at
FROM listings;
-- fieldfen statement: read
SELECT social_posts.id, social_posts.file_id, social_posts.platform, social_posts.post_type, social_posts.platform_post_id, social_posts.post_url, social_posts.posted_at
FROM social_posts;
-- fieldfen statement: delete
DELETE FROM files WHERE files.id = '2fd3eda0-66c2-49f3-8237-86970c9918e9';
-- fieldfen program: program.py typed
-- fieldfen statement: insert
INSERT INTO files (id, original_filename, species, status, drive_file_id, metadata_json) VALUES ('d9c8babbed0e49ae96616e0f5fa19f00', 'heron.jpg', 'heron', 'PUBLISHED', NULL, '{"title": "Heron"}') RETURNING created_at, updated_at;
-- fieldfen statement: insert
INSERT INTO jobs (id, file_id, command_type, status, attempts, payload_json, started_at, completed_at) VALUES ('8c7aba1cc3054c08915a38fbc2a00f69', 'd9c8babbed0e49ae96616e0f5fa19f00', 'UpscaleImage', 'PENDING', 0, '{"file_id": "d9c8babb-ed0e-49ae-9661-6e0f5fa19f00", "scale_factor": 4, "target_dpi": 300}', NULL, NULL) RETURNING created_at;
-- fieldfen statement: insert
INSERT INTO listings (id, file_id, platform, platform_listing_id, status) VALUES ('e670e14632fb4003ab3672f464610b9a', 'd9c8babbed0e49ae96616e0f5fa19f00', 'etsy', 'inserted-d9c8babb-ed0e-49ae-9661-6e0f5fa19f00', 'ACTIVE') RETURNING created_at, updated_at;
-- fieldfen statement: get
SELECT files.id, files.original_filename, files.species, files.status, files.drive_file_id, files.metadata_json, files.created_at, files.updated_at
FROM files
WHERE files.id = 'd9c8babbed0e49ae96616e0f5fa19f00';
-- fieldfen statement: by-status
SELECT files.id, files.original_filename, files.species, files.status, files.drive_file_id, files.metadata_json, files.created_at, files.updated_at
FROM files
WHERE files.status = 'PROCESSING' ORDER BY files.id;
-- fieldfen statement: update
UPDATE files SET status='PROCESSED', updated_at='2020-01-03 03:04:05.678000' WHERE files.id = 'd9c8babbed0e49ae96616e0f5fa19f00';
-- fieldfen statement: fill
INSERT INTO files (id, original_filename, species, status, drive_file_id, metadata_json, created_at, updated_at) VALUES ('8d338d8fb0d64deab5cdef166670da53', 'original_filename', 'species', 'PROCESSED', 'drive_file_id', '{"title": "Grebe"}', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO files (id, original_filename, species, status, drive_file_id, metadata_json, created_at, updated_at) VALUES ('bc7deb66db3c4ae3a988e9f4acc46700', 'original_filename', 'species', 'PROCESSED', 'drive_file_id', '{"title": "Grebe"}', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO jobs (id, file_id, command_type, status, attempts, payload_json, result_json, created_at, started_at, completed_at) VALUES ('06112ff7c9574eba8a39a6d3bd41791b', '8d338d8fb0d64deab5cdef166670da53', 'UpdateImage', 'PENDING', 7, '{"title": "Grebe"}', '{"title": "Grebe"}', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO jobs (id, file_id, command_type, status, attempts, payload_json, result_json, created_at, started_at, completed_at) VALUES ('e6bdf1d2154549838c6842f505a64ff2', '8d338d8fb0d64deab5cdef166670da53', 'UpdateImage', 'PENDING', 7, '{"title": "Grebe"}', '{"title": "Grebe"}', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO listings (id, file_id, platform, platform_listing_id, status, created_at, updated_at) VALUES ('684aad563acb4021ae7f12cdde939e24', '8d338d8fb0d64deab5cdef166670da53', 'etsy', 'filled-14326c49-fe6c-434a-9a83-56d6cd12a40c', 'DRAFT', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO listings (id, file_id, platform, platform_listing_id, status, created_at, updated_at) VALUES ('ee8c1345701c4cc2b16d69f0be230d86', '8d338d8fb0d64deab5cdef166670da53', 'etsy', 'filled-205bb5d6-40bf-4f0a-a53e-8853e9f1f77f', 'DRAFT', '2020-01-02 03:04:05.678000', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO social_posts (id, file_id, platform, platform_post_id, posted_at) VALUES ('e65f71f6a8d34680b4e69ccdce1fa416', '8d338d8fb0d64deab5cdef166670da53', 'pinterest', 'platform_post_id', '2020-01-02 03:04:05.678000');
-- fieldfen statement: fill
INSERT INTO social_posts (id, file_id, platform, platform_post_id, posted_at) VALUES ('8a19a6549f3341149d1f7c9e051f0e6c', '8d338d8fb0d64deab5cdef166670da53', 'pinterest', 'platform_post_id', '2020-01-02 03:04:05.678000');
-- fieldfen statement: work
SELECT jobs.id, jobs.file_id, jobs.command_type, jobs.status, jobs.attempts, jobs.payload_json, jobs.result_json, jobs.created_at, jobs.started_at, jobs.completed_at
FROM jobs
WHERE jobs.status = 'PENDING' ORDER BY jobs.created_at
 LIMIT 1 OFFSET 0;
-- fieldfen statement: work
UPDATE jobs SET status='RUNNING', attempts=8, started_at='2020-01-02 03:13:05.678000' WHERE jobs.id = '06112ff7c9574eba8a39a6d3bd41791b';
-- fieldfen statement: work
UPDATE jobs SET status='FAILED', completed_at='2020-01-02 03:13:05.678000' WHERE jobs.id = '06112ff7c9574eba8a39a6d3bd41791b';
-- fieldfen statement: work
UPDATE jobs SET status='PENDING', started_at=NULL, completed_at=NULL WHERE jobs.id = '06112ff7c9574eba8a39a6d3bd41791b';
-- fieldfen statement: work
UPDATE jobs SET status='COMPLETED', result_json='{"ok": true}', completed_at='2020-01-02 03:13:05.678000' WHERE jobs.id = '06112ff7c9574eba8a39a6d3bd41791b';
-- fieldfen statement: read
SELECT files.id, files.original_filename, files.species, files.status, files.drive_file_id, files.metadata_json, files.created_at, files.updated_at
FROM files;
-- fieldfen statement: read
SELECT jobs.id, jobs.file_id, jobs.command_type, jobs.status, jobs.attempts, jobs.payload_json, jobs.result_json, jobs.created_at, jobs.started_at, jobs.completed_at
FROM jobs;
-- fieldfen statement: read
SELECT listings.id, listings.file_id, listings.platform, listings.platform_listing_id, listings.status, listings.created_at, listings.updated_at
FROM listings;
-- fieldfen statement: read
SELECT social_posts.id, social_posts.file_id, social_posts.platform, social_posts.platform_post_id, social_posts.posted_at
FROM social_posts;
-- fieldfen statement: delete
DELETE FROM files WHERE files.id = 'd9c8babbed0e49ae96616e0f5fa19f00';
