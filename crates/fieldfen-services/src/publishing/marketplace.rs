//! The interface that an importing program implements for each shop.

use fieldfen_domain::OptionalText;
use fieldfen_domain::Timestamp;
use fieldfen_domain::file::File;
use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform};
use serde_json::{Map, Value};

use super::call_error::CallError;

/// A shop, as one seller's account sees it.
///
/// Each method makes one call to the platform, with a time limit well below
/// [`Publisher::hold`](super::Publisher::hold), and reports its end precisely: fieldfen avoids double listings by the
/// difference between the [`CallError`]s. [`conformance::check`](super::conformance::check) tests an implementation.
pub trait Marketplace: Send + Sync {
    /// The platform of this shop.
    fn platform(&self) -> Platform;

    /// The seller's account; empty if there is only one.
    fn account(&self) -> &str {
        ""
    }

    /// Lists a product under a key: its SKU, its idempotency key, or both.
    ///
    /// A shop that recognises the key returns the product that has it already.
    ///
    /// # Errors
    /// [`CallError::NoAnswer`] if the product may exist; the other errors only if it certainly does not.
    fn create(&self, key: &IdempotencyKey, offer: &Offer<'_>) -> Result<Product, CallError>;

    /// The products with this key that have not been taken down, the oldest first.
    ///
    /// A search may return more, by prefix or ignoring case, if each product names its key: products with other keys
    /// are ignored. A product without a key is neither adopted nor taken down unless its id is known. After a lost
    /// answer, a person must then decide.
    ///
    /// # Errors
    /// Any [`CallError`] of the platform. An empty list means that the platform has no such product.
    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Product>, CallError>;

    /// The product with this id in this account, whatever its status. `None` means that the account has no such product
    /// (any more), or that another account has it.
    ///
    /// By this answer a listing of another program is adopted or given up, and a confirmed product counts as gone.
    ///
    /// # Errors
    /// [`CallError::Refused`] if the platform has no such lookup: the listings of other programs then wait for a
    /// person. Otherwise any [`CallError`] of the platform.
    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError>;

    /// Updates a product; `None` if the platform no longer has it.
    ///
    /// # Errors
    /// Any [`CallError`] of the platform.
    fn update(&self, platform_id: &str, offer: &Offer<'_>) -> Result<Option<Product>, CallError>;

    /// Takes a product down. A product that is already gone is no error.
    ///
    /// The product is looked up afterwards. If it is still there, the job is retried.
    ///
    /// # Errors
    /// Any [`CallError`] of the platform.
    fn withdraw(&self, platform_id: &str) -> Result<(), CallError>;

    /// A page of all products of the account that have not been taken down. `cursor` is [`ProductPage::next`] of the
    /// page before; `None` for the first page.
    ///
    /// A product that is on no page is looked up before its listing is delisted. A product that was confirmed less than
    /// one [`Publisher::hold`](super::Publisher::hold) ago is left alone: the list may lag.
    ///
    /// # Errors
    /// Any [`CallError`] of the platform.
    fn page(&self, cursor: Option<&str>) -> Result<ProductPage, CallError>;
}

/// The content of a product for sale.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Offer<'a> {
    /// The picture, with its metadata and its size.
    pub file: &'a File,
    /// The name of the variant, if several products are made from the picture; empty otherwise.
    pub variant: &'a str,
    /// Further options of the job's payload.
    pub options: &'a Map<String, Value>,
}

impl<'a> Offer<'a> {
    /// An offer of this picture as this variant; an empty variant if there is only one product.
    #[must_use]
    pub const fn new(file: &'a File, variant: &'a str, options: &'a Map<String, Value>) -> Self {
        Self { file, variant, options }
    }
}

/// A product, as its platform describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Product {
    /// The id at the shop.
    pub platform_id: String,
    /// The address of its page at the shop; `None` if it is unknown.
    pub url: Option<String>,
    /// The key with which the product was listed; `None` if the platform does not report it.
    pub key: Option<IdempotencyKey>,
    /// The platform's status, mapped to a status of the specification.
    pub status: ListingStatus,
    /// The platform's own name of the status; `None` if it is unknown.
    pub platform_status: Option<String>,
    /// The time at which the product had this status, by the platform; `None` if the platform does not report it.
    pub as_of: Option<Timestamp>,
}

impl Product {
    /// A product with only an id and a status.
    #[must_use]
    pub fn new(platform_id: impl Into<String>, status: ListingStatus) -> Self {
        Self { platform_id: platform_id.into(), url: None, key: None, status, platform_status: None, as_of: None }
    }

    /// Sets the address of the page.
    #[must_use]
    pub fn url(mut self, url: impl Into<OptionalText>) -> Self {
        self.url = url.into().0;
        self
    }

    /// Sets the key with which the product was listed.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<IdempotencyKey>>) -> Self {
        self.key = key.into();
        self
    }

    /// Sets the platform's own name of the status.
    #[must_use]
    pub fn platform_status(mut self, platform_status: impl Into<OptionalText>) -> Self {
        self.platform_status = platform_status.into().0;
        self
    }

    /// Sets the time at which the product had this status.
    #[must_use]
    pub fn as_of(mut self, as_of: impl Into<Option<Timestamp>>) -> Self {
        self.as_of = as_of.into();
        self
    }
}

/// A page of the products of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ProductPage {
    /// The products on this page; may be empty.
    pub products: Vec<Product>,
    /// The platform's cursor of the next page; `None` for the last page.
    pub next: Option<String>,
}

impl ProductPage {
    /// The last page, with these products.
    #[must_use]
    pub const fn new(products: Vec<Product>) -> Self {
        Self { products, next: None }
    }

    /// Sets the cursor of the next page.
    #[must_use]
    pub fn next(mut self, next: impl Into<OptionalText>) -> Self {
        self.next = next.into().0;
        self
    }
}
