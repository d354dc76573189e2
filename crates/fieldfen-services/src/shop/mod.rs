//! A shop's rules as data: who approves, what is published where, the retries of jobs, and the retention.
//!
//! A [`Shop`] is built in code, or, with the feature `toml`, read from a file, `fieldfen.toml`. It makes the
//! [`Pipeline`] of the one program that runs the workers. Other programs need no rules: they send the actions of
//! operators to those workers.
//!
//! ```
//! use fieldfen_domain::publication::{Platform, SocialPlatform};
//! use fieldfen_services::Environment;
//! use fieldfen_services::shop::{ListingRule, PostRule, Shop, Variants};
//!
//! let shop = Shop::new()
//!     .marketplace(Platform::Etsy, ["main", "posters"])
//!     .network(SocialPlatform::Instagram, [])
//!     .publish(ListingRule::at(Platform::Etsy).account("posters").variants(Variants::Prints))
//!     .publish(ListingRule::at(Platform::Etsy).account("main").species(["red-fox"]))
//!     .post(PostRule::at(SocialPlatform::Instagram));
//! let pipeline = shop.pipeline(Environment::system())?;
//! # let _ = pipeline;
//! # Ok::<(), fieldfen_services::shop::InvalidShop>(())
//! ```

mod accounts;
mod backups;
mod budgets;
mod by_kind;
mod check;
mod concurrency;
mod decimal;
#[cfg(feature = "toml")]
mod file;
#[cfg(all(test, feature = "toml"))]
mod file_test;
mod handlers;
#[cfg(all(test, feature = "toml"))]
mod handlers_test;
mod json_value;
#[cfg(all(test, feature = "toml"))]
mod limits_test;
mod prices;
mod recurring;
#[cfg(all(test, feature = "toml"))]
mod recurring_test;
mod retention;
mod retries;
mod rules;
#[cfg(test)]
mod rules_test;
mod setting;
#[cfg(feature = "toml")]
mod toml_position;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use fieldfen_domain::api_cost::{Budget, PriceTable};
use fieldfen_domain::file::File;
use fieldfen_domain::job::{ConcurrencyLimit, JobKind, OnWorkerDeath};
use fieldfen_domain::publication::{Platform, SocialPlatform, Target};
use serde::Deserialize;

use crate::Environment;
use crate::pipeline::{Approval, Pipeline};
use crate::recurring::Definition;
use crate::upkeep::Upkeep;

pub use backups::Backups;
#[cfg(feature = "toml")]
pub use file::{DatabaseSection, ShopFile, ShopFileError};
pub use handlers::HandlerProgram;
pub use retention::Retention;
pub use rules::{ListingRule, PostRule, Variants};
pub use setting::{InvalidShop, Setting};

use budgets::BudgetRule;
use by_kind::ByKind;
use concurrency::ConcurrencyRule;
use handlers::HandlerRule;
use prices::PriceRule;
use recurring::RecurringRule;

/// The rules of a shop. A clone shares the closures.
///
/// A rule that is left out has the default of [`Shop::new`]. [`Shop::check`] checks the rules, and so does
/// [`Shop::pipeline`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "the rules of a shop")]
pub struct Shop {
    approval: Approval,
    upscaling: Upscaling,
    marketplaces: BTreeMap<Platform, BTreeSet<String>>,
    networks: BTreeMap<SocialPlatform, BTreeSet<String>>,
    publish: Vec<ListingRule>,
    post: Vec<PostRule>,
    price: Vec<PriceRule>,
    budget: Vec<BudgetRule>,
    concurrency: Vec<ConcurrencyRule>,
    handler: Vec<HandlerRule>,
    recurring: Vec<RecurringRule>,
    retries: ByKind<u32>,
    on_worker_death: ByKind<OnWorkerDeath>,
    retention: Retention,
    backups: Backups,
    #[serde(skip)]
    closures: Closures,
}

/// The factor and the resolution of the upscaling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table with scale_factor and target_dpi")]
struct Upscaling {
    scale_factor: u32,
    target_dpi: u32,
}

