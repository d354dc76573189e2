//! What an importing program implements for each shop.

use fieldfen_domain::Timestamp;
use fieldfen_domain::file::File;
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform};
use serde_json::{Map, Value};

use super::call_error::CallError;

/// A shop, seen through one seller's account.
///
/// Implementations make one call to the platform for each method, with a time limit well below
/// [`Publisher::hold`](super::Publisher::hold), and say precisely how it ended: everything that keeps a product from
/// being listed twice rests on the difference between the [`CallError`]s.
/// [`conformance::check`](super::conformance::check) tries that out.
pub trait Marketplace: Send + Sync {
    /// Which shop this is.
    fn platform(&self) -> Platform;

    /// The seller's account; empty where there is only one.
    fn account(&self) -> &str {
        ""
    }

    /// Lists a product under a key: its SKU, its idempotency key, or both.
    ///
    /// A shop that recognises the key answers with the product that has it already.
    ///
    /// # Errors
    /// [`CallError::NoAnswer`] whenever the product might be there; the others only when it surely is not.
    fn create(&self, key: &IdempotencyKey, offer: &Offer<'_>) -> Result<Product, CallError>;

    /// The products with this key that have not been taken down, the oldest first.
    ///
    /// A search that answers with more, by prefix or in any case, does no harm as long as each product says its key:
    /// products of other keys are ignored. A product without a key is neither adopted nor taken down unless its id is
    /// known: after a lost answer a person then has to look.
    ///
    /// # Errors
    /// [`CallError`]s as the platform has them; an empty list is the platform's word that there are none.
    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Product>, CallError>;

    /// The product with this id in this account, whatever its status; `None` is the platform's word that the account has
    /// no such product (any more). A product of somebody else is none.
    ///
    /// A listing that another program has made is adopted or given up by this answer, and a product that is confirmed is
    /// taken for gone by it.
    ///
    /// # Errors
    /// [`CallError::Refused`] when the platform cannot be asked for that: the listings of other programs then wait for a
    /// person. Otherwise [`CallError`]s as the platform has them.
    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError>;

    /// Brings a product up to date; `None` when the platform does not have it any more.
    ///
    /// # Errors
    /// [`CallError`]s as the platform has them.
    fn update(&self, platform_id: &str, offer: &Offer<'_>) -> Result<Option<Product>, CallError>;

    /// Takes a product down. One that is not there any more is no error.
    ///
    /// The product is looked up afterwards. One that is still there counts as not taken down, and the job is tried again.
    ///
    /// # Errors
    /// [`CallError`]s as the platform has them.
    fn withdraw(&self, platform_id: &str) -> Result<(), CallError>;

    /// A page of all products of the account that have not been taken down, from `cursor` on.
    ///
    /// A product that is on no page is looked up before its listing is delisted. One that was confirmed less than one
    /// [`Publisher::hold`](super::Publisher::hold) ago is left alone: the list may lag.
    ///
    /// # Errors
    /// [`CallError`]s as the platform has them.
    fn page(&self, cursor: Option<&str>) -> Result<ProductPage, CallError>;
}

/// What is to be sold.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Offer<'a> {
    /// The picture, with its metadata and its size.
    pub file: &'a File,
    /// Which of several products made from it; empty where there is only one.
    pub variant: &'a str,
    /// What else the job's payload says.
    pub options: &'a Map<String, Value>,
}

impl<'a> Offer<'a> {
    /// This picture as this one of several products; an empty variant where there is only one.
    #[must_use]
    pub const fn new(file: &'a File, variant: &'a str, options: &'a Map<String, Value>) -> Self {
        Self { file, variant, options }
    }
}

/// A product as its platform describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Product {
    /// Its id at the shop.
    pub platform_id: String,
    /// The address of its page at the shop.
    pub url: Option<String>,
    /// The key it was listed with, where the platform says so.
    pub key: Option<IdempotencyKey>,
    /// The platform's status as one of the specification's.
    pub status: ListingStatus,
    /// The platform's own word for its status.
    pub platform_status: Option<String>,
    /// When the platform says that the status was so; `None` where it does not.
    pub as_of: Option<Timestamp>,
}

impl Product {
    /// A product of which only the id and the status are known.
    #[must_use]
    pub fn new(platform_id: impl Into<String>, status: ListingStatus) -> Self {
        Self { platform_id: platform_id.into(), url: None, key: None, status, platform_status: None, as_of: None }
    }

    /// The same product with this page.
    #[must_use]
    pub fn url(mut self, url: impl Into<Option<String>>) -> Self {
        self.url = url.into();
        self
    }

    /// The same product, listed with this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        self.key = key.into();
        self
    }

    /// The same product with the platform's own word for its status.
    #[must_use]
    pub fn platform_status(mut self, platform_status: impl Into<Option<String>>) -> Self {
        self.platform_status = platform_status.into();
        self
    }

    /// The same product, whose status was so at this time.
    #[must_use]
    pub fn as_of(mut self, as_of: impl Into<Option<Timestamp>>) -> Self {
        self.as_of = as_of.into();
        self
    }
}

/// Some of the products of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ProductPage {
    /// The products on this page; may be empty.
    pub products: Vec<Product>,
    /// Where the next page begins, in the platform's words; `None` when this was the last one.
    pub next: Option<String>,
}

impl ProductPage {
    /// The last page, with these products.
    #[must_use]
    pub const fn new(products: Vec<Product>) -> Self {
        Self { products, next: None }
    }

    /// The same page, after which the next one begins there.
    #[must_use]
    pub fn next(mut self, next: impl Into<Option<String>>) -> Self {
        self.next = next.into();
        self
    }
}
