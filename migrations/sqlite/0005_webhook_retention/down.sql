DROP INDEX idx_processed_hashes_file_id;
DROP INDEX idx_processed_hashes_unlimited;
DROP INDEX idx_processed_hashes_expires_at;
ALTER TABLE processed_hashes DROP COLUMN expires_at;
ALTER TABLE processed_hashes DROP COLUMN source;
