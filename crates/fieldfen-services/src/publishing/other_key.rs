//! A product that has the id of a publication and a key that nobody here has given.
//!
//! Either a person has changed the SKU of the publication's own product, or the platform has given the id to a product
//! that a person has made by hand. An update would overwrite that product. So the update waits for a person.

use fieldfen_domain::PublicationId;
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::publication::{
    IdempotencyKey, ListingStatus, ListingUpdate, ListingUpdateOutcome, Publication, publication_of,
};
use fieldfen_domain::store::{Session, Store, StoreError};

use super::found::Found;
use super::lookup::all_of_file;
use super::publisher::Publisher;
use super::unclaimed::MOST_ENDINGS;
use crate::record::{act, record};

/// What a person says of a product whose key nobody here has given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyResolution {
    /// It is the product of the publication, which has this key from now on.
    Ours(IdempotencyKey),
    /// It is another's: the product of the publication is gone.
    NotOurs,
}

/// What came of a [`KeyResolution`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyResolved {
    /// The publication has the key, or its listing is delisted. A job that waited for a person runs again.
    Done,
    /// Nothing was changed: there is no such publication, or nothing of it is live.
    NotLive,
}

impl<S: Store> Publisher<S> {
    /// Takes a person's word for whose product has the id of a publication and a key that nobody here has given:
    /// [`Updating::WaitsForPerson`](super::Updating::WaitsForPerson).
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the key is blank; other [`StoreError`]s as the store has them.
    pub fn resolve_key(
        &self,
        id: &PublicationId,
        resolution: &KeyResolution,
        action: &Action,
    ) -> Result<KeyResolved, StoreError> {
        let kind = match resolution {
            KeyResolution::Ours(_) => ActionKind::Adopt,
            KeyResolution::NotOurs => ActionKind::Resolve,
        };
        let subject = Subject::Publication(*id);
        act(self.store(), self.environment(), (action, kind, subject.clone()), |t| {
            let s = t.session();
            let resolved = self.resolve_key_in(s, id, resolution)?;
            let outcome = match resolved {
                KeyResolved::Done => ActionOutcome::Done,
                KeyResolved::NotLive => ActionOutcome::Refused,
            };
            record(s, action, kind, subject.clone(), outcome, self.environment().now())?;
            Ok::<_, StoreError>(resolved)
        })
    }

    fn resolve_key_in(
        &self,
        s: &mut dyn Session,
        id: &PublicationId,
        resolution: &KeyResolution,
    ) -> Result<KeyResolved, StoreError> {
        let at = self.environment().now();
        let Some(publication) = s.publications().find(id)? else { return Ok(KeyResolved::NotLive) };
        let all = all_of_file(s.reads(), &publication.file_id)?;
        let is_its =
            |listing: &_| publication_of(listing, &all.listings, &all.publications).is_some_and(|its| its.id == *id);
        let listing = all.listings.iter().find(|listing| listing.status.is_live() && is_its(listing));
        let Some(listing) = listing else { return Ok(KeyResolved::NotLive) };
        let is_done = match resolution {
            KeyResolution::Ours(key) => s.publications().set_key(id, key, at)?,
            KeyResolution::NotOurs => {
                let news = ListingUpdate::new(ListingStatus::Delisted, at, at);
                s.listings().update(&listing.id, &news)? == ListingUpdateOutcome::Done
            }
        };
        if !is_done {
            return Ok(KeyResolved::NotLive);
        }
        self.pipeline().run_again_what_waited_for_a_person(s, &publication.file_id)?;
        Ok(KeyResolved::Done)
    }
}

/// The key of what was found under the id of a publication, if neither the publication nor an earlier one of its target
/// has it. Where the platform says no key, only the id speaks.
pub(super) fn other_key<'f>(publication: &Publication, found: &'f Found) -> Option<&'f IdempotencyKey> {
    let key = found.said_key()?;
    let is_derived = |ended| IdempotencyKey::derive(&publication.file_id, &publication.target, ended) == *key;
    (*key != publication.client_key && !(0..MOST_ENDINGS).any(is_derived)).then_some(key)
}
