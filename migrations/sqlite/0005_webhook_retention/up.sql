-- Who sent a webhook, and how long its repetitions are recognised. Rows without `expires_at` expire 24 hours after
-- their `created_at`.

ALTER TABLE processed_hashes ADD COLUMN source TEXT;
ALTER TABLE processed_hashes ADD COLUMN expires_at TIMESTAMP;

CREATE INDEX idx_processed_hashes_expires_at ON processed_hashes(expires_at) WHERE expires_at IS NOT NULL;
