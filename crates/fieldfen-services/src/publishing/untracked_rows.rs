//! Handles rows that belong to no publication: products and posts of other programs.
//!
//! Each one is looked up at the platform by its id. A product or post in the account of the target is adopted as the
//! target's own, and one that no account has is given up. If only a person can decide, the job waits for a person.
//!
//! The rows that an adoption of the database has confirmed are such rows too, until their target is known.

use std::collections::BTreeSet;
use std::fmt::Display;

use fieldfen_domain::publication::{AdoptOutcome, IdempotencyKey, Listing, PlatformRow, Target, ids_at};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FileId, Timestamp};

use super::adoption::{adopt_row, give_up_row};
use super::call_error::CallError;
use super::error::PublishError;
use super::lookup_lag::LookupLag;
use super::marketplace::Marketplace;
use super::ownership::{all_of_file, with_key};
use super::publish_outcome::PublishOutcome;
use super::publisher::Publisher;
use super::remote_catalogue::{ListingCatalogue, RemoteCatalogue as _};
use super::remote_item::RemoteItem;
use super::resolve::row::as_said;
use super::unknown_accounts::unknown_accounts;
use super::unknown_key::MAX_ENDINGS;
use crate::write_retry::{write, write_once};

/// The result of the lookup for one row.
enum RowLookup {
    /// The account of the target has it, under this target's own key.
    Own(RemoteItem, IdempotencyKey),
    /// The account of the target has it.
    Found(RemoteItem),
    /// This other account has it.
    AtOtherAccount(String, RemoteItem),
    /// No account has it.
    NotFound,
    /// No account shows it, but it is so new that a lookup may not show it yet.
    Recent(Timestamp),
    /// Only a person can decide.
    Unclear(String),
}

/// The target of a row that an adoption of the database has confirmed.
enum OpenRow {
    /// The row has no publication.
    NotOpen,
    /// The file is wanted at this target alone at the platform.
    OfTarget,
    /// The file is wanted at this other target, without variant or key, as the row is.
    OfOther(Target),
    /// Only a person can decide.
    Unclear(String),
}

/// The rows of one file without a publication.
pub(super) struct UntrackedRows<'a, S: Store> {
    publisher: &'a Publisher<S>,
    file_id: &'a FileId,
}

impl<'a, S: Store> UntrackedRows<'a, S> {
    pub(super) const fn new(publisher: &'a Publisher<S>, file_id: &'a FileId) -> Self {
        Self { publisher, file_id }
    }

