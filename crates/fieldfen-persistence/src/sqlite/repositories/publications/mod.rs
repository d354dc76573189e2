//! Publications: reserving a target, giving it up, and queries.

mod adopt;
mod confirm;
mod listings;
mod missing_publications;
mod posts;
mod prune;
mod reserve;
mod row;
#[cfg(test)]
mod tests;

use diesel::prelude::*;
use diesel::sql_types::Text;
use fieldfen_domain::job::{FencedResult, ParkedFor};
use fieldfen_domain::publication::{
    AdoptOutcome, Adoption, ConfirmOutcome, Confirmation, IdempotencyKey, Listing, ListingFilter, Platform, PostFilter,
    PrunePublications, Publication, PublicationFilter, PublicationState, ReleaseReason, ReserveOutcome, ReserveRequest,
    SocialPlatform, SocialPost, Target,
};
use fieldfen_domain::store::{ListingReads, PublicationReads, Publications, StoreError};
use fieldfen_domain::{FenceToken, FileId, ListingId, Page, PageRequest, PublicationId, SocialPostId, Timestamp};

use crate::rules::reservation::GiveUp;
use crate::sqlite::cached_statement::statement;
use crate::sqlite::columns::IdFormats;
use crate::sqlite::error::Classify;
#[cfg(test)]
use crate::sqlite::keyset_page::sql;
use crate::sqlite::keyset_page::{TablePage, in_either_id_format};
use crate::sqlite::session::SqliteSession;
pub use missing_publications::mark_as_copy;
use row::{PublicationColumns, PublicationRow, publication_columns};

statement! {
    ById<'a> { id: &'a str as Text, other: &'a str as Text } -> PublicationColumns =
        concat!("SELECT ", publication_columns!(), " FROM publications WHERE id IN (?, ?)")
}
statement! {
    /// All publications of a file, for both formats of its id.
    OfFile<'a> { file_id: &'a str as Text, other: &'a str as Text } -> PublicationColumns = concat!(
        "SELECT ", publication_columns!(), " FROM publications INDEXED BY idx_publications_file_id \
         WHERE file_id IN (?, ?) ORDER BY rowid"
    )
}

/// A page of the publications that match a filter. `file_id` is the id of the filter's file, as the file's row holds
/// it.
fn publication_page<'a>(
    filter: &'a PublicationFilter,
    file_id: Option<&'a str>,
    request: &PageRequest,
) -> Result<TablePage<'a, PublicationColumns>, StoreError> {
    let state = filter.state.map(PublicationState::as_str);
    let (platform, network) = (filter.platform.as_ref(), filter.network.as_ref());
    let (key, platform_id) = (filter.key.as_ref().map(IdempotencyKey::as_str), filter.platform_id.as_deref());
    let (has_place, has_account) = (platform.is_some() || network.is_some(), filter.account.is_some());
    // Few publications share a file, a key, or an id at a platform.
    let is_narrow = file_id.is_some() || key.is_some() || (platform_id.is_some() && has_place);
    macro_rules! by {
        ($index:literal) => {
            concat!("SELECT ", publication_columns!(), " FROM publications INDEXED BY ", $index)
        };
    }
    let select = match (state, has_place, has_account) {
        _ if file_id.is_some() => by!("idx_publications_file_id"),
        _ if key.is_some() => by!("idx_publications_client_key"),
        _ if is_narrow => by!("idx_publications_platform_id"),
        (Some(_), true, true) => by!("idx_publications_state_account"),
        (Some(_), true, false) => by!("idx_publications_state_platform"),
        (Some(_), false, _) => by!("idx_publications_state"),
        (None, true, true) => by!("idx_publications_account"),
        (None, true, false) => by!("idx_publications_platform"),
        (None, false, _) => concat!("SELECT ", publication_columns!(), " FROM publications"),
    };
    let page = TablePage::new("publications", select, request)?
        .with(" AND file_id = ", file_id)
        .with(" AND state = ", state)
        .with(" AND channel = ", platform.map(|_| "listing"))
        .with(" AND platform = ", platform.map(Platform::as_str))
        .with(" AND channel = ", network.map(|_| "post"))
        .with(" AND platform = ", network.map(SocialPlatform::as_str));
    let account = filter.account.as_deref();
    Ok(if is_narrow {
        page.with(" AND account = ", account).with(" AND client_key = ", key).with(" AND platform_id = ", platform_id)
    } else {
        let page = if has_place {
            page.with(" AND account = ", account)
        } else {
            page.and_beyond_the_index(" AND account = ", account)
        };
        page.and_beyond_the_index(" AND platform_id = ", platform_id)
    })
}

