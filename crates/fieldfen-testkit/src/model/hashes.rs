//! Hashes of webhooks.

use fieldfen_domain::store::{Hashes, StoreError};
use fieldfen_domain::webhook::{HashSeen, NewHash, PayloadHash};
use fieldfen_domain::{FileId, Timestamp, to_micros};

use super::files::FileKey;
use super::table::Row;
use super::{BEGINNING, ModelSession, missing};

#[derive(Clone)]
pub(super) struct HashRow {
    hash: PayloadHash,
    file_id: Option<FileId>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl HashRow {
    /// The hash after its file has been deleted.
    pub(super) fn unlinked(self) -> Self {
        Self { file_id: None, ..self }
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HashKey {
    Hash(PayloadHash),
    File(FileId),
    Expires(Timestamp),
}

impl Row for HashRow {
    type Key = HashKey;

    fn keys(&self) -> Vec<HashKey> {
        let mut keys = vec![HashKey::Hash(self.hash), HashKey::Expires(self.expires_at)];
        keys.extend(self.file_id.map(HashKey::File));
        keys
    }
}

impl Hashes for ModelSession<'_> {
    fn insert(&mut self, new: &NewHash) -> Result<HashSeen, StoreError> {
        let at = to_micros(new.at);
        let row = HashRow { hash: new.hash, file_id: None, created_at: at, expires_at: to_micros(new.expires_at) };
        match self.state.hashes.find(&HashKey::Hash(new.hash)) {
            Some((_, known)) if known.expires_at > at => {
                return Ok(HashSeen::Duplicate { first_seen: Some(known.created_at), file_id: known.file_id });
            }
            Some((number, _)) => self.state.hashes.update(number, row),
            None => self.state.hashes.insert(row),
        }
        Ok(HashSeen::New)
    }

    fn link(&mut self, hash: &PayloadHash, file_id: &FileId) -> Result<bool, StoreError> {
        let Some((number, row)) = self.state.hashes.find(&HashKey::Hash(*hash)) else { return Ok(false) };
        if self.state.files.find(&FileKey::Id(*file_id)).is_none() {
            return Err(missing(format!("hash {hash} of file {file_id}")));
        }
        self.state.hashes.update(number, HashRow { file_id: Some(*file_id), ..row });
        Ok(true)
    }

    fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let (from, to) = (HashKey::Expires(BEGINNING), HashKey::Expires(to_micros(now)));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let expired: Vec<_> = self.state.hashes.span(from, to).take(limit).map(|(number, _)| number).collect();
        for &number in &expired {
            self.state.hashes.remove(number);
        }
        Ok(expired.len() as u64)
    }
}
