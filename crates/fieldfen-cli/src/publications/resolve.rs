//! `resolve`: a person says what a platform has.

use fieldfen_domain::publication::{IdempotencyKey, Platform, PlatformRowId, SocialPlatform, Target};
use fieldfen_domain::{FileId, ListingId, PublicationId, SocialPostId};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::operator::Operator;
use fieldfen_services::publications::Publications;
use fieldfen_services::publishing::{KeyResolution, RowResolution, UnknownResolution};
use fieldfen_terminal::Exit;

use crate::answer::{Answer, WaitArgs};
use crate::context::Context;
use crate::id_argument::IdArgument;
use crate::publications::operator;

/// The decision about a publication.
#[derive(Debug, clap::Args)]
#[group(id = "decision", required = true, multiple = false, args = ["there", "nothing_there", "key", "not_ours"])]
pub(crate) struct PublicationArgs {
    /// The id of the publication, or its first 8 or more digits
    id: IdArgument<PublicationId>,
    /// The call took effect: the platform has the product or post with this id
    #[arg(long, value_name = "PLATFORM_ID")]
    there: Option<String>,
    /// The address of its page at the platform
    #[arg(long, requires = "there")]
    url: Option<String>,
    /// The call took no effect: the platform has nothing for this publication
    #[arg(long)]
    nothing_there: bool,
    /// The product with the id of this publication is ours, and has this key (SKU)
    #[arg(long)]
    key: Option<String>,
    /// The product with the id of this publication is not ours
    #[arg(long)]
    not_ours: bool,
    /// Why: where you have looked
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    wait: WaitArgs,
}

impl PublicationArgs {
    pub(super) fn run(&self, store: &SqliteStore, context: &Context<'_>) -> anyhow::Result<()> {
        let Self { there, url, reason, .. } = self;
        let publications = Publications::new(store.clone(), context.environment.clone());
        let operator = &operator(store, context);
        let id = &self.id.resolve_existing(store)?;
        let action = context.action(reason)?;
        let request = if self.not_ours {
            operator.resolve_key(id, &KeyResolution::NotOurs, &action)?
        } else if let Some(key) = &self.key {
            operator.resolve_key(id, &KeyResolution::Ours(IdempotencyKey::from_text(key.clone())), &action)?
        } else {
            let found = publications.find(id)?;
            let found = found.ok_or_else(|| Exit::NotFound.with(format!("there is no publication {id}")))?;
            let resolution = match there {
                Some(platform_id) => UnknownResolution::There { platform_id: platform_id.clone(), url: url.clone() },
                None => UnknownResolution::NothingThere,
            };
            operator.resolve_unknown(&found.file_id, &found.target, &resolution, &action)?
        };
        Answer::of_request(operator, format_args!("publication {id}"), &request, (self.wait, context))?.print(context)
    }
}

/// The decision about a row of a product that belongs to no publication.
#[derive(Debug, clap::Args)]
#[group(id = "decision", required = true, multiple = false, args = ["adopt", "not_there"])]
pub(crate) struct ListingArgs {
    /// The id of the listing, or its first 8 or more digits
    id: IdArgument<ListingId>,
    /// The file of the listing
    #[arg(long, value_name = "ID")]
    file: IdArgument<FileId>,
    /// It is the product of the file at this platform
    #[arg(long, value_name = "PLATFORM")]
    adopt: Option<Platform>,
    /// The account at the platform; empty if there is only one
    #[arg(long, requires = "adopt", default_value = "")]
    account: String,
    /// The variant of the product; empty if there is only one
    #[arg(long, requires = "adopt", default_value = "")]
    variant: String,
    /// The product is gone, or does not belong to the file
    #[arg(long)]
    not_there: bool,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    wait: WaitArgs,
}

impl ListingArgs {
    pub(super) fn run(&self, store: &SqliteStore, context: &Context<'_>) -> anyhow::Result<()> {
        let target =
            self.adopt.map(|platform| Target::listing(platform).with_variant(&self.variant).at_account(&self.account));
        let (id, file) = (self.id.resolve_existing(store)?, self.file.resolve_existing(store)?);
        let (row, subject) = (PlatformRowId::Listing(id), format!("listing {id}"));
        resolve_row(&operator(store, context), context, (&file, row, subject), target, (&self.reason, self.wait))
    }
}

/// The decision about a row of a post that belongs to no publication.
#[derive(Debug, clap::Args)]
#[group(id = "decision", required = true, multiple = false, args = ["adopt", "not_there"])]
pub(crate) struct PostArgs {
    /// The id of the post, or its first 8 or more digits
    id: IdArgument<SocialPostId>,
    /// The file of the post
    #[arg(long, value_name = "ID")]
    file: IdArgument<FileId>,
    /// It is the post of the file at this network
    #[arg(long, value_name = "NETWORK")]
    adopt: Option<SocialPlatform>,
    /// The account at the network; empty if there is only one
    #[arg(long, requires = "adopt", default_value = "")]
    account: String,
    /// The key of the post
    #[arg(long, requires = "adopt", default_value = "")]
    post_key: String,
    /// The post is gone, or does not belong to the file
    #[arg(long)]
    not_there: bool,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    wait: WaitArgs,
}

impl PostArgs {
    pub(super) fn run(&self, store: &SqliteStore, context: &Context<'_>) -> anyhow::Result<()> {
        let target = self.adopt.map(|network| Target::post(network, &self.post_key).at_account(&self.account));
        let (id, file) = (self.id.resolve_existing(store)?, self.file.resolve_existing(store)?);
        let (row, subject) = (PlatformRowId::Post(id), format!("post {id}"));
        resolve_row(&operator(store, context), context, (&file, row, subject), target, (&self.reason, self.wait))
    }
}

/// Asks a worker to adopt a row for a target, or to give it up if there is no target.
fn resolve_row(
    operator: &Operator<SqliteStore>,
    context: &Context<'_>,
    (file, row, subject): (&FileId, PlatformRowId, String),
    target: Option<Target>,
    (reason, wait): (&str, WaitArgs),
) -> anyhow::Result<()> {
    let resolution = match target {
        Some(target) => RowResolution::Adopt { target, platform_id: None },
        None => RowResolution::NotThere,
    };
    let request = operator.resolve_row(file, row, &resolution, &context.action(reason)?)?;
    Answer::of_request(operator, subject, &request, (wait, context))?.print(context)
}