impl SqliteSession<'_> {
    fn publication_row(&mut self, id: &PublicationId) -> Result<Option<PublicationRow>, StoreError> {
        let [id, other] = id.formats();
        ById { id: &id, other: &other }.get_result(self.conn).optional().store()
    }
}

impl PublicationReads for SqliteSession<'_> {
    fn find(&mut self, id: &PublicationId) -> Result<Option<Publication>, StoreError> {
        self.publication_row(id)?.map(PublicationRow::read).transpose()
    }

    fn list_by_file(&mut self, file_id: &FileId) -> Result<Vec<Publication>, StoreError> {
        let [file_id, other] = file_id.formats();
        let rows: Vec<PublicationRow> = OfFile { file_id: &file_id, other: &other }.load(self.conn).store()?;
        rows.into_iter().map(PublicationRow::read).collect()
    }

    fn page(&mut self, filter: &PublicationFilter, request: &PageRequest) -> Result<Page<Publication>, StoreError> {
        in_either_id_format(filter.file_id.as_ref(), |file_id| {
            publication_page(filter, file_id, request)?
                .read(self.conn, request, |row: PublicationRow| (row.rowid, row.read()))
        })
    }
}

impl ListingReads for SqliteSession<'_> {
    fn find_listing(&mut self, id: &ListingId) -> Result<Option<Listing>, StoreError> {
        self.listing_by_id(id)
    }

    fn find_post(&mut self, id: &SocialPostId) -> Result<Option<SocialPost>, StoreError> {
        self.post_by_id(id)
    }

    fn list_by_file(&mut self, file_id: &FileId) -> Result<Vec<Listing>, StoreError> {
        self.listings_of(file_id)
    }

    fn page(&mut self, filter: &ListingFilter, page: &PageRequest) -> Result<Page<Listing>, StoreError> {
        self.listing_page(filter, page)
    }

    fn find_by_platform_id(
        &mut self,
        platform: Platform,
        account: &str,
        platform_id: &str,
    ) -> Result<Option<Listing>, StoreError> {
        let target = Target::listing(platform).at_account(account);
        Ok(self.same_id(&target, platform_id)?.at(platform, account, platform_id))
    }

    fn list_posts_by_file(&mut self, file_id: &FileId) -> Result<Vec<SocialPost>, StoreError> {
        self.posts_of(file_id)
    }

    fn page_of_posts(&mut self, filter: &PostFilter, page: &PageRequest) -> Result<Page<SocialPost>, StoreError> {
        self.post_page(filter, page)
    }
}

