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

/// How long lookups may lag, seen from now.
#[derive(Debug, Clone, Copy)]
pub(super) struct LookupLag {
    hold: Duration,
    now: Timestamp,
}

impl LookupLag {
    pub(super) fn of<S: Store>(publisher: &Publisher<S>) -> Self {
        Self { hold: publisher.hold(), now: publisher.environment().now() }
    }

    /// Until when a lookup that does not show a publication says nothing about it; `None` when it counts. Only what is
    /// confirmed is waited for.
    pub(super) fn hides_publication(self, publication: &Publication) -> Option<Timestamp> {
        let confirmed = publication.state == PublicationState::Confirmed;
        confirmed.then(|| self.until(publication.updated_at)).flatten()
    }

    /// The same for a row of another program, which has written it down when the product or post was made.
    pub(super) fn hides_row(self, row: &PlatformRow) -> Option<Timestamp> {
        self.until(match row {
            PlatformRow::Listing(listing) => listing.created_at?,
            PlatformRow::Post(post) => post.posted_at?,
        })
    }

    /// The same for a listing, by its publication or else by its row.
    pub(super) fn hides_listing(self, listing: &Listing, its: Option<&Publication>) -> Option<Timestamp> {
        match its {
            Some(its) if its.state == PublicationState::Confirmed => self.hides_publication(its),
            _ => self.until(listing.created_at?),
        }
    }

    /// The end of the hold that begins then, unless it is over or a clock that was ahead has written its beginning.
    fn until(self, since: Timestamp) -> Option<Timestamp> {
        let until = later(since, self.hold);
        (until > self.now && !is_ahead(since, self.now)).then_some(until)
    }
}
