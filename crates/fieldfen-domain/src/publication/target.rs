//! Targets of publications, and the idempotency key of the call.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::listing::Platform;
use super::social_post::{PostType, SocialPlatform};
use crate::ids::FileId;
use crate::sha256;

/// The target of a publication: a product at a shop, or a post at a network. At most one live publication exists for
/// each file and target.
///
/// [`Target::listing`] and [`Target::post`] make one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// A product at a shop.
    #[non_exhaustive]
    Listing {
        /// The platform that sells the product.
        platform: Platform,
        /// The seller's account at the platform; empty if there is only one.
        #[serde(default)]
        account: String,
        /// The variant, if several products are made from the file; empty if there is only one.
        #[serde(default)]
        variant: String,
    },
    /// A post at a social network.
    #[non_exhaustive]
    Post {
        /// The network that shows the post.
        platform: SocialPlatform,
        /// The account at the network; empty if there is only one.
        #[serde(default)]
        account: String,
        /// The key of the post. A retry keeps the key. A deliberate repost gets a new one.
        #[serde(default)]
        post_key: String,
        /// The type of the post. Two targets that differ only in it are the same.
        #[serde(default)]
        post_type: Option<PostType>,
    },
}

impl Target {
    /// The only product of a file at the only account of this shop.
    #[must_use]
    pub const fn listing(platform: Platform) -> Self {
        Self::Listing { platform, account: String::new(), variant: String::new() }
    }

    /// The post with this key at the only account of this network.
    #[must_use]
    pub fn post(platform: SocialPlatform, post_key: impl Into<String>) -> Self {
        Self::Post { platform, account: String::new(), post_key: post_key.into(), post_type: None }
    }

    /// Sets the variant, if several products are made from the file. A post has no variant and stays unchanged.
    #[must_use]
    pub fn with_variant(mut self, wanted: impl Into<String>) -> Self {
        if let Self::Listing { variant, .. } = &mut self {
            *variant = wanted.into();
        }
        self
    }

    /// Sets the type of the post. A product has none and stays unchanged.
    #[must_use]
    pub fn with_post_type(mut self, wanted: impl Into<Option<PostType>>) -> Self {
        if let Self::Post { post_type, .. } = &mut self {
            *post_type = wanted.into();
        }
        self
    }

    /// `listing` or `post`, as `publications.channel` has it.
    #[must_use]
    pub const fn channel(&self) -> &'static str {
        match self {
            Self::Listing { .. } => "listing",
            Self::Post { .. } => "post",
        }
    }

    /// The name of the platform or network, as the database has it, for example `etsy`.
    #[must_use]
    pub fn platform(&self) -> &str {
        match self {
            Self::Listing { platform, .. } => platform.as_str(),
            Self::Post { platform, .. } => platform.as_str(),
        }
    }

    /// The account at the platform; empty if there is only one.
    #[must_use]
    pub fn account(&self) -> &str {
        match self {
            Self::Listing { account, .. } | Self::Post { account, .. } => account,
        }
    }

    /// The same target at this account.
    #[must_use]
    pub fn at_account(&self, other: &str) -> Self {
        let mut target = self.clone();
        match &mut target {
            Self::Listing { account, .. } | Self::Post { account, .. } => other.clone_into(account),
        }
        target
    }

    /// Returns whether two targets are the same, apart from the type of a post.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        fn place(target: &Target) -> (&str, &str) {
            (target.channel(), target.platform())
        }
        place(self) == place(other)
            && self.account() == other.account()
            && self.variant_or_key() == other.variant_or_key()
    }

    /// The variant of a listing or the key of a post.
    #[must_use]
    pub fn variant_or_key(&self) -> &str {
        match self {
            Self::Listing { variant, .. } => variant,
            Self::Post { post_key, .. } => post_key,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.channel(), self.platform())?;
        for (label, text) in [("account", self.account()), ("key", self.variant_or_key())] {
            if !text.is_empty() {
                write!(f, ", {label} {text:?}")?;
            }
        }
        Ok(())
    }
}

