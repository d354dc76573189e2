//! Files and their history.

use std::collections::BTreeMap;

use fieldfen_domain::file::{
    Arrival, ContentHash, Deletion, File, FileChange, FileChangeOutcome, FileDeleteOutcome, FileDetails, FileEdit,
    FileEditOutcome, FileFilter, FileHistoryEntry, FileState, FileStatus, IngestOutcome, NewFile,
};
use fieldfen_domain::publication::{Publication, PublicationState};
use fieldfen_domain::store::{FileReads, Files, StoreError};
use fieldfen_domain::{CappedCount, FileId, Page, PageRequest, Timestamp, truncate_to_micros};

use super::keys::{DriveIdKey, FileKey, HashKey, JobKey, ListingKey, PostKey, PublicationKey};
use super::table::Row;
use super::{ModelSession, taken};

impl Row for File {
    type Key = FileKey;

    fn keys(&self) -> Vec<FileKey> {
        let mut keys = vec![FileKey::Id(self.id)];
        keys.extend(self.content_hash.map(FileKey::Content));
        keys
    }
}

/// A Drive id and its file.
#[derive(Clone)]
pub(super) struct DriveIdRow {
    drive_file_id: String,
    file_id: FileId,
}

impl Row for DriveIdRow {
    type Key = DriveIdKey;

    fn keys(&self) -> Vec<DriveIdKey> {
        vec![DriveIdKey::Drive(self.drive_file_id.clone()), DriveIdKey::File(self.file_id)]
    }
}

#[derive(Clone)]
pub(super) struct HistoryRow {
    file_id: FileId,
    entry: FileHistoryEntry,
}

impl Row for HistoryRow {
    type Key = FileId;

    fn keys(&self) -> Vec<FileId> {
        vec![self.file_id]
    }
}

impl FileReads for ModelSession<'_> {
    fn find(&mut self, id: &FileId) -> Result<Option<File>, StoreError> {
        Ok(self.file(&FileKey::Id(*id)))
    }

    fn find_by_drive_id(&mut self, drive_file_id: &str) -> Result<Option<File>, StoreError> {
        let led = self.state.drive_ids.find(&DriveIdKey::Drive(drive_file_id.to_owned()));
        Ok(led.and_then(|(_, row)| self.file(&FileKey::Id(row.file_id))))
    }

    fn find_by_content(&mut self, hash: &ContentHash) -> Result<Option<File>, StoreError> {
        Ok(self.file(&FileKey::Content(*hash)))
    }

    fn page(&mut self, filter: &FileFilter, page: &PageRequest) -> Result<Page<File>, StoreError> {
        let wanted = |file: &File| {
            filter.status.is_none_or(|status| file.state.status() == status)
                && filter.species.as_ref().is_none_or(|species| file.species.as_ref() == Some(species))
        };
        match filter.arrival {
            None => self.state.files.page("files", page, wanted, File::clone),
            Some(Arrival::OtherForms) => {
                self.state.files.page("files", page, |file| file.created_at.is_none() && wanted(file), File::clone)
            }
            Some(Arrival::Window { since, before }) => {
                let (since, before) = (since.map(truncate_to_micros), before.map(truncate_to_micros));
                let arrived = |file: &File| {
                    let at = file.created_at?;
                    let is_inside = since.is_none_or(|since| at >= since) && before.is_none_or(|before| at < before);
                    (is_inside && wanted(file)).then(|| at.timestamp_micros())
                };
                self.state.files.sorted_page("arrivals", page, arrived, File::clone)
            }
        }
    }

    fn count(&mut self) -> Result<Vec<(FileStatus, u64)>, StoreError> {
        let mut counts = BTreeMap::new();
        for file in self.state.files.rows() {
            *counts.entry(file.state.status()).or_insert(0) += 1;
        }
        Ok(counts.into_iter().collect())
    }

    fn count_up_to(&mut self, status: FileStatus, most: u32) -> Result<CappedCount, StoreError> {
        let files = self.state.files.rows().filter(|file| file.state.status() == status).take(most as usize).count();
        Ok(CappedCount::new(files as u64, most.into()))
    }

    fn history(&mut self, id: &FileId, page: &PageRequest) -> Result<Page<FileHistoryEntry>, StoreError> {
        self.state.history.page("history", page, |row| row.file_id == *id, |row| row.entry.clone())
    }
}

