//! Hashes of webhooks.

use fieldfen_domain::store::{HashReads, Hashes, StoreError};
use fieldfen_domain::webhook::{Delivery, HashInsertOutcome, NewHash, PayloadHash};
use fieldfen_domain::{CLOCK_TOLERANCE, FileId, Page, PageRequest, Timestamp, corrected_end, truncate_to_micros};

use super::keys::{FileKey, HashKey};
use super::table::Row;
use super::{BEGINNING, END, ModelSession, missing};
use crate::fixtures::TICK;

#[derive(Clone)]
pub(super) struct HashRow {
    hash: PayloadHash,
    source: String,
    file_id: Option<FileId>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl HashRow {
    /// The hash after its file has been deleted.
    pub(super) fn unlinked(self) -> Self {
        Self { file_id: None, ..self }
    }

    fn delivery(&self) -> Delivery {
        Delivery::new(self.hash)
            .source(Some(self.source.clone()))
            .file_id(self.file_id)
            .first_seen(Some(self.created_at))
            .expires_at(Some(self.expires_at))
    }
}

impl Row for HashRow {
    type Key = HashKey;

    fn keys(&self) -> Vec<HashKey> {
        let mut keys =
            vec![HashKey::Hash(self.hash), HashKey::Expires(self.expires_at), HashKey::Seen(self.created_at)];
        keys.extend(self.file_id.map(HashKey::File));
        keys
    }
}

impl HashReads for ModelSession<'_> {
    fn find(&mut self, hash: &PayloadHash) -> Result<Option<Delivery>, StoreError> {
        Ok(self.state.hashes.find(&HashKey::Hash(*hash)).map(|(_, row)| row.delivery()))
    }

    fn page(&mut self, page: &PageRequest) -> Result<Page<Delivery>, StoreError> {
        self.state.hashes.page("hashes", page, |_| true, HashRow::delivery)
    }
}

impl Hashes for ModelSession<'_> {
    fn insert(&mut self, new: &NewHash) -> Result<HashInsertOutcome, StoreError> {
        let at = truncate_to_micros(new.at);
        let (source, expires_at) = (new.source.clone(), truncate_to_micros(new.expires_at));
        let row = HashRow { hash: new.hash, source, file_id: None, created_at: at, expires_at };
        match self.state.hashes.find(&HashKey::Hash(new.hash)) {
            Some((number, mut known)) if known.expires_at > at => {
                if let Some(expires_at) = corrected_end(known.created_at, known.expires_at, at) {
                    (known.created_at, known.expires_at) = (at, expires_at);
                    self.state.hashes.update(number, known.clone());
                }
                return Ok(HashInsertOutcome::Duplicate { first_seen: Some(known.created_at), file_id: known.file_id });
            }
            Some((number, _)) => self.state.hashes.update(number, row),
            None => self.state.hashes.insert(row),
        }
        Ok(HashInsertOutcome::New)
    }

    fn link(&mut self, hash: &PayloadHash, file_id: &FileId) -> Result<bool, StoreError> {
        let Some((number, row)) = self.state.hashes.find(&HashKey::Hash(*hash)) else { return Ok(false) };
        if self.state.files.find(&FileKey::Id(*file_id)).is_none() {
            return Err(missing(format!("hash {hash} of file {file_id}")));
        }
        self.state.hashes.update(number, HashRow { file_id: Some(*file_id), ..row });
        Ok(true)
    }

    fn forget(&mut self, hash: &PayloadHash) -> Result<bool, StoreError> {
        let found = self.state.hashes.find(&HashKey::Hash(*hash));
        if let Some((number, _)) = &found {
            self.state.hashes.remove(*number);
        }
        Ok(found.is_some())
    }

    fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let now = truncate_to_micros(now);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let ahead = self.state.hashes.span(HashKey::Seen(now + CLOCK_TOLERANCE + TICK), HashKey::Seen(END)).take(limit);
        let ahead: Vec<_> = ahead.map(|(number, row)| (number, row.clone())).collect();
        for (number, row) in ahead {
            let expires_at = corrected_end(row.created_at, row.expires_at, now).unwrap_or(row.expires_at);
            self.state.hashes.update(number, HashRow { created_at: now, expires_at, ..row });
        }
        let (from, to) = (HashKey::Expires(BEGINNING), HashKey::Expires(now));
        let expired: Vec<_> = self.state.hashes.span(from, to).take(limit).map(|(number, _)| number).collect();
        for &number in &expired {
            self.state.hashes.remove(number);
        }
        Ok(expired.len() as u64)
    }
}
