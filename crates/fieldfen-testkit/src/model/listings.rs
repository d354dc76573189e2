//! Listings and posts, and reading publications.

use fieldfen_domain::publication::{
    Listing, ListingFilter, ListingStatus, ListingUpdate, ListingUpdateOutcome, Platform, PostFilter, Publication,
    PublicationEvent, PublicationFilter, SocialPost, Target, publication_of,
};
use fieldfen_domain::store::{ListingReads, Listings, PublicationReads, StoreError};
use fieldfen_domain::{
    FileId, ListingId, Page, PageRequest, PublicationId, SocialPostId, Timestamp, is_ahead, truncate_to_micros,
};

use super::keys::{FileKey, ListingKey, PostKey, PublicationKey};
use super::table::Row;
use super::{ModelSession, missing, taken};

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

    fn list_by_file(&mut self, file_id: &FileId) -> Result<Vec<Publication>, StoreError> {
        Ok(self.state.publications.all(&PublicationKey::File(*file_id)).into_iter().map(|(_, row)| row).collect())
    }

    fn page(&mut self, filter: &PublicationFilter, page: &PageRequest) -> Result<Page<Publication>, StoreError> {
        let wanted = |row: &Publication| {
            let (platform, network) = match &row.target {
                Target::Listing { platform, .. } => (Some(*platform), None),
                Target::Post { platform, .. } => (None, Some(*platform)),
            };
            is_or_any(filter.state.as_ref(), &row.state)
                && is_or_any(filter.file_id.as_ref(), &row.file_id)
                && filter.platform.is_none_or(|_| filter.platform == platform)
                && filter.network.is_none_or(|_| filter.network == network)
                && filter.account.as_deref().is_none_or(|account| account == row.target.account())
                && is_or_any(filter.key.as_ref(), &row.client_key)
                && (filter.platform_id.is_none() || filter.platform_id == row.platform_id)
        };
        self.state.publications.page("publications", page, wanted, Publication::clone)
    }
}

impl ListingReads for ModelSession<'_> {
    fn find_listing(&mut self, id: &ListingId) -> Result<Option<Listing>, StoreError> {
        Ok(self.state.listings.find(&ListingKey::Id(*id)).map(|(_, row)| row))
    }

    fn find_post(&mut self, id: &SocialPostId) -> Result<Option<SocialPost>, StoreError> {
        Ok(self.state.posts.find(&PostKey::Id(*id)).map(|(_, row)| row))
    }

    fn list_by_file(&mut self, file_id: &FileId) -> Result<Vec<Listing>, StoreError> {
        Ok(self.state.listings.all(&ListingKey::File(*file_id)).into_iter().map(|(_, row)| row).collect())
    }

    fn page(&mut self, filter: &ListingFilter, page: &PageRequest) -> Result<Page<Listing>, StoreError> {
        let wanted = |row: &Listing| {
            is_or_any(filter.platform.as_ref(), &row.platform)
                && is_or_any(filter.status.as_ref(), &row.status)
                && is_or_any(filter.file_id.as_ref(), &row.file_id)
                && is_or_any(filter.platform_listing_id.as_ref(), &row.platform_listing_id)
                && !(filter.live && row.status == ListingStatus::Delisted)
        };
        self.state.listings.page("listings", page, wanted, Listing::clone)
    }

    fn find_by_platform_id(
        &mut self,
        platform: Platform,
        account: &str,
        platform_id: &str,
    ) -> Result<Option<Listing>, StoreError> {
        let target = Target::listing(platform).at_account(account);
        Ok(self.same_id(&target, platform_id).at(platform, account, platform_id))
    }

    fn list_posts_by_file(&mut self, file_id: &FileId) -> Result<Vec<SocialPost>, StoreError> {
        Ok(self.state.posts.all(&PostKey::File(*file_id)).into_iter().map(|(_, row)| row).collect())
    }

    fn page_of_posts(&mut self, filter: &PostFilter, page: &PageRequest) -> Result<Page<SocialPost>, StoreError> {
        let wanted = |row: &SocialPost| {
            is_or_any(filter.network.as_ref(), &row.platform) && is_or_any(filter.file_id.as_ref(), &row.file_id)
        };
        self.state.posts.page("posts", page, wanted, SocialPost::clone)
    }
}

