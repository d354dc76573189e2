//! `listings reconcile`: asks a worker to compare an account with its rows.

use fieldfen_domain::publication::Platform;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::publishing::Reconcile;
use fieldfen_services::queue::{Queue, WaitOutcome};

use crate::answer::{Answer, Outcome, WaitArgs, no_worker_can};
use crate::context::Context;
use crate::publications::operator;

/// The account to reconcile.
#[derive(Debug, clap::Args)]
pub(crate) struct ReconcileArgs {
    /// The platform, for example etsy
    #[arg(long)]
    platform: Platform,
    /// The account at the platform; empty if there is only one
    #[arg(long, default_value = "")]
    account: String,
    #[command(flatten)]
    wait: WaitArgs,
}

impl ReconcileArgs {
    pub(super) fn run(&self, store: &SqliteStore, context: &Context<'_>) -> anyhow::Result<()> {
        let subject = match self.account.as_str() {
            "" => format!("service {}", self.platform),
            account => format!("account {}/{account}", self.platform),
        };
        let queued =
            operator(store, context).reconcile(&Reconcile::new(self.platform).account(self.account.clone()))?;
        let queue = Queue::new(store.clone(), context.environment.clone());
        let answer = match queue.wait_for(&queued.job, self.wait.timeout())? {
            WaitOutcome::Completed { result } => {
                let found = result.as_ref().map_or("", |result| result.as_str());
                Answer::new(subject, Outcome::Done, format!("reconciled: {found}"))
            }
            WaitOutcome::Failed { reason } | WaitOutcome::Parked { reason, .. } => {
                Answer::new(subject, Outcome::Refused, format!("not reconciled: {reason}"))
            }
            WaitOutcome::NotFound => {
                Answer::new(subject, Outcome::Refused, "somebody has deleted the job of the request")
            }
            WaitOutcome::TimedOut => {
                let job = queue.find(&queued.job)?;
                let message = match job.and_then(|job| job.declined_since.and(job.last_error)) {
                    Some(declined) => no_worker_can(&declined),
                    None => queued.to_string(),
                };
                Answer::new(subject, Outcome::Queued, message)
            }
        };
        answer.by(queued.job).print(context)
    }
}
