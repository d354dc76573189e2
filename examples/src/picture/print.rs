//! Writes print files and previews.

use std::io::{self, Write};
use std::path::Path;

use fieldfen_domain::file::{Dimensions, InvalidDimensions};
use image::codecs::jpeg::{JpegEncoder, PixelDensity};
use image::imageops::FilterType;
use image::{DynamicImage, ImageEncoder, ImageError, RgbImage};
use png::{BitDepth, ColorType, Encoder, EncodingError, Info, PixelDimensions, Unit};

use super::enlarge::Enlargement;
use super::inspect::{Format, Picture};
use crate::atomic_file::AtomicFile;

/// The longer side of a preview, in pixels.
pub const PREVIEW_SIDE: u32 = 1000;

/// The JPEG quality of print files. A higher quality makes larger files without visibly better prints.
const PRINT_QUALITY: u8 = 92;

const PREVIEW_QUALITY: u8 = 82;

/// Enlarges a picture by an integer factor and writes it in its own format. `dpi` is the resolution in dots per inch.
///
/// The file gets its name only when it is complete and flushed to the disk. The function calls `wanted` from time to
/// time and stops as soon as `wanted` returns `false`. It returns the size in pixels.
///
/// # Errors
/// [`NotPrinted`] if the enlargement exceeds the largest size of a picture, if the file cannot be written, or if
/// `wanted` returned `false`.
pub fn write_print(
    picture: &Picture,
    factor: u32,
    dpi: u16,
    destination: &Path,
    wanted: impl Fn() -> bool,
) -> Result<Dimensions, NotPrinted> {
    let enlargement = Enlargement::new(&picture.pixels, factor);
    let size = match enlargement.dimensions() {
        (width, height) if width <= u64::from(u32::MAX) && height <= u64::from(u32::MAX) => {
            Dimensions::new(width as u32, height as u32)
        }
        (width, height) => {
            let side = |side| i64::try_from(side).unwrap_or(i64::MAX);
            Err(InvalidDimensions::Size { width: side(width), height: side(height) })
        }
    };
    let size = size.map_err(|source| NotPrinted::TooLarge {
        width: picture.pixels.width(),
        height: picture.pixels.height(),
        factor,
        source,
    })?;
    let mut file = WhileWanted { file: AtomicFile::create(destination)?, wanted };
    match picture.format {
        Format::Jpeg => write_jpeg(picture, enlargement, dpi, &mut file)?,
        Format::Png => write_png(picture, enlargement, size, dpi, &mut file)?,
    }
    file.file.commit()?;
    Ok(size)
}

/// A writer that fails after `wanted` has returned `false`, since only a write error stops the encoders.
struct WhileWanted<F> {
    file: AtomicFile,
    wanted: F,
}

