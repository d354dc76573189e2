//! What was confirmed so recently that a lookup may not show it yet.
//!
//! The lists and searches of a platform may lag behind its own answer to a call. So nothing is taken for gone by a lookup
//! while its confirmation is younger than one hold; a later job or reconciliation looks again. A platform's own word that
//! a product is delisted counts at once.

use std::time::Duration;

use fieldfen_domain::publication::{Listing, PlatformRow, Publication, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_domain::{Timestamp, is_ahead, later};

use super::publisher::Publisher;

impl<S: Store> Publisher<S> {
    /// Until when a lookup that does not show a publication says nothing about it; `None` when it counts. Only what is
    /// confirmed is waited for.
    pub(super) fn hidden_until(&self, publication: &Publication) -> Option<Timestamp> {
        let confirmed = publication.state == PublicationState::Confirmed;
        confirmed.then(|| recent_until(publication.updated_at, self.hold(), self.environment().now())).flatten()
    }

    /// The same for a row of another program, which has written it down when the product or post was made.
    pub(super) fn row_hidden_until(&self, row: &PlatformRow) -> Option<Timestamp> {
        let since = match row {
            PlatformRow::Listing(listing) => listing.created_at,
            PlatformRow::Post(post) => post.posted_at,
        };
        recent_until(since?, self.hold(), self.environment().now())
    }

    /// The same for a listing, by its publication or else by its row.
    pub(super) fn listing_hidden_until(&self, listing: &Listing, its: Option<&Publication>) -> Option<Timestamp> {
        match its {
            Some(its) if its.state == PublicationState::Confirmed => self.hidden_until(its),
            _ => self.row_hidden_until(&PlatformRow::Listing(listing.clone())),
        }
    }
}

/// The end of the hold that begins then, unless it is over or a clock that was ahead has written its beginning.
fn recent_until(since: Timestamp, hold: Duration, now: Timestamp) -> Option<Timestamp> {
    let until = later(since, hold);
    (until > now && !is_ahead(since, now)).then_some(until)
}
