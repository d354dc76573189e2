//! Listing and posting, each thing once.
//!
//! A crash between a platform's answer and our own row would publish twice. So the intent is written down first:
//!
//! ```text
//! reserve ──▶ call ──▶ confirm        the platform has it: the row, and the file's move
//!                  ├─▶ release        a definite no: the target is free again
//!                  └─▶ mark unknown   no answer ──▶ look up ──▶ confirm, or reserve anew
//! ```
//!
//! [`Publisher`] runs that protocol for the jobs `CreateListing` and `PublishSocial`; [`Publisher::reserve`] gives out
//! its steps as values that have to be spent, for programs that call platforms by themselves.
//!
//! What is promised: at most one product per file and target is known as live, and a second one that came about all the
//! same (an answer after its time, a platform that forgets keys) is taken down as soon as it is seen, by the job that
//! comes back or by [`Publisher::reconcile`]. Nothing is taken down before the one that stays has been seen at the
//! platform; where that one is gone, the oldest copy takes its place. What has another key, or none, is left alone.
//!
//! A lookup that does not show what was confirmed less than one hold ago says nothing: platforms' lists and searches lag
//! behind their own answers.
//!
//! What another program has listed or posted stands in the way too: a row of `listings` or `social_posts` that belongs to
//! no publication is looked up at the platform, and adopted as the target's own or given up. Where that is not clear, the
//! job fails as one that waits for a person, and runs again after [`Publisher::resolve`].
//!
//! An update looks its product up by id first. If the product has a key that nobody here has given, a person may have
//! changed the SKU, or the platform may have given the id to a product that was made by hand: the update waits for
//! [`Publisher::resolve_key`]. Where the platform says no key, nothing is known beyond the id, and the product is updated.
//!
//! A [`Publisher`] settles unknown outcomes as a [`Queue`](crate::queue) does. Where
//! [`OutcomeUnknown`](fieldfen_domain::store::StoreError::OutcomeUnknown) reaches the caller all the same, nothing has to be
//! looked for. A step of the protocol is fenced by the token of its reservation. [`Publisher::resolve`],
//! [`Publisher::nothing_is_there`] and [`Publisher::resolve_key`] are said again: the repetition changes nothing that is so
//! already, and is one more row in `operator_actions`. [`Publisher::mend`] and [`Publisher::reconcile`] are run again: they
//! compare anew.

mod accounts;
mod channels;
pub mod conformance;
mod copies;
mod error;
mod found;
mod handlers;
mod lookup;
mod mend;
mod news;
mod other_key;
mod outcome;
mod platforms;
mod publisher;
mod recent;
mod reconcile;
mod reconciling;
mod reservation;
mod resolve;
mod unclaimed;

pub use error::PublishError;
pub use found::{Found, FoundState};
pub use mend::{Mended, NotMended};
pub use news::{NewsTaken, Updating, listing_news};
pub use other_key::{KeyResolution, KeyResolved};
pub use outcome::Publishing;
pub use platforms::{CallError, Marketplace, Message, Offer, Post, Product, ProductPage, SocialNetwork};
pub use publisher::Publisher;
pub use reconcile::{Difference, Duplicate, Reconciliation, Stray};
pub use reconciling::Reconcile;
pub use reservation::{Attempt, Reservation, Settled, Unresolved};
pub use resolve::{NothingThere, Resolution, Resolved};
