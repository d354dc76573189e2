-- The intent to publish, kept from before a platform is called until it has answered; `listings` and `social_posts`
-- hold only what is really out there.

CREATE TABLE publications (
    id TEXT PRIMARY KEY NOT NULL,
    file_id TEXT,
    channel TEXT NOT NULL,
    platform TEXT NOT NULL,
    account TEXT NOT NULL DEFAULT '',
    discriminator TEXT NOT NULL DEFAULT '',
    post_type TEXT,
    client_key TEXT NOT NULL,
    state TEXT NOT NULL,
    token TEXT NOT NULL,
    held_until TIMESTAMP NOT NULL,
    calls INTEGER NOT NULL DEFAULT 1,
    last_error TEXT,
    -- What has to come before an unknown publication may be called again, where a lookup that finds nothing is not enough.
    parked_for TEXT,
    platform_id TEXT,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    -- When the hold began that ends at `held_until`. One that begins in the future was written by a clock that was ahead,
    -- and begins anew when it is found.
    held_since TIMESTAMP,
    FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE ON UPDATE CASCADE
);

-- One live publication for each file and target: `discriminator` is a listing's variant or a post's key.
CREATE UNIQUE INDEX idx_publications_live ON publications(file_id, channel, platform, account, discriminator)
    WHERE state IN ('reserved', 'unknown', 'confirmed');
CREATE INDEX idx_publications_file_id ON publications(file_id);
CREATE INDEX idx_publications_state ON publications(state);
-- Pages of what is, or was, at one platform.
CREATE INDEX idx_publications_platform ON publications(channel, platform);
CREATE INDEX idx_publications_state_platform ON publications(state, channel, platform);
-- Pages of what is, or was, at one account: a reconciliation compares one account.
CREATE INDEX idx_publications_account ON publications(channel, platform, account);
CREATE INDEX idx_publications_state_account ON publications(state, channel, platform, account);
-- The publication to which the key of a product leads.
CREATE INDEX idx_publications_client_key ON publications(client_key);
CREATE INDEX idx_publications_platform_id ON publications(platform, platform_id) WHERE platform_id IS NOT NULL;

-- Pruning of what is over.
CREATE INDEX idx_publications_over ON publications(updated_at) WHERE state IN ('released', 'ended');

-- The newest file whose publications may be missing here: those of the time before this migration, or before it was taken
-- back. A backup notes its own newest file, since what is published after it is missing once it is restored. Such a file
-- is looked up at a platform before the first call.
CREATE TABLE publication_gap (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    last_file INTEGER NOT NULL
);

INSERT INTO publication_gap (id, last_file) SELECT 1, coalesce(max(rowid), 0) FROM files;

CREATE INDEX idx_listings_status ON listings(status);
-- Pages of what is at one platform now, without passing over what ever was there.
CREATE INDEX idx_listings_live ON listings(platform) WHERE status <> 'delisted';
ALTER TABLE listings ADD COLUMN platform_status TEXT;
ALTER TABLE listings ADD COLUMN status_event_at TIMESTAMP;
ALTER TABLE social_posts ADD COLUMN gone_at TIMESTAMP;