impl Default for Upscaling {
    fn default() -> Self {
        Self { scale_factor: 4, target_dpi: 300 }
    }
}

impl Shop {
    /// A shop in which an operator approves. It upscales by 4 at 300 dpi, publishes at no target, and gives each job 5
    /// retries. Its retention is the default of [`Upkeep`] and [`webhooks::Retention`](crate::webhooks::Retention).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets who approves processed files.
    #[must_use]
    pub const fn approved_by(mut self, approval: Approval) -> Self {
        self.approval = approval;
        self
    }

    /// Sets the factor of the upscaling (1 to 64) and the resolution in dots per inch (1 to 65,535) that is written
    /// into the picture.
    #[must_use]
    pub const fn upscaling(mut self, scale_factor: u32, target_dpi: u32) -> Self {
        self.upscaling = Upscaling { scale_factor, target_dpi };
        self
    }

    /// Declares a marketplace with these seller's accounts. Without accounts, the shop has one account there, which has
    /// no name.
    ///
    /// A platform of the program's own must be declared before a rule names it, so that a misspelt platform is noticed.
    #[must_use]
    pub fn marketplace<'a>(mut self, platform: Platform, accounts: impl IntoIterator<Item = &'a str>) -> Self {
        self.marketplaces.insert(platform, accounts.into_iter().map(str::to_owned).collect());
        self
    }

    /// Declares a social network with these accounts, as [`Shop::marketplace`] does.
    #[must_use]
    pub fn network<'a>(mut self, platform: SocialPlatform, accounts: impl IntoIterator<Item = &'a str>) -> Self {
        self.networks.insert(platform, accounts.into_iter().map(str::to_owned).collect());
        self
    }

    /// Adds a rule that lists approved files.
    #[must_use]
    pub fn publish(mut self, rule: ListingRule) -> Self {
        self.publish.push(rule);
        self
    }

    /// Adds a rule that posts approved files.
    #[must_use]
    pub fn post(mut self, rule: PostRule) -> Self {
        self.post.push(rule);
        self
    }

    /// Adds the targets that this closure returns for a file, if rules cannot express them. Their accounts are not
    /// checked.
    #[must_use]
    pub fn wanting(mut self, wanted: impl Fn(&File) -> Vec<Target> + Send + Sync + 'static) -> Self {
        self.closures.0.push(Arc::new(wanted));
        self
    }

    /// Sets the number of retries (at most a million) of all jobs whose kind has no number of its own.
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries.otherwise = Some(retries);
        self
    }

    /// Sets the number of retries of the jobs of this kind, at most a million.
    #[must_use]
    pub fn retries_of(mut self, kind: JobKind, retries: u32) -> Self {
        self.retries.by_kind.insert(kind, retries);
        self
    }

    /// Sets the folder of the backups, and the age at which a person is told.
    #[must_use]
    pub fn backups(mut self, backups: Backups) -> Self {
        self.backups = backups;
        self
    }

    /// Sets the consequence of a worker's death for all jobs whose kind has none of its own; by default a retry.
    #[must_use]
    pub const fn on_worker_death(mut self, consequence: OnWorkerDeath) -> Self {
        self.on_worker_death.otherwise = Some(consequence);
        self
    }

    /// Sets the consequence of a worker's death for the jobs of this kind.
    #[must_use]
    pub fn on_worker_death_of(mut self, kind: JobKind, consequence: OnWorkerDeath) -> Self {
        self.on_worker_death.by_kind.insert(kind, consequence);
        self
    }

    /// Sets the retention of ended rows.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }
}