impl<F: Fn() -> bool> Write for WhileWanted<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.wanted)() { self.file.write(bytes) } else { Err(io::Error::other("it is not wanted any more")) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn write_jpeg(picture: &Picture, enlargement: Enlargement<'_>, dpi: u16, file: impl Write) -> Result<(), NotPrinted> {
    let mut encoder = JpegEncoder::new_with_quality(file, PRINT_QUALITY);
    encoder.set_pixel_density(PixelDensity::dpi(dpi));
    if let Some(profile) = &picture.profile {
        encoder.set_icc_profile(profile.clone()).map_err(|error| NotPrinted::Encode(ImageError::Unsupported(error)))?;
    }
    if picture.pixels.color().has_color() {
        encoder.encode_image(&enlargement.view(DynamicImage::into_rgb8))?;
    } else {
        encoder.encode_image(&enlargement.view(DynamicImage::into_luma8))?;
    }
    Ok(())
}

fn write_png(
    picture: &Picture,
    enlargement: Enlargement<'_>,
    size: Dimensions,
    dpi: u16,
    file: impl Write,
) -> Result<(), NotPrinted> {
    let color = picture.pixels.color();
    let mut info = Info::with_size(size.width(), size.height());
    info.color_type = match (color.has_color(), color.has_alpha()) {
        (false, false) => ColorType::Grayscale,
        (false, true) => ColorType::GrayscaleAlpha,
        (true, false) => ColorType::Rgb,
        (true, true) => ColorType::Rgba,
    };
    let wide = u16::from(color.bytes_per_pixel()) == 2 * u16::from(color.channel_count());
    info.bit_depth = if wide { BitDepth::Sixteen } else { BitDepth::Eight };
    // PNG stores pixels per metre. An inch is 0.0254 metres.
    let per_metre = (f64::from(dpi) / 0.0254).round() as u32;
    info.pixel_dims = Some(PixelDimensions { xppu: per_metre, yppu: per_metre, unit: Unit::Meter });
    info.icc_profile = picture.profile.as_deref().map(Into::into);
    let mut writer = Encoder::with_info(file, info)?.write_header()?;
    let mut stream = writer.stream_writer()?;
    for band in enlargement.bands() {
        let mut bytes = band.into_bytes();
        if wide && cfg!(target_endian = "little") {
            bytes.as_chunks_mut().0.iter_mut().for_each(|sample: &mut [u8; 2]| sample.reverse());
        }
        stream.write_all(&bytes)?;
    }
    stream.finish()?;
    Ok(writer.finish()?)
}

/// Writes a JPEG for the screen. Its longer side has at most [`PREVIEW_SIDE`] pixels. Transparent pixels become white.
///
/// # Errors
/// [`NotPrinted`] if the file cannot be written.
pub fn write_preview(picture: &Picture, destination: &Path) -> Result<(), NotPrinted> {
    let (width, height) = (picture.pixels.width(), picture.pixels.height());
    let scale = f64::from(PREVIEW_SIDE) / f64::from(width.max(height));
    let side = |side: u32| ((f64::from(side) * scale.min(4.0)).round() as u32).max(1);
    let small = picture.pixels.resize_exact(side(width), side(height), FilterType::Lanczos3);
    let small = if small.color().has_alpha() { on_white(&small) } else { small.into_rgb8() };
    let mut file = AtomicFile::create(destination)?;
    let mut encoder = JpegEncoder::new_with_quality(&mut file, PREVIEW_QUALITY);
    if let Some(profile) = picture.profile.as_ref().filter(|_| picture.pixels.color().has_color()) {
        encoder.set_icc_profile(profile.clone()).map_err(|error| NotPrinted::Encode(ImageError::Unsupported(error)))?;
    }
    encoder.encode_image(&small)?;
    Ok(file.commit()?)
}

fn on_white(picture: &DynamicImage) -> RgbImage {
    let picture = picture.to_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0.map(u16::from);
        image::Rgb([red, green, blue].map(|part| ((part * alpha + 255 * (255 - alpha)) / 255) as u8))
    })
}

/// The error of a print file or preview.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotPrinted {
    /// The enlargement exceeds the largest size of a picture.
    #[error("{width}×{height} pixels enlarged by {factor}: {source}")]
    TooLarge {
        /// The width before the enlargement, in pixels.
        width: u32,
        /// The height before the enlargement, in pixels.
        height: u32,
        /// The factor of the enlargement.
        factor: u32,
        /// The limit that the size exceeds.
        source: InvalidDimensions,
    },
    /// The file cannot be written.
    #[error("cannot write the picture: {0}")]
    Write(#[from] io::Error),
    /// The JPEG encoder failed.
    #[error("cannot encode the JPEG file: {0}")]
    Encode(ImageError),
    /// The PNG encoder failed.
    #[error("cannot encode the PNG file: {0}")]
    EncodePng(EncodingError),
}

impl From<ImageError> for NotPrinted {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::IoError(error) => Self::Write(error),
            error => Self::Encode(error),
        }
    }
}

