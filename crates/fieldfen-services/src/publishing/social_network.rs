//! The interface that an importing program implements for each social network.

use fieldfen_domain::OptionalText;
use fieldfen_domain::file::File;
use fieldfen_domain::publication::{IdempotencyKey, PostType, SocialPlatform};
use serde_json::{Map, Value};

use super::call_error::CallError;

/// A social network, as one account sees it.
///
/// The rules of [`Marketplace`](super::Marketplace) apply here too.
pub trait SocialNetwork: Send + Sync {
    /// The platform of this network.
    fn platform(&self) -> SocialPlatform;

    /// The account; empty if there is only one.
    fn account(&self) -> &str {
        ""
    }

    /// Posts a picture under a key.
    ///
    /// # Errors
    /// [`CallError::NoAnswer`] if the post may exist; the other errors only if it certainly does not.
    fn post(&self, key: &IdempotencyKey, message: &Message<'_>) -> Result<Post, CallError>;

    /// The posts with this key that still exist, the oldest first. A network that cannot store the key must be searched
    /// for the post itself.
    ///
    /// Such a search finds every post of the picture, without a key. Posts that other publications of the file are
    /// confirmed as, and posts that other programs have recorded, are left out. Any other post may be this post, a
    /// repost or one made by hand. It is neither adopted nor deleted, and the publication stays unknown until a person
    /// decides with [`Publisher::resolve_unknown`](super::Publisher::resolve_unknown).
    ///
    /// # Errors
    /// [`CallError::Refused`] if the network has no such search: a post whose answer was lost then waits for a person.
    /// Otherwise any [`CallError`] of the network.
    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Post>, CallError>;

    /// The post with this id in this account. `None` means that the account has no such post (any more).
    ///
    /// # Errors
    /// [`CallError::Refused`] if the network has no such lookup: the posts of other programs then wait for a person.
    /// Otherwise any [`CallError`] of the network.
    fn lookup(&self, platform_id: &str) -> Result<Option<Post>, CallError>;

    /// Deletes a post. A post that is already gone is no error.
    ///
    /// # Errors
    /// Any [`CallError`] of the network.
    fn delete(&self, platform_id: &str) -> Result<(), CallError>;
}

/// The content of a post.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Message<'a> {
    /// The picture, with its metadata and captions.
    pub file: &'a File,
    /// Whether it is a feed post, a reel or a story; with `None` the implementation decides.
    pub post_type: Option<PostType>,
    /// Further options of the job's payload.
    pub options: &'a Map<String, Value>,
}

/// A post, as its network describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Post {
    /// The id at the network.
    pub platform_id: String,
    /// The address of its page at the network; `None` if it is unknown.
    pub url: Option<String>,
    /// The key with which it was posted; `None` if the network does not report it.
    pub key: Option<IdempotencyKey>,
}

impl Post {
    /// A post with only an id.
    #[must_use]
    pub fn new(platform_id: impl Into<String>) -> Self {
        Self { platform_id: platform_id.into(), url: None, key: None }
    }

    /// Sets the address of the page.
    #[must_use]
    pub fn url(mut self, url: impl Into<OptionalText>) -> Self {
        self.url = url.into().0;
        self
    }

    /// Sets the key with which it was posted.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        self.key = key.into();
        self
    }
}
