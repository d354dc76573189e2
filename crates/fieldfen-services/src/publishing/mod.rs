//! Lists and posts files, each product and post once.
//!
//! If a process crashed between a platform's answer and its own row, a second attempt would publish twice. Publishing
//! therefore writes its intent first:
//!
//! ```text
//! reserve ──▶ call ──▶ confirm        the platform has it: the row, and the file's move
//!                  ├─▶ release        a definite no: the target is free again
//!                  └─▶ mark unknown   no answer ──▶ look up ──▶ confirm, or reserve anew
//! ```
//!
//! [`Publisher`] runs this protocol for the jobs `CreateListing` and `PublishSocial`. For programs that call platforms
//! themselves, [`Publisher::reserve`] returns the steps as values that must be consumed.
//!
//! Guarantee: for each file and target, at most one product is recorded as live. A late answer, or a platform that
//! forgets keys, can still make a second product. The next job of the target or [`Publisher::reconcile`] finds that
//! product and takes it down. No product is taken down before the product that stays has been seen at the platform. If
//! that product is gone, the oldest duplicate replaces it. A product with another key, or without a key, is not
//! changed.
//!
//! Platforms' lists and searches lag behind their own answers. While a product's confirmation is younger than the
//! length of a reservation, a lookup that does not show the product does not count.
//!
//! Rows of `listings` and `social_posts` without a publication were written by another program. Such a row keeps its
//! file from being published at its platform. The product or post is looked up there, and the row is adopted as the
//! target's own or given up. If only a person can decide, the job is parked for a person, and runs again after
//! [`Publisher::resolve_row`].
//!
//! An update first looks its product up by id. If the product has a key that fieldfen has not given, a person may have
//! changed the SKU, or the platform may have given the id to a product that was made by hand: the update waits for
//! [`Publisher::resolve_key`]. If the platform reports no key, only the id counts, and the product is updated.
//!
//! If the answer to a call was lost and a lookup cannot tell what the call made, a person decides with
//! [`Publisher::resolve_unknown`].
//!
//! A [`Publisher`] handles unknown outcomes as a [`Queue`](crate::queue) does. If the caller gets
//! [`OutcomeUnknown`](fieldfen_domain::store::StoreError::OutcomeUnknown), it repeats the call. The token of its
//! reservation fences each step of the protocol. A repeated resolution changes nothing, and inserts one more row into
//! `operator_actions`. [`Publisher::reconcile`] and [`Publisher::repair`] compare again.

mod adoption;
mod all_pages;
mod call_error;
mod confirmation;
pub mod conformance;
mod duplicates;
mod error;
mod job_handlers;
mod job_outcome;
mod listing_update;
mod lookup_lag;
mod marketplace;
mod ownership;
mod publish;
mod publish_outcome;
mod publisher;
mod reconcile;
mod recorded;
mod remote_catalogue;
mod remote_item;
mod reservation;
pub(crate) mod resolve;
mod social_network;
mod status_update;
mod unknown_accounts;
mod unknown_key;
mod untracked_rows;
pub(crate) mod withdraw;

pub use call_error::CallError;
pub use confirmation::ReservationConfirmOutcome;
pub use error::PublishError;
pub use listing_update::UpdateOutcome;
pub use marketplace::{Marketplace, Offer, Product, ProductPage};
pub use publish_outcome::PublishOutcome;
pub use publisher::Publisher;
pub use reconcile::{
    DuplicateProduct, FailedRepair, Reconcile, ReconcileReport, RepairReport, StatusMismatch, UnconfirmedProduct,
};
pub use remote_item::{RemoteItem, RemoteItemKind};
pub use reservation::{Reservation, ReservationAttempt, UnresolvedReservation};
pub use resolve::{
    KeyResolution, KeyResolutionOutcome, RowResolution, RowResolutionOutcome, UnknownResolution,
    UnknownResolutionOutcome,
};
pub use social_network::{Message, Post, SocialNetwork};
pub use status_update::{StatusUpdateOutcome, apply_status_update};
pub use withdraw::WithdrawOutcome;