impl Files for ModelSession<'_> {
    fn insert(&mut self, new: &NewFile) -> Result<IngestOutcome, StoreError> {
        new.check()?;
        let by_drive_id = match &new.drive_file_id {
            Some(drive_file_id) => self.find_by_drive_id(drive_file_id)?,
            None => None,
        };
        let by_content = new.content_hash.and_then(|hash| self.file(&FileKey::Content(hash)));
        match (by_drive_id, by_content) {
            (Some(one), Some(other)) if one.id != other.id => {
                return Err(taken(format!("file {}: its Drive id is that of file {}, its bytes", new.id, one.id)));
            }
            (Some(met), _) | (None, Some(met)) => {
                self.remember_drive_id(new, met.id)?;
                let file = Box::new(self.filled_in(met, new));
                return Ok(match (file.content_hash, new.content_hash) {
                    (Some(known), Some(arrived)) if known != arrived => {
                        IngestOutcome::ContentDiffers { file, known, arrived }
                    }
                    _ => IngestOutcome::Duplicate(file),
                });
            }
            (None, None) => {}
        }
        if self.file(&FileKey::Id(new.id)).is_some() {
            return Err(taken(format!("file {}", new.id)));
        }
        let at = truncate_to_micros(new.at);
        self.state.files.insert(with!(
            File::new(new.id, new.original_filename.clone(), FileState::Ingested),
            species: new.species.clone(),
            drive_file_id: new.drive_file_id.clone(),
            content_hash: new.content_hash,
            size: new.size,
            created_at: Some(at),
            updated_at: Some(at),
        ));
        self.remember_drive_id(new, new.id)?;
        let entry = FileHistoryEntry::new(None, FileStatus::Ingested, "ingested", at);
        self.state.history.insert(HistoryRow { file_id: new.id, entry });
        Ok(IngestOutcome::Created)
    }

    fn change(&mut self, change: &FileChange) -> Result<FileChangeOutcome, StoreError> {
        let Some((number, mut file)) = self.state.files.find(&FileKey::Id(*change.file_id())) else {
            return Ok(FileChangeOutcome::NotFound);
        };
        if file.state == *change.to() {
            return Ok(FileChangeOutcome::Unchanged);
        }
        if file.state.status() != change.from() {
            return Ok(FileChangeOutcome::Conflict { now: file.state.status() });
        }
        let at = truncate_to_micros(change.at());
        file.state = change.to().clone();
        file.updated_at = Some(at);
        let entry = FileHistoryEntry::new(Some(change.from()), file.state.status(), change.reason().to_owned(), at);
        self.state.files.update(number, file);
        self.state.history.insert(HistoryRow { file_id: *change.file_id(), entry });
        Ok(FileChangeOutcome::Done)
    }

    fn edit(&mut self, id: &FileId, edit: &FileEdit, at: Timestamp) -> Result<FileEditOutcome, StoreError> {
        edit.check()?;
        let Some((number, mut file)) = self.state.files.find(&FileKey::Id(*id)) else {
            return Ok(FileEditOutcome::NotFound);
        };
        let now = FileDetails::from(&file);
        if edit.is_outdated(&now) {
            return Ok(FileEditOutcome::Conflict(Box::new(now)));
        }
        edit.processed_filename.apply(&mut file.processed_filename);
        edit.species.apply(&mut file.species);
        edit.metadata.apply(&mut file.metadata);
        edit.size.apply(&mut file.size);
        file.updated_at = Some(truncate_to_micros(at));
        self.state.files.update(number, file);
        Ok(FileEditOutcome::Done)
    }

    fn delete(&mut self, id: &FileId, deletion: Deletion) -> Result<FileDeleteOutcome, StoreError> {
        let Some((number, _)) = self.state.files.find(&FileKey::Id(*id)) else {
            return Ok(FileDeleteOutcome::NotFound);
        };
        let live = self.live(id);
        if deletion == Deletion::KeepLiveListings && !live.is_empty() {
            return Ok(FileDeleteOutcome::Refused(live));
        }
        self.state.files.remove(number);
        self.state.history.remove_all(id);
        self.state.drive_ids.remove_all(&DriveIdKey::File(*id));
        self.state.jobs.remove_all(&JobKey::File(*id));
        self.state.publications.remove_all(&PublicationKey::File(*id));
        self.state.listings.remove_all(&ListingKey::File(*id));
        self.state.posts.remove_all(&PostKey::File(*id));
        for (number, hash) in self.state.hashes.all(&HashKey::File(*id)) {
            self.state.hashes.update(number, hash.unlinked());
        }
        Ok(FileDeleteOutcome::Done)
    }
}

impl ModelSession<'_> {
    fn file(&self, key: &FileKey) -> Option<File> {
        self.state.files.find(key).map(|(_, file)| file)
    }

    /// Remembers the Drive id of an arrival, unless it has a file already.
    fn remember_drive_id(&mut self, new: &NewFile, file_id: FileId) -> Result<(), StoreError> {
        if let Some(drive_file_id) = new.drive_file_id.clone()
            && self.find_by_drive_id(&drive_file_id)?.is_none()
        {
            self.state.drive_ids.insert(DriveIdRow { drive_file_id, file_id });
        }
        Ok(())
    }

    /// The known file, with the values that it lacked and the arrival has.
    fn filled_in(&mut self, met: File, new: &NewFile) -> File {
        let mut filled = met.clone();
        filled.drive_file_id = filled.drive_file_id.or_else(|| new.drive_file_id.clone());
        filled.content_hash = filled.content_hash.or(new.content_hash);
        if filled != met
            && let Some((number, _)) = self.state.files.find(&FileKey::Id(met.id))
        {
            filled.updated_at = Some(truncate_to_micros(new.at));
            self.state.files.update(number, filled.clone());
        }
        filled
    }

    /// The live listings of a file and its calls that may be in progress: deleting the file would orphan them at the
    /// platforms.
    fn live(&self, id: &FileId) -> Vec<String> {
        let listings = self.state.listings.all(&ListingKey::File(*id)).into_iter();
        let listings = listings.filter(|(_, listing)| listing.status.is_live());
        let under_way = |publication: &Publication| {
            matches!(publication.state, PublicationState::Reserved | PublicationState::Unknown)
        };
        let publications = self.state.publications.all(&PublicationKey::File(*id)).into_iter();
        let publications = publications.filter(|(_, publication)| under_way(publication));
        listings
            .map(|(_, listing)| format!("{}: {}", listing.platform, listing.platform_listing_id))
            .chain(publications.map(|(_, open)| format!("{}: {}", open.target.platform(), open.id)))
            .collect()
    }
}
