//! The rules for the targets of files.

use std::fmt;

use fieldfen_domain::file::{AspectRatio, File};
use fieldfen_domain::publication::{Platform, PostType, SocialPlatform, Target};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Lists approved files at a marketplace: all files, or those of some shapes and species.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with platform, account, variants, aspect_ratios and species")]
pub struct ListingRule {
    pub(super) platform: Platform,
    pub(super) account: Option<String>,
    #[serde(default)]
    pub(super) variants: Variants,
    pub(super) aspect_ratios: Option<Vec<AspectRatio>>,
    pub(super) species: Option<Vec<String>>,
}

/// The products that a [`ListingRule`] makes of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variants {
    /// One product, without a variant.
    #[default]
    Single,
    /// One product for each [print size](AspectRatio::print_variants) that the picture fills without cropping. A
    /// picture of unknown size, or one that fills no print, gets none.
    Prints,
    /// One product for each of these variants. A print size is for the pictures that fill it. Any other variant is for
    /// every picture.
    These(Vec<String>),
}

/// Posts approved files at a social network: all files, or those of some shapes and species.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with platform, account, post_type, post_key, aspect_ratios and species"
)]
pub struct PostRule {
    pub(super) platform: SocialPlatform,
    pub(super) account: Option<String>,
    pub(super) post_type: Option<PostType>,
    #[serde(default)]
    pub(super) post_key: String,
    pub(super) aspect_ratios: Option<Vec<AspectRatio>>,
    pub(super) species: Option<Vec<String>>,
}

impl ListingRule {
    /// Lists every file at this marketplace, as one product at its only account.
    #[must_use]
    pub const fn at(platform: Platform) -> Self {
        Self { platform, account: None, variants: Variants::Single, aspect_ratios: None, species: None }
    }

    /// Sets the account of the platform.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Sets the products of a file.
    #[must_use]
    pub fn variants(mut self, variants: Variants) -> Self {
        self.variants = variants;
        self
    }

    /// Selects the files of these shapes. A file of unknown size has no shape.
    #[must_use]
    pub fn aspect_ratios(mut self, shapes: impl IntoIterator<Item = AspectRatio>) -> Self {
        self.aspect_ratios = Some(shapes.into_iter().collect());
        self
    }

    /// Selects the files of these species, spelt as in `files.species`.
    #[must_use]
    pub fn species<'a>(mut self, species: impl IntoIterator<Item = &'a str>) -> Self {
        self.species = Some(species.into_iter().map(str::to_owned).collect());
        self
    }

    pub(super) fn targets(&self, file: &File, account: &str) -> Vec<Target> {
        if !is_for(file, self.aspect_ratios.as_deref(), self.species.as_deref()) {
            return Vec::new();
        }
        let prints = file.size.map_or(&[][..], |size| size.aspect_ratio().print_variants());
        let variants: Vec<&str> = match &self.variants {
            Variants::Single => vec![""],
            Variants::Prints => prints.to_vec(),
            Variants::These(variants) => {
                let fits =
                    |variant: &&str| AspectRatio::of_print_variant(variant).is_none() || prints.contains(variant);
                variants.iter().map(String::as_str).filter(fits).collect()
            }
        };
        let target = |variant: &str| Target::listing(self.platform).at_account(account).with_variant(variant);
        variants.into_iter().map(target).collect()
    }
}

impl PostRule {
    /// Posts every file at this network once, at its only account.
    #[must_use]
    pub const fn at(platform: SocialPlatform) -> Self {
        let post_key = String::new();
        Self { platform, account: None, post_type: None, post_key, aspect_ratios: None, species: None }
    }

    /// Sets the account of the platform.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Sets the type of the post.
    #[must_use]
    pub const fn post_type(mut self, post_type: PostType) -> Self {
        self.post_type = Some(post_type);
        self
    }

    /// Sets the post key. A file is posted once for each key.
    #[must_use]
    pub fn post_key(mut self, key: impl Into<String>) -> Self {
        self.post_key = key.into();
        self
    }

    /// Selects the files of these shapes. A file of unknown size has no shape.
    #[must_use]
    pub fn aspect_ratios(mut self, shapes: impl IntoIterator<Item = AspectRatio>) -> Self {
        self.aspect_ratios = Some(shapes.into_iter().collect());
        self
    }

    /// Selects the files of these species, spelt as in `files.species`.
    #[must_use]
    pub fn species<'a>(mut self, species: impl IntoIterator<Item = &'a str>) -> Self {
        self.species = Some(species.into_iter().map(str::to_owned).collect());
        self
    }

    pub(super) fn target(&self, file: &File, account: &str) -> Option<Target> {
        is_for(file, self.aspect_ratios.as_deref(), self.species.as_deref()).then(|| {
            Target::post(self.platform, self.post_key.clone()).at_account(account).with_post_type(self.post_type)
        })
    }
}

fn is_for(file: &File, shapes: Option<&[AspectRatio]>, species: Option<&[String]>) -> bool {
    let shape = file.size.map(|size| size.aspect_ratio());
    shapes.is_none_or(|shapes| shape.is_some_and(|shape| shapes.contains(&shape)))
        && species.is_none_or(|all| file.species.as_ref().is_some_and(|its| all.contains(its)))
}

impl<'de> Deserialize<'de> for Variants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> Visitor<'de> for Words {
            type Value = Variants;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"prints\", or a list of variants")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Variants, E> {
                match word {
                    "prints" => Ok(Variants::Prints),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Variants, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Variants::These)
            }
        }

        deserializer.deserialize_any(Words)
    }
}
