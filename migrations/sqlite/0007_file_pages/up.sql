-- Pages of files by the time of their arrival. These indexes hold `created_at` where it is UTC text without an offset, with
-- a blank in the middle and at most nine fraction digits: such texts compare like times. All other values count as NULL
-- and form a group of their own. Each index ends in the rowid, which decides between files of one time.

CREATE INDEX idx_files_arrival ON files(
    CASE WHEN typeof(created_at) = 'text'
        AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*'
        AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END
);
CREATE INDEX idx_files_status_arrival ON files(
    status,
    CASE WHEN typeof(created_at) = 'text'
        AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*'
        AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END
);
CREATE INDEX idx_files_species_arrival ON files(
    species,
    CASE WHEN typeof(created_at) = 'text'
        AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*'
        AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END
) WHERE species IS NOT NULL;
CREATE INDEX idx_files_species_status_arrival ON files(
    species, status,
    CASE WHEN typeof(created_at) = 'text'
        AND created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*'
        AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND created_at = substr(created_at, 1, 29) THEN created_at END
) WHERE species IS NOT NULL;
