//! Rows that belong to no publication: what another program has listed or posted.
//!
//! Each is looked up at the platform by its id. What the account of the target has is adopted as the target's own; what
//! no account has is given up. Whatever only a person can tell waits for one.

use std::collections::BTreeSet;
use std::fmt::Display;

use fieldfen_domain::publication::{
    AdoptOutcome, Adoption, Confirmation, IdempotencyKey, ListingStatus, ListingUpdate, PlatformRow, Publication,
    ReserveRequest, Target, ids_at,
};
use fieldfen_domain::store::{Session, Store, StoreError};
use fieldfen_domain::{FileId, Timestamp};

use super::error::PublishError;
use super::found::Found;
use super::lookup::all_of_file;
use super::outcome::Publishing;
use super::platforms::CallError;
use super::publisher::Publisher;
use crate::settled::{write, write_once};

/// A key of this target that is behind more endings than this is not recognised.
pub(super) const MOST_ENDINGS: u32 = 64;

/// What the platform says of one row.
enum Says {
    /// The account of the target has it, under this target's own key.
    Own(Found, IdempotencyKey),
    /// The account of the target has it.
    There(Found),
    /// This other account has it.
    Elsewhere(String, Found),
    /// No account has it.
    Gone,
    /// No account shows it, and it is so new that a lookup may not show it yet.
    Recent(Timestamp),
    /// Only a person can tell.
    Unclear(String),
}

