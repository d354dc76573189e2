//! The publications, listings and posts of one file.

use std::collections::BTreeSet;

use super::{Listing, PlatformRow, Publication, SocialPost, Target, untracked_listings, untracked_posts};

/// All publications, listings and posts of one file.
#[derive(Debug, Clone, Default)]
pub struct FileOnPlatforms {
    /// Its publications, the oldest first.
    pub publications: Vec<Publication>,
    /// Its listings, the oldest first. May be empty for decisions about a post.
    pub listings: Vec<Listing>,
    /// Its posts, the oldest first. May be empty for decisions about a listing.
    pub posts: Vec<SocialPost>,
}

impl FileOnPlatforms {
    /// The rows that are live at the platform of a target and belong to no confirmed publication. Such a row may be the
    /// product or post of the target. Only a lookup at the platform shows that.
    #[must_use]
    pub fn untracked(&self, target: &Target) -> Vec<PlatformRow> {
        let (listings, posts) = (&self.listings, &self.posts);
        match target {
            Target::Listing { platform, .. } => untracked_listings(*platform, listings, &self.publications)
                .into_iter()
                .map(PlatformRow::Listing)
                .collect(),
            Target::Post { platform, .. } => {
                untracked_posts(*platform, posts, &self.publications).into_iter().map(PlatformRow::Post).collect()
            }
        }
    }

    /// The rows that are live at any platform and belong to no confirmed publication.
    #[must_use]
    pub fn all_untracked(&self) -> Vec<PlatformRow> {
        let platforms: BTreeSet<_> = self.listings.iter().map(|listing| listing.platform).collect();
        let listings = platforms.into_iter().flat_map(|platform| {
            untracked_listings(platform, &self.listings, &self.publications).into_iter().map(PlatformRow::Listing)
        });
        let networks: BTreeSet<_> = self.posts.iter().map(|post| post.platform).collect();
        let posts = networks.into_iter().flat_map(|platform| {
            untracked_posts(platform, &self.posts, &self.publications).into_iter().map(PlatformRow::Post)
        });
        listings.chain(posts).collect()
    }
}
