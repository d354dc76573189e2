//! Takes a product or post down at its platform because an operator asks for it.
//!
//! The call is made first, and the row is written afterwards, with the row of the action. A process that dies between the
//! two leaves a live row whose product is gone. The next run of the job finds it gone, and writes the row.

use fieldfen_domain::Timestamp;
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome};
use fieldfen_domain::publication::{
    FileOnPlatforms, ListingStatus, ListingUpdate, PlatformRow, PlatformRowId, Publication, Target, publication_of,
    publication_of_post,
};
use fieldfen_domain::store::{ReadSession, Session, Store, StoreError};

use super::call_error::CallError;
use super::error::PublishError;
use super::listing_update::only_marketplace;
use super::lookup_lag::LookupLag;
use super::ownership::{all_of_file, has_key_of_another, sort_by_owner};
use super::publisher::Publisher;
use super::remote_catalogue::{RemoteCatalogue, take_down};
use super::remote_item::{RemoteItem, RemoteItemKind};
use super::resolve::row::subject;
use super::unknown_key::unknown_key;
use super::untracked_rows::UntrackedRows;
use crate::Environment;
use crate::action_row::{act, record};

/// The answer to [`Publisher::withdraw`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a refused withdrawal leaves the product or post at the platform"]
#[non_exhaustive]
pub enum WithdrawOutcome {
    /// The product or post is not at the platform any more, and its row says so.
    Withdrawn,
    /// The row says already that the product or post is gone. No call was made.
    AlreadyGone,
    /// A rule forbids the call. Nothing was changed.
    Refused {
        /// The rule and the fact that breaks it, for people to read.
        reason: String,
    },
    /// No row has this id.
    NotFound,
}

/// The state of the product or post after the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TakenDown {
    /// The product or post of this row is not at the platform.
    Down(Box<PlatformRow>),
    /// No call was made, for this reason.
    NotCalled(WithdrawOutcome),
    /// The platform does not show the product, which is so new that a lookup may not show it before this time.
    NotVisible(Timestamp),
}

impl<S: Store> Publisher<S> {
    /// Takes the product or post of a row down at its platform, and writes that it is gone. A delisted listing ends its
    /// publication. Its file stays published, and its next approval lists it there again.
    ///
    /// Further products with the key of the publication are taken down too, since a reconciliation would otherwise confirm
    /// one of them. The action is refused if the product has the key of another publication, or one that fieldfen has not
    /// given: the platform may have given its id to another product.
    ///
    /// # Errors
    /// [`PublishError`]. [`PublishError::NotConfigured`] if this publisher has no client for the account of the row. The
    /// call may be repeated.
    pub fn withdraw(&self, row: PlatformRowId, action: &Action) -> Result<WithdrawOutcome, PublishError> {
        let taken_down = match self.take_row_down(row)? {
            TakenDown::NotVisible(until) => {
                let reason = "the platform may not show the product yet".to_owned();
                let key = format!("{row:?}");
                return Err(PublishError::Lookup { key, source: CallError::Throttled { until, reason } });
            }
            taken_down => taken_down,
        };
        let said = (action, ActionKind::Withdraw, subject(row));
        let written =
            act(self.store(), said, |t| record_withdrawal(t.session(), self.environment(), row, &taken_down, action))?;
        Ok(written)
    }

    /// Makes the call, and writes nothing.
    pub(super) fn take_row_down(&self, row: PlatformRowId) -> Result<TakenDown, PublishError> {
        let found = self.store().read(|s| with_its_file(s, row))?;
        let Some((row, of_file)) = found else { return Ok(TakenDown::NotCalled(WithdrawOutcome::NotFound)) };
        let is_live = match &row {
            PlatformRow::Listing(listing) => listing.status.is_live(),
            PlatformRow::Post(post) => post.gone_at.is_none(),
        };
        if !is_live {
            return Ok(TakenDown::NotCalled(WithdrawOutcome::AlreadyGone));
        }
        match its_publication(&row, &of_file) {
            Some(its) => self.take_own_down(row, its),
            None => self.take_untracked_down(row),
        }
    }

    /// Takes the product or post of a publication down.
    fn take_own_down(&self, row: PlatformRow, its: &Publication) -> Result<TakenDown, PublishError> {
        let all = self.catalogues_of(&its.target);
        let catalogue = all.into_iter().find(|catalogue| catalogue.account() == its.target.account());
        let catalogue = catalogue.ok_or_else(|| PublishError::NotConfigured { target: its.target.to_string() })?;
        let Some(id) = its.platform_id.as_deref().or_else(|| row.platform_id()) else { return Ok(without_id()) };
        let failed = |source| PublishError::NotTakenDown { platform_id: id.to_owned(), source };
        let item = match catalogue.lookup(id) {
            Ok(Some(item)) => item,
            // A product that a lookup does not show may be new. Taking a product down that is gone is no error.
            Ok(None) | Err(CallError::Refused { .. }) => RemoteItem::new(id, kind_of(&row)),
            Err(source) => return Err(PublishError::Lookup { key: id.to_owned(), source }),
        };
        if has_key_of_another(self.store(), its, &item)? {
            let reason = format!("{id:?} is the product of another publication now: reconcile the account first");
            return Ok(TakenDown::NotCalled(WithdrawOutcome::Refused { reason }));
        }
        if let Some(key) = unknown_key(its, &item) {
            let reason = format!(
                "the product {id:?} has the unknown key {:?}: say first whether it is the product of publication {}",
                key.as_str(),
                its.id
            );
            return Ok(TakenDown::NotCalled(WithdrawOutcome::Refused { reason }));
        }
        if item.is_live() {
            take_down(&*catalogue, &item).map_err(failed)?;
        }
        self.take_copies_down(&*catalogue, its, id)?;
        Ok(TakenDown::Down(Box::new(row)))
    }

