//! Accounts that a publisher does not know: those that another process serves, and those that have another name by now.

use std::collections::BTreeSet;

use fieldfen_domain::FileId;
use fieldfen_domain::publication::{Publication, PublicationState, Target};
use fieldfen_domain::store::{Store, StoreError};

use super::channels::Shelf;
use super::error::PublishError;
use super::found::Found;
use super::platforms::CallError;
use super::publisher::Publisher;

impl<S: Store> Publisher<S> {
    /// Whether this publisher has the marketplace or network of a target, with its account.
    #[must_use]
    pub fn reaches(&self, target: &Target) -> bool {
        self.shelves_of(target).iter().any(|shelf| shelf.account() == target.account())
    }

    /// The accounts at the platform of a target at which the file is published or wanted, and which this publisher does
    /// not know.
    pub(super) fn unknown_accounts(&self, file_id: &FileId, target: &Target) -> Result<BTreeSet<String>, StoreError> {
        let mut accounts: BTreeSet<String> =
            self.published_elsewhere(file_id, target)?.map(|its| account(&its)).collect();
        if let Some(file) = self.store().read(|s| s.files().find(file_id))? {
            let wanted = self.pipeline().targets(&file).into_iter();
            accounts.extend(wanted.filter(|wanted| self.is_unknown(wanted, target)).map(|it| it.account().to_owned()));
        }
        Ok(accounts)
    }

    /// Why a target may be published already, under an account that has another name by now: the account of the target
    /// has the product of a publication at an account that this publisher does not know.
    pub(super) fn published_under_another_name(
        &self,
        shelf: &dyn Shelf,
        file_id: &FileId,
        target: &Target,
    ) -> Result<Option<String>, PublishError> {
        let same = |its: &Publication| its.target.at_account(target.account()).is_same_place(target);
        for its in self.published_elsewhere(file_id, target)?.filter(same) {
            let has_its_key = |found: &Found| found.said_key().is_none_or(|key| *key == its.client_key);
            let found = match (&its.state, &its.platform_id) {
                (PublicationState::Confirmed, Some(id)) => shelf.lookup(id).map(Vec::from_iter),
                _ => shelf.find(&its.client_key),
            };
            match found {
                Ok(found) => {
                    if let Some(found) = found.into_iter().find(|found| found.is_live() && has_its_key(found)) {
                        return Ok(Some(format!(
                            "{:?} is there, and the file is published at account {:?}, which is not configured: give the \
                             publisher that account, or rename it in publications if it is the same one",
                            found.platform_id,
                            its.target.account()
                        )));
                    }
                }
                Err(CallError::Refused { .. }) => {}
                Err(source) => return Err(PublishError::Lookup { key: its.client_key.to_string(), source }),
            }
        }
        Ok(None)
    }

    /// The live publications of a file at the platform of a target, at accounts that this publisher does not know.
    fn published_elsewhere(
        &self,
        file_id: &FileId,
        target: &Target,
    ) -> Result<impl Iterator<Item = Publication>, StoreError> {
        let all = self.store().read(|s| s.publications().list_by_file(file_id))?;
        Ok(all.into_iter().filter(move |its| its.state.is_live() && self.is_unknown(&its.target, target)))
    }

    /// Whether a target is at the platform of another, and at an account that this publisher does not know.
    fn is_unknown(&self, one: &Target, other: &Target) -> bool {
        (one.channel(), one.platform()) == (other.channel(), other.platform()) && !self.reaches(one)
    }
}

fn account(publication: &Publication) -> String {
    publication.target.account().to_owned()
}
