//! Decides which row of `listings` or `social_posts` belongs to which publication.
//!
//! Two accounts of one platform may have products with the same id, but `listings` has one row for each platform and
//! id. A row therefore holds the product's id if that is free, and `account:id` if a live listing of another account
//! holds the id. `publications.platform_id` always holds the id itself. If a live product needs the id of a delisted
//! listing, the row of the delisted one is changed to `id#row`, where `row` is its own primary key.

use serde::{Deserialize, Serialize};

use super::{Listing, Platform, Publication, PublicationState, SocialPlatform, SocialPost, Target};
use crate::ids::{FileId, ListingId, PublicationId, SocialPostId};
use crate::time::Timestamp;

/// A row of `listings` or `social_posts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlatformRow {
    /// A row of `listings`: a product.
    Listing(Listing),
    /// A row of `social_posts`: a post.
    Post(SocialPost),
}

/// The id of a [`PlatformRow`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "table", content = "id", rename_all = "snake_case")]
pub enum PlatformRowId {
    /// The id of a row of `listings`.
    Listing(ListingId),
    /// The id of a row of `social_posts`.
    Post(SocialPostId),
}

impl PlatformRow {
    /// The primary key of the row.
    #[must_use]
    pub const fn id(&self) -> PlatformRowId {
        match self {
            Self::Listing(listing) => PlatformRowId::Listing(listing.id),
            Self::Post(post) => PlatformRowId::Post(post.id),
        }
    }

    /// The platform's id, as the row has it; `None` for a post without one.
    #[must_use]
    pub fn platform_id(&self) -> Option<&str> {
        match self {
            Self::Listing(listing) => Some(&listing.platform_listing_id),
            Self::Post(post) => post.platform_post_id.as_deref(),
        }
    }

    /// Returns whether the row may be the product or post with this id at an account.
    #[must_use]
    pub fn may_be(&self, account: &str, platform_id: &str) -> bool {
        match self {
            Self::Listing(listing) => ids_at(account, &listing.platform_listing_id).contains(&platform_id),
            Self::Post(post) => post.platform_post_id.as_deref().is_none_or(|its| its == platform_id),
        }
    }

    /// Returns whether the row belongs to the table and platform of this target.
    #[must_use]
    pub fn is_at(&self, target: &Target) -> bool {
        match (self, target) {
            (Self::Listing(listing), Target::Listing { platform, .. }) => listing.platform == *platform,
            (Self::Post(post), Target::Post { platform, .. }) => post.platform == *platform,
            _ => false,
        }
    }
}

/// The text that a listing's row has instead of the product's id, if the listing of another account has that id.
#[must_use]
pub fn qualified_id(account: &str, platform_id: &str) -> String {
    format!("{account}:{platform_id}")
}

/// The platform ids that a listing's row may mean at an account: its text, and the part of the text after `account:`.
#[must_use]
pub fn ids_at<'t>(account: &str, held: &'t str) -> Vec<&'t str> {
    let behind = held.strip_prefix(account).and_then(|rest| rest.strip_prefix(':')).filter(|rest| !rest.is_empty());
    std::iter::once(held).chain(behind).collect()
}

/// The text that a delisted listing's row gets instead of its id, if a live product has that id.
#[must_use]
pub fn given_up_id(listing: &Listing) -> String {
    format!("{}#{}", listing.platform_listing_id, listing.id)
}

impl Publication {
    /// The row of this publication among the listings of its file; `None` for a post, and before a confirmation.
    #[must_use]
    pub fn listing_among<'l>(&self, listings: &'l [Listing]) -> Option<&'l Listing> {
        let Target::Listing { platform, account, .. } = &self.target else { return None };
        let platform_id = self.platform_id.as_deref()?;
        let with = |held: &str| {
            listings.iter().find(|listing| {
                listing.file_id == self.file_id && listing.platform == *platform && listing.platform_listing_id == held
            })
        };
        with(&qualified_id(account, platform_id)).or_else(|| with(platform_id))
    }

    /// Returns whether the publication may be pruned. It may if it was released or ended before this time, its
    /// reservation ended before this time, and its listing is not live. `listings` are those of its file.
    #[must_use]
    pub fn is_prunable(&self, before: Timestamp, listings: &[Listing]) -> bool {
        let is_its = |listing: &&Listing| {
            self.platform_id.as_deref().is_some_and(|platform_id| {
                listing.platform.as_str() == self.target.platform()
                    && ids_at(self.target.account(), &listing.platform_listing_id).contains(&platform_id)
            })
        };
        matches!(self.state, PublicationState::Released | PublicationState::Ended)
            && self.updated_at < before
            && self.held_until < before
            && !listings.iter().filter(is_its).any(|listing| listing.status.is_live())
    }

    pub(super) fn is_confirmed_as(&self, post: &SocialPost) -> bool {
        self.state == PublicationState::Confirmed
            && self.file_id == post.file_id
            && matches!(self.target, Target::Post { platform, .. } if platform == post.platform)
            && self.platform_id.is_some()
            && self.platform_id == post.platform_post_id
    }
}

