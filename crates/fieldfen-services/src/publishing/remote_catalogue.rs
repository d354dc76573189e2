//! The products or posts of one account, and the call that makes one. Marketplaces and networks implement the same
//! interface, so that the protocol is written once.

use fieldfen_domain::file::File;
use fieldfen_domain::job::{CreateListing, PublishSocial};
use fieldfen_domain::publication::IdempotencyKey;

use super::call_error::CallError;
use super::marketplace::{Marketplace, Offer};
use super::remote_item::RemoteItem;
use super::social_network::{Message, SocialNetwork};

/// Finds the products or posts of one account by key and id.
pub(super) trait RemoteCatalogue {
    fn account(&self) -> &str;
    /// The platform's results of a search for a key. They may have other keys.
    fn find(&self, key: &IdempotencyKey) -> Result<Vec<RemoteItem>, CallError>;
    /// The product or post with exactly this id.
    fn lookup(&self, platform_id: &str) -> Result<Option<RemoteItem>, CallError>;
    fn withdraw(&self, platform_id: &str) -> Result<(), CallError>;
}

/// The call that makes the product or post of one job.
pub(super) trait PublishCall {
    fn catalogue(&self) -> &dyn RemoteCatalogue;
    fn create(&self, key: &IdempotencyKey, file: &File) -> Result<RemoteItem, CallError>;
}

pub(super) struct ListingCatalogue<'a>(pub(super) &'a dyn Marketplace);

impl RemoteCatalogue for ListingCatalogue<'_> {
    fn account(&self) -> &str {
        self.0.account()
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<RemoteItem>, CallError> {
        Ok(self.0.find(key)?.into_iter().map(RemoteItem::from).collect())
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<RemoteItem>, CallError> {
        answered(platform_id, self.0.lookup(platform_id)?.map(RemoteItem::from))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        self.0.withdraw(platform_id)
    }
}

pub(super) struct PostCatalogue<'a>(pub(super) &'a dyn SocialNetwork);

impl RemoteCatalogue for PostCatalogue<'_> {
    fn account(&self) -> &str {
        self.0.account()
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<RemoteItem>, CallError> {
        Ok(self.0.find(key)?.into_iter().map(RemoteItem::from).collect())
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<RemoteItem>, CallError> {
        answered(platform_id, self.0.lookup(platform_id)?.map(RemoteItem::from))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        self.0.delete(platform_id)
    }
}

pub(super) struct ListingCall<'a> {
    pub(super) catalogue: ListingCatalogue<'a>,
    pub(super) job: &'a CreateListing,
}

impl PublishCall for ListingCall<'_> {
    fn catalogue(&self) -> &dyn RemoteCatalogue {
        &self.catalogue
    }

    fn create(&self, key: &IdempotencyKey, file: &File) -> Result<RemoteItem, CallError> {
        let offer = Offer::new(file, &self.job.variant, &self.job.other);
        self.catalogue.0.create(key, &offer).map(RemoteItem::from)
    }
}

pub(super) struct PostCall<'a> {
    pub(super) catalogue: PostCatalogue<'a>,
    pub(super) job: &'a PublishSocial,
}

impl PublishCall for PostCall<'_> {
    fn catalogue(&self) -> &dyn RemoteCatalogue {
        &self.catalogue
    }

    fn create(&self, key: &IdempotencyKey, file: &File) -> Result<RemoteItem, CallError> {
        let message = Message { file, post_type: self.job.post_type, options: &self.job.other };
        self.catalogue.0.post(key, &message).map(RemoteItem::from)
    }
}

/// Takes a product or post down and looks it up afterwards: by its id, or by its key if the platform has no lookup by
/// id. Otherwise a platform that reports success and does nothing would leave two products on sale.
pub(super) fn take_down(catalogue: &dyn RemoteCatalogue, found: &RemoteItem) -> Result<(), CallError> {
    let platform_id = found.platform_id.as_str();
    catalogue.withdraw(platform_id)?;
    let stays = match catalogue.lookup(platform_id) {
        // Without a key on both sides, the same id means the same product.
        Ok(there) => there
            .filter(|there| there.reported_key().zip(found.reported_key()).is_none_or(|(now, before)| now == before)),
        Err(CallError::Refused { .. }) => match found.reported_key().map(|key| catalogue.find(key)) {
            Some(Ok(there)) => there.into_iter().find(|there| there.platform_id == platform_id),
            Some(Err(CallError::Refused { .. })) | None => None,
            Some(Err(error)) => return Err(error),
        },
        Err(error) => return Err(error),
    };
    if stays.is_some_and(|there| there.is_live()) {
        let reason = format!("the platform answered that {platform_id:?} is taken down, but a lookup still shows it");
        return Err(CallError::NoAnswer { reason });
    }
    Ok(())
}

/// The reason why an answer does not show what the call has made: it has no id, or another key. `None` if it does.
pub(super) fn doubt(key: &IdempotencyKey, found: &RemoteItem) -> Option<String> {
    match found.reported_key() {
        _ if found.platform_id.trim().is_empty() => {
            Some(format!("the answer to {key} has no id: {:?}", found.platform_id))
        }
        Some(other) if other != key => {
            Some(format!("the answer to {key} is {:?}, which has the key {:?}", found.platform_id, other.as_str()))
        }
        _ => None,
    }
}

/// Checks that an answer is about this id. An answer about another product does not show whether this one exists.
pub(super) fn answered(platform_id: &str, found: Option<RemoteItem>) -> Result<Option<RemoteItem>, CallError> {
    match found {
        Some(other) if other.platform_id != platform_id => {
            let reason = format!("the answer about {platform_id:?} is about {:?}", other.platform_id);
            Err(CallError::NoAnswer { reason })
        }
        found => Ok(found),
    }
}