impl Shop {
    /// The pipeline with these rules.
    ///
    /// # Errors
    /// As [`Shop::check`].
    pub fn pipeline(&self, environment: Environment) -> Result<Pipeline, InvalidShop> {
        self.check()?;
        let Upscaling { scale_factor, target_dpi } = self.upscaling;
        let wanted = self.clone();
        let pipeline = Pipeline::new(environment)
            .approved_by(self.approval)
            .upscaling(scale_factor, target_dpi)
            .map_err(|error| {
                InvalidShop::at(Setting::of("upscaling"), error.to_string(), "it must be within its limits")
            })?
            .max_retries(self.default_retry_policy().max_retries)
            .on_worker_death(self.default_retry_policy().on_worker_death)
            .wanting(move |file| wanted.targets(file));
        let retries = self.retries.by_kind.iter();
        let pipeline = retries.fold(pipeline, |pipeline, (kind, &retries)| pipeline.retries_of(kind.clone(), retries));
        let deaths = self.deaths_by_kind().into_iter();
        Ok(deaths.fold(pipeline, |pipeline, (kind, consequence)| pipeline.on_worker_death_of(kind, consequence)))
    }

    /// The targets of an approved file: those of the rules in their order, then those of the closures. A target that
    /// several of them return appears once.
    #[must_use]
    pub fn targets(&self, file: &File) -> Vec<Target> {
        let listings = self.publish.iter().flat_map(|rule| rule.targets(file, self.account_of_listing(rule)));
        let posts = self.post.iter().filter_map(|rule| rule.target(file, self.account_of_post(rule)));
        let others = self.closures.0.iter().flat_map(|wanted| wanted(file));
        let mut targets: Vec<Target> = Vec::new();
        for target in listings.chain(posts).chain(others) {
            if !targets.iter().any(|other| other.is_same_place(&target)) {
                targets.push(target);
            }
        }
        targets
    }

    /// The folder of the backups, and the age at which a person is told.
    #[must_use]
    pub const fn backup_rules(&self) -> &Backups {
        &self.backups
    }

    /// The upkeep with the retention of these rules; see [`Recurring::define`](crate::recurring::Recurring::define).
    #[must_use]
    pub fn upkeep(&self) -> Upkeep {
        self.retention.upkeep()
    }

    /// The prices in `[[price]]`, for [`ApiCosts::prices`](crate::api_costs::ApiCosts::prices).
    ///
    /// # Errors
    /// [`InvalidShop`] for the first invalid price.
    pub fn prices(&self) -> Result<PriceTable, InvalidShop> {
        prices::table(&self.price)
    }

    /// The budgets in `[[budget]]`, for [`ApiCosts::budgets`](crate::api_costs::ApiCosts::budgets).
    ///
    /// # Errors
    /// [`InvalidShop`] for the first invalid budget.
    pub fn budgets(&self) -> Result<Vec<Budget>, InvalidShop> {
        budgets::budgets(&self.budget)
    }

    /// The concurrency limits in `[[concurrency]]`, for
    /// [`WorkerBuilder::concurrency_limits`](crate::worker::WorkerBuilder::concurrency_limits).
    ///
    /// # Errors
    /// [`InvalidShop`] for the first invalid limit.
    pub fn concurrency_limits(&self) -> Result<Vec<ConcurrencyLimit>, InvalidShop> {
        concurrency::limits(&self.concurrency)
    }

    /// The programs in `[[handler]]`, which `fieldfen work` runs. Other programs ignore them.
    ///
    /// # Errors
    /// [`InvalidShop`] for the first invalid handler.
    pub fn handlers(&self) -> Result<Vec<HandlerProgram>, InvalidShop> {
        handlers::programs(&self.handler)
    }

    /// The recurring work in `[[recurring]]`, for [`Recurring::define_file`](crate::recurring::Recurring::define_file).
    ///
    /// # Errors
    /// [`InvalidShop`] for the first invalid work.
    pub fn recurring(&self) -> Result<Vec<Definition>, InvalidShop> {
        recurring::definitions(&self.recurring)
    }

    /// The retention of webhook deliveries.
    #[must_use]
    pub fn deliveries(&self) -> crate::webhooks::Retention {
        self.retention.deliveries()
    }
}

/// A closure that returns further targets of a file.
type Wanted = dyn Fn(&File) -> Vec<Target> + Send + Sync;

/// The closures of a program, besides its rules.
#[derive(Clone, Default)]
struct Closures(Vec<Arc<Wanted>>);

impl fmt::Debug for Closures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} closures", self.0.len())
    }
}
