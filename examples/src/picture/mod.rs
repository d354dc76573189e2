//! Reads pictures and makes print files and previews.

mod completeness;
mod enlarge;
mod inspect;
mod print;

pub use inspect::{Format, MAX_DECODED_BYTES, Picture, PictureHeader, UnusablePicture, inspect};
pub use print::{NotPrinted, PREVIEW_SIDE, write_preview, write_print};
