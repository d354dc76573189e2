//! Posts on social platforms.

use crate::ids::{FileId, SocialPostId};
use crate::open_enum::open_enum;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

open_enum! {
    /// The social platforms, in the specification's words for `social_posts.platform`.
    pub enum SocialPlatform as "social platform" {
        /// Instagram.
        Instagram = "instagram",
        /// TikTok.
        Tiktok = "tiktok",
        /// Facebook.
        Facebook = "facebook",
        /// Pinterest.
        Pinterest = "pinterest",
    }
}

text_enum! {
    /// The specification's words for `social_posts.post_type`.
    pub enum PostType as "post type" {
        /// A post.
        Post = "post",
        /// A story.
        Story = "story",
        /// A reel.
        Reel = "reel",
        /// A pin.
        Pin = "pin",
    }
}

/// A row of `social_posts`: a post that is really out there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocialPost {
    /// The id.
    pub id: SocialPostId,
    /// The file it shows.
    pub file_id: FileId,
    /// Where.
    pub platform: SocialPlatform,
    /// What kind of post.
    pub post_type: Option<PostType>,
    /// Its id there.
    pub platform_post_id: Option<String>,
    /// Its page there.
    pub url: Option<String>,
    /// When it was posted.
    pub posted_at: Option<Timestamp>,
    /// When it was found to be gone.
    pub gone_at: Option<Timestamp>,
}

impl SocialPost {
    /// The row of a post that shows this file, of which nothing else is known. A store sets what else the row has.
    #[must_use]
    pub const fn new(id: SocialPostId, file_id: FileId, platform: SocialPlatform) -> Self {
        Self {
            id,
            file_id,
            platform,
            post_type: None,
            platform_post_id: None,
            url: None,
            posted_at: None,
            gone_at: None,
        }
    }
}
