//! The documents of publications, listings and posts.

use std::io;

use fieldfen_domain::publication::{Listing, Publication, SocialPost, Target};
use fieldfen_domain::{FileId, ListingId, PublicationId, SocialPostId, Timestamp};
use fieldfen_terminal::{Terminal, TextOutput};
use serde::Serialize;

use crate::time_argument::shown;

/// The JSON document of a publication.
#[derive(Debug, Serialize)]
pub(crate) struct PublicationLine {
    id: PublicationId,
    file: FileId,
    target: Target,
    /// The SKU or idempotency key at the platform.
    key: String,
    /// `reserved`, `unknown`, `confirmed`, `released` or `ended`.
    state: &'static str,
    /// The event that it is parked for; `null` if a lookup without result is enough.
    parked_for: Option<String>,
    /// The platform's id of the product or post.
    platform_id: Option<String>,
    /// The number of calls that may have made a product or post.
    calls: u32,
    /// Before this time no other caller takes a reservation over.
    held_until: Timestamp,
    error: Option<String>,
    created: Timestamp,
    updated: Timestamp,
}

impl From<Publication> for PublicationLine {
    fn from(publication: Publication) -> Self {
        Self {
            id: publication.id,
            file: publication.file_id,
            target: publication.target,
            key: publication.client_key.to_string(),
            state: publication.state.as_str(),
            parked_for: publication.parked_for.map(|event| event.to_string()),
            platform_id: publication.platform_id,
            calls: publication.calls,
            held_until: publication.held_until,
            error: publication.last_error,
            created: publication.created_at,
            updated: publication.updated_at,
        }
    }
}

impl PublicationLine {
    /// Writes the values of the publication, one on a line.
    pub(crate) fn write(&self, out: &mut TextOutput<'_>) -> io::Result<()> {
        let values = [
            ("publication", Some(self.id.to_string())),
            ("file", Some(self.file.to_string())),
            ("target", Some(self.target.to_string())),
            ("state", Some(self.state.to_owned())),
            ("parked for", self.parked_for.clone()),
            ("key", Some(self.key.clone())),
            ("platform id", self.platform_id.clone()),
            ("calls", Some(self.calls.to_string())),
            ("held until", Some(shown(self.held_until))),
            ("created", Some(shown(self.created))),
            ("updated", Some(shown(self.updated))),
            ("error", self.error.clone()),
        ];
        for (name, value) in values {
            if let Some(value) = value {
                writeln!(out, "{name:<16} {value}")?;
            }
        }
        Ok(())
    }
}

/// The JSON document of a listing.
#[derive(Debug, Serialize)]
pub(crate) struct ListingLine {
    id: ListingId,
    file: FileId,
    platform: String,
    /// The platform's id of the product.
    platform_id: String,
    status: &'static str,
    /// The platform's own name of the status.
    platform_status: Option<String>,
    url: Option<String>,
    created: Option<Timestamp>,
    updated: Option<Timestamp>,
}

impl From<Listing> for ListingLine {
    fn from(listing: Listing) -> Self {
        Self {
            id: listing.id,
            file: listing.file_id,
            platform: listing.platform.to_string(),
            platform_id: listing.platform_listing_id,
            status: listing.status.as_str(),
            platform_status: listing.platform_status,
            url: listing.url,
            created: listing.created_at,
            updated: listing.updated_at,
        }
    }
}

/// The JSON document of a post.
#[derive(Debug, Serialize)]
pub(crate) struct PostLine {
    id: SocialPostId,
    file: FileId,
    network: String,
    post_type: Option<String>,
    /// The network's id of the post.
    platform_id: Option<String>,
    url: Option<String>,
    posted: Option<Timestamp>,
    /// When it was found to be gone; `null` while it is not known to be gone.
    gone: Option<Timestamp>,
}

