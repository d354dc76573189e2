//! A marketplace whose calls are recorded.

use fieldfen_domain::publication::{IdempotencyKey, Platform};
use fieldfen_domain::store::Store;
use fieldfen_domain::with_causes;
use fieldfen_services::api_usage::{ApiUsage, RateLimit};
use fieldfen_services::publishing::{CallError, Marketplace, Offer, Product, ProductPage};

/// The service name of the recorded calls of the catalogue.
pub(super) const SERVICE: &str = "catalogue";

/// Records each call of a marketplace in `api_usage` after the call.
pub(super) struct RecordedCalls<M, S> {
    market: M,
    usage: ApiUsage<S>,
}

impl<M: Marketplace, S: Store> RecordedCalls<M, S> {
    pub(super) const fn new(market: M, usage: ApiUsage<S>) -> Self {
        Self { market, usage }
    }

    fn record<T>(&self, endpoint: &str, answer: Result<T, CallError>) -> Result<T, CallError> {
        if !matches!(answer, Err(CallError::NotSent { .. })) {
            // The answer counts, even if the call cannot be recorded.
            if let Err(error) = self.usage.record(SERVICE, endpoint, RateLimit::default()) {
                tracing::warn!(error = with_causes(&error), endpoint, "recording an API call failed");
            }
        }
        answer
    }
}

impl<M: Marketplace, S: Store> Marketplace for RecordedCalls<M, S> {
    fn platform(&self) -> Platform {
        self.market.platform()
    }

    fn account(&self) -> &str {
        self.market.account()
    }

    fn create(&self, key: &IdempotencyKey, offer: &Offer<'_>) -> Result<Product, CallError> {
        self.record("create", self.market.create(key, offer))
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Product>, CallError> {
        self.record("find", self.market.find(key))
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError> {
        self.record("lookup", self.market.lookup(platform_id))
    }

    fn update(&self, platform_id: &str, offer: &Offer<'_>) -> Result<Option<Product>, CallError> {
        self.record("update", self.market.update(platform_id, offer))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        self.record("withdraw", self.market.withdraw(platform_id))
    }

    fn page(&self, cursor: Option<&str>) -> Result<ProductPage, CallError> {
        self.record("page", self.market.page(cursor))
    }
}
