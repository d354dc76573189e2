//! Listings: products that exist at a platform.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as SqlTimestamp};
use fieldfen_domain::publication::{
    Listing, ListingFilter, ListingStatus, ListingUpdate, ListingUpdateOutcome, Platform, SocialPost, publication_of,
};
use fieldfen_domain::store::{Listings, PublicationReads as _, StoreError};
use fieldfen_domain::{FileId, ListingId, Page, PageRequest, SocialPostId, Timestamp};

use crate::rules::listing_update::replaces;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::{IdFormats, RowRef, SqlTime, StoredText, StoredTime};
use crate::sqlite::error::Classify;
#[cfg(test)]
use crate::sqlite::keyset_page::sql;
use crate::sqlite::keyset_page::{TablePage, in_either_id_format};
use crate::sqlite::session::SqliteSession;

/// The columns of [`ListingRow`], in its order.
macro_rules! listing_columns {
    () => {
        "rowid, id, file_id, platform, platform_listing_id, listing_url, status, platform_status, status_event_at, \
         created_at, updated_at"
    };
}

/// The SQL types of [`listing_columns`].
type ListingColumns = (
    BigInt,
    Nullable<Text>,
    Text,
    Text,
    Text,
    Nullable<Text>,
    Text,
    Nullable<Text>,
    Nullable<SqlTimestamp>,
    Nullable<SqlTimestamp>,
    Nullable<SqlTimestamp>,
);

statement! {
    /// All listings of a file, for both formats of its id.
    OfFile<'a> { file_id: &'a str as Text, other: &'a str as Text } -> ListingColumns = concat!(
        "SELECT ", listing_columns!(), " FROM listings INDEXED BY idx_listings_file_id WHERE file_id IN (?, ?) \
         ORDER BY rowid"
    )
}
statement! {
    /// The listing with this id, in either format.
    ListingById<'a> { id: &'a str as Text, other: &'a str as Text } -> ListingColumns =
        concat!("SELECT ", listing_columns!(), " FROM listings WHERE id IN (?, ?)")
}
statement! {
    /// The listing with this id at its platform.
    ByPlatformId<'a> { platform: &'a str as Text, platform_id: &'a str as Text } -> ListingColumns = concat!(
        "SELECT ", listing_columns!(), " FROM listings WHERE platform = ? AND platform_listing_id = ?"
    )
}
statement! {
    /// Updates the status of a listing, unless a newer status is known. A known status dated in the future does not
    /// count as newer: its clock was ahead.
    Update<'a> {
        status: &'a str as Text,
        platform_status: Option<&'a str> as Nullable<Text>,
        event_at: SqlTime as SqlTimestamp,
        at: SqlTime as SqlTimestamp,
        id: &'a str as Text,
        other: &'a str as Text,
        not_after: SqlTime as SqlTimestamp,
        ahead_after: SqlTime as SqlTimestamp,
    } -> (Text,) =
        "UPDATE listings SET status = ?, platform_status = ?, status_event_at = ?, updated_at = ? \
         WHERE id IN (?, ?) AND (status_event_at IS NULL OR status_event_at <= ? OR status_event_at > ?) \
         RETURNING file_id"
}
statement! {
    /// The time of the event that set a listing's status.
    KnownSince<'a> { id: &'a str as Text, other: &'a str as Text } -> (Nullable<SqlTimestamp>,) =
        "SELECT status_event_at FROM listings WHERE id IN (?, ?)"
}
statement! {
    /// Ends the publication of a delisted listing.
    EndPublication<'a> { at: SqlTime as SqlTimestamp, id: &'a str as Text, other: &'a str as Text } =
        "UPDATE publications SET state = 'ended', updated_at = ? WHERE id IN (?, ?) AND state = 'confirmed'"
}

#[derive(Debug, Queryable)]
struct ListingRow {
    rowid: i64,
    id: Option<StoredText>,
    file_id: StoredText,
    platform: StoredText,
    platform_listing_id: StoredText,
    listing_url: Option<StoredText>,
    status: StoredText,
    platform_status: Option<StoredText>,
    status_event_at: Option<StoredTime>,
    created_at: Option<StoredTime>,
    updated_at: Option<StoredTime>,
}

