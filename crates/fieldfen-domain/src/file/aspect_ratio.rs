//! The shape of a picture, and the print variants that it fits.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest accepted side, in pixels: the maximum that a JPEG can declare (ISO/IEC 10918-1, B.2.2).
pub const MAX_SIDE: u32 = 65_535;

/// The largest relative difference between a picture and a named ratio.
const TOLERANCE: f64 = 0.005;

/// The error of 64-bit division, so that a difference of exactly half a percent is within the tolerance.
const ROUNDING: f64 = 1e-9;

/// The named landscape and square ratios: name, width / height. The portraits are their mirror images.
const NAMED: [(&str, &str, f64); 8] = [
    ("1:1", "1:1", 1.0),
    ("5:4", "4:5", 5.0 / 4.0),
    ("14:11", "11:14", 14.0 / 11.0),
    ("4:3", "3:4", 4.0 / 3.0),
    ("7:5", "5:7", 7.0 / 5.0),
    ("√2:1", "1:√2", std::f64::consts::SQRT_2),
    ("3:2", "2:3", 3.0 / 2.0),
    ("16:9", "9:16", 16.0 / 9.0),
];

/// Width and height of a picture as it is displayed, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Dimensions {
    width: u32,
    height: u32,
}

impl Dimensions {
    /// The size of a picture that is stored upright.
    ///
    /// # Errors
    /// [`InvalidDimensions`] if a side is zero or above [`MAX_SIDE`].
    pub fn new(width: u32, height: u32) -> Result<Self, InvalidDimensions> {
        if (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height) {
            Ok(Self { width, height })
        } else {
            Err(InvalidDimensions::Size { width: width.into(), height: height.into() })
        }
    }

    /// The size of a picture stored as `width` × `height` with this EXIF orientation.
    ///
    /// Orientations 5 to 8 lay the picture on its side, so that width and height change places
    /// (CIPA DC-008, tag 0x0112 `Orientation`).
    ///
    /// # Errors
    /// [`InvalidDimensions`] as for [`Dimensions::new`], and for an orientation outside 1 to 8.
    pub fn with_orientation(width: u32, height: u32, orientation: u8) -> Result<Self, InvalidDimensions> {
        match orientation {
            1..=4 => Self::new(width, height),
            5..=8 => Self::new(height, width),
            _ => Err(InvalidDimensions::Orientation(orientation)),
        }
    }

    /// Width in pixels.
    #[must_use]
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub const fn height(self) -> u32 {
        self.height
    }

    /// The shape of this size.
    #[must_use]
    pub fn aspect_ratio(self) -> AspectRatio {
        let ratio = f64::from(self.width) / f64::from(self.height);
        let (landscape, portrait) = (ratio.max(1.0 / ratio), ratio < 1.0);
        let nearest =
            NAMED.iter().map(|entry| (entry, (landscape / entry.2 - 1.0).abs())).min_by(|a, b| a.1.total_cmp(&b.1));
        match nearest {
            Some((&(name, mirrored, _), distance)) if distance <= TOLERANCE + ROUNDING => {
                AspectRatio::Named(if portrait { mirrored } else { name })
            }
            _ => {
                let divisor = greatest_common_divisor(self.width, self.height);
                AspectRatio::Unnamed { width: self.width / divisor, height: self.height / divisor }
            }
        }
    }
}

impl TryFrom<(u32, u32)> for Dimensions {
    type Error = InvalidDimensions;

    fn try_from((width, height): (u32, u32)) -> Result<Self, InvalidDimensions> {
        Self::new(width, height)
    }
}

impl From<Dimensions> for (u32, u32) {
    fn from(size: Dimensions) -> Self {
        (size.width, size.height)
    }
}

impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}×{}", self.width, self.height))
    }
}

/// The shape of a picture.
///
/// Written as in `files.aspect_ratio`: `3:2` for a named ratio (`√2:1` and `1:√2` for ISO paper), the reduced
/// fraction for any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AspectRatio {
    /// Within 0.5 % of a ratio that prints are sold in.
    Named(&'static str),
    /// None of them: the reduced fraction. Prints of this picture need cropping or a border.
    Unnamed {
        /// Width after reduction.
        width: u32,
        /// Height after reduction.
        height: u32,
    },
}

