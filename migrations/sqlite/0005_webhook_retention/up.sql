-- Who sent a webhook, and how long its repetitions are recognised. Rows without `expires_at` expire 24 hours after
-- their `created_at`.

ALTER TABLE processed_hashes ADD COLUMN source TEXT;
ALTER TABLE processed_hashes ADD COLUMN expires_at TIMESTAMP;

CREATE INDEX idx_processed_hashes_expires_at ON processed_hashes(expires_at) WHERE expires_at IS NOT NULL;

-- Purging what programs that know only the initial schema have written, without passing over rows that expire later.
CREATE INDEX idx_processed_hashes_unlimited ON processed_hashes(created_at) WHERE expires_at IS NULL;

-- Deleting a file clears what refers to it; without an index that reads every hash.
CREATE INDEX idx_processed_hashes_file_id ON processed_hashes(file_id) WHERE file_id IS NOT NULL;
