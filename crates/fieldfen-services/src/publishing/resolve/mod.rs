//! Applies a person's decision where only a person can decide: about the owner of a row, of a key, or of the product of
//! an unanswered call.
//!
//! Each decision is an operator's action. The methods of [`Publisher`] are for the program that has the shop's rules.
//! The methods of [`Pipeline`](crate::pipeline::Pipeline) do the same in a transaction of the caller's. Other programs
//! send a [request](crate::operator) to a worker.

pub(crate) mod key;
pub(crate) mod row;
mod unknown;

use fieldfen_domain::operator::Action;
use fieldfen_domain::publication::{PlatformRow, PlatformRowId, Target};
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FileId, OperatorActionId, PublicationId};

pub use key::{KeyResolution, KeyResolutionOutcome};
pub use row::{RowResolution, RowResolutionOutcome};
pub use unknown::{UnknownResolution, UnknownResolutionOutcome};

use super::ownership::all_of_file;
use super::publisher::Publisher;
use crate::action_row::{act, is_recorded};
use crate::write_retry::write_once;

impl<S: Store> Publisher<S> {
    /// The rows of a file that are live at the platform of a target and belong to no publication.
    pub fn untracked(&self, file_id: &FileId, target: &Target) -> Result<Vec<PlatformRow>, StoreError> {
        self.store().read(|s| Ok(all_of_file(s, file_id)?.untracked(target)))
    }

    /// Applies a person's decision about a row of a file that belongs to no publication. Jobs that waited for the
    /// decision run again.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the target is not at the row's platform or the row has another id.
    pub fn resolve_row(
        &self,
        file_id: &FileId,
        row: PlatformRowId,
        resolution: &RowResolution,
        action: &Action,
    ) -> Result<RowResolutionOutcome, StoreError> {
        let said = (action, resolution.action_kind(), row::subject(row));
        act(self.store(), said, |t| self.pipeline().resolve_row(t, file_id, row, resolution, action))
    }

    /// Applies a person's decision about a product that has the id of a publication and an unknown key:
    /// [`UpdateOutcome::WaitsForPerson`](super::UpdateOutcome::WaitsForPerson).
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the key is blank.
    pub fn resolve_key(
        &self,
        id: &PublicationId,
        resolution: &KeyResolution,
        action: &Action,
    ) -> Result<KeyResolutionOutcome, StoreError> {
        let said = (action, resolution.action_kind(), key::subject(id));
        act(self.store(), said, |t| self.pipeline().resolve_key(t, id, resolution, action))
    }

    /// Applies a person's decision about a target whose call got no answer. Jobs that waited for the decision run
    /// again.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the id at the platform is blank.
    pub fn resolve_unknown(
        &self,
        file_id: &FileId,
        target: &Target,
        resolution: &UnknownResolution,
        action: &Action,
    ) -> Result<UnknownResolutionOutcome, StoreError> {
        // The publication of the target is known only inside the transaction.
        let (outcome, _) = write_once(self.store(), |s, before: Option<&(_, OperatorActionId)>| {
            if let Some((_, id)) = before
                && is_recorded(s, id)?
            {
                return Ok(None);
            }
            self.pipeline().resolve_unknown_in(s, (file_id, target), resolution, action).map(Some)
        })?;
        Ok(outcome)
    }
}
