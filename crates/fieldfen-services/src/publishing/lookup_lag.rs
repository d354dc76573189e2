//! Publications that were confirmed so recently that a lookup may not show them yet.
//!
//! The lists and searches of a platform may lag behind its own answer to a call. While a confirmation is younger than
//! the length of a reservation, a product that a lookup does not show therefore does not count as gone. A later job or
//! reconciliation looks again. A platform's own report that a product is delisted counts at once.

use std::time::Duration;

use fieldfen_domain::publication::{Listing, PlatformRow, Publication, PublicationState};
use fieldfen_domain::store::Store;
use fieldfen_domain::{Timestamp, is_ahead, later};

use super::publisher::Publisher;

/// The time for which lookups may lag, counted from now.
#[derive(Debug, Clone, Copy)]
pub(super) struct LookupLag {
    hold: Duration,
    now: Timestamp,
}

impl LookupLag {
    pub(super) fn of<S: Store>(publisher: &Publisher<S>) -> Self {
        Self { hold: publisher.hold(), now: publisher.environment().now() }
    }

    /// The time from which a lookup that does not show a publication counts; `None` if it counts now. Only a confirmed
    /// publication is waited for.
    pub(super) fn hides_publication(self, publication: &Publication) -> Option<Timestamp> {
        let confirmed = publication.state == PublicationState::Confirmed;
        confirmed.then(|| self.until(publication.updated_at)).flatten()
    }

    /// The same for a row of another program, which inserted the row when it made the product or post.
    pub(super) fn hides_row(self, row: &PlatformRow) -> Option<Timestamp> {
        self.until(match row {
            PlatformRow::Listing(listing) => listing.created_at?,
            PlatformRow::Post(post) => post.posted_at?,
        })
    }

    /// The same for a listing, by its publication or, without one, by its row.
    pub(super) fn hides_listing(self, listing: &Listing, its: Option<&Publication>) -> Option<Timestamp> {
        match its {
            Some(its) if its.state == PublicationState::Confirmed => self.hides_publication(its),
            _ => self.until(listing.created_at?),
        }
    }

    /// The end of the lag that began then. `None` if it is over, or if a clock that was ahead has written its
    /// beginning.
    fn until(self, since: Timestamp) -> Option<Timestamp> {
        let until = later(since, self.hold);
        (until > self.now && !is_ahead(since, self.now)).then_some(until)
    }
}
