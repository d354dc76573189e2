//! The jobs with which programs ask for an operator's action.
//!
//! A field that a worker does not know makes it decline the job: a request of a newer version is done as a whole or not at
//! all. The column `jobs.file_id` stays empty: a request outlives its file, and a rejection, which cancels the jobs of the
//! file, does not cancel what other operators have asked for.

use fieldfen_domain::FileId;
use fieldfen_domain::file::FileEdit;
use fieldfen_domain::job::{Payload, Priority};
use fieldfen_domain::operator::Action;
use fieldfen_domain::publication::Target;
use serde::{Deserialize, Serialize};

macro_rules! request {
    ($(#[$meta:meta])* $name:ident = $kind:literal { $( $(#[$field_meta:meta])* $field:ident: $type:ty, )* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The file.
            pub file_id: FileId,
            /// Who asks, and why.
            pub action: Action,
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl Payload for $name {
            const KIND: &'static str = $kind;
            const MAX_RETRIES: Option<u32> = Some(5);
            /// A person waits for it.
            const PRIORITY: Priority = Priority::Urgent;
        }
    };
}

request! {
    /// Lets a processed file go on sale.
    ApproveRequest = "fieldfen.approve" {}
}

request! {
    /// Fails a file that awaits its approval, or that is approved and listed nowhere.
    RejectRequest = "fieldfen.reject" {}
}

request! {
    /// Fails a file, whatever its status.
    FailRequest = "fieldfen.fail" {}
}

request! {
    /// Takes a failed file up again where it failed.
    RetryRequest = "fieldfen.retry" {}
}

request! {
    /// Changes what is known about a file.
    EditRequest = "fieldfen.edit" {
        /// The new values, and the version that the editor saw.
        edit: FileEdit,
    }
}

request! {
    /// Deletes a file with all that hangs on it.
    DeleteRequest = "fieldfen.delete" {
        /// Whether to delete it although listings of it are live.
        force: bool,
    }
}

request! {
    /// Publishes an approved or published file at one target.
    PublishRequest = "fieldfen.publish" {
        /// Where.
        target: Target,
    }
}
