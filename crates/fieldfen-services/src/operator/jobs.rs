//! The jobs with which programs ask for an operator's action.
//!
//! A field that a worker does not know makes it decline the job: a request of a newer version is done as a whole or not at
//! all. The column `jobs.file_id` stays empty: a request outlives its file, and a rejection, which cancels the jobs of the
//! file, does not cancel what other operators have asked for.

use fieldfen_domain::file::FileEdit;
use fieldfen_domain::job::{Payload, Priority};
use fieldfen_domain::operator::Action;
use fieldfen_domain::publication::{PlatformRowId, Target};
use fieldfen_domain::{FileId, PublicationId};
use serde::{Deserialize, Serialize};

use crate::publishing::{KeyResolution, RowResolution, UnknownResolution};

macro_rules! file_request {
    ($(#[$meta:meta])* $name:ident = $kind:literal { $($fields:tt)* }) => {
        request! {
            $(#[$meta])*
            $name = $kind {
                /// The file that the action is about.
                file_id: FileId,
                $($fields)*
            }
        }
    };
}

macro_rules! request {
    ($(#[$meta:meta])* $name:ident = $kind:literal { $( $(#[$field_meta:meta])* $field:ident: $type:ty, )* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
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

file_request! {
    /// Lets a processed file go on sale.
    ApproveRequest = "fieldfen.approve" {}
}

file_request! {
    /// Fails a file that awaits its approval, or that is approved and listed nowhere.
    RejectRequest = "fieldfen.reject" {}
}

file_request! {
    /// Fails a file, whatever its status.
    FailRequest = "fieldfen.fail" {}
}

file_request! {
    /// Takes a failed file up again where it failed.
    RetryRequest = "fieldfen.retry" {}
}

file_request! {
    /// Changes what is known about a file.
    EditRequest = "fieldfen.edit" {
        /// The new values, and the version that the editor saw.
        edit: FileEdit,
    }
}

file_request! {
    /// Deletes a file with all that hangs on it.
    DeleteRequest = "fieldfen.delete" {
        /// Whether to delete it although listings of it are live.
        force: bool,
    }
}

file_request! {
    /// Publishes an approved or published file at one target.
    PublishRequest = "fieldfen.publish" {
        /// The target to publish at.
        target: Target,
    }
}

file_request! {
    /// Says what a row of the file is that belongs to no publication.
    ResolveRowRequest = "fieldfen.resolve_row" {
        /// The row of `listings` or `social_posts`.
        row: PlatformRowId,
        /// What the operator says of it.
        resolution: RowResolution,
    }
}

request! {
    /// Says whose a product is that has the id of a publication and a key that nobody here has given.
    ResolveKeyRequest = "fieldfen.resolve_key" {
        /// The publication.
        publication_id: PublicationId,
        /// What the operator says of the product.
        resolution: KeyResolution,
    }
}

file_request! {
    /// Says what is at a target whose call got no answer.
    ResolveUnknownRequest = "fieldfen.resolve_unknown" {
        /// The target of the call.
        target: Target,
        /// What the operator says of it.
        resolution: UnknownResolution,
    }
}
