//! What a search by key has found of a publication.
//!
//! Platforms search by prefix, in any case or by words, and some say no keys. So a product is a publication's own only by
//! its exact key, or by an id that the publication is confirmed as; it is another's when another publication or row has
//! its id; and of anything else only a person knows whose it is.

use fieldfen_domain::publication::{
    FileOnPlatforms, IdempotencyKey, PlatformRow, Publication, PublicationFilter, PublicationState, Target,
    publication_of,
};
use fieldfen_domain::store::{ReadSession, Store, StoreError};
use fieldfen_domain::{FileId, PageRequest};

use super::channels::Shelf;
use super::found::Found;
use super::platforms::CallError;
use super::publisher::Publisher;
use super::reconcile::ROWS_AT_ONCE;

/// What a search has found, told apart by whose it is.
#[derive(Debug, Default)]
pub(super) struct Sifted {
    /// The publication's own, the oldest first.
    pub(super) own: Vec<Found>,
    /// May be the publication's own: they say no key and nobody here knows them, or two know them.
    pub(super) unclear: Vec<Found>,
}

/// What a search by the key of a publication says.
pub(super) enum LookedUp {
    /// It is there.
    There {
        /// The oldest product or post with its key.
        first: Found,
        /// Whether there are others.
        copies: bool,
    },
    /// Nothing with its key is there.
    Absent,
    /// Only a person can tell.
    Unclear(String),
    /// The platform has not said.
    Failed(CallError),
}

/// Who has the id of something that was found.
enum Known {
    /// The publication itself.
    Own,
    /// Another publication of the file and account, or another file.
    Anothers,
    /// No publication, but a row of the file.
    Unclaimed,
    /// Nobody.
    No,
}

impl<S: Store> Publisher<S> {
    pub(super) fn look_up(&self, shelf: &dyn Shelf, publication: &Publication) -> Result<LookedUp, StoreError> {
        let found = match shelf.find(&publication.client_key) {
            Ok(found) => found,
            Err(error) => return Ok(LookedUp::Failed(error)),
        };
        let Sifted { own, unclear } = self.sift(publication, found)?;
        Ok(match own.split_first() {
            Some((first, others)) => LookedUp::There { first: first.clone(), copies: !others.is_empty() },
            None if unclear.is_empty() => LookedUp::Absent,
            // Its id is another's, and its exact key says that the platform has used the id again: the confirmation tells.
            None if let [only] = unclear.as_slice()
                && only.said_key() == Some(&publication.client_key)
                && !only.platform_id.trim().is_empty() =>
            {
                LookedUp::There { first: only.clone(), copies: false }
            }
            None => {
                let ids: Vec<&str> = unclear.iter().map(|found| found.platform_id.as_str()).collect();
                LookedUp::Unclear(format!("{ids:?} may be what was published, and only a person can tell"))
            }
        })
    }

    /// Tells apart whose is what a search by the key of a publication has found.
    pub(super) fn sift(&self, publication: &Publication, found: Vec<Found>) -> Result<Sifted, StoreError> {
        let mut sifted = Sifted::default();
        if found.is_empty() {
            return Ok(sifted);
        }
        self.store().read(|s| {
            sifted = Sifted::default();
            let of_file = all_of_file(s, &publication.file_id)?;
            for found in found.iter().filter(|found| found.is_live()) {
                let known = who_knows(s, &of_file, publication, &found.platform_id)?;
                match (found.said_key(), known) {
                    (Some(key), _) if *key != publication.client_key => {
                        let (asked, said, id) = (&publication.client_key, key.as_str(), &found.platform_id);
                        log!(WARN, %asked, said, id, "a search has answered with another key; it is ignored");
                    }
                    (Some(_), Known::Anothers) => sifted.unclear.push(found.clone()),
                    (Some(_), _) if found.platform_id.trim().is_empty() => sifted.unclear.push(found.clone()),
                    (Some(_), _) | (None, Known::Own) => sifted.own.push(found.clone()),
                    (None, Known::No) => sifted.unclear.push(found.clone()),
                    (None, Known::Anothers | Known::Unclaimed) => {}
                }
            }
            Ok::<_, StoreError>(())
        })?;
        Ok(sifted)
    }

    /// Whether what has the id of a publication is another's by now: it has the key of another publication. Platforms use
    /// ids again. A key that nobody here knows says nothing: another program or a person has given it.
    pub(super) fn has_key_of_another(&self, publication: &Publication, found: &Found) -> Result<bool, StoreError> {
        match found.said_key() {
            Some(key) if *key != publication.client_key => Ok(self.with_key(key)?.is_some()),
            _ => Ok(false),
        }
    }

    /// The publication with this key. All publications are read for it.
    pub(super) fn with_key(&self, key: &IdempotencyKey) -> Result<Option<Publication>, StoreError> {
        if !key.is_derived() {
            return Ok(None);
        }
        let has_key = |publication: &Publication| publication.client_key == *key;
        self.store().read(|s| {
            for &state in PublicationState::ALL {
                let mut request = PageRequest::first(ROWS_AT_ONCE);
                loop {
                    let page = s.publications().page(&PublicationFilter::new().state(state), &request)?;
                    if let Some(publication) = page.items.into_iter().find(has_key) {
                        return Ok(Some(publication));
                    }
                    let Some(next) = page.next else { break };
                    request = request.after(next);
                }
            }
            Ok(None)
        })
    }

    /// Whether a product or post that a call has made is known as another's.
    pub(super) fn is_anothers(&self, publication: &Publication, platform_id: &str) -> Result<bool, StoreError> {
        self.store().read(|s| {
            let of_file = all_of_file(s, &publication.file_id)?;
            Ok(matches!(who_knows(s, &of_file, publication, platform_id)?, Known::Anothers))
        })
    }
}

/// All that a file has on the platforms.
pub(super) fn all_of_file(s: &mut dyn ReadSession, file_id: &FileId) -> Result<FileOnPlatforms, StoreError> {
    Ok(FileOnPlatforms {
        publications: s.publications().list_by_file(file_id)?,
        listings: s.listings().list_by_file(file_id)?,
        posts: s.listings().list_posts_by_file(file_id)?,
    })
}

fn who_knows(
    s: &mut dyn ReadSession,
    of_file: &FileOnPlatforms,
    publication: &Publication,
    platform_id: &str,
) -> Result<Known, StoreError> {
    let (target, confirmed) = (&publication.target, PublicationState::Confirmed);
    let its = |other: &Publication| {
        other.platform_id.as_deref() == Some(platform_id)
            && other.target.channel() == target.channel()
            && other.target.platform() == target.platform()
            && other.target.account() == target.account()
    };
    if publication.platform_id.as_deref() == Some(platform_id) {
        return Ok(Known::Own);
    }
    if of_file.publications.iter().any(|other| other.id != publication.id && other.state == confirmed && its(other)) {
        return Ok(Known::Anothers);
    }
    if let Target::Listing { platform, account, .. } = target
        && let Some(row) = s.listings().find_by_platform_id(*platform, account, platform_id)?
        && row.status.is_live()
    {
        if row.file_id != publication.file_id {
            return Ok(Known::Anothers);
        }
        let owner = publication_of(&row, &of_file.listings, &of_file.publications);
        if owner.is_some_and(|owner| owner.state == confirmed && owner.id != publication.id) {
            return Ok(Known::Anothers);
        }
    }
    let is_unclaimed = |row: &PlatformRow| row.platform_id().is_some() && row.may_be(target.account(), platform_id);
    Ok(if of_file.unclaimed(target).iter().any(is_unclaimed) { Known::Unclaimed } else { Known::No })
}
