-- Pages of files come in the order of insertion; a window of `created_at` is another order. Nearly all files arrive in
-- both at once, give or take five seconds of waiting for the write lock. The few others are marked, so that a window can
-- be turned into a span of rowids for all that are not, and is looked up for those that are.

ALTER TABLE files ADD COLUMN out_of_order INTEGER;

-- Rows that are there already: a time that is no plain UTC text, or too long before one that was inserted earlier.
UPDATE files SET out_of_order = 1 WHERE created_at IS NOT NULL AND rowid NOT IN (
    SELECT rowid FROM (
        SELECT rowid, created_at, max(created_at) OVER (ORDER BY rowid) AS latest FROM files
        WHERE typeof(created_at) = 'text' AND created_at GLOB '????-??-?? ??:??:??*'
            AND substr(created_at, 20) NOT GLOB '*[^.0-9]*' AND datetime(created_at) IS NOT NULL
    ) WHERE created_at >= strftime('%Y-%m-%d %H:%M:%f', latest, '-5 seconds')
);

-- The marked column is in the index too, so that asking for it does not lead to the row.
CREATE INDEX idx_files_in_order ON files(created_at, out_of_order) WHERE out_of_order IS NULL;
CREATE INDEX idx_files_out_of_order ON files(created_at) WHERE out_of_order IS NOT NULL;

CREATE TRIGGER files_mark_out_of_order AFTER INSERT ON files
WHEN NEW.created_at IS NOT NULL AND NOT coalesce(
    typeof(NEW.created_at) = 'text' AND NEW.created_at GLOB '????-??-?? ??:??:??*'
    AND substr(NEW.created_at, 20) NOT GLOB '*[^.0-9]*' AND datetime(NEW.created_at) IS NOT NULL
    AND NEW.created_at >= strftime('%Y-%m-%d %H:%M:%f',
        (SELECT max(created_at) FROM files WHERE out_of_order IS NULL), '-5 seconds'),
    0)
BEGIN
    UPDATE files SET out_of_order = 1 WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER files_mark_changed_arrival AFTER UPDATE OF created_at ON files
WHEN NEW.created_at IS NOT OLD.created_at
BEGIN
    UPDATE files SET out_of_order = 1 WHERE rowid = NEW.rowid;
END;
