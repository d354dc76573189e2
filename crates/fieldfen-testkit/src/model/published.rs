//! What is out there: listings and posts, and reading how they came there.

use fieldfen_domain::publication::{
    Listing, ListingStatus, ListingUpdate, ListingUpdated, Platform, Publication, PublicationEvent, PublicationState,
    SocialPost, Target,
};
use fieldfen_domain::store::{Listings, PublicationReads, StoreError};
use fieldfen_domain::{FileId, ListingId, Page, PageRequest, PublicationId, SocialPostId, to_micros};

use super::ModelSession;
use super::publications::PublicationKey;
use super::table::Row;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ListingKey {
    Id(ListingId),
    File(FileId),
    At(Platform, String),
}

impl Row for Listing {
    type Key = ListingKey;

    fn keys(&self) -> Vec<ListingKey> {
        vec![
            ListingKey::Id(self.id),
            ListingKey::File(self.file_id),
            ListingKey::At(self.platform, self.platform_listing_id.clone()),
        ]
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PostKey {
    Id(SocialPostId),
    File(FileId),
}

impl Row for SocialPost {
    type Key = PostKey;

    fn keys(&self) -> Vec<PostKey> {
        vec![PostKey::Id(self.id), PostKey::File(self.file_id)]
    }
}

impl PublicationReads for ModelSession<'_> {
    fn find(&mut self, id: &PublicationId) -> Result<Option<Publication>, StoreError> {
        Ok(self.state.publications.find(&PublicationKey::Id(*id)).map(|(_, row)| row))
    }

    fn of_file(&mut self, file_id: &FileId) -> Result<Vec<Publication>, StoreError> {
        Ok(self.state.publications.all(&PublicationKey::File(*file_id)).into_iter().map(|(_, row)| row).collect())
    }

    fn in_state(&mut self, state: PublicationState, page: PageRequest) -> Result<Page<Publication>, StoreError> {
        Ok(self.state.publications.page(page, |row| row.state == state, Publication::clone))
    }

    fn listings(&mut self, file_id: &FileId) -> Result<Vec<Listing>, StoreError> {
        Ok(self.state.listings.all(&ListingKey::File(*file_id)).into_iter().map(|(_, row)| row).collect())
    }

    fn listings_at(&mut self, platform: Platform, page: PageRequest) -> Result<Page<Listing>, StoreError> {
        Ok(self.state.listings.page(page, |row| row.platform == platform, Listing::clone))
    }

    fn listing_at(&mut self, platform: Platform, platform_id: &str) -> Result<Option<Listing>, StoreError> {
        Ok(self.state.listings.find(&ListingKey::At(platform, platform_id.to_owned())).map(|(_, row)| row))
    }

    fn posts(&mut self, file_id: &FileId) -> Result<Vec<SocialPost>, StoreError> {
        Ok(self.state.posts.all(&PostKey::File(*file_id)).into_iter().map(|(_, row)| row).collect())
    }
}

impl Listings for ModelSession<'_> {
    fn update(&mut self, id: &ListingId, update: &ListingUpdate) -> Result<ListingUpdated, StoreError> {
        let Some((number, mut listing)) = self.state.listings.find(&ListingKey::Id(*id)) else {
            return Ok(ListingUpdated::Gone);
        };
        let event_at = to_micros(update.event_at.min(update.at));
        if let Some(known) = listing.status_event_at.filter(|known| *known > event_at) {
            return Ok(ListingUpdated::Stale { known });
        }
        let at = to_micros(update.at);
        listing.status = update.status;
        listing.platform_status.clone_from(&update.platform_status);
        listing.status_event_at = Some(event_at);
        listing.updated_at = Some(at);
        self.state.listings.update(number, listing.clone());
        if update.status != ListingStatus::Delisted {
            return Ok(ListingUpdated::Done);
        }
        for (number, mut publication) in self.state.publications.all(&PublicationKey::File(listing.file_id)) {
            let is_its = matches!(publication.target, Target::Listing { platform, .. } if platform == listing.platform)
                && publication.platform_id.as_ref() == Some(&listing.platform_listing_id);
            if is_its && let Ok(ended) = publication.state.after(PublicationEvent::Ended) {
                publication.state = ended;
                publication.updated_at = at;
                self.state.publications.update(number, publication);
            }
        }
        Ok(ListingUpdated::Done)
    }
}