impl AspectRatio {
    /// The print sizes in inches that this shape fills without cropping, smallest first; none for an unnamed one.
    ///
    /// ISO sizes are A5 to A2 (ISO 216), rounded to tenths of an inch. The sizes are those that frame and poster
    /// shops commonly stock.
    #[must_use]
    pub fn print_variants(self) -> &'static [&'static str] {
        let Self::Named(name) = self else { return &[] };
        match name {
            "1:1" => &["8x8", "12x12", "16x16"],
            "5:4" => &["10x8", "20x16", "30x24"],
            "4:5" => &["8x10", "16x20", "24x30"],
            "14:11" => &["14x11", "28x22"],
            "11:14" => &["11x14", "22x28"],
            "4:3" => &["12x9", "24x18", "40x30"],
            "3:4" => &["9x12", "18x24", "30x40"],
            "7:5" => &["7x5", "14x10", "28x20"],
            "5:7" => &["5x7", "10x14", "20x28"],
            "√2:1" => &["8.3x5.8", "11.7x8.3", "16.5x11.7", "23.4x16.5"],
            "1:√2" => &["5.8x8.3", "8.3x11.7", "11.7x16.5", "16.5x23.4"],
            "3:2" => &["12x8", "18x12", "36x24"],
            "2:3" => &["8x12", "12x18", "24x36"],
            "16:9" => &["16x9", "32x18"],
            "9:16" => &["9x16", "18x32"],
            _ => &[],
        }
    }

    /// The shape that fills a print of this size in inches, for example `3:2` for `12x8`; `None` if the text is not
    /// such a size.
    #[must_use]
    pub fn of_print_variant(variant: &str) -> Option<Self> {
        let mut all = NAMED.iter().flat_map(|(landscape, portrait, _)| [Self::Named(landscape), Self::Named(portrait)]);
        all.find(|shape| shape.print_variants().contains(&variant))
    }
}

impl FromStr for AspectRatio {
    type Err = InvalidAspectRatio;

    /// Reads a ratio as it is written in `files.aspect_ratio`.
    fn from_str(text: &str) -> Result<Self, InvalidAspectRatio> {
        let names = NAMED.iter().flat_map(|(landscape, portrait, _)| [*landscape, *portrait]);
        if let Some(name) = names.into_iter().find(|name| *name == text) {
            return Ok(Self::Named(name));
        }
        let side = |text: &str| text.parse().ok();
        let shape = text
            .split_once(':')
            .and_then(|(width, height)| Dimensions::new(side(width)?, side(height)?).ok())
            .map(Dimensions::aspect_ratio);
        match shape {
            Some(shape) if shape.to_string() == text => Ok(shape),
            shape => Err(InvalidAspectRatio { value: text.to_owned(), meant: shape.map(|shape| shape.to_string()) }),
        }
    }
}

impl Serialize for AspectRatio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AspectRatio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        // The visitor itself refuses invalid texts, so that formats with positions report the position of this value.
        impl Visitor<'_> for Text {
            type Value = AspectRatio;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an aspect ratio such as \"3:2\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<AspectRatio, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// The error of a text that is not an aspect ratio, or not in its only accepted form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidAspectRatio {
    /// The given text.
    pub value: String,
    /// The ratio in its accepted form; `None` if the text contains no ratio.
    pub meant: Option<String>,
}

impl fmt::Display for InvalidAspectRatio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "aspect ratio {:?}: ", self.value)?;
        match &self.meant {
            Some(meant) => write!(f, "it must be written {meant:?}, as in files.aspect_ratio"),
            None => f.write_str("it must be width:height, for example 3:2"),
        }
    }
}

impl std::error::Error for InvalidAspectRatio {}

impl fmt::Display for AspectRatio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.pad(name),
            Self::Unnamed { width, height } => f.pad(&format!("{width}:{height}")),
        }
    }
}

/// The error of a size that no picture has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDimensions {
    /// A side is zero or too large.
    #[error("a picture of {width}×{height} pixels: each side must be between 1 and {MAX_SIDE}")]
    Size {
        /// The given width, in pixels.
        width: i64,
        /// The given height, in pixels.
        height: i64,
    },
    /// The orientation is not one of EXIF.
    #[error("EXIF orientation {0}: it must be between 1 and 8")]
    Orientation(u8),
}

