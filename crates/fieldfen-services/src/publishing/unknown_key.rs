//! Recognises a product that has the id of a publication and a key that fieldfen has not given.
//!
//! Either a person has changed the SKU of the publication's own product, or the platform has given the id to a product
//! that a person has made by hand. An update would overwrite that product, so the update waits for a person.

use fieldfen_domain::publication::{IdempotencyKey, Publication};

use super::remote_item::RemoteItem;

/// The largest number of endings of a target that is tried. A key from after more endings is not recognised.
pub(super) const MAX_ENDINGS: u32 = 64;

/// The key of the product with the id of a publication, if neither the publication nor an earlier one of its target has
/// it. `None` if the platform reports no key, or a known one.
pub(super) fn unknown_key<'i>(publication: &Publication, item: &'i RemoteItem) -> Option<&'i IdempotencyKey> {
    let key = item.reported_key()?;
    let is_derived = |ended| IdempotencyKey::derive(&publication.file_id, &publication.target, ended) == *key;
    (*key != publication.client_key && !(0..MAX_ENDINGS).any(is_derived)).then_some(key)
}