impl ListingRow {
    fn read(self) -> Result<Listing, StoreError> {
        let row = RowRef::stored("listings", self.id.as_ref(), self.rowid);
        let mut listing = Listing::new(
            row.key("id", self.id.as_ref())?,
            row.parse("file_id", &self.file_id)?,
            row.parse("platform", &self.platform)?,
            row.text("platform_listing_id", self.platform_listing_id)?,
            row.parse("status", &self.status)?,
        );
        listing.url = row.nullable_text("listing_url", self.listing_url)?;
        listing.platform_status = row.nullable_text("platform_status", self.platform_status)?;
        listing.status_event_at = row.nullable_time("status_event_at", self.status_event_at)?;
        listing.created_at = row.nullable_time("created_at", self.created_at)?;
        listing.updated_at = row.nullable_time("updated_at", self.updated_at)?;
        Ok(listing)
    }
}

/// A page of the listings that match a filter. `file_id` is the id of the filter's file, as the file's row holds it.
fn listing_page<'a>(
    filter: &'a ListingFilter,
    file_id: Option<&'a str>,
    request: &PageRequest,
) -> Result<TablePage<'a, ListingColumns>, StoreError> {
    let platform = filter.platform.as_ref().map(Platform::as_str);
    let status = filter.status.map(ListingStatus::as_str);
    let held = filter.platform_listing_id.as_deref();
    macro_rules! from {
        ($table:literal) => {
            concat!("SELECT ", listing_columns!(), " FROM ", $table)
        };
    }
    // A file has few listings, and a platform has one listing for each id.
    let is_narrow = file_id.is_some() || (platform.is_some() && held.is_some());
    let select = match (platform, status) {
        _ if file_id.is_some() => from!("listings INDEXED BY idx_listings_file_id"),
        // The index comes from a UNIQUE constraint of the specification and has no name of its own.
        _ if is_narrow => from!("listings"),
        (Some(_), _) if filter.live => from!("listings INDEXED BY idx_listings_live"),
        (Some(_), _) => from!("listings INDEXED BY idx_listings_platform"),
        (None, Some(_)) => from!("listings INDEXED BY idx_listings_status"),
        (None, None) => from!("listings"),
    };
    let mut page = TablePage::new("listings", select, request)?
        .with(" AND file_id = ", file_id)
        .with(" AND platform = ", platform);
    if filter.live {
        let live = " AND status <> 'delisted'";
        page = if is_narrow || platform.is_some() { page.with_indexed(live) } else { page.with_unindexed(live) };
    }
    if is_narrow {
        return Ok(page.with(" AND platform_listing_id = ", held).with(" AND status = ", status));
    }
    let page = match platform {
        Some(_) => page.and_beyond_the_index(" AND status = ", status),
        None => page.with(" AND status = ", status),
    };
    Ok(page.and_beyond_the_index(" AND platform_listing_id = ", held))
}

impl SqliteSession<'_> {
    pub(super) fn listing_by_id(&mut self, id: &ListingId) -> Result<Option<Listing>, StoreError> {
        let [id, other] = id.formats();
        let by_id = ListingById { id: &id, other: &other };
        by_id.get_result::<ListingRow>(self.conn).optional().store()?.map(ListingRow::read).transpose()
    }

    pub(super) fn listings_of(&mut self, file_id: &FileId) -> Result<Vec<Listing>, StoreError> {
        let [file_id, other] = file_id.formats();
        let rows: Vec<ListingRow> = OfFile { file_id: &file_id, other: &other }.load(self.conn).store()?;
        rows.into_iter().map(ListingRow::read).collect()
    }

    pub(super) fn listing_page(
        &mut self,
        filter: &ListingFilter,
        request: &PageRequest,
    ) -> Result<Page<Listing>, StoreError> {
        in_either_id_format(filter.file_id.as_ref(), |file_id| {
            listing_page(filter, file_id, request)?.read(self.conn, request, |row: ListingRow| (row.rowid, row.read()))
        })
    }

    pub(super) fn listing_with(
        &mut self,
        platform: Platform,
        platform_id: &str,
    ) -> Result<Option<Listing>, StoreError> {
        let by_id = ByPlatformId { platform: platform.as_str(), platform_id };
        by_id.get_result::<ListingRow>(self.conn).optional().store()?.map(ListingRow::read).transpose()
    }
}

