//! Finds accounts that a publisher does not know: accounts that another process serves, and accounts that were renamed.

use std::collections::BTreeSet;

use fieldfen_domain::FileId;
use fieldfen_domain::publication::{Publication, PublicationState, Target};
use fieldfen_domain::store::{Store, StoreError};

use super::call_error::CallError;
use super::error::PublishError;
use super::publisher::Publisher;
use super::remote_catalogue::RemoteCatalogue;
use super::remote_item::RemoteItem;

/// The accounts at the platform of a target at which the file is published or wanted, and that the publisher does not
/// know.
pub(super) fn unknown_accounts<S: Store>(
    publisher: &Publisher<S>,
    file_id: &FileId,
    target: &Target,
) -> Result<BTreeSet<String>, StoreError> {
    let published = published_at_unknown_accounts(publisher, file_id, target)?;
    let mut accounts: BTreeSet<String> = published.map(|its| its.target.account().to_owned()).collect();
    if let Some(file) = publisher.store().read(|s| s.files().find(file_id))? {
        let wanted = publisher.pipeline().targets(&file).into_iter();
        let unknown = wanted.filter(|wanted| is_at_unknown_account(publisher, wanted, target));
        accounts.extend(unknown.map(|wanted| wanted.account().to_owned()));
    }
    Ok(accounts)
}

/// The reason why a target may be published already under an account that was renamed: the account of the target has
/// the product of a publication at an account that the publisher does not know. `None` if there is no such product.
pub(super) fn published_under_another_name<S: Store>(
    publisher: &Publisher<S>,
    catalogue: &dyn RemoteCatalogue,
    file_id: &FileId,
    target: &Target,
) -> Result<Option<String>, PublishError> {
    let same = |its: &Publication| its.target.at_account(target.account()).is_same_place(target);
    for its in published_at_unknown_accounts(publisher, file_id, target)?.filter(same) {
        let has_its_key = |item: &RemoteItem| item.reported_key().is_none_or(|key| *key == its.client_key);
        let found = match (&its.state, &its.platform_id) {
            (PublicationState::Confirmed, Some(id)) => catalogue.lookup(id).map(Vec::from_iter),
            _ => catalogue.find(&its.client_key),
        };
        match found {
            Ok(found) => {
                if let Some(item) = found.into_iter().find(|item| item.is_live() && has_its_key(item)) {
                    return Ok(Some(format!(
                        "{:?} is there, and the file is published at account {:?}, which is not configured: give the \
                         publisher that account, or rename it in publications if it is the same one",
                        item.platform_id,
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

/// The live publications of a file at the platform of a target, at accounts that the publisher does not know. Those that
/// may belong to the target itself are left out: their rows are looked up before the target is reserved.
fn published_at_unknown_accounts<S: Store>(
    publisher: &Publisher<S>,
    file_id: &FileId,
    target: &Target,
) -> Result<impl Iterator<Item = Publication>, StoreError> {
    let all = publisher.store().read(|s| s.publications().list_by_file(file_id))?;
    let unknown = all.into_iter().filter(|its| {
        its.state.is_live() && !its.may_belong_to(target) && is_at_unknown_account(publisher, &its.target, target)
    });
    Ok(unknown.collect::<Vec<_>>().into_iter())
}

/// Returns whether a target is at the platform of another one, and at an account that the publisher does not know.
fn is_at_unknown_account<S: Store>(publisher: &Publisher<S>, one: &Target, other: &Target) -> bool {
    (one.channel(), one.platform()) == (other.channel(), other.platform()) && !publisher.reaches(one)
}
