DROP TRIGGER files_mark_changed_arrival;
DROP TRIGGER files_mark_out_of_order;
DROP INDEX idx_files_out_of_order;
DROP INDEX idx_files_in_order;
ALTER TABLE files DROP COLUMN out_of_order;
