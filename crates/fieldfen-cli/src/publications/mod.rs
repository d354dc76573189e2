//! `publications`, `listings` and `posts`: list, show, resolve.

mod document;
mod resolve;

use fieldfen_domain::publication::{
    ListingFilter, ListingStatus, Platform, PostFilter, PublicationFilter, PublicationState, SocialPlatform,
};
use fieldfen_domain::{FileId, PublicationId};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::operator::Operator;
use fieldfen_services::publications::Publications;
use fieldfen_terminal::Exit;

use crate::context::Context;
use crate::page::{List, PageArgs};
pub(crate) use document::{ListingLine, PostLine, PublicationLine, write_tables};

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
        file: Option<FileId>,
        /// Only products at this platform
        #[arg(long)]
        platform: Option<Platform>,
        /// Only posts at this network
        #[arg(long, conflicts_with = "platform")]
        network: Option<SocialPlatform>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one publication
    Show {
        /// The id of the publication
        id: PublicationId,
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
        file: Option<FileId>,
        /// Only products that are live
        #[arg(long)]
        live: bool,
        #[command(flatten)]
        page: PageArgs,
    },
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
        file: Option<FileId>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Say to which target a post of another program belongs, or that it is gone
    Resolve(resolve::PostArgs),
}

impl PublicationsCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let (publications, operator) = handles(context)?;
        match self {
            Self::List { state, file, platform, network, page } => {
                let filter =
                    PublicationFilter::new().state(*state).file_id(*file).platform(*platform).network(*network);
                let list = List::of(publications.list(&filter, &page.request())?, PublicationLine::from);
                context.terminal.print_result(&list, |out| {
                    write_tables(list.items(), &[], &[], out, context.terminal)?;
                    list.write_end(out, "publication")
                })?;
                Ok(())
            }
            Self::Show { id } => {
                let found = publications.find(id)?;
                let found = found.ok_or_else(|| Exit::NotFound.with(format!("there is no publication {id}")))?;
                let document = PublicationLine::from(found);
                context.terminal.print_result(&document, |out| document.write(out))?;
                Ok(())
            }
            Self::Resolve(args) => args.run(&publications, &operator, context),
        }
    }
}

impl ListingsCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let (publications, operator) = handles(context)?;
        match self {
            Self::List { platform, status, file, live, page } => {
                let filter = ListingFilter::new().platform(*platform).status(*status).file_id(*file);
                let filter = if *live { filter.live() } else { filter };
                let list = List::of(publications.list_listings(&filter, &page.request())?, ListingLine::from);
                context.terminal.print_result(&list, |out| {
                    write_tables(&[], list.items(), &[], out, context.terminal)?;
                    list.write_end(out, "listing")
                })?;
                Ok(())
            }
            Self::Resolve(args) => args.run(&operator, context),
        }
    }
}

impl PostsCommand {
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<()> {
        let (publications, operator) = handles(context)?;
        match self {
            Self::List { network, file, page } => {
                let filter = PostFilter::new().network(*network).file_id(*file);
                let list = List::of(publications.list_posts(&filter, &page.request())?, PostLine::from);
                context.terminal.print_result(&list, |out| {
                    write_tables(&[], &[], list.items(), out, context.terminal)?;
                    list.write_end(out, "post")
                })?;
                Ok(())
            }
            Self::Resolve(args) => args.run(&operator, context),
        }
    }
}

fn handles(context: &Context<'_>) -> anyhow::Result<(Publications<SqliteStore>, Operator<SqliteStore>)> {
    let (store, environment) = (context.store()?, context.environment.clone());
    Ok((Publications::new(store.clone(), environment.clone()), Operator::new(store, environment)))
}
