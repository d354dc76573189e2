//! JSON that cannot be read back, in every place where a store gets JSON.

use std::time::Duration;

use fieldfen_domain::RawJson;
use fieldfen_domain::file::FileEdit;

use fieldfen_domain::store::{Session, Store, StoreError};

use super::operations::On;
use super::{Case, named};
use crate::fixtures::{at, claim_ref, file, file_id, job, recurring};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    named!["invalid_json": json_that_cannot_be_read_back_is_refused_and_changes_nothing]
}

fn json_that_cannot_be_read_back_is_refused_and_changes_nothing<S: Store>(store: &S) {
    let on = On(store);
    on.write(|s| s.files().insert(&file(1)));
    on.enqueue(&job(1));
    on.claim(1, 1, at(0));
    let before = on.job(1);
    for text in ["{", "1e999", r#""\ud800""#, ""] {
        let json = RawJson::unchecked(text.to_owned());
        let refused = |what: &str, give: &dyn Fn(&mut dyn Session, RawJson) -> Result<(), StoreError>| {
            let given = store.write(|s| give(s, json.clone()));
            assert!(matches!(&given, Err(StoreError::Invalid { .. })), "{what} {text:?}: {given:?}");
        };
        refused("payload", &|s, json| s.jobs().enqueue(&job(2).payload(json)).map(drop));
        refused("result", &|s, json| s.jobs().complete(&claim_ref(1, 1), Some(&json), at(1)).map(drop));
        refused("progress", &|s, json| {
            s.jobs().heartbeat(&claim_ref(1, 1), Some(&json), at(1), Duration::from_secs(9)).map(drop)
        });
        refused("recurring work", &|s, json| {
            s.recurring().define(&recurring("hourly", "0 * * * *", at(9)).payload(json))
        });
        refused("metadata", &|s, json| s.files().edit(&file_id(1), &FileEdit::new().metadata(json), at(1)).map(drop));
    }
    assert_eq!(on.job(1), before);
    let listed = store.read(|s| Ok((s.jobs().find(&job(2).id)?, s.recurring().list()?)));
    assert!(matches!(&listed, Ok((None, recurring)) if recurring.is_empty()), "{listed:?}");
}