    /// Looks up the rows that keep a target from being published, and adopts or gives up each row with a clear result.
    /// Returns `None` if the target may be reserved again.
    pub(super) fn settle(&self, target: &Target, rows: &[PlatformRow]) -> Result<Option<PublishOutcome>, PublishError> {
        let (store, pipeline) = (self.publisher.store(), self.publisher.pipeline());
        let asked_at = self.publisher.environment().now();
        let (mut own, mut there, mut elsewhere, mut unclear) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut gone, mut recent) = (Vec::new(), None);
        for row in rows {
            match self.open_row(target, row)? {
                OpenRow::NotOpen | OpenRow::OfTarget => {}
                OpenRow::OfOther(other) => {
                    unclear.extend(self.assign(&other, row)?);
                    continue;
                }
                OpenRow::Unclear(reason) => {
                    unclear.push(reason);
                    continue;
                }
            }
            match self.look_up(target, row)? {
                RowLookup::Own(item, key) => own.push((row, item, Some(key))),
                RowLookup::Found(item) => there.push((row, item, None)),
                RowLookup::AtOtherAccount(account, item) => elsewhere.push((row, account, item)),
                RowLookup::NotFound => gone.push(row),
                RowLookup::Recent(until) => recent = recent.max(Some(until)),
                RowLookup::Unclear(reason) => unclear.push(reason),
            }
        }
        if !gone.is_empty() {
            write(store, |s| {
                gone.iter().try_for_each(|row| give_up_row(pipeline.environment(), s, row, asked_at))?;
                pipeline.retry_jobs_parked_for_person(s, self.file_id).map(drop)
            })?;
        }
        let mut candidates = if own.is_empty() { there } else { own };
        // If two rows may be one product, the row that names the account counts.
        let names_account = |row: &PlatformRow, item: &RemoteItem| row.platform_id() != Some(&item.platform_id);
        let named: BTreeSet<String> = candidates
            .iter()
            .filter(|(row, item, _)| names_account(row, item))
            .map(|(_, item, _)| item.platform_id.clone())
            .collect();
        candidates.retain(|(row, item, _)| names_account(row, item) || !named.contains(&item.platform_id));
        if let [(row, item, key)] = candidates.as_slice()
            && (unclear.is_empty() || key.is_some())
        {
            return self.adopt(target, row, item, key.as_ref());
        }
        if candidates.len() > 1 {
            unclear.push(format!("{} of the file are there, and this is one target", candidates.len()));
        }
        for (row, account, item) in &elsewhere {
            unclear.extend(self.adopt_at_other_account(target, row, account, item)?);
        }
        let in_progress = recent.map(|until| PublishOutcome::InProgress { until });
        Ok(if unclear.is_empty() { in_progress } else { Some(waits(unclear)) })
    }

    /// Says which target a row with an open publication belongs to, by the targets at which the file is wanted.
    fn open_row(&self, target: &Target, row: &PlatformRow) -> Result<OpenRow, StoreError> {
        let (of_file, file) = self
            .publisher
            .store()
            .read(|s| Ok::<_, StoreError>((all_of_file(s, self.file_id)?, s.files().find(self.file_id)?)))?;
        let Some(open) = of_file.open_publication_of(row) else { return Ok(OpenRow::NotOpen) };
        let wanted = file.map_or_else(Vec::new, |file| self.publisher.pipeline().targets(&file));
        let wanted: Vec<_> = wanted.into_iter().filter(|wanted| open.may_belong_to(wanted)).collect();
        if let Some(its) = wanted.iter().find(|wanted| wanted.is_same_place(&open.target)) {
            return Ok(OpenRow::OfOther(its.clone()));
        }
        if wanted.iter().all(|wanted| wanted.is_same_place(target)) && !wanted.is_empty() {
            return Ok(OpenRow::OfTarget);
        }
        let name = name(row);
        let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        Ok(OpenRow::Unclear(match wanted.as_slice() {
            [] => {
                format!("{name} was there before fieldfen, and the shop's rules do not say which product or post it is")
            }
            wanted => format!("{name} was there before fieldfen, and may be {}", wanted.join(", or ")),
        }))
    }

    /// Gives a row with an open publication its target, by the shop's rules. Returns the reason if that failed.
    fn assign(&self, target: &Target, row: &PlatformRow) -> Result<Option<String>, StoreError> {
        let item = as_said(row, target, None)?;
        write(self.publisher.store(), |s| {
            let adopted = adopt_row(self.publisher.pipeline(), s, (self.file_id, target), row, &item, None)?.0;
            Ok(match adopted {
                AdoptOutcome::Done(_) | AdoptOutcome::NotUntracked => None,
                AdoptOutcome::Live(_) | AdoptOutcome::Taken(_) => {
                    Some(format!("{} is another publication's", name(row)))
                }
            })
        })
    }

    /// Adopts a row that can only be the target's own.
    fn adopt(
        &self,
        target: &Target,
        row: &PlatformRow,
        item: &RemoteItem,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<PublishOutcome>, PublishError> {
        let adopted = write_once(self.publisher.store(), |s, before| {
            if let Some(AdoptOutcome::Done(publication)) = before
                && s.publications().find(&publication.id)?.as_ref() == Some(publication)
            {
                return Ok(None);
            }
            let (adopted, _) = adopt_row(self.publisher.pipeline(), s, (self.file_id, target), row, item, key)?;
            Ok::<_, StoreError>(Some(adopted))
        })?;
        Ok(match adopted {
            AdoptOutcome::Done(_) => Some(PublishOutcome::AlreadyPublished { platform_id: item.platform_id.clone() }),
            AdoptOutcome::Live(_) | AdoptOutcome::NotUntracked => None,
            AdoptOutcome::Taken(other) => {
                Some(waits([format!("{} is what file {} is confirmed as there", name(row), other.file_id)]))
            }
        })
    }

    /// Adopts the product or post of another account, if the pipeline wants nothing there: no job would then adopt it.
    /// Returns the reason if it was not adopted.
    fn adopt_at_other_account(
        &self,
        target: &Target,
        row: &PlatformRow,
        account: &str,
        item: &RemoteItem,
    ) -> Result<Option<String>, StoreError> {
        let why = format!("{} is at account {account:?}", name(row));
        let (there, pipeline) = (target.at_account(account), self.publisher.pipeline());
        write(self.publisher.store(), |s| {
            let Some(file) = s.files().find(self.file_id)? else { return Ok(None) };
            let is_there = |wanted: &Target| {
                wanted.channel() == there.channel()
                    && wanted.platform() == there.platform()
                    && wanted.account() == account
            };
            if pipeline.targets(&file).iter().any(is_there) {
                return Ok(Some(format!("{why}, and what is wanted there comes first")));
            }
            Ok(match adopt_row(pipeline, s, (self.file_id, &there), row, item, None)?.0 {
                AdoptOutcome::Done(_) | AdoptOutcome::NotUntracked => None,
                AdoptOutcome::Live(_) | AdoptOutcome::Taken(_) => {
                    Some(format!("{why}, where another publication is live"))
                }
            })
        })
    }

    /// Asks every account of the platform for the id of a row.
    fn look_up(&self, target: &Target, row: &PlatformRow) -> Result<RowLookup, PublishError> {
        let Some(held) = row.platform_id().filter(|held| can_be_looked_up(held)) else {
            return Ok(RowLookup::Unclear(format!("{} has no id at the platform that could be looked up", name(row))));
        };
        let catalogues = self.publisher.catalogues_of(target);
        let mut found: Vec<(String, RemoteItem)> = Vec::new();
        for catalogue in &catalogues {
            let account = catalogue.account();
            let ids = if matches!(row, PlatformRow::Listing(_)) { ids_at(account, held) } else { vec![held] };
            for id in ids {
                match catalogue.lookup(id) {
                    Ok(there) => {
                        found.extend(there.filter(RemoteItem::is_live).map(|there| (account.to_owned(), there)));
                    }
                    Err(CallError::Refused { reason }) => {
                        let what = name(row);
                        return Ok(RowLookup::Unclear(format!("the platform does not say what {what} is: {reason}")));
                    }
                    Err(source) => return Err(PublishError::Lookup { key: id.to_owned(), source }),
                }
            }
        }
        let own_key = |item: &RemoteItem| {
            let key = item.reported_key()?;
            let mut keys = (0..MAX_ENDINGS).map(|ended| IdempotencyKey::derive(self.file_id, target, ended));
            keys.find(|own| own == key)
        };
        let own = found.iter().find(|(account, item)| account == target.account() && own_key(item).is_some());
        if let Some((_, item)) = own
            && let Some(key) = own_key(item)
        {
            return Ok(RowLookup::Own(item.clone(), key));
        }
        let unknown = unknown_accounts(self.publisher, self.file_id, target)?;
        if !unknown.is_empty() {
            return Ok(RowLookup::Unclear(format!("{} may be at {unknown:?}, which are not configured", name(row))));
        }
        Ok(match found.as_slice() {
            [] if let Some(until) = LookupLag::of(self.publisher).hides_row(row) => RowLookup::Recent(until),
            [] if catalogues.len() > 1 => {
                RowLookup::Unclear(format!("none of the {} configured accounts has {}", catalogues.len(), name(row)))
            }
            [] => RowLookup::NotFound,
            [(_, other)] if other.reported_key().is_some_and(IdempotencyKey::is_derived) => {
                RowLookup::Unclear(format!("{} has the key of another target or file", name(row)))
            }
            [(account, item)] if account == target.account() => RowLookup::Found(item.clone()),
            [(account, item)] => RowLookup::AtOtherAccount(account.clone(), item.clone()),
            several => RowLookup::Unclear(format!("{} configured accounts have {}", several.len(), name(row))),
        })
    }

    /// The id, at an account, of a listing without a publication; `None` if the account has no such product.
    pub(super) fn id_of_listing<'l>(
        &self,
        marketplace: &dyn Marketplace,
        listing: &'l Listing,
    ) -> Result<Option<&'l str>, PublishError> {
        let platform_id = &listing.platform_listing_id;
        if !can_be_looked_up(platform_id) {
            return Err(PublishError::NoId { listing: listing.id, platform_id: platform_id.clone() });
        }
        let target = Target::listing(listing.platform).at_account(marketplace.account());
        let unknown = unknown_accounts(self.publisher, &listing.file_id, &target)?;
        if !unknown.is_empty() {
            let accounts = self.publisher.marketplaces_of(listing.platform).len() + unknown.len();
            return Err(PublishError::WhichAccount { platform_id: platform_id.clone(), accounts });
        }
        for id in ids_at(marketplace.account(), platform_id) {
            let item = ListingCatalogue(marketplace).lookup(id);
            let item = item.map_err(|source| PublishError::Lookup { key: id.to_owned(), source })?;
            let Some(item) = item.filter(RemoteItem::is_live) else { continue };
            // Platforms reuse ids: the product of another file is not this listing.
            let other = item.reported_key().map(|key| with_key(self.publisher.store(), key)).transpose()?.flatten();
            if other.is_none_or(|other| other.file_id == listing.file_id) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }
}

/// Returns whether a platform may have given out this id. Programs that do not know the id yet write an empty text.
fn can_be_looked_up(platform_id: &str) -> bool {
    !platform_id.is_empty() && platform_id.trim() == platform_id
}

fn waits(reasons: impl IntoIterator<Item = String>) -> PublishOutcome {
    PublishOutcome::WaitsForPerson { reason: reasons.into_iter().collect::<Vec<_>>().join("; ") }
}

/// The row as messages name it.
fn name(row: &PlatformRow) -> impl Display {
    match row {
        PlatformRow::Listing(listing) => format!("listing {:?} (row {})", listing.platform_listing_id, listing.id),
        PlatformRow::Post(post) => {
            format!("post {:?} (row {})", post.platform_post_id.as_deref().unwrap_or_default(), post.id)
        }
    }
}
