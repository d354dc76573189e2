//! Decides whose a product or post is that a lookup by key, or a call, has found.
//!
//! Platforms search by prefix, by words or ignoring case, and some report no keys. A product is therefore a
//! publication's own only if it has its exact key, or an id that the publication is confirmed as. It belongs to another
//! publication or row if that has its id. For every other product, only a person can decide.

use fieldfen_domain::FileId;
use fieldfen_domain::publication::{
    FileOnPlatforms, IdempotencyKey, PlatformRow, Publication, PublicationFilter, PublicationState, Target,
    publication_of,
};
use fieldfen_domain::store::{ReadSession, Store, StoreError};

use super::all_pages::all_publications;
use super::call_error::CallError;
use super::remote_catalogue::RemoteCatalogue;
use super::remote_item::RemoteItem;

/// The results of a search, by owner.
#[derive(Debug, Default)]
pub(super) struct ByOwner {
    /// The products or posts of the publication, the oldest first.
    pub(super) own: Vec<RemoteItem>,
    /// Products or posts that may belong to the publication: they have no key and no known id, or two publications or
    /// rows know them.
    pub(super) unclear: Vec<RemoteItem>,
}

/// The result of a search for the key of a publication.
pub(super) enum Lookup {
    /// The platform has a product or post with the key.
    Found {
        /// The oldest product or post with its key.
        first: RemoteItem,
        /// Whether there are further products or posts with the key.
        has_duplicates: bool,
    },
    /// The platform has no product or post with the key.
    Nothing,
    /// Only a person can decide. The text names the products or posts that were found.
    Unclear(String),
    /// The platform gave no answer.
    Failed(CallError),
}

/// The owner of the id of a product or post.
enum Owner {
    /// The publication itself.
    This,
    /// Another publication of the file and account, or another file.
    Another,
    /// No publication, but a row of the file without a publication.
    UntrackedRow,
    /// No publication and no row.
    Nobody,
}

/// Asks a platform for the key of a publication, and decides whether the results belong to the publication.
pub(super) fn look_up(
    store: &impl Store,
    catalogue: &dyn RemoteCatalogue,
    publication: &Publication,
) -> Result<Lookup, StoreError> {
    let found = match catalogue.find(&publication.client_key) {
        Ok(found) => found,
        Err(error) => return Ok(Lookup::Failed(error)),
    };
    let ByOwner { own, unclear } = sort_by_owner(store, publication, found)?;
    Ok(match own.split_first() {
        Some((first, others)) => Lookup::Found { first: first.clone(), has_duplicates: !others.is_empty() },
        None if unclear.is_empty() => Lookup::Nothing,
        // Its id belongs to another publication, and its exact key shows that the platform has reused the id. The
        // confirmation handles that.
        None if let [only] = unclear.as_slice()
            && only.reported_key() == Some(&publication.client_key)
            && !only.platform_id.trim().is_empty() =>
        {
            Lookup::Found { first: only.clone(), has_duplicates: false }
        }
        None => {
            let ids: Vec<&str> = unclear.iter().map(|item| item.platform_id.as_str()).collect();
            Lookup::Unclear(format!("{ids:?} may be the published product or post, and only a person can decide"))
        }
    })
}

/// Sorts the results of a search for the key of a publication by owner. Results with another key are left out.
pub(super) fn sort_by_owner(
    store: &impl Store,
    publication: &Publication,
    found: Vec<RemoteItem>,
) -> Result<ByOwner, StoreError> {
    if found.is_empty() {
        return Ok(ByOwner::default());
    }
    store.read(|s| {
        let mut by_owner = ByOwner::default();
        let of_file = all_of_file(s, &publication.file_id)?;
        for item in found.iter().filter(|item| item.is_live()) {
            let owner = owner_of(s, &of_file, publication, &item.platform_id)?;
            match (item.reported_key(), owner) {
                (Some(key), _) if *key != publication.client_key => {
                    let (asked, said, id) = (&publication.client_key, key.as_str(), &item.platform_id);
                    log!(WARN, %asked, said, id, "product with another key ignored");
                }
                (Some(_), Owner::Another) => by_owner.unclear.push(item.clone()),
                (Some(_), _) if item.platform_id.trim().is_empty() => by_owner.unclear.push(item.clone()),
                (Some(_), _) | (None, Owner::This) => by_owner.own.push(item.clone()),
                (None, Owner::Nobody) => by_owner.unclear.push(item.clone()),
                (None, Owner::Another | Owner::UntrackedRow) => {}
            }
        }
        Ok(by_owner)
    })
}