/// The key that a platform gets with every call for one publication, as SKU or idempotency key.
///
/// It is derived from the file, the target and the number of publications of that target that have ended. A call that
/// is repeated after a crash or a refusal has the same key, so that the platform can recognise it. A product that is
/// listed again after it was taken down has another key.
///
/// 29 ASCII characters: Etsy takes SKUs of up to 32, Amazon of 40, eBay of 50.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key for the target of a file. `ended` is the number of publications of that target that have ended before.
    #[must_use]
    pub fn derive(file_id: &FileId, target: &Target, ended: u32) -> Self {
        let mut parts: Vec<Vec<u8>> = vec![file_id.uuid().as_bytes().to_vec()];
        for text in [target.channel(), target.platform(), target.account(), target.variant_or_key()] {
            parts.push((text.len() as u64).to_be_bytes().to_vec());
            parts.push(text.as_bytes().to_vec());
        }
        parts.push(ended.to_be_bytes().to_vec());
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let mut key = sha256::write(&sha256::digest(&parts));
        key.truncate(26);
        Self(format!("ff-{key}"))
    }

    /// Returns whether this has the form of a key from [`IdempotencyKey::derive`]. A key that a person has chosen has
    /// another form.
    #[must_use]
    pub fn is_derived(&self) -> bool {
        self.0.len() == 29
            && self.0.strip_prefix("ff-").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }

    /// The key with this text, as a database or a platform has it.
    #[must_use]
    pub const fn from_text(key: String) -> Self {
        Self(key)
    }

    /// The text of the key, which the platform gets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(account: &str, variant: &str) -> Target {
        Target::Listing { platform: Platform::Etsy, account: account.into(), variant: variant.into() }
    }

    #[test]
    fn a_target_survives_its_json() {
        let (platform, account) = (SocialPlatform::Instagram, "a".to_owned());
        let post = Target::Post { platform, account, post_key: "k".to_owned(), post_type: Some(PostType::Reel) };
        for target in [listing("a", "b"), post] {
            assert_eq!(serde_json::from_str::<Target>(&serde_json::to_string(&target).unwrap()).unwrap(), target);
        }
        let short = r#"{"channel":"listing","platform":"etsy"}"#;
        assert_eq!(serde_json::from_str::<Target>(short).unwrap(), listing("", ""));
        assert!(serde_json::from_str::<Target>(&short.replace("platform", "place")).is_err());
    }

    #[test]
    fn a_key_stays_the_same_for_ever() {
        let key = IdempotencyKey::derive(&FileId::from_random(1), &listing("a", "b"), 7);
        assert_eq!(key.as_str(), "ff-fa0009e409eda002f952d136e9");
    }

    #[test]
    fn a_key_is_the_same_for_the_same_thing_only() {
        let (file, other) = (FileId::from_random(1), FileId::from_random(2));
        let key = IdempotencyKey::derive(&file, &listing("a", "b"), 0);
        assert_eq!(key, IdempotencyKey::derive(&file, &listing("a", "b"), 0));
        assert_eq!((key.as_str().len(), key.is_derived()), (29, true));
        for made_up in ["BUCK-01", "ff-", &format!("{key}0"), &key.as_str().replace("ff-", "FF-")] {
            assert!(!IdempotencyKey::from_text(made_up.to_owned()).is_derived(), "{made_up}");
        }
        for different in [
            IdempotencyKey::derive(&other, &listing("a", "b"), 0),
            IdempotencyKey::derive(&file, &listing("ab", ""), 0),
            IdempotencyKey::derive(&file, &listing("", "ab"), 0),
            IdempotencyKey::derive(&file, &listing("a", "b"), 1),
        ] {
            assert_ne!(key, different);
        }
    }
}
