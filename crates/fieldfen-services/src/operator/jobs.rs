//! The jobs by which programs request operators' actions.
//!
//! A worker declines a request with a field that it does not know, so that a request of a newer version is carried out
//! completely or not at all. The column `jobs.file_id` stays empty for two reasons: a request outlives its file, and a
//! rejection cancels the jobs of the file but must not cancel other operators' requests.

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
                /// The file of the action.
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
            /// The operator and the reason.
            pub action: Action,
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl Payload for $name {
            const KIND: &'static str = $kind;
            const MAX_RETRIES: Option<u32> = Some(5);
            /// Urgent, because a person waits for the answer.
            const PRIORITY: Priority = Priority::Urgent;
        }
    };
}

file_request! {
    /// Approves a processed file for sale.
    ApproveRequest = "fieldfen.approve" {}
}

file_request! {
    /// Fails a file that awaits approval, or an approved file without listings.
    RejectRequest = "fieldfen.reject" {}
}

file_request! {
    /// Fails a file in any status.
    FailRequest = "fieldfen.fail" {}
}

file_request! {
    /// Retries a failed file from the step that failed.
    RetryRequest = "fieldfen.retry" {}
}

file_request! {
    /// Edits the details of a file.
    EditRequest = "fieldfen.edit" {
        /// The new values, and the version that the editor read.
        edit: FileEdit,
    }
}

file_request! {
    /// Deletes a file and all rows that belong to it.
    DeleteRequest = "fieldfen.delete" {
        /// Whether to delete the file although it has live listings.
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
    /// Resolves a row of a listing or post that belongs to no publication.
    ResolveRowRequest = "fieldfen.resolve_row" {
        /// The row of `listings` or `social_posts`.
        row: PlatformRowId,
        /// The operator's decision about the row.
        resolution: RowResolution,
    }
}

request! {
    /// Resolves a product at a platform that has the id of a publication and an unknown key.
    ResolveKeyRequest = "fieldfen.resolve_key" {
        /// The publication with that id.
        publication_id: PublicationId,
        /// The operator's decision about the product.
        resolution: KeyResolution,
    }
}

file_request! {
    /// Resolves a target whose call returned no answer.
    ResolveUnknownRequest = "fieldfen.resolve_unknown" {
        /// The target of the call.
        target: Target,
        /// The operator's decision about the target.
        resolution: UnknownResolution,
    }
}
