//! Listing and posting, each thing once.
//!
//! If a process crashed between a platform's answer and its own row, a second try would publish twice. So the intent is
//! written down first:
//!
//! ```text
//! reserve ──▶ call ──▶ confirm        the platform has it: the row, and the file's move
//!                  ├─▶ release        a definite no: the target is free again
//!                  └─▶ mark unknown   no answer ──▶ look up ──▶ confirm, or reserve anew
//! ```
//!
//! [`Publisher`] runs that protocol for the jobs `CreateListing` and `PublishSocial`. [`Publisher::reserve`] gives out its
//! steps as values that have to be spent, for programs that call platforms by themselves.
//!
//! What is promised: at most one product for each file and target is known as live. A second one can come about all the
//! same, by an answer after its time or by a platform that forgets keys. The next job of the target or
//! [`Publisher::reconcile`] sees it and takes it down. Nothing is taken down before the product that stays has been seen at
//! the platform. If that product is gone, the oldest duplicate takes its place. A product with another key, or without a
//! key, is left alone.
//!
//! Platforms' lists and searches lag behind their own answers. So a lookup that does not show a product says nothing while the
//! product's confirmation is younger than one hold.
//!
//! Rows of `listings` and `social_posts` that belong to no publication were written by another program. Such a row keeps its
//! file from being published at its platform. It is looked up there, and adopted as the target's own or given up. Where only
//! a person can tell what the row is, the job is parked for a person, and runs again after [`Publisher::resolve_row`].
//!
//! An update looks its product up by id first. If the product has a key that nobody here has given, a person may have
//! changed the SKU, or the platform may have given the id to a product that was made by hand: the update waits for
//! [`Publisher::resolve_key`]. Where the platform says no key, nothing is known beyond the id, and the product is updated.
//!
//! If the answer to a call was lost and a lookup cannot tell what the call has made, a person says so by
//! [`Publisher::resolve_unknown`].
//!
//! A [`Publisher`] settles unknown outcomes as a [`Queue`](crate::queue) does. If
//! [`OutcomeUnknown`](fieldfen_domain::store::StoreError::OutcomeUnknown) reaches the caller all the same, the caller repeats
//! the call. A step of the protocol is fenced by the token of its reservation. A repeated resolution changes nothing that is
//! so already, and writes one more row of `operator_actions`. [`Publisher::reconcile`] and [`Publisher::repair`] compare anew.

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
mod remote_catalogue;
mod remote_item;
mod reservation;
pub(crate) mod resolve;
mod social_network;
mod status_update;
mod unknown_accounts;
mod unknown_key;
mod untracked_rows;

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