impl<S: Store> Publisher<S> {
    /// Settles the rows that keep a target from being published: `None` when it may be reserved anew.
    pub(super) fn settle_unclaimed(
        &self,
        file_id: &FileId,
        target: &Target,
        rows: &[PlatformRow],
    ) -> Result<Option<Publishing>, PublishError> {
        let asked_at = self.environment().now();
        let (mut own, mut there, mut elsewhere, mut unclear) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut gone, mut recent) = (Vec::new(), None);
        for row in rows {
            match self.what_is(file_id, target, row)? {
                Says::Own(found, key) => own.push((row, found, Some(key))),
                Says::There(found) => there.push((row, found, None)),
                Says::Elsewhere(account, found) => elsewhere.push((row, account, found)),
                Says::Gone => gone.push(row),
                Says::Recent(until) => recent = recent.max(Some(until)),
                Says::Unclear(reason) => unclear.push(reason),
            }
        }
        if !gone.is_empty() {
            write(self.store(), |s| {
                gone.iter().try_for_each(|row| self.give_up_row(s, row, asked_at))?;
                self.pipeline().run_again_what_waited_for_a_person(s, file_id)
            })?;
        }
        let mut candidates = if own.is_empty() { there } else { own };
        // Of two rows that may be one product, the one that names the account is.
        let names_account = |row: &PlatformRow, found: &Found| row.platform_id() != Some(&found.platform_id);
        let named: BTreeSet<String> = candidates
            .iter()
            .filter(|(row, found, _)| names_account(row, found))
            .map(|(_, found, _)| found.platform_id.clone())
            .collect();
        candidates.retain(|(row, found, _)| names_account(row, found) || !named.contains(&found.platform_id));
        if let [(row, found, key)] = candidates.as_slice()
            && (unclear.is_empty() || key.is_some())
        {
            let adopted = write_once(self.store(), |s, before| {
                if let Some(AdoptOutcome::Done(publication)) = before
                    && s.publications().find(&publication.id)?.as_ref() == Some(publication)
                {
                    return Ok(None);
                }
                self.adopt_row(s, file_id, target, row, found, key.as_ref()).map(Some)
            })?;
            return Ok(match adopted {
                AdoptOutcome::Done(_) => Some(Publishing::AlreadyPublished { platform_id: found.platform_id.clone() }),
                AdoptOutcome::Live(_) | AdoptOutcome::NotUnclaimed => None,
                AdoptOutcome::Taken(other) => {
                    Some(waits([format!("{} is what file {} is confirmed as there", name(row), other.file_id)]))
                }
            });
        }
        if candidates.len() > 1 {
            unclear.push(format!("{} of the file are there, and this is one target", candidates.len()));
        }
        for (row, account, found) in &elsewhere {
            unclear.extend(self.adopt_elsewhere(file_id, target, row, account, found)?);
        }
        Ok(if unclear.is_empty() { recent.map(|until| Publishing::Held { until }) } else { Some(waits(unclear)) })
    }

    /// Adopts what another account has, as long as the pipeline wants nothing there: then no job will come to do so. Says
    /// why not.
    fn adopt_elsewhere(
        &self,
        file_id: &FileId,
        target: &Target,
        row: &PlatformRow,
        account: &str,
        found: &Found,
    ) -> Result<Option<String>, StoreError> {
        let why = format!("{} is at account {account:?}", name(row));
        let there = target.at_account(account);
        write(self.store(), |s| {
            let Some(file) = s.files().find(file_id)? else { return Ok(None) };
            let is_there = |wanted: &Target| {
                wanted.channel() == there.channel()
                    && wanted.platform() == there.platform()
                    && wanted.account() == account
            };
            if self.pipeline().targets(&file).iter().any(is_there) {
                return Ok(Some(format!("{why}, and what is wanted there comes first")));
            }
            Ok(match self.adopt_row(s, file_id, &there, row, found, None)? {
                AdoptOutcome::Done(_) | AdoptOutcome::NotUnclaimed => None,
                AdoptOutcome::Live(_) | AdoptOutcome::Taken(_) => {
                    Some(format!("{why}, where another publication is live"))
                }
            })
        })
    }

    /// Asks every account of the platform what it has under the id of a row.
    fn what_is(&self, file_id: &FileId, target: &Target, row: &PlatformRow) -> Result<Says, PublishError> {
        let Some(held) = row.platform_id().filter(|held| can_be_looked_up(held)) else {
            return Ok(Says::Unclear(format!("{} has no id at the platform that could be looked up", name(row))));
        };
        let shelves = self.shelves_of(target);
        let mut found: Vec<(String, Found)> = Vec::new();
        for shelf in &shelves {
            let ids = if matches!(row, PlatformRow::Listing(_)) { ids_at(shelf.account(), held) } else { vec![held] };
            for id in ids {
                match shelf.lookup(id) {
                    Ok(there) => {
                        found.extend(there.filter(Found::is_live).map(|there| (shelf.account().to_owned(), there)))
                    }
                    Err(CallError::Refused { reason }) => {
                        return Ok(Says::Unclear(format!("the platform does not say what {} is: {reason}", name(row))));
                    }
                    Err(source) => return Err(PublishError::Lookup { key: id.to_owned(), source }),
                }
            }
        }
        let own_key = |found: &Found| {
            let key = found.said_key()?;
            let mut keys = (0..MOST_ENDINGS).map(|ended| IdempotencyKey::derive(file_id, target, ended));
            keys.find(|own| own == key)
        };
        let own = found.iter().find(|(account, found)| account == target.account() && own_key(found).is_some());
        if let Some((_, found)) = own
            && let Some(key) = own_key(found)
        {
            return Ok(Says::Own(found.clone(), key));
        }
        let unknown = self.unknown_accounts(file_id, target)?;
        if !unknown.is_empty() {
            return Ok(Says::Unclear(format!("{} may be at {unknown:?}, which are not configured", name(row))));
        }
        Ok(match found.as_slice() {
            [] if let Some(until) = self.row_hidden_until(row) => Says::Recent(until),
            [] if shelves.len() > 1 => {
                Says::Unclear(format!("none of the {} configured accounts has {}", shelves.len(), name(row)))
            }
            [] => Says::Gone,
            [(_, other)] if other.said_key().is_some_and(IdempotencyKey::is_derived) => {
                Says::Unclear(format!("{} has the key of another target or file", name(row)))
            }
            [(account, found)] if account == target.account() => Says::There(found.clone()),
            [(account, found)] => Says::Elsewhere(account.clone(), found.clone()),
            several => Says::Unclear(format!("{} configured accounts have {}", several.len(), name(row))),
        })
    }

    /// Makes a row the publication of a target.
    pub(super) fn adopt_row(
        &self,
        s: &mut dyn Session,
        file_id: &FileId,
        target: &Target,
        row: &PlatformRow,
        found: &Found,
        client_key: Option<&IdempotencyKey>,
    ) -> Result<AdoptOutcome, StoreError> {
        let (environment, at) = (self.environment(), self.environment().now());
        let request =
            ReserveRequest::new(environment.publication_id(), *file_id, target.clone(), environment.token(), at, at);
        let confirmation =
            Confirmation::new(found.platform_id.clone(), found.state.row(environment), found.as_of.unwrap_or(at), at)
                .url(found.url.clone());
        // The row is the proof that the product is the file's, whatever key another program has given it.
        let client_key = client_key.or_else(|| found.said_key()).cloned();
        let adoption = Adoption::new(request, row.id(), confirmation).client_key(client_key);
        let adopted = s.publications().adopt(&adoption)?;
        if let AdoptOutcome::Done(publication) = &adopted {
            self.now_adopted(s, publication, found)?;
        }
        Ok(adopted)
    }

    fn now_adopted(&self, s: &mut dyn Session, publication: &Publication, found: &Found) -> Result<(), StoreError> {
        let (id, target) = (&found.platform_id, &publication.target);
        log!(INFO, file = %publication.file_id, %target, id, "adopted what another program has published");
        self.now_listed(s, publication, None, found)?;
        self.pipeline().run_again_what_waited_for_a_person(s, &publication.file_id)
    }

    /// Notes that what a row shows is gone, unless the row has changed or belongs to a publication by now.
    pub(super) fn give_up_row(
        &self,
        s: &mut dyn Session,
        row: &PlatformRow,
        event_at: Timestamp,
    ) -> Result<(), StoreError> {
        let at = self.environment().now();
        let file_id = match row {
            PlatformRow::Listing(listing) => &listing.file_id,
            PlatformRow::Post(post) => &post.file_id,
        };
        if !all_of_file(s.reads(), file_id)?.all_unclaimed().contains(row) {
            return Ok(());
        }
        match row {
            PlatformRow::Listing(listing) => {
                let news = ListingUpdate::new(ListingStatus::Delisted, event_at, at);
                s.listings().update(&listing.id, &news).map(drop)
            }
            PlatformRow::Post(post) => s.listings().mark_post_gone(&post.id, at).map(drop),
        }
    }
}

/// Whether an id may be one that a platform has given out. Programs that have none yet write an empty text.
pub(super) fn can_be_looked_up(platform_id: &str) -> bool {
    !platform_id.is_empty() && platform_id.trim() == platform_id
}

fn waits(reasons: impl IntoIterator<Item = String>) -> Publishing {
    Publishing::WaitsForPerson { reason: reasons.into_iter().collect::<Vec<_>>().join("; ") }
}

/// A row as people find it.
fn name(row: &PlatformRow) -> impl Display {
    match row {
        PlatformRow::Listing(listing) => format!("listing {:?} (row {})", listing.platform_listing_id, listing.id),
        PlatformRow::Post(post) => {
            format!("post {:?} (row {})", post.platform_post_id.as_deref().unwrap_or_default(), post.id)
        }
    }
}
