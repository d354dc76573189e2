DROP INDEX idx_files_species_status_arrival;
DROP INDEX idx_files_species_arrival;
DROP INDEX idx_files_status_arrival;
DROP INDEX idx_files_arrival;
