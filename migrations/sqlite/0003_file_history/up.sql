-- Where a failed file can be taken up again, what makes a second ingest of it recognisable, and its history.

ALTER TABLE files ADD COLUMN failed_from TEXT;
ALTER TABLE files ADD COLUMN failure TEXT;
ALTER TABLE files ADD COLUMN content_hash TEXT;

CREATE UNIQUE INDEX idx_files_drive_file_id_unique ON files(drive_file_id) WHERE drive_file_id IS NOT NULL;
CREATE UNIQUE INDEX idx_files_content_hash ON files(content_hash) WHERE content_hash IS NOT NULL;
CREATE INDEX idx_files_species_status ON files(species, status) WHERE species IS NOT NULL;

CREATE TABLE file_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id TEXT NOT NULL,
    from_status TEXT,
    to_status TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE
);

CREATE INDEX idx_file_history_file_id ON file_history(file_id);