impl From<SocialPost> for PostLine {
    fn from(post: SocialPost) -> Self {
        Self {
            id: post.id,
            file: post.file_id,
            network: post.platform.to_string(),
            post_type: post.post_type.map(|post_type| post_type.to_string()),
            platform_id: post.platform_post_id,
            url: post.url,
            posted: post.posted_at,
            gone: post.gone_at,
        }
    }
}

/// The JSON document of a listing or post with its publication.
#[derive(Debug, Serialize)]
pub(super) struct RowDocument<R> {
    #[serde(flatten)]
    pub(super) row: R,
    /// The publication that it belongs to; `null` if it is of another program.
    pub(super) publication: Option<PublicationLine>,
}

/// A listing or post that is written as lines.
pub(super) trait WriteRow {
    /// The values, each with its name.
    fn values(&self) -> Vec<(&'static str, Option<String>)>;
}

impl WriteRow for ListingLine {
    fn values(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("listing", Some(self.id.to_string())),
            ("file", Some(self.file.to_string())),
            ("platform", Some(self.platform.clone())),
            ("platform id", Some(self.platform_id.clone())),
            ("status", Some(self.status.to_owned())),
            ("at the platform", self.platform_status.clone()),
            ("url", self.url.clone()),
            ("created", self.created.map(shown)),
            ("updated", self.updated.map(shown)),
        ]
    }
}

impl WriteRow for PostLine {
    fn values(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("post", Some(self.id.to_string())),
            ("file", Some(self.file.to_string())),
            ("network", Some(self.network.clone())),
            ("type", self.post_type.clone()),
            ("platform id", self.platform_id.clone()),
            ("url", self.url.clone()),
            ("posted", self.posted.map(shown)),
            ("gone", self.gone.map(shown)),
        ]
    }
}

impl<R: WriteRow> RowDocument<R> {
    /// Writes the values of the row and of its publication, one on a line.
    pub(super) fn write(&self, out: &mut TextOutput<'_>) -> io::Result<()> {
        for (name, value) in self.row.values() {
            if let Some(value) = value {
                writeln!(out, "{name:<16} {value}")?;
            }
        }
        match &self.publication {
            Some(publication) => publication.write(out),
            None => writeln!(out, "it belongs to no publication: another program or a person has written the row"),
        }
    }
}

/// Writes a table for each of the lists that has rows.
pub(crate) fn write_tables(
    publications: &[PublicationLine],
    listings: &[ListingLine],
    posts: &[PostLine],
    out: &mut TextOutput<'_>,
    terminal: &Terminal,
) -> io::Result<()> {
    if !publications.is_empty() {
        let mut table = terminal.table(["publication", "target", "state", "platform id", "error"]);
        for publication in publications {
            let PublicationLine { id, target, state, platform_id, error, .. } = publication;
            let error: String = error.as_deref().unwrap_or_default().chars().take(60).collect();
            let id_there = platform_id.clone().unwrap_or_default();
            table.add_row([id.to_string(), target.to_string(), (*state).to_owned(), id_there, error]);
        }
        out.table(&table)?;
    }
    if !listings.is_empty() {
        let mut table = terminal.table(["listing", "file", "platform", "platform id", "status", "url"]);
        for listing in listings {
            let ListingLine { id, file, platform, platform_id, status, url, .. } = listing;
            let url = url.as_deref().unwrap_or_default();
            table.add_row([&id.to_string(), &file.to_string(), platform, platform_id, *status, url]);
        }
        out.table(&table)?;
    }
    if !posts.is_empty() {
        let mut table = terminal.table(["post", "file", "network", "platform id", "posted", "url"]);
        for post in posts {
            let (posted, url) = (post.posted.map(shown).unwrap_or_default(), post.url.as_deref().unwrap_or_default());
            let id_there = post.platform_id.as_deref().unwrap_or_default();
            table.add_row([&post.id.to_string(), &post.file.to_string(), &post.network, id_there, &posted, url]);
        }
        out.table(&table)?;
    }
    Ok(())
}
