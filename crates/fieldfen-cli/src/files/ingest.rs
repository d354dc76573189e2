//! `files ingest`: takes pictures in.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fieldfen_domain::FileId;
use fieldfen_domain::file::{ContentHash, Dimensions, IngestOutcome};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::files::Files;
use fieldfen_terminal::{Exit, open_regular_file};
use image::{ImageDecoder as _, ImageReader};
use serde::Serialize;

use crate::context::Context;

/// The largest picture, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// Pictures, and folders of pictures.
#[derive(Debug, clap::Args)]
pub(crate) struct IngestArgs {
    /// Pictures, or folders, of which every file is taken that does not begin with a dot
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The category of all pictures, for example whitetail-deer
    #[arg(long)]
    species: Option<String>,
    /// The Google Drive id of the only picture
    #[arg(long, value_name = "ID")]
    drive_id: Option<String>,
}

/// The outcome of one path.
#[derive(Debug, Serialize)]
struct Ingested {
    path: PathBuf,
    /// `created`, `known`, `content_differs` or `refused`.
    outcome: &'static str,
    /// The file; `null` if the picture was refused.
    id: Option<FileId>,
    /// The reason of a refusal.
    error: Option<String>,
}

/// The JSON document of the outcomes.
#[derive(Debug, Serialize)]
struct IngestedList {
    items: Vec<Ingested>,
}

pub(super) fn run(files: &Files<SqliteStore>, args: &IngestArgs, context: &Context<'_>) -> anyhow::Result<()> {
    let mut paths = Vec::new();
    for path in &args.paths {
        pictures_at(path, &mut paths).with_context(|| format!("cannot read {path:?}"))?;
    }
    if args.drive_id.is_some() && paths.len() != 1 {
        let text = format!("--drive-id names one picture, and {} were given", paths.len());
        return Err(Exit::Usage.with(text).into());
    }
    let bar = context.terminal.progress_bar(paths.len() as u64, "pictures");
    let mut ingested = Vec::with_capacity(paths.len());
    for path in paths {
        ingested.push(ingest(files, args, path)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let refused = ingested.iter().filter(|ingested| ingested.error.is_some()).count();
    let number = ingested.len();
    let document = IngestedList { items: ingested };
    context.terminal.print_result(&document, |out| {
        if document.items.is_empty() {
            return writeln!(out, "no picture: a folder has none of its own, and its subfolders are not read");
        }
        for Ingested { path, outcome, id, error } in &document.items {
            match (id, error) {
                (Some(id), _) => writeln!(out, "{}: {outcome}, file {id}", path.display())?,
                (None, error) => {
                    writeln!(out, "{}: {outcome}: {}", path.display(), error.as_deref().unwrap_or_default())?
                }
            }
        }
        Ok(())
    })?;
    if refused > 0 {
        return Err(Exit::Refused.with(format!("{refused} of {number} pictures were refused")).into());
    }
    Ok(())
}

/// Adds a picture, or the pictures of a folder in the order of their names.
fn pictures_at(path: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    if !std::fs::metadata(path)?.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_file() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
            found.push(entry.path());
        }
    }
    found.sort();
    paths.append(&mut found);
    Ok(())
}

fn ingest(files: &Files<SqliteStore>, args: &IngestArgs, path: PathBuf) -> anyhow::Result<Ingested> {
    let refused = |path: PathBuf, error: String| Ingested { path, outcome: "refused", id: None, error: Some(error) };
    let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
        return Ok(refused(path, "the name of the file is not UTF-8".to_owned()));
    };
    let (hash, size) = match read(&path) {
        Ok(read) => read,
        Err(error) => return Ok(refused(path, format!("{error:#}"))),
    };
    let file = files
        .new_file(name)
        .content_hash(hash)
        .size(size)
        .species(args.species.clone())
        .drive_file_id(args.drive_id.clone());
    let (outcome, id) = match files.ingest(&file).with_context(|| format!("cannot take {path:?} in"))? {
        IngestOutcome::Created => ("created", file.id),
        IngestOutcome::Duplicate(known) => ("known", known.id),
        IngestOutcome::ContentDiffers { file, .. } => ("content_differs", file.id),
    };
    Ok(Ingested { path, outcome, id: Some(id), error: None })
}

/// The hash of a picture's bytes, and its size after the EXIF orientation is applied.
fn read(path: &Path) -> anyhow::Result<(ContentHash, Dimensions)> {
    let mut file = open_regular_file(File::options().read(true), path)?;
    let mut bytes = Vec::new();
    if (&mut file).take(MAX_BYTES + 1).read_to_end(&mut bytes)? as u64 > MAX_BYTES {
        anyhow::bail!("the file has more than 1 GiB");
    }
    let hash = ContentHash::of(&bytes);
    file.rewind()?;
    let mut decoder = ImageReader::new(BufReader::new(file)).with_guessed_format()?.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let size = Dimensions::with_orientation(width, height, decoder.orientation()?.to_exif())?;
    Ok((hash, size))
}
