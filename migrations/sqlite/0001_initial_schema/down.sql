DROP TABLE social_posts;
DROP TABLE listings;
DROP TABLE api_usage;
DROP TABLE processed_hashes;
DROP TABLE jobs;
DROP TABLE files;
