//! Reads the format, the size and the orientation of a picture.

use std::fmt;
use std::io::Cursor;

use fieldfen_domain::file::{Dimensions, InvalidDimensions};
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, guess_format};

use super::completeness::{jpeg_is_complete, png_is_complete};

/// The most memory for the pixels of one picture, in bytes. It suffices for 89 megapixels of 8-bit colour.
pub const MAX_DECODED_BYTES: u64 = 256 << 20;

/// The accepted formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

impl Format {
    /// The file name extension of the format.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
        })
    }
}

/// The format, orientation and size from the header of a picture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureHeader {
    /// The format of the content. The file's name does not count.
    pub format: Format,
    /// The EXIF orientation, 1 to 8.
    pub orientation: u8,
    /// The size in pixels after the orientation was applied.
    pub size: Dimensions,
}

/// Reads the header of a picture without decoding the pixels.
///
/// # Errors
/// [`UnusablePicture`] if the file is not a picture, is truncated, or needs more than [`MAX_DECODED_BYTES`].
pub fn inspect(bytes: &[u8]) -> Result<PictureHeader, UnusablePicture> {
    open(bytes).map(|(inspected, _)| inspected)
}

/// A decoded picture in upright orientation.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The format of the source file.
    pub format: Format,
    /// The pixels after the orientation was applied.
    pub pixels: DynamicImage,
    /// The ICC colour profile, if its colour space is that of the pixels.
    pub profile: Option<Vec<u8>>,
}

impl Picture {
    /// Decodes a picture and applies its orientation.
    ///
    /// # Errors
    /// [`UnusablePicture`] as for [`inspect`], and if the pixel data is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, UnusablePicture> {
        let (PictureHeader { format, .. }, mut decoder) = open(bytes)?;
        let damaged = |source| UnusablePicture::Damaged { format, source };
        let orientation = decoder.orientation().map_err(damaged)?;
        let profile = decoder.icc_profile().map_err(damaged)?;
        let mut pixels = DynamicImage::from_decoder(decoder).map_err(damaged)?;
        pixels.apply_orientation(orientation);
        let space: &[u8] = if pixels.color().has_color() { b"RGB " } else { b"GRAY" };
        // A profile names its colour space in bytes 16 to 19 (ICC.1, 7.2). A CMYK profile does not fit a CMYK picture
        // that was decoded to RGB.
        let profile = profile.filter(|profile| profile.get(16..20) == Some(space));
        Ok(Self { format, pixels, profile })
    }
}

fn open(bytes: &[u8]) -> Result<(PictureHeader, impl ImageDecoder), UnusablePicture> {
    if bytes.is_empty() {
        return Err(UnusablePicture::Empty);
    }
    let (format, complete) = match guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => (Format::Jpeg, jpeg_is_complete(bytes)),
        Ok(ImageFormat::Png) => (Format::Png, png_is_complete(bytes)),
        Ok(other) => return Err(UnusablePicture::OtherFormat(other)),
        Err(_) => return Err(UnusablePicture::NotAPicture),
    };
    if !complete {
        return Err(UnusablePicture::CutOff(format));
    }
    let damaged = |source| UnusablePicture::Damaged { format, source };
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| damaged(e.into()))?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let needed = decoder.total_bytes();
    if needed > MAX_DECODED_BYTES {
        return Err(UnusablePicture::TooLarge { width, height, needed });
    }
    let orientation = decoder.orientation().map_err(damaged)?.to_exif();
    let size = Dimensions::with_orientation(width, height, orientation)?;
    Ok((PictureHeader { format, orientation, size }, decoder))
}

