//! `files edit`: changes the details of a file.

use fieldfen_domain::FileId;
use fieldfen_domain::RawJson;
use fieldfen_domain::file::{Dimensions, FileEdit};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::files::Files;
use fieldfen_services::operator::Operator;
use fieldfen_terminal::Exit;

use crate::answer::{Answer, WaitArgs};
use crate::context::Context;
use crate::id_argument::IdArgument;

/// The new values; what is not given stays as it is.
#[derive(Debug, clap::Args)]
#[group(id = "values", required = true, multiple = true, args = ["species", "metadata", "processed_name", "size"])]
pub(crate) struct EditArgs {
    /// The id of the file, or its first 8 or more digits
    id: IdArgument<FileId>,
    /// The category, for example whitetail-deer
    #[arg(long)]
    species: Option<String>,
    /// Title, description and further texts, as a JSON document
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// The name of the processed picture
    #[arg(long, value_name = "NAME")]
    processed_name: Option<String>,
    /// The size of the picture as it is displayed, in pixels: 6000x4000
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    size: Option<Dimensions>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "no reason given")]
    reason: String,
    #[command(flatten)]
    wait: WaitArgs,
}

fn size(text: &str) -> Result<Dimensions, String> {
    let rule = || format!("{text:?} must be two numbers of pixels such as 6000x4000");
    let (width, height) = text.split_once('x').ok_or_else(rule)?;
    let (width, height) = (width.parse().map_err(|_| rule())?, height.parse().map_err(|_| rule())?);
    Dimensions::new(width, height).map_err(|error| error.to_string())
}

pub(super) fn run(
    store: &SqliteStore,
    operator: &Operator<SqliteStore>,
    args: &EditArgs,
    context: &Context<'_>,
) -> anyhow::Result<()> {
    let id = &args.id.resolve(store)?;
    let file = Files::new(store.clone(), context.environment.clone())
        .find(id)?
        .ok_or_else(|| Exit::NotFound.with(format!("there is no file {id}")))?;
    // The edit is refused if somebody changes the file before the worker carries it out.
    let mut edit = FileEdit::new().seen(&file);
    if let Some(species) = &args.species {
        edit = edit.species(species);
    }
    if let Some(name) = &args.processed_name {
        edit = edit.processed_filename(name);
    }
    if let Some(json) = &args.metadata {
        edit = edit.metadata(RawJson::parse(json.as_str()).map_err(|error| Exit::Usage.with(error))?);
    }
    if let Some(size) = args.size {
        edit = edit.size(size);
    }
    let request = operator.edit(id, &edit, &context.action(&args.reason)?)?;
    Answer::of_request(operator, format_args!("file {id}"), &request, (args.wait, context))?.print(context)
}
