ALTER TABLE social_posts DROP COLUMN gone_at;
ALTER TABLE listings DROP COLUMN status_event_at;
ALTER TABLE listings DROP COLUMN platform_status;
DROP INDEX idx_listings_live;
DROP INDEX idx_listings_status;
DROP TABLE publication_gap;
DROP TABLE publications;
