//! The documents of files.

use std::io;

use fieldfen_domain::file::{File, FileHistoryEntry};
use fieldfen_domain::job::JobSummary;
use fieldfen_domain::publication::FileOnPlatforms;
use fieldfen_domain::{FileId, Page, Timestamp};
use fieldfen_terminal::{Terminal, TextOutput};
use serde::Serialize;

use crate::jobs::JobLine;
use crate::json_text::JsonText;
use crate::publications::{ListingLine, PostLine, PublicationLine};
use crate::time_argument::shown;

/// The JSON document of a file in a list.
#[derive(Debug, Serialize)]
pub(crate) struct FileLine {
    id: FileId,
    /// The name under which it arrived.
    name: String,
    /// `ingested`, `processing`, `processed`, `approved`, `published` or `failed`.
    status: &'static str,
    /// The reason of a failure; `null` if the file has not failed.
    failure: Option<String>,
    /// The status to which a retry returns a failed file.
    failed_from: Option<&'static str>,
    species: Option<String>,
    processed_name: Option<String>,
    /// In pixels.
    width: Option<u32>,
    height: Option<u32>,
    drive_file_id: Option<String>,
    /// SHA-256 in hexadecimal digits.
    content_hash: Option<String>,
    arrived: Option<Timestamp>,
    updated: Option<Timestamp>,
}

impl From<File> for FileLine {
    fn from(file: File) -> Self {
        let failure = file.state.failure();
        Self {
            id: file.id,
            status: file.state.status().as_str(),
            failure: failure.map(|failure| failure.reason.clone()),
            failed_from: failure.map(|failure| failure.from.as_str()),
            name: file.original_filename,
            species: file.species,
            processed_name: file.processed_filename,
            width: file.size.map(|size| size.width()),
            height: file.size.map(|size| size.height()),
            drive_file_id: file.drive_file_id,
            content_hash: file.content_hash.map(|hash| hash.to_string()),
            arrived: file.created_at,
            updated: file.updated_at,
        }
    }
}

impl FileLine {
    /// The cells in the table of files.
    pub(crate) fn cells(&self) -> [String; 5] {
        let arrived = self.arrived.map(shown).unwrap_or_default();
        let species = self.species.clone().unwrap_or_default();
        [self.id.to_string(), self.name.clone(), self.status.to_owned(), species, arrived]
    }
}

/// One change of a file's status.
#[derive(Debug, Serialize)]
struct HistoryLine {
    at: Timestamp,
    /// `null` for the arrival.
    from: Option<&'static str>,
    to: &'static str,
    reason: String,
}

impl From<FileHistoryEntry> for HistoryLine {
    fn from(entry: FileHistoryEntry) -> Self {
        let from = entry.from.map(|status| status.as_str());
        Self { at: entry.at, from, to: entry.to.as_str(), reason: entry.reason }
    }
}

/// The JSON document of one file.
#[derive(Debug, Serialize)]
pub(crate) struct FileDocument {
    #[serde(flatten)]
    line: FileLine,
    metadata: Option<JsonText>,
    /// The changes of its status, the oldest first; at most 200.
    history: Vec<HistoryLine>,
    /// Its jobs, the oldest first; at most 200.
    jobs: Vec<JobLine>,
    publications: Vec<PublicationLine>,
    listings: Vec<ListingLine>,
    posts: Vec<PostLine>,
}

impl FileDocument {
    pub(crate) fn new(
        mut file: File,
        history: Page<FileHistoryEntry>,
        jobs: Page<JobSummary>,
        platforms: FileOnPlatforms,
    ) -> Self {
        let metadata = file.metadata.take().map(JsonText);
        Self {
            line: FileLine::from(file),
            metadata,
            history: history.items.into_iter().map(HistoryLine::from).collect(),
            jobs: jobs.items.into_iter().map(JobLine::from).collect(),
            publications: platforms.publications.into_iter().map(PublicationLine::from).collect(),
            listings: platforms.listings.into_iter().map(ListingLine::from).collect(),
            posts: platforms.posts.into_iter().map(PostLine::from).collect(),
        }
    }

    /// Writes the file for people: its values, then a table for each list that has rows.
    pub(crate) fn write(&self, out: &mut TextOutput<'_>, terminal: &Terminal) -> io::Result<()> {
        let line = &self.line;
        let size = line.width.zip(line.height).map(|(width, height)| format!("{width} x {height} pixels"));
        let values = [
            ("file", Some(line.id.to_string())),
            ("name", Some(line.name.clone())),
            ("status", Some(line.status.to_owned())),
            ("failed from", line.failed_from.map(str::to_owned)),
            ("failure", line.failure.clone()),
            ("species", line.species.clone()),
            ("processed name", line.processed_name.clone()),
            ("size", size),
            ("Drive id", line.drive_file_id.clone()),
            ("SHA-256", line.content_hash.clone()),
            ("arrived", line.arrived.map(shown)),
            ("updated", line.updated.map(shown)),
            ("metadata", self.metadata.as_ref().map(|json| json.0.as_str().to_owned())),
        ];
        for (name, value) in values {
            if let Some(value) = value {
                writeln!(out, "{name:<16} {value}")?;
            }
        }
        if !self.history.is_empty() {
            let mut table = terminal.table(["at", "status", "reason"]);
            for entry in &self.history {
                table.add_row([shown(entry.at), entry.to.to_owned(), entry.reason.clone()]);
            }
            out.table(&table)?;
        }
        crate::jobs::write_table(&self.jobs, out, terminal)?;
        crate::publications::write_tables(&self.publications, &self.listings, &self.posts, out, terminal)
    }
}
