//! Reads all rows that match a filter, page by page.

use fieldfen_domain::publication::{Listing, ListingFilter, Publication, PublicationFilter};
use fieldfen_domain::store::{ReadSession, StoreError};
use fieldfen_domain::{Page, PageRequest, UnreadableRow};

/// The number of rows on a page.
pub(super) const ROWS_AT_ONCE: u32 = 500;

/// All publications that match a filter. Meant for filters that few publications match. Unreadable rows are added to
/// `unreadable`.
pub(super) fn all_publications(
    s: &mut dyn ReadSession,
    filter: &PublicationFilter,
    unreadable: &mut Vec<UnreadableRow>,
) -> Result<Vec<Publication>, StoreError> {
    all(|request| s.publications().page(filter, request), unreadable)
}

/// All listings that match a filter, as [`all_publications`] reads publications.
pub(super) fn all_listings(
    s: &mut dyn ReadSession,
    filter: &ListingFilter,
    unreadable: &mut Vec<UnreadableRow>,
) -> Result<Vec<Listing>, StoreError> {
    all(|request| s.listings().page(filter, request), unreadable)
}

fn all<T>(
    mut read: impl FnMut(&PageRequest) -> Result<Page<T>, StoreError>,
    unreadable: &mut Vec<UnreadableRow>,
) -> Result<Vec<T>, StoreError> {
    let (mut rows, mut request) = (Vec::new(), PageRequest::first(ROWS_AT_ONCE));
    loop {
        let page = read(&request)?;
        rows.extend(page.items);
        unreadable.extend(page.unreadable);
        match page.next {
            Some(next) => request = request.after(next),
            None => return Ok(rows),
        }
    }
}
