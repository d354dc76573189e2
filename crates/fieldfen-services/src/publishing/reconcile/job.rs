//! The job that reconciles an account. It is meant to recur.

use fieldfen_domain::job::{ApiAccount, Payload};
use fieldfen_domain::publication::Platform;
use fieldfen_domain::store::Store;
use fieldfen_domain::with_causes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::repair::RepairReport;
use crate::publishing::error::PublishError;
use crate::publishing::job_outcome::outcome_of_error;
use crate::publishing::publisher::Publisher;
use crate::worker::{Completion, Outcome};

/// Payload of the job that compares one account of a shop with its rows and repairs the differences.
///
/// [`Publisher::serve`] registers its handler. Make it recurring work for each account: no other job finds these
/// differences.
///
/// ```
/// use fieldfen_domain::operator::{Action, Actor, Via};
/// use fieldfen_domain::publication::Platform;
/// use fieldfen_services::Environment;
/// use fieldfen_services::publishing::Reconcile;
/// use fieldfen_services::recurring::Recurring;
/// use fieldfen_testkit::ModelStore;
///
/// let recurring = Recurring::new(ModelStore::new(), Environment::system());
/// let (name, nightly) = ("reconcile.etsy".parse()?, "0 3 * * *".parse()?);
/// let reconcile = Reconcile::new(Platform::Etsy);
/// let program = Action::new(Actor::new("worker", Via::Library)?, "the program defines it at its start")?;
/// recurring.define(&name, &nightly, &reconcile, &program)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reconcile {
    /// The shop's platform.
    pub platform: Platform,
    /// The seller's account at the platform; empty if there is only one.
    #[serde(default)]
    pub account: String,
}

impl Reconcile {
    /// Reconciles the only account of this platform.
    #[must_use]
    pub const fn new(platform: Platform) -> Self {
        Self { platform, account: String::new() }
    }

    /// Sets the account.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }
}

impl Payload for Reconcile {
    const KIND: &'static str = "fieldfen.reconcile";

    fn account(&self) -> Option<ApiAccount> {
        ApiAccount::of(self.platform.as_str(), &self.account)
    }
}

impl<S: Store> Publisher<S> {
    /// Compares an account with its rows and repairs the differences: [`Publisher::reconcile`] and
    /// [`Publisher::repair`] as the outcome of a job.
    ///
    /// The result of the job has the number of repairs. For a person it names the ids of orphaned products, the number
    /// of duplicates that were found, and the rows that cannot be read. If a product could not be repaired, the job
    /// names it and is retried. If this publisher does not have the account, the job is declined, since another
    /// worker may have it.
    #[must_use]
    pub fn run_reconcile(&self, job: &Reconcile) -> Outcome {
        let found = match self.reconcile(job.platform, &job.account) {
            Ok(found) => found,
            // Another worker may have the client of the account.
            Err(error @ PublishError::NotConfigured { .. }) => return Outcome::Decline { error: with_causes(&error) },
            Err(error) => return outcome_of_error(error),
        };
        match self.repair(&found) {
            Ok(report) if !report.failed.is_empty() => failed_repairs(&report),
            Ok(report) => Outcome::Complete(Completion::new().result(&json!({
                "delisted": report.delisted,
                "updated": report.updated,
                "confirmed": report.confirmed,
                "taken_down": report.taken_down,
                "duplicates": found.duplicates.len(),
                "unreadable": found.unreadable.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "orphaned": found.orphaned.iter().map(|product| &product.platform_id).collect::<Vec<_>>(),
            }))),
            Err(error) => outcome_of_error(error),
        }
    }
}

/// The outcome of a job that could not repair everything.
fn failed_repairs(report: &RepairReport) -> Outcome {
    let all: Vec<String> =
        report.failed.iter().map(|failed| format!("{:?}: {}", failed.platform_id, failed.reason)).collect();
    let error = format!("{} products could not be put right: {}", all.len(), all.join("; "));
    match report.failed.iter().map(|failed| failed.until).max().flatten() {
        Some(until) => Outcome::throttled(until, error),
        None => Outcome::retry(error),
    }
}