/// A file that cannot be used as a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnusablePicture {
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The content is not a picture.
    #[error("not a picture: neither JPEG nor PNG")]
    NotAPicture,
    /// The picture has a format that is not accepted.
    #[error("a picture in the format {0:?}: only JPEG and PNG are accepted")]
    OtherFormat(ImageFormat),
    /// The file is truncated.
    #[error("a {0} file whose end is missing: copy it again from where it came from")]
    CutOff(Format),
    /// The pixel data cannot be decoded.
    #[error("a damaged {format} file: {source}")]
    Damaged {
        /// The format of the file.
        format: Format,
        /// The decoder's error.
        source: ImageError,
    },
    /// The pixels would need too much memory.
    #[error("{width}×{height} pixels would take {needed} bytes of memory; at most {MAX_DECODED_BYTES} are allowed")]
    TooLarge {
        /// Stored width in pixels.
        width: u32,
        /// Stored height in pixels.
        height: u32,
        /// The memory that the pixels would need, in bytes.
        needed: u64,
    },
    /// Width or height is outside the domain's limits.
    #[error(transparent)]
    Dimensions(#[from] InvalidDimensions),
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn sample(name: &str) -> Vec<u8> {
        fs::read(format!("{}/pictures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn the_samples_are_what_they_are_said_to_be() {
        for (name, format, orientation, size, ratio) in [
            ("whitetail-deer-morning-mist.jpg", Format::Jpeg, 1, (360, 240), "3:2"),
            ("red-fox-first-snow.jpg", Format::Jpeg, 6, (240, 300), "4:5"),
            ("grey-heron-evening-pond.jpg", Format::Jpeg, 8, (240, 320), "3:4"),
            ("brown-bear-autumn-ridge.jpg", Format::Jpeg, 1, (336, 240), "7:5"),
            ("barn-owl-full-moon.png", Format::Png, 1, (240, 240), "1:1"),
            ("brown-hare-summer-meadow.png", Format::Png, 1, (320, 180), "16:9"),
        ] {
            let inspected = inspect(&sample(name)).unwrap();
            assert_eq!((inspected.format, inspected.orientation), (format, orientation), "{name}");
            assert_eq!(<(u32, u32)>::from(inspected.size), size, "{name}");
            assert_eq!(inspected.size.aspect_ratio().to_string(), ratio, "{name}");
            let picture = Picture::decode(&sample(name)).unwrap();
            assert_eq!((picture.pixels.width(), picture.pixels.height()), size, "{name}");
        }
    }

    #[test]
    fn turned_pictures_are_decoded_the_right_way_up() {
        for name in ["red-fox-first-snow.jpg", "grey-heron-evening-pond.jpg"] {
            let pixels = Picture::decode(&sample(name)).unwrap().pixels.to_rgb8();
            let blueness = |y: u32| {
                let row = (0..pixels.width()).map(|x| pixels.get_pixel(x, y).0);
                row.map(|[red, _, blue]| i64::from(blue) - i64::from(red)).sum::<i64>()
            };
            // In both pictures, the sky is bluest at the upper edge.
            assert!(blueness(0) > blueness(pixels.height() / 2) + 1000, "{name}");
        }
    }

    #[test]
    fn each_unusable_file_has_its_own_reason() {
        let reason = |bytes: &[u8]| inspect(bytes).unwrap_err().to_string();
        assert_eq!(reason(b""), "the file is empty");
        assert_eq!(reason(b"Dear diary"), "not a picture: neither JPEG nor PNG");
        assert_eq!(reason(b"GIF89a\x01\x00"), "a picture in the format Gif: only JPEG and PNG are accepted");
        let deer = sample("whitetail-deer-morning-mist.jpg");
        assert_eq!(
            reason(&deer[..deer.len() / 2]),
            "a JPEG file whose end is missing: copy it again from where it came from"
        );
        let owl = sample("barn-owl-full-moon.png");
        assert!(reason(&owl[..owl.len() - 1]).starts_with("a PNG file whose end is missing"));
    }

    #[test]
    fn damage_inside_a_whole_file_is_found_when_it_is_decoded() {
        let mut owl = sample("barn-owl-full-moon.png");
        let middle = owl.len() / 2;
        owl[middle] ^= 0xff;
        assert!(inspect(&owl).is_ok());
        let error = Picture::decode(&owl).unwrap_err().to_string();
        assert!(error.starts_with("a damaged PNG file: "), "{error}");
    }

    #[test]
    fn a_picture_that_would_fill_the_memory_is_refused_with_its_size() {
        let mut bomb = Vec::new();
        let mut encoder = png::Encoder::new(&mut bomb, 60_000, 60_000);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        // The structure of the file is complete: it has one data chunk, and dropping the writer adds the end chunk.
        writer.write_chunk(png::chunk::IDAT, &[0; 8]).unwrap();
        drop(writer);
        let error = inspect(&bomb).unwrap_err().to_string();
        assert!(error.contains("60000×60000") && error.contains("10800000000"), "{error}");
    }
}
