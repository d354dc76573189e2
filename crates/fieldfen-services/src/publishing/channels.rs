//! Marketplaces and networks behind one face, so that the protocol is written once.

use fieldfen_domain::file::File;
use fieldfen_domain::job::{CreateListing, PublishSocial};
use fieldfen_domain::publication::IdempotencyKey;

use super::found::Found;
use super::platforms::{CallError, Marketplace, Message, Offer, SocialNetwork};

/// A place where products or posts lie under their ids and keys: one account at a platform.
pub(super) trait Shelf {
    fn account(&self) -> &str;
    /// What the platform answers to a search for a key, whatever keys that has.
    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Found>, CallError>;
    /// What has this very id.
    fn lookup(&self, platform_id: &str) -> Result<Option<Found>, CallError>;
    fn withdraw(&self, platform_id: &str) -> Result<(), CallError>;
}

/// A place where one job publishes one thing.
pub(super) trait Channel {
    fn shelf(&self) -> &dyn Shelf;
    fn create(&self, key: &IdempotencyKey, file: &File) -> Result<Found, CallError>;
}

pub(super) struct ListingShelf<'a>(pub(super) &'a dyn Marketplace);

impl Shelf for ListingShelf<'_> {
    fn account(&self) -> &str {
        self.0.account()
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Found>, CallError> {
        Ok(self.0.find(key)?.into_iter().map(Found::from).collect())
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Found>, CallError> {
        answered(platform_id, self.0.lookup(platform_id)?.map(Found::from))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        self.0.withdraw(platform_id)
    }
}

pub(super) struct PostShelf<'a>(pub(super) &'a dyn SocialNetwork);

impl Shelf for PostShelf<'_> {
    fn account(&self) -> &str {
        self.0.account()
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Found>, CallError> {
        Ok(self.0.find(key)?.into_iter().map(Found::from).collect())
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Found>, CallError> {
        answered(platform_id, self.0.lookup(platform_id)?.map(Found::from))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        self.0.delete(platform_id)
    }
}

pub(super) struct ListingChannel<'a> {
    pub(super) shelf: ListingShelf<'a>,
    pub(super) job: &'a CreateListing,
}

impl Channel for ListingChannel<'_> {
    fn shelf(&self) -> &dyn Shelf {
        &self.shelf
    }

    fn create(&self, key: &IdempotencyKey, file: &File) -> Result<Found, CallError> {
        let offer = Offer::new(file, &self.job.variant, &self.job.other);
        self.shelf.0.create(key, &offer).map(Found::from)
    }
}

pub(super) struct PostChannel<'a> {
    pub(super) shelf: PostShelf<'a>,
    pub(super) job: &'a PublishSocial,
}

impl Channel for PostChannel<'_> {
    fn shelf(&self) -> &dyn Shelf {
        &self.shelf
    }

    fn create(&self, key: &IdempotencyKey, file: &File) -> Result<Found, CallError> {
        let message = Message { file, post_type: self.job.post_type, options: &self.job.other };
        self.shelf.0.post(key, &message).map(Found::from)
    }
}

/// Takes a product or post down and looks whether it is gone: by its id, or by its key where a platform cannot be asked for
/// ids. A platform that answers yes and does nothing leaves two products on sale.
pub(super) fn take_down(shelf: &dyn Shelf, found: &Found) -> Result<(), CallError> {
    let platform_id = found.platform_id.as_str();
    shelf.withdraw(platform_id)?;
    let stays = match shelf.lookup(platform_id) {
        // Without a key on both sides, the same id is the same product.
        Ok(there) => {
            there.filter(|there| there.said_key().zip(found.said_key()).is_none_or(|(now, before)| now == before))
        }
        Err(CallError::Refused { .. }) => match found.said_key().map(|key| shelf.find(key)) {
            Some(Ok(there)) => there.into_iter().find(|there| there.platform_id == platform_id),
            Some(Err(CallError::Refused { .. })) | None => None,
            Some(Err(error)) => return Err(error),
        },
        Err(error) => return Err(error),
    };
    if stays.is_some_and(|there| there.is_live()) {
        let reason = format!("{platform_id:?} was said to be taken down, and a lookup still shows it");
        return Err(CallError::NoAnswer { reason });
    }
    Ok(())
}

/// Why the answer to a call does not say what the call has made: it has no id, or another key.
pub(super) fn doubt(key: &IdempotencyKey, found: &Found) -> Option<String> {
    match found.said_key() {
        _ if found.platform_id.trim().is_empty() => {
            Some(format!("the answer to {key} has no id: {:?}", found.platform_id))
        }
        Some(other) if other != key => {
            Some(format!("the answer to {key} is {:?}, which has the key {:?}", found.platform_id, other.as_str()))
        }
        _ => None,
    }
}

/// What has this very id. An answer about another product does not say whether this one is there.
pub(super) fn answered(platform_id: &str, found: Option<Found>) -> Result<Option<Found>, CallError> {
    match found {
        Some(other) if other.platform_id != platform_id => {
            let reason = format!("the answer about {platform_id:?} is about {:?}", other.platform_id);
            Err(CallError::NoAnswer { reason })
        }
        found => Ok(found),
    }
}