    /// Takes further products with the key of a publication down.
    fn take_copies_down(
        &self,
        catalogue: &dyn RemoteCatalogue,
        its: &Publication,
        id: &str,
    ) -> Result<(), PublishError> {
        // Products to which people have given one SKU are not copies of each other.
        if !its.client_key.is_derived() {
            return Ok(());
        }
        let found = match catalogue.find(&its.client_key) {
            Ok(found) => found,
            Err(CallError::Refused { .. }) => return Ok(()),
            Err(source) => return Err(PublishError::Lookup { key: its.client_key.to_string(), source }),
        };
        let own = sort_by_owner(self.store(), its, found)?.own;
        for copy in own.iter().filter(|copy| copy.platform_id != id && copy.is_live()) {
            let platform_id = copy.platform_id.clone();
            take_down(catalogue, copy).map_err(|source| PublishError::NotTakenDown { platform_id, source })?;
        }
        Ok(())
    }

    /// Takes the product or post of another program down.
    fn take_untracked_down(&self, row: PlatformRow) -> Result<TakenDown, PublishError> {
        let (target, id) = match &row {
            PlatformRow::Listing(listing) => {
                let marketplace = only_marketplace(self, listing)?;
                let target = Target::listing(listing.platform).at_account(marketplace.account());
                let id = UntrackedRows::new(self, &listing.file_id).id_of_listing(marketplace, listing)?;
                match (id, LookupLag::of(self).hides_row(&row)) {
                    (Some(id), _) => (target, id.to_owned()),
                    (None, Some(until)) => return Ok(TakenDown::NotVisible(until)),
                    (None, None) => return Ok(TakenDown::Down(Box::new(row))),
                }
            }
            PlatformRow::Post(post) => {
                let Some(id) = post.platform_post_id.clone() else { return Ok(without_id()) };
                (Target::post(post.platform, ""), id)
            }
        };
        let all = self.catalogues_of(&target);
        let is_there = |account: &str| matches!(row, PlatformRow::Post(_)) || account == target.account();
        let there: Vec<_> = all.iter().filter(|catalogue| is_there(catalogue.account())).collect();
        match there.as_slice() {
            [] => Err(PublishError::NotConfigured { target: target.to_string() }),
            [only] => {
                let item = RemoteItem::new(id.clone(), kind_of(&row));
                take_down(&***only, &item).map_err(|source| PublishError::NotTakenDown { platform_id: id, source })?;
                Ok(TakenDown::Down(Box::new(row)))
            }
            several => Err(PublishError::WhichAccount { platform_id: id, accounts: several.len() }),
        }
    }
}

/// Writes that the product or post is gone, and the row of the action.
pub(super) fn record_withdrawal(
    s: &mut dyn Session,
    environment: &Environment,
    row: PlatformRowId,
    taken_down: &TakenDown,
    action: &Action,
) -> Result<WithdrawOutcome, StoreError> {
    let at = environment.now();
    let outcome = match taken_down {
        TakenDown::Down(row) => {
            match &**row {
                PlatformRow::Listing(listing) => {
                    let update = ListingUpdate::new(ListingStatus::Delisted, at, at);
                    let _ = s.listings().update(&listing.id, &update)?;
                }
                PlatformRow::Post(post) => drop(s.listings().mark_post_gone(&post.id, at)?),
            }
            WithdrawOutcome::Withdrawn
        }
        TakenDown::NotCalled(outcome) => outcome.clone(),
        TakenDown::NotVisible(until) => {
            WithdrawOutcome::Refused { reason: format!("the platform may not show the product before {until}") }
        }
    };
    let recorded = match outcome {
        WithdrawOutcome::Withdrawn => ActionOutcome::Done,
        WithdrawOutcome::AlreadyGone => ActionOutcome::Unchanged,
        WithdrawOutcome::Refused { .. } => ActionOutcome::Refused,
        WithdrawOutcome::NotFound => ActionOutcome::NotFound,
    };
    record(s, action, ActionKind::Withdraw, subject(row), recorded, environment)?;
    Ok(outcome)
}

/// The row with this id, and all that its file has at platforms.
pub(crate) fn with_its_file(
    s: &mut dyn ReadSession,
    row: PlatformRowId,
) -> Result<Option<(PlatformRow, FileOnPlatforms)>, StoreError> {
    let (row, file_id) = match row {
        PlatformRowId::Listing(id) => match s.listings().find_listing(&id)? {
            Some(listing) => (PlatformRow::Listing(listing.clone()), listing.file_id),
            None => return Ok(None),
        },
        PlatformRowId::Post(id) => match s.listings().find_post(&id)? {
            Some(post) => (PlatformRow::Post(post.clone()), post.file_id),
            None => return Ok(None),
        },
    };
    Ok(Some((row, all_of_file(s, &file_id)?)))
}

/// The publication of a row.
pub(crate) fn its_publication<'p>(row: &PlatformRow, of_file: &'p FileOnPlatforms) -> Option<&'p Publication> {
    match row {
        PlatformRow::Listing(listing) => publication_of(listing, &of_file.listings, &of_file.publications),
        PlatformRow::Post(post) => publication_of_post(post, &of_file.publications),
    }
}

const fn kind_of(row: &PlatformRow) -> RemoteItemKind {
    match row {
        PlatformRow::Listing(listing) => RemoteItemKind::Listing { status: listing.status, platform_status: None },
        PlatformRow::Post(_) => RemoteItemKind::Post,
    }
}

fn without_id() -> TakenDown {
    let reason = "the row has no id at the platform: say with resolve that the post is gone".to_owned();
    TakenDown::NotCalled(WithdrawOutcome::Refused { reason })
}