/// Returns whether the product with the id of a publication now has the key of another publication, since platforms
/// reuse ids. An unknown key decides nothing: another program or a person has given it.
pub(super) fn has_key_of_another(
    store: &impl Store,
    publication: &Publication,
    item: &RemoteItem,
) -> Result<bool, StoreError> {
    match item.reported_key() {
        Some(key) if *key != publication.client_key => Ok(with_key(store, key)?.is_some()),
        _ => Ok(false),
    }
}

/// The publication with this key, if fieldfen has given the key.
pub(super) fn with_key(store: &impl Store, key: &IdempotencyKey) -> Result<Option<Publication>, StoreError> {
    if !key.is_derived() {
        return Ok(None);
    }
    let filter = PublicationFilter::new().key(key.clone());
    store.read(|s| Ok(all_publications(s, &filter, &mut Vec::new())?.into_iter().next()))
}

/// Returns whether the product or post that a call returned is known as that of another publication or row.
pub(super) fn is_anothers(
    store: &impl Store,
    publication: &Publication,
    platform_id: &str,
) -> Result<bool, StoreError> {
    store.read(|s| {
        let of_file = all_of_file(s, &publication.file_id)?;
        Ok(matches!(owner_of(s, &of_file, publication, platform_id)?, Owner::Another))
    })
}

/// All publications, listings and posts of a file.
pub(super) fn all_of_file(s: &mut dyn ReadSession, file_id: &FileId) -> Result<FileOnPlatforms, StoreError> {
    Ok(FileOnPlatforms {
        publications: s.publications().list_by_file(file_id)?,
        listings: s.listings().list_by_file(file_id)?,
        posts: s.listings().list_posts_by_file(file_id)?,
    })
}

fn owner_of(
    s: &mut dyn ReadSession,
    of_file: &FileOnPlatforms,
    publication: &Publication,
    platform_id: &str,
) -> Result<Owner, StoreError> {
    let (target, confirmed) = (&publication.target, PublicationState::Confirmed);
    let its = |other: &Publication| {
        other.platform_id.as_deref() == Some(platform_id)
            && other.target.channel() == target.channel()
            && other.target.platform() == target.platform()
            && other.target.account() == target.account()
    };
    if publication.platform_id.as_deref() == Some(platform_id) {
        return Ok(Owner::This);
    }
    if of_file.publications.iter().any(|other| other.id != publication.id && other.state == confirmed && its(other)) {
        return Ok(Owner::Another);
    }
    if let Target::Listing { platform, account, .. } = target
        && let Some(row) = s.listings().find_by_platform_id(*platform, account, platform_id)?
        && row.status.is_live()
    {
        if row.file_id != publication.file_id {
            return Ok(Owner::Another);
        }
        let owner = publication_of(&row, &of_file.listings, &of_file.publications);
        if owner.is_some_and(|owner| owner.state == confirmed && owner.id != publication.id) {
            return Ok(Owner::Another);
        }
    }
    let is_untracked = |row: &PlatformRow| row.platform_id().is_some() && row.may_be(target.account(), platform_id);
    let untracked = of_file.untracked(target).iter().any(is_untracked);
    Ok(if untracked { Owner::UntrackedRow } else { Owner::Nobody })
}
