//! `publications`, `listings` and `posts`: list, show, resolve, withdraw, reconcile.

mod document;
mod reconcile;
mod resolve;
mod withdraw;

use fieldfen_domain::publication::{
    IdempotencyKey, ListingFilter, ListingStatus, Platform, PlatformRowId, PostFilter, Publication, PublicationFilter,
    PublicationState, SocialPlatform, publication_of, publication_of_post,
};
use fieldfen_domain::{FileId, ListingId, PublicationId, SocialPostId};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::operator::Operator;
use fieldfen_services::publications::Publications;
use fieldfen_terminal::Exit;
use serde::Serialize;

use crate::context::Context;
use crate::id_argument::{IdArgument, resolve as resolve_id};
use crate::page::{List, PageArgs};
pub(crate) use document::{ListingLine, PostLine, PublicationLine, write_tables};
use document::{RowDocument, WriteRow};

/// The way in which publications, listings and posts come into being, for people.
const ABSENT: &str = "a worker publishes an approved picture, see `fieldfen files approve`";

/// The commands of `publications`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PublicationsCommand {
    /// List publications, the newest first
    List {
        /// Only publications in this state: reserved, unknown, confirmed, released or ended
        #[arg(long)]
        state: Option<PublicationState>,
        /// Only publications of this file
        #[arg(long, value_name = "ID")]
        file: Option<IdArgument<FileId>>,
        /// Only products at this platform
        #[arg(long)]
        platform: Option<Platform>,
        /// Only posts at this network
        #[arg(long, conflicts_with = "platform")]
        network: Option<SocialPlatform>,
        /// Only publications at this account; an empty text selects those without one
        #[arg(long)]
        account: Option<String>,
        /// Only the publication with this key (SKU)
        #[arg(long)]
        key: Option<String>,
        /// Only publications whose product or post has this id at its platform
        #[arg(long, value_name = "ID")]
        platform_id: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one publication
    Show {
        /// The id of the publication, or its first 8 or more digits
        id: IdArgument<PublicationId>,
    },
    /// Say what a platform has, where no lookup can
    Resolve(resolve::PublicationArgs),
}

/// The commands of `listings`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ListingsCommand {
    /// List products, the newest first
    List {
        /// Only products at this platform
        #[arg(long)]
        platform: Option<Platform>,
        /// Only products of this status
        #[arg(long)]
        status: Option<ListingStatus>,
        /// Only products of this file
        #[arg(long, value_name = "ID")]
        file: Option<IdArgument<FileId>>,
        /// Only products that are live
        #[arg(long)]
        live: bool,
        /// Only products with this id at their platform
        #[arg(long, value_name = "ID")]
        platform_id: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one product with its publication
    Show {
        /// The id of the listing, or its first 8 or more digits
        id: IdArgument<ListingId>,
    },
    /// Take a product down at its platform; a worker with the client of the platform does it
    Withdraw(withdraw::WithdrawArgs<ListingId>),
    /// Compare an account with its rows and repair the differences; a worker with the client of the platform does it
    Reconcile(reconcile::ReconcileArgs),
    /// Say to which target a product of another program belongs, or that it is gone
    Resolve(resolve::ListingArgs),
}

/// The commands of `posts`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PostsCommand {
    /// List posts, the newest first
    List {
        /// Only posts at this network
        #[arg(long)]
        network: Option<SocialPlatform>,
        /// Only posts of this file
        #[arg(long, value_name = "ID")]
        file: Option<IdArgument<FileId>>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one post with its publication
    Show {
        /// The id of the post, or its first 8 or more digits
        id: IdArgument<SocialPostId>,
    },
    /// Take a post down at its network; a worker with the client of the network does it
    Withdraw(withdraw::WithdrawArgs<SocialPostId>),
    /// Say to which target a post of another program belongs, or that it is gone
    Resolve(resolve::PostArgs),
}