fn is_or_any<T: PartialEq>(wanted: Option<&T>, found: &T) -> bool {
    wanted.is_none_or(|wanted| wanted == found)
}

impl Listings for ModelSession<'_> {
    fn update(&mut self, id: &ListingId, update: &ListingUpdate) -> Result<ListingUpdateOutcome, StoreError> {
        let Some((number, mut listing)) = self.state.listings.find(&ListingKey::Id(*id)) else {
            return Ok(ListingUpdateOutcome::NotFound);
        };
        let event_at = truncate_to_micros(update.event_at.min(update.at));
        let at = truncate_to_micros(update.at);
        if let Some(known) = listing.status_event_at.filter(|known| *known > event_at && !is_ahead(*known, at)) {
            return Ok(ListingUpdateOutcome::Stale { known });
        }
        listing.status = update.status;
        listing.platform_status.clone_from(&update.platform_status);
        listing.status_event_at = Some(event_at);
        listing.updated_at = Some(at);
        self.state.listings.update(number, listing.clone());
        if update.status != ListingStatus::Delisted {
            return Ok(ListingUpdateOutcome::Done);
        }
        let (listings, publications) = (
            ListingReads::list_by_file(self, &listing.file_id)?,
            PublicationReads::list_by_file(self, &listing.file_id)?,
        );
        if let Some(its) = publication_of(&listing, &listings, &publications)
            && let Ok(ended) = its.state.after(PublicationEvent::Ended)
            && let Some((number, mut publication)) = self.state.publications.find(&PublicationKey::Id(its.id))
        {
            publication.state = ended;
            publication.updated_at = at;
            self.state.publications.update(number, publication);
        }
        Ok(ListingUpdateOutcome::Done)
    }

    fn insert_listing(&mut self, listing: &Listing) -> Result<(), StoreError> {
        let at = ListingKey::At(listing.platform, listing.platform_listing_id.clone());
        if self.state.listings.find(&at).is_some() || self.state.listings.find(&ListingKey::Id(listing.id)).is_some() {
            return Err(taken(format!("listing {}", listing.id)));
        }
        self.file_of(&listing.file_id, format!("listing {}", listing.id))?;
        let micros = |time: Option<Timestamp>| time.map(truncate_to_micros);
        self.state.listings.insert(with!(
            listing.clone(),
            status_event_at: micros(listing.status_event_at),
            created_at: micros(listing.created_at),
            updated_at: micros(listing.updated_at),
        ));
        Ok(())
    }

    fn insert_post(&mut self, post: &SocialPost) -> Result<(), StoreError> {
        if self.state.posts.find(&PostKey::Id(post.id)).is_some() {
            return Err(taken(format!("post {}", post.id)));
        }
        self.file_of(&post.file_id, format!("post {}", post.id))?;
        let micros = |time: Option<Timestamp>| time.map(truncate_to_micros);
        let (posted_at, gone_at) = (micros(post.posted_at), micros(post.gone_at));
        self.state.posts.insert(with!(post.clone(), posted_at, gone_at));
        Ok(())
    }

    fn mark_post_gone(&mut self, id: &SocialPostId, at: Timestamp) -> Result<bool, StoreError> {
        let Some((number, mut post)) = self.state.posts.find(&PostKey::Id(*id)) else { return Ok(false) };
        if post.gone_at.is_some() {
            return Ok(false);
        }
        post.gone_at = Some(truncate_to_micros(at));
        self.state.posts.update(number, post);
        Ok(true)
    }
}

impl ModelSession<'_> {
    fn file_of(&self, file_id: &FileId, what: String) -> Result<(), StoreError> {
        match self.state.files.find(&FileKey::Id(*file_id)) {
            Some(_) => Ok(()),
            None => Err(missing(format!("{what} of file {file_id}"))),
        }
    }
}
