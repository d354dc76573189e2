//! Paints the sample pictures of the pipeline example: `cargo run --example paint_samples [-- FOLDER]`.
//!
//! This program made the pictures in the repository. It uses no random source, so that it paints the same pictures
//! every time.

mod animals;
mod canvas;
mod scenes;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageEncoder, RgbImage};

fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/pictures")), PathBuf::from);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    jpeg(&folder, "whitetail-deer-morning-mist.jpg", scenes::deer_in_mist(), 1)?;
    jpeg(&folder, "red-fox-first-snow.jpg", scenes::fox_in_snow(), 6)?;
    jpeg(&folder, "grey-heron-evening-pond.jpg", scenes::heron_at_pond(), 8)?;
    jpeg(&folder, "brown-bear-autumn-ridge.jpg", scenes::bear_on_ridge(), 1)?;
    png(&folder, "barn-owl-full-moon.png", &scenes::owl_at_night())?;
    png(&folder, "brown-hare-summer-meadow.png", &scenes::hare_in_meadow())
}

/// Writes a JPEG like a camera that was held on its side: the pixels are turned, and the EXIF orientation turns them
/// back.
fn jpeg(folder: &Path, name: &str, picture: RgbImage, orientation: u8) -> anyhow::Result<()> {
    let picture = DynamicImage::from(picture);
    let stored = match orientation {
        6 => picture.rotate270(),
        8 => picture.rotate90(),
        _ => picture,
    };
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 85);
    if orientation != 1 {
        encoder.set_exif_metadata(exif(orientation))?;
    }
    encoder.encode_image(&stored)?;
    fs::write(folder.join(name), bytes).with_context(|| format!("cannot write {name}"))
}

fn png(folder: &Path, name: &str, picture: &RgbImage) -> anyhow::Result<()> {
    picture.save(folder.join(name)).with_context(|| format!("cannot write {name}"))
}

/// The smallest EXIF block: a little-endian TIFF with one entry, tag 0x0112 (orientation), of type SHORT.
fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0".to_vec();
    tiff.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    tiff.extend([0; 4]);
    tiff
}