impl Publications for SqliteSession<'_> {
    fn reserve(&mut self, request: &ReserveRequest) -> Result<ReserveOutcome, StoreError> {
        self.reserve_target(request)
    }

    fn confirm(&mut self, id: &PublicationId, confirmation: &Confirmation) -> Result<ConfirmOutcome, StoreError> {
        self.confirm_publication(id, confirmation)
    }

    fn adopt(&mut self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError> {
        self.adopt_row(adoption)
    }

    fn release(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        release: ReleaseReason,
        reason: &str,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError> {
        self.give_up(id, token, GiveUp::Released(release), (reason, at))
    }

    fn mark_unknown(
        &mut self,
        id: &PublicationId,
        token: &FenceToken,
        reason: &str,
        parked_for: Option<ParkedFor>,
        at: Timestamp,
    ) -> Result<FencedResult<()>, StoreError> {
        self.give_up(id, token, GiveUp::Unknown(parked_for), (reason, at))
    }

    fn set_key(&mut self, id: &PublicationId, key: &IdempotencyKey, at: Timestamp) -> Result<bool, StoreError> {
        self.set_client_key(id, key, at)
    }

    fn prune(&mut self, request: &PrunePublications) -> Result<u64, StoreError> {
        self.prune_publications(request)
    }
}

/// Every statement with its name.
#[cfg(test)]
pub(super) fn statements() -> Vec<(&'static str, String)> {
    let mut all = [listings::statements(), posts::statements()].concat();
    let first = PageRequest::first(1);
    let page = |filter: &PublicationFilter, request: &PageRequest| {
        let file_id = filter.file_id.map(|_| "");
        sql(&publication_page(filter, file_id, request).unwrap())
    };
    let of_all = PublicationFilter::new();
    let in_state = of_all.clone().state(PublicationState::Unknown);
    let at = of_all.clone().platform(Platform::Etsy);
    let in_state_at = in_state.clone().network(SocialPlatform::Instagram);
    let of_account = at.clone().account(String::new());
    let of_name = of_all.clone().account(String::new());
    let in_state_of_account = of_account.clone().state(PublicationState::Unknown);
    let of_key = of_all.clone().key(IdempotencyKey::from_text(String::new()));
    let of_id = of_account.clone().platform_id(String::new());
    let of_file = of_account.clone().file_id(FileId::from_random(1)).state(PublicationState::Unknown);
    all.extend([
        ("PublicationPage", page(&of_all, &first)),
        ("PublicationPage in a state", page(&in_state, &first)),
        ("PublicationPage in a state, newest first", page(&in_state, &first.clone().newest_first())),
        ("PublicationPage at a platform", page(&at, &first)),
        ("PublicationPage in a state at a network", page(&in_state_at, &first)),
        ("PublicationPage at an account", page(&of_account, &first)),
        ("PublicationPage in a state at an account", page(&in_state_of_account, &first)),
        ("PublicationPage of an account's name", page(&of_name, &first)),
        ("PublicationPage of an account's name, last examined", {
            sql(&publication_page(&of_name, None, &first).unwrap().last_examined().unwrap())
        }),
        ("PublicationPage of a key", page(&of_key, &first)),
        ("PublicationPage of an id at an account", page(&of_id, &first)),
        ("PublicationPage of a file", page(&of_file, &first)),
    ]);
    let constant = [
        ("PostsOfFile", posts::PostsOfFile::SQL),
        ("MarkPostGone", posts::MarkPostGone::SQL),
        ("PostById", posts::PostById::SQL),
        ("WithPlatformId", confirm::WithPlatformId::SQL),
        ("InsertListing", confirm::InsertListing::SQL),
        ("UpdateConfirmed", confirm::UpdateConfirmed::SQL),
        ("GiveUpId", confirm::GiveUpId::SQL),
        ("InsertPost", confirm::InsertPost::SQL),
        ("UpdatePost", confirm::UpdatePost::SQL),
        ("SetPostId", confirm::SetPostId::SQL),
        ("Confirm", confirm::Confirm::SQL),
        ("ById", ById::SQL),
        ("OfFile", OfFile::SQL),
        ("NewerThanTheGap", missing_publications::NewerThanTheGap::SQL),
        ("Reserve", reserve::Reserve::SQL),
        ("ReserveAgain", reserve::ReserveAgain::SQL),
        ("RestartHold", reserve::RestartHold::SQL),
        ("TakeOver", reserve::TakeOver::SQL),
        ("WriteGivenUp", reserve::WriteGivenUp::SQL),
        ("SetKey", adopt::SetKey::SQL),
        ("Assign", adopt::Assign::SQL),
        ("Prune", prune::Prune::SQL),
    ];
    all.extend(constant.map(|(name, sql)| (name, sql.to_owned())));
    all
}
