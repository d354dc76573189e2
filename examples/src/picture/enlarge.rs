//! Enlarges a picture in bands of rows.
//!
//! A 24-megapixel photograph, enlarged by four, has more than a gigabyte of pixels. An [`Enlargement`] is never in
//! memory as a whole: the encoders request its rows from top to bottom, and only the present band is in memory.

use std::cell::RefCell;

use image::imageops::FilterType;
use image::{DynamicImage, GenericImageView, ImageBuffer, Pixel};

/// The number of rows in a band: a multiple of the 8 rows that a JPEG encoder requests at a time.
const BAND_ROWS: u32 = 32;

/// The number of rows above and below a band that influence its pixels: the reach of the Lanczos filter, rounded up.
const REACH: u32 = 4;

/// A picture enlarged by an integer factor with a three-lobed Lanczos filter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Enlargement<'a> {
    source: &'a DynamicImage,
    factor: u32,
}

impl<'a> Enlargement<'a> {
    /// Enlarges this picture by this factor, which must be at least 1.
    pub(super) const fn new(source: &'a DynamicImage, factor: u32) -> Self {
        Self { source, factor }
    }

    /// Width and height in pixels.
    pub(super) fn dimensions(&self) -> (u64, u64) {
        let scaled = |side: u32| u64::from(side) * u64::from(self.factor);
        (scaled(self.source.width()), scaled(self.source.height()))
    }

    /// The bands of the enlargement, from top to bottom.
    pub(super) fn bands(&self) -> impl Iterator<Item = DynamicImage> + use<'a> {
        let this = *self;
        (0..this.source.height().div_ceil(BAND_ROWS)).map(move |number| this.band(number))
    }

    /// A view of the enlargement for encoders that request pixels. It keeps one band in memory.
    pub(super) fn view<P: Pixel<Subpixel = u8>>(&self, convert: Convert<P>) -> BandedView<'a, P> {
        BandedView { enlargement: *self, convert, band: RefCell::new((0, convert(self.band(0)))) }
    }

    fn band(&self, number: u32) -> DynamicImage {
        let first = number * BAND_ROWS;
        let rows = BAND_ROWS.min(self.source.height() - first);
        let above = first.min(REACH);
        let below = (self.source.height() - first - rows).min(REACH);
        let (width, factor) = (self.source.width(), self.factor);
        let strip = self.source.crop_imm(0, first - above, width, above + rows + below);
        let strip = strip.resize_exact(width * factor, strip.height() * factor, FilterType::Lanczos3);
        strip.crop_imm(0, above * factor, width * factor, rows * factor)
    }
}

/// Converts a band to pixels of one type.
pub(super) type Convert<P> = fn(DynamicImage) -> ImageBuffer<P, Vec<u8>>;

/// See [`Enlargement::view`].
pub(super) struct BandedView<'a, P: Pixel<Subpixel = u8>> {
    enlargement: Enlargement<'a>,
    convert: Convert<P>,
    band: RefCell<(u32, ImageBuffer<P, Vec<u8>>)>,
}

impl<P: Pixel<Subpixel = u8>> GenericImageView for BandedView<'_, P> {
    type Pixel = P;

    fn dimensions(&self) -> (u32, u32) {
        let (source, factor) = (self.enlargement.source, self.enlargement.factor);
        (source.width() * factor, source.height() * factor)
    }

    fn get_pixel(&self, x: u32, y: u32) -> P {
        let band_height = BAND_ROWS * self.enlargement.factor;
        let number = y / band_height;
        let mut band = self.band.borrow_mut();
        if band.0 != number {
            *band = (number, (self.convert)(self.enlargement.band(number)));
        }
        *band.1.get_pixel(x, y % band_height)
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn picture(width: u32, height: u32) -> DynamicImage {
        DynamicImage::from(RgbImage::from_fn(width, height, |x, y| {
            Rgb([(x * 37 + y * 11) as u8, (x * y) as u8, if (x / 3 + y / 5) % 2 == 0 { 250 } else { 5 }])
        }))
    }

    #[test]
    fn the_bands_together_are_the_whole_enlargement() {
        for (width, height, factor) in [(1, 1, 4), (17, 31, 4), (20, 32, 4), (9, 33, 4), (13, 100, 2), (5, 70, 1)] {
            let source = picture(width, height);
            let whole = source.resize_exact(width * factor, height * factor, FilterType::Lanczos3);
            let mut bytes = Vec::new();
            for band in Enlargement::new(&source, factor).bands() {
                assert_eq!(band.width(), width * factor);
                bytes.extend(band.into_bytes());
            }
            assert!(bytes == whole.as_bytes(), "{width}×{height} by {factor}");
        }
    }

    #[test]
    fn a_view_gives_the_same_pixels_in_any_order() {
        let source = picture(11, 75);
        let whole = source.resize_exact(44, 300, FilterType::Lanczos3).into_rgb8();
        let view = Enlargement::new(&source, 4).view(DynamicImage::into_rgb8);
        assert_eq!(view.dimensions(), (44, 300));
        for (x, y) in [(43, 299), (0, 0), (20, 127), (20, 128), (20, 127), (43, 0)] {
            assert_eq!(view.get_pixel(x, y), *whole.get_pixel(x, y), "({x}, {y})");
        }
    }
}
