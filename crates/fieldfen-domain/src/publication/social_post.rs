//! Posts on social platforms.

use crate::ids::{FileId, SocialPostId};
use crate::open_enum::open_enum;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

open_enum! {
    /// The social platforms, in the specification's words for `social_posts.platform`.
    pub enum SocialPlatform as "social platform" {
        /// `instagram`: posts, stories and reels.
        Instagram = "instagram",
        /// `tiktok`: posts.
        Tiktok = "tiktok",
        /// `facebook`: posts, stories and reels of a page.
        Facebook = "facebook",
        /// `pinterest`: pins.
        Pinterest = "pinterest",
    }
}

text_enum! {
    /// The specification's words for `social_posts.post_type`.
    pub enum PostType as "post type" {
        /// An ordinary post, which stays in the feed.
        Post = "post",
        /// A story, which the network removes by itself after a day.
        Story = "story",
        /// A short video.
        Reel = "reel",
        /// A pin on a board.
        Pin = "pin",
    }
}

/// A row of `social_posts`: a post that is, or was, at a network.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocialPost {
    /// Primary key of the row.
    pub id: SocialPostId,
    /// The file it shows.
    pub file_id: FileId,
    /// The network that shows the post.
    pub platform: SocialPlatform,
    /// The kind of post, in the specification's words or in the program's own. `None` if the program that wrote the row left it out.
    pub post_type: Option<PostType>,
    /// The network's id of the post; `None` where it is unknown.
    pub platform_post_id: Option<String>,
    /// The address of the post, where it is known.
    pub url: Option<String>,
    /// When it was posted.
    pub posted_at: Option<Timestamp>,
    /// When it was found to be gone; `None` while it is there as far as is known.
    pub gone_at: Option<Timestamp>,
}

impl SocialPost {
    /// A row of which only the file and the network are known. A store sets the other columns.
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
