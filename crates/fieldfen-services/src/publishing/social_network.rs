//! What an importing program implements for each social network.

use fieldfen_domain::file::File;
use fieldfen_domain::publication::{IdempotencyKey, PostType, SocialPlatform};
use serde_json::{Map, Value};

use super::call_error::CallError;

/// A social network, seen through one account.
///
/// The rules of [`Marketplace`](super::Marketplace) hold here too.
pub trait SocialNetwork: Send + Sync {
    /// Which network this is.
    fn platform(&self) -> SocialPlatform;

    /// The account; empty where there is only one.
    fn account(&self) -> &str {
        ""
    }

    /// Posts a picture under a key.
    ///
    /// # Errors
    /// [`CallError::NoAnswer`] whenever the post might be there; the others only when it surely is not.
    fn post(&self, key: &IdempotencyKey, message: &Message<'_>) -> Result<Post, CallError>;

    /// The posts with this key that are still there, the oldest first. A network without a place for the key has to be
    /// searched for the post itself.
    ///
    /// Such a search finds every post of the picture, without a key. A post that another publication of the file is
    /// confirmed as is left out, and so is one that another program has written down. Anything else may be this post, a
    /// repost or one that was made by hand: it is neither taken for this one nor deleted, and this one stays unknown until a
    /// person says by [`Publisher::resolve_unknown`](super::Publisher::resolve_unknown) which is which.
    ///
    /// # Errors
    /// [`CallError::Refused`] when the network cannot be asked for that at all: a post whose answer was lost then waits
    /// for a person. Otherwise [`CallError`]s as the network has them.
    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Post>, CallError>;

    /// The post with this id in this account; `None` is the network's word that the account has no such post (any more).
    ///
    /// # Errors
    /// [`CallError::Refused`] when the network cannot be asked for that: the posts of other programs then wait for a
    /// person. Otherwise [`CallError`]s as the network has them.
    fn lookup(&self, platform_id: &str) -> Result<Option<Post>, CallError>;

    /// Deletes a post. One that is not there any more is no error.
    ///
    /// # Errors
    /// [`CallError`]s as the network has them.
    fn delete(&self, platform_id: &str) -> Result<(), CallError>;
}

/// What is to be posted.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Message<'a> {
    /// The picture, with its metadata and captions.
    pub file: &'a File,
    /// Whether it is a feed post, a reel or a story; `None` leaves that to the implementation.
    pub post_type: Option<PostType>,
    /// What else the job's payload says.
    pub options: &'a Map<String, Value>,
}

/// A post as its network describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Post {
    /// Its id at the network.
    pub platform_id: String,
    /// The address of its page at the network.
    pub url: Option<String>,
    /// The key it was posted with, where the network says so.
    pub key: Option<IdempotencyKey>,
}

impl Post {
    /// A post of which only the id is known.
    #[must_use]
    pub fn new(platform_id: impl Into<String>) -> Self {
        Self { platform_id: platform_id.into(), url: None, key: None }
    }

    /// The same post with this page.
    #[must_use]
    pub fn url(mut self, url: impl Into<Option<String>>) -> Self {
        self.url = url.into();
        self
    }

    /// The same post, made with this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        self.key = key.into();
        self
    }
}
