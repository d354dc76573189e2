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
    /// The rows that are live at the platform of a target and belong to no confirmed publication, or to one that
    /// [may belong to the target](Publication::may_belong_to). Such a row may be the product or post of the target.
    /// Only a lookup at the platform shows that.
    #[must_use]
    pub fn untracked(&self, target: &Target) -> Vec<PlatformRow> {
        let (listings, posts) = (&self.listings, &self.posts);
        let publications = self.but(|its| its.may_belong_to(target));
        match target {
            Target::Listing { platform, .. } => {
                untracked_listings(*platform, listings, &publications).into_iter().map(PlatformRow::Listing).collect()
            }
            Target::Post { platform, .. } => {
                untracked_posts(*platform, posts, &publications).into_iter().map(PlatformRow::Post).collect()
            }
        }
    }

    /// The publication with an open target that is confirmed as this row; `None` if there is none.
    #[must_use]
    pub fn open_publication_of(&self, row: &PlatformRow) -> Option<&Publication> {
        self.publications.iter().find(|its| {
            its.has_open_target()
                && match row {
                    PlatformRow::Listing(row) => its.listing_among(&self.listings).is_some_and(|its| its.id == row.id),
                    PlatformRow::Post(row) => its.is_confirmed_as(row),
                }
        })
    }

    fn but(&self, is_left_out: impl Fn(&Publication) -> bool) -> Vec<Publication> {
        self.publications.iter().filter(|its| !is_left_out(its)).cloned().collect()
    }

    /// The rows that are live at any platform and belong to no confirmed publication, or to one with an
    /// [open target](Publication::has_open_target).
    #[must_use]
    pub fn all_untracked(&self) -> Vec<PlatformRow> {
        let publications = self.but(Publication::has_open_target);
        let platforms: BTreeSet<_> = self.listings.iter().map(|listing| listing.platform).collect();
        let listings = platforms.into_iter().flat_map(|platform| {
            untracked_listings(platform, &self.listings, &publications).into_iter().map(PlatformRow::Listing)
        });
        let networks: BTreeSet<_> = self.posts.iter().map(|post| post.platform).collect();
        let posts = networks.into_iter().flat_map(|platform| {
            untracked_posts(platform, &self.posts, &publications).into_iter().map(PlatformRow::Post)
        });
        listings.chain(posts).collect()
    }
}