const fn greatest_common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(width: u32, height: u32) -> String {
        Dimensions::new(width, height).unwrap().aspect_ratio().to_string()
    }

    #[test]
    fn camera_sizes_get_their_names() {
        for (width, height, expected) in [
            (6000, 4000, "3:2"),
            (4000, 6000, "2:3"),
            (4032, 3024, "4:3"),
            (1080, 1350, "4:5"),
            (1920, 1080, "16:9"),
            (2480, 3508, "1:√2"),
            (3508, 2480, "√2:1"),
            (1400, 1100, "14:11"),
            (5, 7, "5:7"),
            (1, 1, "1:1"),
            (65_535, 65_535, "1:1"),
        ] {
            assert_eq!(name(width, height), expected, "{width}×{height}");
        }
    }

    #[test]
    fn half_a_percent_is_the_border_and_portraits_mirror_landscapes() {
        assert_eq!(name(3015, 2000), "3:2");
        assert_eq!(name(3016, 2000), "377:250");
        for width in 1..300 {
            let landscape = Dimensions::new(width + 300, 300).unwrap().aspect_ratio();
            let portrait = Dimensions::new(300, width + 300).unwrap().aspect_ratio();
            match (landscape, portrait) {
                (AspectRatio::Named(a), AspectRatio::Named(b)) => {
                    assert!(NAMED.iter().any(|entry| (entry.0, entry.1) == (a, b)));
                }
                (AspectRatio::Unnamed { width: a, height: b }, AspectRatio::Unnamed { width, height }) => {
                    assert_eq!((a, b), (height, width));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn named_shapes_have_print_variants_and_others_none() {
        for (landscape, portrait, _) in NAMED {
            assert!(!AspectRatio::Named(landscape).print_variants().is_empty());
            assert!(!AspectRatio::Named(portrait).print_variants().is_empty());
        }
        assert!(AspectRatio::Unnamed { width: 21, height: 9 }.print_variants().is_empty());
    }

    #[test]
    fn a_ratio_is_read_as_it_is_written() {
        for (width, height) in [(6000, 4000), (2480, 3508), (21, 9), (377, 250)] {
            let shape = Dimensions::new(width, height).unwrap().aspect_ratio();
            assert_eq!(shape.to_string().parse(), Ok(shape));
            assert_eq!(serde_json::from_str::<AspectRatio>(&serde_json::to_string(&shape).unwrap()).unwrap(), shape);
        }
        for (text, meant) in
            [("8:10", Some("4:5")), ("42:18", Some("7:3")), ("+3:2", Some("3:2")), ("0:1", None), ("x", None)]
        {
            assert_eq!(text.parse::<AspectRatio>().unwrap_err().meant.as_deref(), meant, "{text}");
        }
    }

    #[test]
    fn a_print_size_belongs_to_one_shape() {
        for (landscape, portrait, _) in NAMED {
            for shape in [AspectRatio::Named(landscape), AspectRatio::Named(portrait)] {
                for variant in shape.print_variants() {
                    assert_eq!(AspectRatio::of_print_variant(variant), Some(shape), "{variant}");
                }
            }
        }
        assert_eq!(AspectRatio::of_print_variant("canvas"), None);
    }

    #[test]
    fn orientations_5_to_8_swap_the_sides() {
        for orientation in 1..=8 {
            let size = Dimensions::with_orientation(300, 200, orientation).unwrap();
            let expected = if orientation <= 4 { (300, 200) } else { (200, 300) };
            assert_eq!((size.width(), size.height()), expected, "orientation {orientation}");
        }
    }

    #[test]
    fn absurd_sizes_are_named() {
        assert_eq!(
            Dimensions::new(0, 10).unwrap_err().to_string(),
            "a picture of 0×10 pixels: each side must be between 1 and 65535"
        );
        assert!(Dimensions::new(65_536, 1).is_err());
        assert!(Dimensions::with_orientation(1, 1, 0).is_err());
        assert!(Dimensions::with_orientation(1, 1, 9).is_err());
        assert!(serde_json::from_str::<Dimensions>("[0,1]").is_err());
    }
}