impl PublicationsCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let only_reads = matches!(self, Self::List { .. } | Self::Show { .. });
        let store = context.store_for(only_reads)?;
        let publications = Publications::new(store.clone(), context.environment.clone());
        match self {
            Self::List { state, file, platform, network, account, key, platform_id, page } => {
                let filter = PublicationFilter::new()
                    .state(*state)
                    .file_id(resolve_id(file.as_ref(), &store)?)
                    .platform(*platform)
                    .network(*network)
                    .account(account.clone())
                    .key(key.clone().map(IdempotencyKey::from_text))
                    .platform_id(platform_id.clone());
                let list = List::of(publications.list(&filter, &page.request())?, PublicationLine::from);
                context.terminal.print_result(&list, |out| {
                    write_tables(list.items(), &[], &[], out, context.terminal)?;
                    list.write_end(out, "publication", ABSENT)
                })?;
                Ok(())
            }
            Self::Show { id } => {
                let id = &id.resolve(&store)?;
                let found = publications.find(id)?;
                let found = found.ok_or_else(|| Exit::NotFound.with(format!("there is no publication {id}")))?;
                let document = PublicationLine::from(found);
                context.terminal.print_result(&document, |out| document.write(out))?;
                Ok(())
            }
            Self::Resolve(args) => args.run(&store, context),
        }
    }
}

impl ListingsCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let only_reads = matches!(self, Self::List { .. } | Self::Show { .. });
        let store = context.store_for(only_reads)?;
        let publications = Publications::new(store.clone(), context.environment.clone());
        match self {
            Self::List { platform, status, file, live, platform_id, page } => {
                let filter = ListingFilter::new()
                    .platform(*platform)
                    .status(*status)
                    .file_id(resolve_id(file.as_ref(), &store)?)
                    .platform_listing_id(platform_id.clone());
                let filter = if *live { filter.live() } else { filter };
                let list = List::of(publications.list_listings(&filter, &page.request())?, ListingLine::from);
                context.terminal.print_result(&list, |out| {
                    write_tables(&[], list.items(), &[], out, context.terminal)?;
                    list.write_end(out, "listing", ABSENT)
                })?;
                Ok(())
            }
            Self::Show { id } => {
                let id = id.resolve(&store)?;
                let found = publications.find_listing_row(&id)?;
                let found = found.ok_or_else(|| Exit::NotFound.with(format!("there is no listing {id}")))?;
                let of_file = publications.list_by_file(&found.file_id)?;
                let its = publication_of(&found, &of_file.listings, &of_file.publications).cloned();
                show(ListingLine::from(found), its, context)
            }
            Self::Withdraw(args) => args.run(&store, PlatformRowId::Listing, context),
            Self::Reconcile(args) => args.run(&store, context),
            Self::Resolve(args) => args.run(&store, context),
        }
    }
}

impl PostsCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let only_reads = matches!(self, Self::List { .. } | Self::Show { .. });
        let store = context.store_for(only_reads)?;
        let publications = Publications::new(store.clone(), context.environment.clone());
        match self {
            Self::List { network, file, page } => {
                let file = resolve_id(file.as_ref(), &store)?;
                let filter = PostFilter::new().network(*network).file_id(file);
                let list = List::of(publications.list_posts(&filter, &page.request())?, PostLine::from);
                context.terminal.print_result(&list, |out| {
                    write_tables(&[], &[], list.items(), out, context.terminal)?;
                    list.write_end(out, "post", ABSENT)
                })?;
                Ok(())
            }
            Self::Show { id } => {
                let id = id.resolve(&store)?;
                let found = publications.find_post_row(&id)?;
                let found = found.ok_or_else(|| Exit::NotFound.with(format!("there is no post {id}")))?;
                let of_file = publications.list_by_file(&found.file_id)?;
                let its = publication_of_post(&found, &of_file.publications).cloned();
                show(PostLine::from(found), its, context)
            }
            Self::Withdraw(args) => args.run(&store, PlatformRowId::Post, context),
            Self::Resolve(args) => args.run(&store, context),
        }
    }
}

/// Shows a row with its publication.
fn show<R: Serialize + WriteRow>(row: R, its: Option<Publication>, context: &Context<'_>) -> anyhow::Result<()> {
    let document = RowDocument { row, publication: its.map(PublicationLine::from) };
    context.terminal.print_result(&document, |out| document.write(out))?;
    Ok(())
}

fn operator(store: &SqliteStore, context: &Context<'_>) -> Operator<SqliteStore> {
    Operator::new(store.clone(), context.environment.clone())
}