/// The publication of a listing: the publication that is confirmed as it, or the last one that was.
///
/// `listings` and `publications` are those of its file.
#[must_use]
pub fn publication_of<'p>(
    listing: &Listing,
    listings: &[Listing],
    publications: &'p [Publication],
) -> Option<&'p Publication> {
    let has_it = |other: &&Publication| other.listing_among(listings).is_some_and(|its| its.id == listing.id);
    let confirmed = |other: &&Publication| other.state == PublicationState::Confirmed;
    publications
        .iter()
        .find(|other| confirmed(other) && has_it(other))
        .or_else(|| publications.iter().rev().find(has_it))
}

/// The publication that is confirmed as a post.
#[must_use]
pub fn publication_of_post<'p>(post: &SocialPost, publications: &'p [Publication]) -> Option<&'p Publication> {
    publications.iter().find(|other| other.is_confirmed_as(post))
}

/// The live listings at a platform that belong to no confirmed publication, among those of a file.
#[must_use]
pub fn untracked_listings(platform: Platform, listings: &[Listing], publications: &[Publication]) -> Vec<Listing> {
    let is_claimed = |listing: &Listing| {
        publication_of(listing, listings, publications).is_some_and(|its| its.state == PublicationState::Confirmed)
    };
    let live = listings.iter().filter(|listing| listing.platform == platform && listing.status.is_live());
    live.filter(|listing| !is_claimed(listing)).cloned().collect()
}

/// The posts of a file at a network that belong to no confirmed publication. Posts that are gone are left out.
#[must_use]
pub fn untracked_posts(
    platform: SocialPlatform,
    posts: &[SocialPost],
    publications: &[Publication],
) -> Vec<SocialPost> {
    let live = posts.iter().filter(|post| post.platform == platform && post.gone_at.is_none());
    live.filter(|post| !publications.iter().any(|other| other.is_confirmed_as(post))).cloned().collect()
}

/// The publications and listings of all products with one id at one platform, at any account. They decide which row a
/// product gets, and which row its id means.
#[derive(Debug, Clone, Default)]
pub struct SamePlatformId {
    /// The publications that are, or were, confirmed with this id at the platform, the oldest first.
    pub publications: Vec<Publication>,
    /// All listings of the files of these publications, and of the rows with the id, plain or qualified with the
    /// account.
    pub listings: Vec<Listing>,
}

/// The row that a product gets when it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListingRowChoice {
    /// The row of the file with this text, or a new row.
    Row {
        /// The text that the row has instead of the product's id.
        held: String,
        /// The delisted listing of another file that has this text now and loses it; `None` if there is none.
        given_up_by: Option<Listing>,
    },
    /// No row: live listings have every text that the row could have.
    Taken {
        /// The file of one of these listings.
        file_id: FileId,
    },
}

impl SamePlatformId {
    /// The publication that is confirmed with this id at the account of a target, except the one with the id `but`.
    #[must_use]
    pub fn confirmed_publication(&self, target: &Target, but: Option<PublicationId>) -> Option<&Publication> {
        self.publications.iter().find(|other| {
            other.state == PublicationState::Confirmed
                && Some(other.id) != but
                && other.target.channel() == target.channel()
                && other.target.account() == target.account()
        })
    }

    /// Chooses the row for a product of a file at an account.
    #[must_use]
    pub fn choose_row(
        &self,
        file_id: &FileId,
        platform: Platform,
        account: &str,
        platform_id: &str,
    ) -> ListingRowChoice {
        let qualified = qualified_id(account, platform_id);
        let of_another_account = |row: &Listing| {
            self.owner(row)
                .is_some_and(|its| its.state == PublicationState::Confirmed && its.target.account() != account)
        };
        let is_its = |row: &Listing| row.file_id == *file_id && !of_another_account(row);
        let there = |held: String| ListingRowChoice::Row { held, given_up_by: None };
        if self.row(platform, &qualified).is_some_and(is_its) {
            return there(qualified);
        }
        let mut file_id = *file_id;
        for held in [platform_id, &qualified] {
            match self.row(platform, held) {
                None => return there(held.to_owned()),
                Some(row) if is_its(row) => return there(held.to_owned()),
                Some(row) if row.status.is_live() => file_id = row.file_id,
                Some(row) => return ListingRowChoice::Row { held: held.to_owned(), given_up_by: Some(row.clone()) },
            }
        }
        ListingRowChoice::Taken { file_id }
    }

    /// The listing of the product with this id at an account. A listing without a publication counts as one of that
    /// account.
    #[must_use]
    pub fn at(&self, platform: Platform, account: &str, platform_id: &str) -> Option<Listing> {
        let its_own = |row: &&Listing| self.owner(row).is_none_or(|owner| owner.target.account() == account);
        let of_account =
            |other: &&Publication| matches!(&other.target, Target::Listing { account: its, .. } if its == account);
        let confirmed = |other: &&Publication| other.state == PublicationState::Confirmed;
        let mine = || self.publications.iter().filter(of_account);
        mine()
            .filter(confirmed)
            .chain(mine().rev())
            .filter_map(|other| other.listing_among(&self.listings))
            .find(its_own)
            .or_else(|| self.row(platform, platform_id).filter(its_own))
            .cloned()
    }

    fn row(&self, platform: Platform, held: &str) -> Option<&Listing> {
        self.listings.iter().find(|row| row.platform == platform && row.platform_listing_id == held)
    }

    fn owner(&self, row: &Listing) -> Option<&Publication> {
        publication_of(row, &self.listings, &self.publications)
    }
}
