//! Posts at social networks.

use crate::ids::{FileId, SocialPostId};
use crate::open_enum::open_enum;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

open_enum! {
    /// The social networks, as the specification's values of `social_posts.platform`.
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
    /// The specification's values of `social_posts.post_type`.
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
    /// The file of the post.
    pub file_id: FileId,
    /// The network that shows the post.
    pub platform: SocialPlatform,
    /// The type of the post, as a word of the specification or of the program. `None` if the program that wrote the row
    /// left it out.
    pub post_type: Option<PostType>,
    /// The network's id of the post; `None` if it is unknown.
    pub platform_post_id: Option<String>,
    /// The address of the post; `None` if it is unknown.
    pub url: Option<String>,
    /// The time at which it was posted; `None` if it is unknown.
    pub posted_at: Option<Timestamp>,
    /// The time at which it was found to be gone; `None` while it is not known to be gone.
    pub gone_at: Option<Timestamp>,
}

impl SocialPost {
    /// A row with only a file and a network. A store sets the other columns.
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
