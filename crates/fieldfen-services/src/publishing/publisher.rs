//! The configuration of publishing: the store, the pipeline, and the marketplaces and networks with their accounts.
//!
//! This file contains no step of the protocol. The types that carry out the steps borrow a [`Publisher`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fieldfen_domain::publication::{LONGEST_HOLD, Platform, SocialPlatform, Target};
use fieldfen_domain::store::Store;

use super::error::PublishError;
use super::marketplace::Marketplace;
use super::recorded::{RecordedMarketplace, RecordedNetwork};
use super::remote_catalogue::{ListingCatalogue, PostCatalogue, RemoteCatalogue};
use super::social_network::SocialNetwork;
use crate::Environment;
use crate::api_usage::CallRecorder;
use crate::pipeline::Pipeline;

/// The length of a reservation, unless the program sets another one.
const DEFAULT_HOLD: Duration = Duration::from_secs(300);

/// Publishes files at marketplaces and social networks, each product and post once. A clone is the same publisher.
#[derive(Clone)]
pub struct Publisher<S: Store> {
    store: S,
    pipeline: Pipeline,
    marketplaces: Vec<Arc<dyn Marketplace>>,
    networks: Vec<Arc<dyn SocialNetwork>>,
    hold: Duration,
    calls: Option<CallRecorder<S>>,
}

impl<S: Store> Publisher<S> {
    /// A publisher without marketplaces and networks. Its reservations last five minutes.
    #[must_use]
    pub const fn new(store: S, pipeline: Pipeline) -> Self {
        Self { store, pipeline, marketplaces: Vec::new(), networks: Vec::new(), hold: DEFAULT_HOLD, calls: None }
    }

    /// Adds a marketplace. It replaces an earlier one for the same platform and account.
    #[must_use]
    pub fn marketplace(mut self, marketplace: impl Marketplace + 'static) -> Self {
        self.marketplaces
            .retain(|other| other.platform() != marketplace.platform() || other.account() != marketplace.account());
        let marketplace = self.recording_marketplace(Arc::new(marketplace));
        self.marketplaces.push(marketplace);
        self
    }

    /// Adds a network. It replaces an earlier one for the same platform and account.
    #[must_use]
    pub fn network(mut self, network: impl SocialNetwork + 'static) -> Self {
        self.networks.retain(|other| other.platform() != network.platform() || other.account() != network.account());
        let network = self.recording_network(Arc::new(network));
        self.networks.push(network);
        self
    }

    /// The same publisher, which records each call of its marketplaces and networks: one row of `api_usage` for each method
    /// that is called. The service is the name of the platform, the endpoint that of the method. Inside a worker, the row
    /// names the job and the file.
    ///
    /// The row has the limits that the platform has stated, if its implementation passes the answer to
    /// [`OpenCall::current`](crate::api_usage::OpenCall::current).
    #[must_use]
    pub fn record_calls(mut self, calls: CallRecorder<S>) -> Self {
        self.calls = Some(calls);
        let marketplaces = std::mem::take(&mut self.marketplaces).into_iter();
        self.marketplaces = marketplaces.map(|marketplace| self.recording_marketplace(marketplace)).collect();
        let networks = std::mem::take(&mut self.networks).into_iter();
        self.networks = networks.map(|network| self.recording_network(network)).collect();
        self
    }

    fn recording_marketplace(&self, marketplace: Arc<dyn Marketplace>) -> Arc<dyn Marketplace> {
        match self.calls.clone() {
            Some(calls) => Arc::new(RecordedMarketplace { marketplace, calls }),
            None => marketplace,
        }
    }

    fn recording_network(&self, network: Arc<dyn SocialNetwork>) -> Arc<dyn SocialNetwork> {
        match self.calls.clone() {
            Some(calls) => Arc::new(RecordedNetwork { network, calls }),
            None => network,
        }
    }

    /// Sets the length of its reservations.
    ///
    /// A reservation must last longer than a call to a platform can take until it takes effect: the call's time limit,
    /// and the time that a request may wait on its way. After a crash, the target stays blocked for the rest of the
    /// reservation. The longest value is [`LONGEST_HOLD`].
    #[must_use]
    pub fn with_hold(mut self, hold: Duration) -> Self {
        self.hold = hold.min(LONGEST_HOLD);
        self
    }

    /// The length of its reservations.
    #[must_use]
    pub const fn hold(&self) -> Duration {
        self.hold
    }

    /// The store of its publications.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The rules for the targets of a file and the jobs that follow.
    #[must_use]
    pub const fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Returns whether this publisher has the marketplace or network of a target, with its account.
    #[must_use]
    pub fn reaches(&self, target: &Target) -> bool {
        self.catalogues_of(target).iter().any(|catalogue| catalogue.account() == target.account())
    }

    pub(super) const fn environment(&self) -> &Environment {
        self.pipeline.environment()
    }

    pub(super) fn marketplace_of(&self, platform: Platform, account: &str) -> Result<&dyn Marketplace, PublishError> {
        let mut all = self.marketplaces_of(platform).into_iter();
        all.find(|marketplace| marketplace.account() == account).ok_or_else(|| PublishError::NotConfigured {
            target: Target::listing(platform).at_account(account).to_string(),
        })
    }

    /// The marketplaces of all accounts at a platform.
    pub(super) fn marketplaces_of(&self, platform: Platform) -> Vec<&dyn Marketplace> {
        let all = self.marketplaces.iter().map(AsRef::as_ref);
        all.filter(|marketplace| marketplace.platform() == platform).collect()
    }

    pub(super) fn network_of(&self, platform: SocialPlatform, account: &str) -> Option<&dyn SocialNetwork> {
        let mut all = self.networks.iter().map(AsRef::as_ref);
        all.find(|network| network.platform() == platform && network.account() == account)
    }

    /// The catalogues of all accounts at the platform of a target.
    pub(super) fn catalogues_of(&self, target: &Target) -> Vec<Box<dyn RemoteCatalogue + '_>> {
        match target {
            Target::Listing { platform, .. } => {
                let catalogue = |marketplace| Box::new(ListingCatalogue(marketplace)) as Box<dyn RemoteCatalogue>;
                self.marketplaces_of(*platform).into_iter().map(catalogue).collect()
            }
            Target::Post { platform, .. } => {
                let networks = self.networks.iter().map(AsRef::as_ref);
                let networks = networks.filter(|network: &&dyn SocialNetwork| network.platform() == *platform);
                networks.map(|network| Box::new(PostCatalogue(network)) as Box<dyn RemoteCatalogue>).collect()
            }
        }
    }
}

impl<S: Store> fmt::Debug for Publisher<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("pipeline", &self.pipeline).field("hold", &self.hold).finish_non_exhaustive()
    }
}
