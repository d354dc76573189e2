//! Marketplaces and networks behind one face, so that the protocol is written once.

use fieldfen_domain::file::File;
use fieldfen_domain::job::{CreateListing, PublishSocial};
use fieldfen_domain::publication::ClientKey;

use super::found::Found;
use super::platforms::{CallError, Marketplace, Message, Offer, SocialNetwork};

/// A place where products or posts lie under their keys.
pub(super) trait Shelf {
    fn find(&self, key: &ClientKey) -> Result<Vec<Found>, CallError>;
    fn withdraw(&self, platform_id: &str) -> Result<(), CallError>;
}

/// A place where one job publishes one thing.
pub(super) trait Channel: Shelf {
    fn create(&self, key: &ClientKey, file: &File) -> Result<Found, CallError>;
}

pub(super) struct ListingShelf<'a>(pub(super) &'a dyn Marketplace);

impl Shelf for ListingShelf<'_> {
    fn find(&self, key: &ClientKey) -> Result<Vec<Found>, CallError> {
        Ok(self.0.find(key)?.into_iter().map(Found::from).collect())
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        self.0.withdraw(platform_id)
    }
}

pub(super) struct ListingChannel<'a> {
    pub(super) marketplace: &'a dyn Marketplace,
    pub(super) job: &'a CreateListing,
}

impl Channel for ListingChannel<'_> {
    fn create(&self, key: &ClientKey, file: &File) -> Result<Found, CallError> {
        let offer = Offer { file, variant: &self.job.variant, options: &self.job.other };
        self.marketplace.create(key, &offer).map(Found::from)
    }
}

impl Shelf for ListingChannel<'_> {
    fn find(&self, key: &ClientKey) -> Result<Vec<Found>, CallError> {
        ListingShelf(self.marketplace).find(key)
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        ListingShelf(self.marketplace).withdraw(platform_id)
    }
}

pub(super) struct PostChannel<'a> {
    pub(super) network: &'a dyn SocialNetwork,
    pub(super) job: &'a PublishSocial,
}

impl Channel for PostChannel<'_> {
    fn create(&self, key: &ClientKey, file: &File) -> Result<Found, CallError> {
        let message = Message { file, post_type: self.job.post_type, options: &self.job.other };
        self.network.post(key, &message).map(Found::from)
    }
}

impl Shelf for PostChannel<'_> {
    fn find(&self, key: &ClientKey) -> Result<Vec<Found>, CallError> {
        Ok(self.network.find(key)?.into_iter().map(Found::from).collect())
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        self.network.delete(platform_id)
    }
}
