//! Marketplaces and networks whose calls are recorded: one row of `api_usage` for each called method, with the names of the
//! platform and of the method.

use std::sync::Arc;

use fieldfen_domain::FileId;
use fieldfen_domain::api_usage::CallOutcome;
use fieldfen_domain::publication::{IdempotencyKey, Platform, SocialPlatform};
use fieldfen_domain::store::Store;

use super::call_error::CallError;
use super::marketplace::{Marketplace, Offer, Product, ProductPage};
use super::social_network::{Message, Post, SocialNetwork};
use crate::api_usage::{CallRecorder, NewCall, OpenCall};

/// A marketplace whose calls are recorded.
pub(super) struct RecordedMarketplace<S> {
    pub(super) marketplace: Arc<dyn Marketplace>,
    pub(super) calls: CallRecorder<S>,
}

/// A network whose calls are recorded.
pub(super) struct RecordedNetwork<S> {
    pub(super) network: Arc<dyn SocialNetwork>,
    pub(super) calls: CallRecorder<S>,
}

/// Makes a call and records it. The implementation of the platform decides the outcome, because it knows more than the HTTP
/// status.
fn recorded<T, S: Store>(
    calls: &CallRecorder<S>,
    call: NewCall,
    file_id: Option<FileId>,
    f: impl FnOnce() -> Result<T, CallError>,
) -> Result<T, CallError> {
    let file_id = file_id.or(call.file_id);
    calls.limited_call(&call.file_id(file_id), |open| {
        let result = f();
        if let Err(CallError::Throttled { until, .. }) = &result {
            open.retry_at(*until);
        }
        open.outcome(match &result {
            Ok(_) => CallOutcome::Ok,
            Err(CallError::Refused { .. }) => CallOutcome::Refused,
            Err(CallError::Throttled { .. }) => CallOutcome::Throttled,
            Err(CallError::NotSent { .. }) => CallOutcome::NotSent,
            Err(CallError::NoAnswer { .. }) => CallOutcome::NoAnswer,
        });
        result
    })
}

/// Tells the call that this thread is making the id of the product or post that it has made.
fn made(platform_id: &str) {
    if let Some(call) = OpenCall::current() {
        call.external_id(platform_id);
    }
}

impl<S: Store> RecordedMarketplace<S> {
    fn call<T>(
        &self,
        endpoint: &str,
        file_id: Option<FileId>,
        f: impl FnOnce(&dyn Marketplace) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let marketplace = &*self.marketplace;
        let call = NewCall::new(marketplace.platform().as_str(), endpoint).account(marketplace.account());
        recorded(&self.calls, call, file_id, || f(marketplace))
    }
}

impl<S: Store> Marketplace for RecordedMarketplace<S> {
    fn platform(&self) -> Platform {
        self.marketplace.platform()
    }

    fn account(&self) -> &str {
        self.marketplace.account()
    }

    fn create(&self, key: &IdempotencyKey, offer: &Offer<'_>) -> Result<Product, CallError> {
        self.call("create", Some(offer.file.id), |marketplace| {
            let product = marketplace.create(key, offer)?;
            made(&product.platform_id);
            Ok(product)
        })
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Product>, CallError> {
        self.call("find", None, |marketplace| marketplace.find(key))
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError> {
        self.call("lookup", None, |marketplace| marketplace.lookup(platform_id))
    }

    fn update(&self, platform_id: &str, offer: &Offer<'_>) -> Result<Option<Product>, CallError> {
        self.call("update", Some(offer.file.id), |marketplace| marketplace.update(platform_id, offer))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        self.call("withdraw", None, |marketplace| marketplace.withdraw(platform_id))
    }

    fn page(&self, cursor: Option<&str>) -> Result<ProductPage, CallError> {
        self.call("page", None, |marketplace| marketplace.page(cursor))
    }
}

impl<S: Store> RecordedNetwork<S> {
    fn call<T>(
        &self,
        endpoint: &str,
        file_id: Option<FileId>,
        f: impl FnOnce(&dyn SocialNetwork) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let network = &*self.network;
        let call = NewCall::new(network.platform().as_str(), endpoint).account(network.account());
        recorded(&self.calls, call, file_id, || f(network))
    }
}

impl<S: Store> SocialNetwork for RecordedNetwork<S> {
    fn platform(&self) -> SocialPlatform {
        self.network.platform()
    }

    fn account(&self) -> &str {
        self.network.account()
    }

    fn post(&self, key: &IdempotencyKey, message: &Message<'_>) -> Result<Post, CallError> {
        self.call("post", Some(message.file.id), |network| {
            let post = network.post(key, message)?;
            made(&post.platform_id);
            Ok(post)
        })
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Post>, CallError> {
        self.call("find", None, |network| network.find(key))
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Post>, CallError> {
        self.call("lookup", None, |network| network.lookup(platform_id))
    }

    fn delete(&self, platform_id: &str) -> Result<(), CallError> {
        self.call("delete", None, |network| network.delete(platform_id))
    }
}