impl From<EncodingError> for NotPrinted {
    fn from(error: EncodingError) -> Self {
        match error {
            EncodingError::IoError(error) => Self::Write(error),
            error => Self::EncodePng(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{GrayAlphaImage, ImageBuffer, Rgb, RgbaImage};

    use super::*;
    use crate::picture::inspect;

    fn sample(name: &str) -> Picture {
        Picture::decode(&fs::read(format!("{}/pictures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()).unwrap()
    }

    #[test]
    fn a_jpeg_is_four_times_as_large_upright_and_has_300_dots_per_inch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fox.jpg");
        let fox = sample("red-fox-first-snow.jpg");
        let size = write_print(&fox, 4, 300, &path, || true).unwrap();
        assert_eq!((size.width(), size.height()), (960, 1200));
        let bytes = fs::read(&path).unwrap();
        // A JFIF header: version 1.2, dots per inch, 300 by 300.
        assert_eq!(&bytes[6..18], b"JFIF\0\x01\x02\x01\x01\x2c\x01\x2c");
        let inspected = inspect(&bytes).unwrap();
        assert_eq!((inspected.format, inspected.orientation, inspected.size), (Format::Jpeg, 1, size));
        let (large, small) = (Picture::decode(&bytes).unwrap().pixels.into_rgb8(), fox.pixels.to_rgb8());
        for (x, y, pixel) in small.enumerate_pixels().step_by(97) {
            let near = large.get_pixel(4 * x + 2, 4 * y + 2);
            let apart = (0..3).map(|part| pixel.0[part].abs_diff(near.0[part])).max().unwrap();
            assert!(apart < 90, "({x}, {y}): {pixel:?} became {near:?}");
        }
    }

    #[test]
    fn a_png_keeps_its_pixel_type_and_has_300_dots_per_inch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any.png");
        let deep = ImageBuffer::from_fn(40, 70, |x, y| Rgb([x as u16 * 1500, y as u16 * 900, 65_535]));
        for pixels in [
            DynamicImage::from(RgbImage::from_pixel(9, 7, Rgb([200, 100, 50]))),
            DynamicImage::from(RgbaImage::from_pixel(9, 7, image::Rgba([200, 100, 50, 128]))),
            DynamicImage::from(GrayAlphaImage::from_pixel(9, 7, image::LumaA([77, 255]))),
            DynamicImage::from(deep),
        ] {
            let picture = Picture { format: Format::Png, pixels, profile: None };
            write_print(&picture, 4, 300, &path, || true).unwrap();
            let bytes = fs::read(&path).unwrap();
            let reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
            let dims = reader.info().pixel_dims.unwrap();
            assert_eq!((dims.xppu, dims.yppu, dims.unit), (11_811, 11_811, Unit::Meter));
            let decoded = Picture::decode(&bytes).unwrap().pixels;
            let expected = picture.pixels.resize_exact(
                picture.pixels.width() * 4,
                picture.pixels.height() * 4,
                FilterType::Lanczos3,
            );
            assert!(decoded == expected, "{:?}", picture.pixels.color());
        }
    }

    #[test]
    fn a_colour_profile_comes_along() {
        let folder = tempfile::tempdir().unwrap();
        let mut profile = vec![7; 200];
        profile[16..20].copy_from_slice(b"RGB ");
        for format in [Format::Jpeg, Format::Png] {
            let path = folder.path().join(format!("picture.{}", format.extension()));
            let pixels = DynamicImage::from(RgbImage::from_pixel(8, 8, Rgb([1, 2, 3])));
            let picture = Picture { format, pixels, profile: Some(profile.clone()) };
            write_print(&picture, 2, 300, &path, || true).unwrap();
            assert_eq!(Picture::decode(&fs::read(&path).unwrap()).unwrap().profile, Some(profile.clone()), "{format}");
        }
    }

    #[test]
    fn an_enlargement_beyond_the_largest_picture_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let pixels = DynamicImage::from(RgbImage::new(16_384, 1));
        let picture = Picture { format: Format::Jpeg, pixels, profile: None };
        let error = write_print(&picture, 4, 300, &folder.path().join("wide.jpg"), || true).unwrap_err();
        assert_eq!(
            error.to_string(),
            "16384×1 pixels enlarged by 4: a picture of 65536×4 pixels: each side must be between 1 and 65535"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn work_that_is_not_wanted_any_more_is_given_up_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["red-fox-first-snow.jpg", "barn-owl-full-moon.png"] {
            let asked = std::cell::Cell::new(0);
            let wanted = || asked.replace(asked.get() + 1) < 3;
            let error = write_print(&sample(name), 4, 300, &folder.path().join(name), wanted).unwrap_err();
            assert_eq!(error.to_string(), "cannot write the picture: it is not wanted any more", "{name}");
            assert!(asked.get() >= 4);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn previews_are_small_and_never_transparent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preview.jpg");
        for (width, height, expected) in [(4000, 20, (1000, 5)), (1, 1, (4, 4)), (50, 500, (100, 1000))] {
            let pixels = DynamicImage::from(RgbaImage::from_pixel(width, height, image::Rgba([0, 0, 0, 0])));
            write_preview(&Picture { format: Format::Png, pixels, profile: None }, &path).unwrap();
            let preview = Picture::decode(&fs::read(&path).unwrap()).unwrap().pixels.into_rgb8();
            assert_eq!(preview.dimensions(), expected);
            assert!(preview.pixels().all(|pixel| pixel.0.iter().all(|&part| part > 250)));
        }
    }
}