impl Listings for SqliteSession<'_> {
    fn update(&mut self, listing_id: &ListingId, update: &ListingUpdate) -> Result<ListingUpdateOutcome, StoreError> {
        let [id, other] = listing_id.formats();
        let replaces = replaces(update);
        let statement = Update {
            status: update.status.as_str(),
            platform_status: update.platform_status.as_deref(),
            event_at: SqlTime(replaces.not_after),
            at: SqlTime(update.at),
            id: &id,
            other: &other,
            not_after: SqlTime(replaces.not_after),
            ahead_after: SqlTime(replaces.ahead_after),
        };
        let updated = statement.get_result::<(StoredText,)>(self.conn).optional().store()?;
        let row = RowRef::known("listings", &id);
        if let Some((file_id,)) = updated {
            if update.status == ListingStatus::Delisted {
                self.end_publication(listing_id, &row.parse("file_id", &file_id)?, update.at)?;
            }
            return Ok(ListingUpdateOutcome::Done);
        }
        let known = KnownSince { id: &id, other: &other };
        let known = known.get_result::<(Option<StoredTime>,)>(self.conn).optional().store()?.and_then(|(known,)| known);
        Ok(match row.nullable_time("status_event_at", known)? {
            Some(known) => ListingUpdateOutcome::Stale { known },
            None => ListingUpdateOutcome::NotFound,
        })
    }

    fn insert_listing(&mut self, listing: &Listing) -> Result<(), StoreError> {
        let file_id = self.key_of_file(&listing.file_id)?;
        self.add_listing(listing, &file_id)
    }

    fn insert_post(&mut self, post: &SocialPost) -> Result<(), StoreError> {
        let file_id = self.key_of_file(&post.file_id)?;
        self.add_post(post, &file_id)
    }

    fn mark_post_gone(&mut self, id: &SocialPostId, at: Timestamp) -> Result<bool, StoreError> {
        self.mark_gone(id, at)
    }
}

impl SqliteSession<'_> {
    /// Ends the publication of a listing.
    fn end_publication(&mut self, id: &ListingId, file_id: &FileId, at: Timestamp) -> Result<(), StoreError> {
        let (listings, publications) = (self.listings_of(file_id)?, self.list_by_file(file_id)?);
        let listing = listings.iter().find(|listing| listing.id == *id);
        if let Some(its) = listing.and_then(|listing| publication_of(listing, &listings, &publications)) {
            let [id, other] = its.id.formats();
            EndPublication { at: SqlTime(at), id: &id, other: &other }.execute(self.conn).store()?;
        }
        Ok(())
    }
}

/// Every statement with its name.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    let first = PageRequest::first(1);
    let page = |filter: &ListingFilter, request: &PageRequest| {
        let file_id = filter.file_id.map(|_| "");
        sql(&listing_page(filter, file_id, request).unwrap())
    };
    let all = ListingFilter::new();
    let (at, sold_out) = (all.clone().platform(Platform::Etsy), all.clone().status(ListingStatus::SoldOut));
    let both = at.clone().status(ListingStatus::SoldOut);
    vec![
        ("listings OfFile", OfFile::SQL.to_owned()),
        ("ListingPage", page(&all, &first)),
        ("ListingPage at a platform", page(&at, &first)),
        ("ListingPage at a platform, newest first", page(&at, &first.clone().newest_first())),
        ("ListingPage of a status", page(&sold_out, &first)),
        ("ListingPage of a status at a platform", page(&both, &first)),
        ("ListingPage that is live at a platform", page(&at.clone().live(), &first)),
        ("ListingPage that is live", page(&all.clone().live(), &first)),
        ("ListingPage of an id at a platform", page(&at.clone().platform_listing_id(String::new()), &first)),
        ("ListingPage of a file", page(&both.clone().file_id(FileId::from_random(1)), &first)),
        ("ListingById", ListingById::SQL.to_owned()),
        ("ByPlatformId", ByPlatformId::SQL.to_owned()),
        ("Update", Update::SQL.to_owned()),
        ("KnownSince", KnownSince::SQL.to_owned()),
        ("EndPublication", EndPublication::SQL.to_owned()),
    ]
}
