//! The checks that every store makes on a program's values before it writes them.

use super::StoreError;
use crate::file::{FileEdit, NewFile};
use crate::job::{ConcurrencyLimit, Partition};
use crate::json::{InvalidJson, RawJson};
use crate::publication::{Adoption, Confirmation, ConfirmedRow, IdempotencyKey, Target};

impl NewFile {
    /// Refuses a blank Drive id, which would make one file of all that have none.
    ///
    /// # Errors
    /// [`StoreError::Invalid`], as a store's `insert` returns it.
    pub fn check(&self) -> Result<(), StoreError> {
        match &self.drive_file_id {
            Some(id) if id.trim().is_empty() => Err(StoreError::Invalid {
                what: "drive_file_id of a new file",
                value: id.clone(),
                rule: "it must not be blank; leave it out if there is none",
            }),
            _ => Ok(()),
        }
    }
}

impl FileEdit {
    /// Checks the metadata, which may be [`unchecked`](RawJson::unchecked).
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if it cannot be stored as JSON and read back.
    pub fn check(&self) -> Result<(), StoreError> {
        StoreError::check_json("metadata of a file", self.metadata.value())
    }
}

impl ConcurrencyLimit {
    /// Checks a limit against those that its kind has already.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the kind would have a limit per file and a limit per account.
    pub fn check(&self, of_kind: &[Self]) -> Result<(), StoreError> {
        let others = of_kind.iter().map(|set| set.partition).filter(|partition| *partition != self.partition);
        if self.partition == Partition::All || others.into_iter().all(|partition| partition == Partition::All) {
            return Ok(());
        }
        let rule = "a kind has a limit per file or per account, not both; remove the other one first";
        Err(StoreError::Invalid { what: "concurrency limit", value: self.to_string(), rule })
    }
}

impl IdempotencyKey {
    /// Checks that a product can be recognised by this key.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if it is blank.
    pub fn check(&self) -> Result<(), StoreError> {
        if self.as_str().trim().is_empty() {
            let rule = "it must not be blank";
            return Err(StoreError::Invalid { what: "key of a publication", value: self.as_str().to_owned(), rule });
        }
        Ok(())
    }
}

impl Confirmation {
    /// Checks that it can confirm this target.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the platform id is empty or the row does not fit the target.
    pub fn check(&self, target: &Target) -> Result<(), StoreError> {
        if self.platform_id.trim().is_empty() {
            let (value, rule) = (self.platform_id.clone(), "it must not be blank");
            return Err(StoreError::Invalid { what: "platform id", value, rule });
        }
        match (target, &self.row) {
            (Target::Listing { .. }, ConfirmedRow::Listing { .. })
            | (Target::Post { .. }, ConfirmedRow::Post { .. }) => Ok(()),
            _ => Err(self.not_for(target)),
        }
    }

    pub(super) fn not_for(&self, target: &Target) -> StoreError {
        let rule = "it must be a row of listings for a listing, and of social_posts for a post";
        StoreError::Invalid { what: "confirmation of", value: target.to_string(), rule }
    }
}

impl Adoption {
    /// Checks that it can be carried out.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] as for [`Confirmation::check`], and if the product is not live.
    pub fn check(&self) -> Result<(), StoreError> {
        self.confirmation.check(&self.request.target)?;
        match &self.confirmation.row {
            ConfirmedRow::Listing { status, .. } if !status.is_live() => {
                let (value, rule) = (status.to_string(), "an adopted product must be live");
                Err(StoreError::Invalid { what: "status of an adopted listing", value, rule })
            }
            _ => Ok(()),
        }
    }
}

impl StoreError {
    /// Checks a document with [`RawJson::check`] before a store keeps it. `what` names the document.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if it cannot be read back.
    pub fn check_json(what: &'static str, json: Option<&RawJson>) -> Result<(), Self> {
        json.map_or(Ok(()), RawJson::check).map_err(|error| Self::unfit_json(what, &error))
    }

    /// The error of a value that cannot be stored as JSON. `what` names the value.
    #[must_use]
    pub fn unfit_json(what: &'static str, error: &InvalidJson) -> Self {
        Self::Invalid { what, value: error.to_string(), rule: "it must be a value that can be stored as JSON" }
    }
}
