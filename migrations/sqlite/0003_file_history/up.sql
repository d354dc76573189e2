-- Where a failed file can be taken up again, what makes a second arrival of it recognisable, and its history.

ALTER TABLE files ADD COLUMN failed_from TEXT;
ALTER TABLE files ADD COLUMN failure TEXT;
ALTER TABLE files ADD COLUMN content_hash TEXT;

-- Not unique: other programs may insert, update and copy rows as the specification allows.
CREATE INDEX idx_files_content_hash ON files(content_hash) WHERE content_hash IS NOT NULL;
CREATE INDEX idx_files_species_status ON files(species, status) WHERE species IS NOT NULL;

-- The file to which each Drive id has led. `files.drive_file_id` may hold one Drive id in several rows, and cannot hold
-- the second Drive id of a file whose bytes have arrived twice. A program that changes the id of a file, even to NULL, is
-- followed by what refers to the file, here and in the tables below.
CREATE TABLE file_drive_ids (
    drive_file_id TEXT PRIMARY KEY NOT NULL,
    file_id TEXT,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE INDEX idx_file_drive_ids_file_id ON file_drive_ids(file_id);

-- Of several rows with one Drive id, the oldest.
INSERT INTO file_drive_ids (drive_file_id, file_id)
SELECT drive_file_id, id FROM files WHERE rowid IN (
    SELECT min(rowid) FROM files
    WHERE typeof(drive_file_id) = 'text' AND trim(drive_file_id) <> '' AND id IS NOT NULL GROUP BY drive_file_id
);

CREATE TABLE file_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id TEXT,
    from_status TEXT,
    to_status TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE INDEX idx_file_history_file_id ON file_history(file_id);
