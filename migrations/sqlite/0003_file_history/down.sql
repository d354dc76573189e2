DROP TABLE file_history;
DROP INDEX idx_files_species_status;
DROP INDEX idx_files_content_hash;
DROP INDEX idx_files_drive_file_id_unique;
ALTER TABLE files DROP COLUMN content_hash;
ALTER TABLE files DROP COLUMN failure;
ALTER TABLE files DROP COLUMN failed_from;
