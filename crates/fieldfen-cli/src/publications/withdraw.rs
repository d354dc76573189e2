//! `listings withdraw` and `posts withdraw`: take a product or post down at its platform.

use std::fmt;

use fieldfen_domain::publication::PlatformRowId;
use fieldfen_persistence::SqliteStore;
use fieldfen_terminal::Exit;

use crate::answer::{Answer, WaitArgs};
use crate::context::Context;
use crate::id_argument::{IdArgument, RowId};
use crate::publications::operator;

/// The row of the product or post.
#[derive(Debug, clap::Args)]
pub(crate) struct WithdrawArgs<T: RowId + Send + Sync + 'static> {
    /// The id of the row, or its first 8 or more digits
    #[arg(value_parser = clap::value_parser!(IdArgument<T>))]
    id: IdArgument<T>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    wait: WaitArgs,
}

impl<T: RowId + Send + Sync + fmt::Debug + 'static> WithdrawArgs<T> {
    pub(super) fn run(
        &self,
        store: &SqliteStore,
        row: impl FnOnce(T) -> PlatformRowId,
        context: &Context<'_>,
    ) -> anyhow::Result<()> {
        let operator = &operator(store, context);
        let id = self.id.resolve(store)?;
        let subject = format!("{} {id}", T::NOUN);
        context.confirm(&format!("this takes {subject} down at its platform"), self.yes)?;
        let request = operator.withdraw(row(id), &context.action(&self.reason)?)?;
        let request = request.ok_or_else(|| Exit::NotFound.with(format!("there is no {subject}")))?;
        Answer::of_request(operator, subject, &request, (self.wait, context))?.print(context)
    }
}
