DROP TABLE file_history;
DROP TABLE file_drive_ids;
DROP INDEX idx_files_species_status;
DROP INDEX idx_files_content_hash;
ALTER TABLE files DROP COLUMN content_hash;
ALTER TABLE files DROP COLUMN failure;
ALTER TABLE files DROP COLUMN failed_from;
