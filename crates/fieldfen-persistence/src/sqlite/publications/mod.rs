//! Publications: reserving, giving up, and reading what came of them.

mod adopt;
mod confirm;
mod gap;
mod listings;
mod posts;
mod prune;
mod reserve;
mod row;
#[cfg(test)]
mod tests;

use diesel::prelude::*;
use diesel::sql_types::Text;
use fieldfen_domain::job::{Fenced, ParkedFor};
use fieldfen_domain::publication::{
    Adopted, Adoption, ClientKey, Confirmation, Confirmed, Listing, Platform, PrunePublications, Publication,
    PublicationState, Release, ReserveRequest, Reserved, SocialPost, Target,
};
use fieldfen_domain::store::{ListingReads, PublicationReads, Publications, StoreError};
use fieldfen_domain::{FenceToken, FileId, Page, PageRequest, PublicationId, Timestamp};

use super::error::Classify;
use super::page::TablePage;
#[cfg(test)]
use super::page::sql;
use super::session::SqliteSession;
use super::statement::statement;
use crate::rows::Spellings;
pub use gap::mark_as_copy;
use reserve::GivenUp;
use row::{PublicationColumns, PublicationRow, publication_columns};

statement! {
    /// The publication with this id.
    ById<'a> { id: &'a str as Text, other: &'a str as Text } -> PublicationColumns =
        concat!("SELECT ", publication_columns!(), " FROM publications WHERE id IN (?, ?)")
}
statement! {
    /// All publications of a file, under either spelling of its id.
    OfFile<'a> { file_id: &'a str as Text, other: &'a str as Text } -> PublicationColumns = concat!(
        "SELECT ", publication_columns!(), " FROM publications INDEXED BY idx_publications_file_id \
         WHERE file_id IN (?, ?) ORDER BY rowid"
    )
}
/// A page of the publications in one state.
fn page_in_state(
    state: PublicationState,
    request: &PageRequest,
) -> Result<TablePage<'static, PublicationColumns>, StoreError> {
    let select = concat!("SELECT ", publication_columns!(), " FROM publications INDEXED BY idx_publications_state");
    Ok(TablePage::new("publications", select, request)?.with(" AND state = ", Some(state.as_str())))
}

impl SqliteSession<'_> {
    fn publication_row(&mut self, id: &PublicationId) -> Result<Option<PublicationRow>, StoreError> {
        let [id, other] = id.spellings();
        ById { id: &id, other: &other }.get_result(self.conn).optional().store()
    }
}

impl PublicationReads for SqliteSession<'_> {
    fn find(&mut self, id: &PublicationId) -> Result<Option<Publication>, StoreError> {
        self.publication_row(id)?.map(PublicationRow::read).transpose()
    }

    fn of_file(&mut self, file_id: &FileId) -> Result<Vec<Publication>, StoreError> {
        let [file_id, other] = file_id.spellings();
        let rows: Vec<PublicationRow> = OfFile { file_id: &file_id, other: &other }.load(self.conn).store()?;
        rows.into_iter().map(PublicationRow::read).collect()
    }

    fn in_state(&mut self, state: PublicationState, request: &PageRequest) -> Result<Page<Publication>, StoreError> {
        page_in_state(state, request)?.read(self.conn, request, |row: PublicationRow| (row.rowid, row.read()))
    }
}

impl ListingReads for SqliteSession<'_> {
    fn of_file(&mut self, file_id: &FileId) -> Result<Vec<Listing>, StoreError> {
        self.listings_of(file_id)
    }

    fn page_at(&mut self, platform: Platform, page: &PageRequest) -> Result<Page<Listing>, StoreError> {
        self.listing_page(platform, page)
    }

    fn find_at(&mut self, platform: Platform, account: &str, platform_id: &str) -> Result<Option<Listing>, StoreError> {
        let target = Target::Listing { platform, account: account.to_owned(), variant: String::new() };
        Ok(self.same_id(&target, platform_id)?.at(platform, account, platform_id))
    }

    fn posts_of_file(&mut self, file_id: &FileId) -> Result<Vec<SocialPost>, StoreError> {
        self.posts_of(file_id)
    }
}

impl Publications for SqliteSession<'_> {
    fn reserve(&mut self, request: &ReserveRequest) -> Result<Reserved, StoreError> {
        self.reserve_target(request)
    }

    fn confirm(&mut self, id: &PublicationId, confirmation: &Confirmation) -> Result<Confirmed, StoreError> {
        self.confirm_publication(id, confirmation)
    }

    fn adopt(&mut self, adoption: &Adoption) -> Result<Adopted, StoreError> {
        self.adopt_row(adoption)
    }

    fn release(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        release: Release,
        reason: &str,
        at: Timestamp,
    ) -> Result<Fenced<()>, StoreError> {
        self.give_up(id, token, GivenUp::Released(release), (reason, at))
    }

    fn mark_unknown(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        reason: &str,
        parked_for: Option<ParkedFor>,
        at: Timestamp,
    ) -> Result<Fenced<()>, StoreError> {
        self.give_up(id, token, GivenUp::Unknown(parked_for), (reason, at))
    }

    fn take_key(&mut self, id: &PublicationId, key: &ClientKey, at: Timestamp) -> Result<bool, StoreError> {
        self.take_client_key(id, key, at)
    }

    fn prune(&mut self, request: &PrunePublications) -> Result<u64, StoreError> {
        self.prune_publications(request)
    }
}

/// Every statement with its name.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    let mut all = listings::statements();
    let (first, state) = (PageRequest::first(1), PublicationState::Unknown);
    all.extend([
        ("PageInState", sql(&page_in_state(state, &first).unwrap())),
        ("PageInState, newest first", sql(&page_in_state(state, &first.newest_first()).unwrap())),
    ]);
    let constant = [
        ("PostsOfFile", posts::PostsOfFile::SQL),
        ("PostGone", posts::PostGone::SQL),
        ("WithPlatformId", confirm::WithPlatformId::SQL),
        ("InsertListing", confirm::InsertListing::SQL),
        ("UpdateConfirmed", confirm::UpdateConfirmed::SQL),
        ("GiveUpId", confirm::GiveUpId::SQL),
        ("InsertPost", confirm::InsertPost::SQL),
        ("UpdatePost", confirm::UpdatePost::SQL),
        ("NamePost", confirm::NamePost::SQL),
        ("Confirm", confirm::Confirm::SQL),
        ("ById", ById::SQL),
        ("OfFile", OfFile::SQL),
        ("AfterTheGap", gap::AfterTheGap::SQL),
        ("Reserve", reserve::Reserve::SQL),
        ("ReserveAgain", reserve::ReserveAgain::SQL),
        ("HoldAnew", reserve::HoldAnew::SQL),
        ("TakeOver", reserve::TakeOver::SQL),
        ("GiveUp", reserve::GiveUp::SQL),
        ("TakeKey", adopt::TakeKey::SQL),
        ("Prune", prune::Prune::SQL),
    ];
    all.extend(constant.map(|(name, sql)| (name, sql.to_owned())));
    all
}
