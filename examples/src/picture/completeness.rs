//! Checks by its structure whether a picture file is complete.
//!
//! A decoder does not report a truncated JPEG: it fills the missing part with grey and succeeds.

/// Returns whether a JPEG file reaches its end-of-image marker.
///
/// The function skips segments by their length, so that the end marker of an embedded thumbnail does not count. Bytes
/// after the end are allowed, because cameras append data (ISO/IEC 10918-1, B.1 and B.2).
pub(super) fn jpeg_is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        // Any number of fill bytes may precede a marker. Each marker also begins with the value of a fill byte.
        while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        let (Some(0xff), Some(&marker)) = (bytes.get(at), bytes.get(at + 1)) else { return false };
        at += 2;
        match marker {
            0xd9 => return true,
            0x01 | 0xd0..=0xd8 => {}
            _ => {
                let (Some(&high), Some(&low)) = (bytes.get(at), bytes.get(at + 1)) else { return false };
                at += usize::from(u16::from_be_bytes([high, low]));
                if marker == 0xda {
                    match end_of_scan(bytes, at) {
                        Some(next) => at = next,
                        None => return false,
                    }
                }
            }
        }
    }
}

/// The end of a scan's coded data: the first marker that is neither a stuffed zero nor a restart marker.
fn end_of_scan(bytes: &[u8], from: usize) -> Option<usize> {
    let data = bytes.get(from..)?;
    let end = data.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff))?;
    Some(from + end)
}

/// Returns whether a PNG file reaches its end chunk (ISO/IEC 15948, 5.3). The decoder checks the checksums.
pub(super) fn png_is_complete(bytes: &[u8]) -> bool {
    let mut at = 8;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let end = usize::try_from(length).ok().and_then(|length| at.checked_add(12)?.checked_add(length));
        match end {
            Some(end) if end <= bytes.len() => at = end,
            _ => return false,
        }
        if &head[4..] == b"IEND" {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat, RgbImage};

    use super::*;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let picture = RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8 * 6, y as u8 * 8, (x * y) as u8]));
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::from(picture).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn whole_files_are_complete_and_no_beginning_of_one_is() {
        for (format, complete) in [
            (ImageFormat::Jpeg, jpeg_is_complete as fn(&[u8]) -> bool),
            (ImageFormat::Png, png_is_complete as fn(&[u8]) -> bool),
        ] {
            let bytes = encoded(format);
            assert!(complete(&bytes));
            for length in 0..bytes.len() {
                assert!(!complete(&bytes[..length]), "{format:?} cut to {length} of {} bytes", bytes.len());
            }
        }
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end_of_the_picture() {
        let bytes = encoded(ImageFormat::Jpeg);
        let mut with_thumbnail = bytes[..2].to_vec();
        with_thumbnail.extend([0xff, 0xe1, 0, 6, 0xff, 0xd8, 0xff, 0xd9]);
        with_thumbnail.extend(&bytes[2..]);
        assert!(jpeg_is_complete(&with_thumbnail));
        assert!(!jpeg_is_complete(&with_thumbnail[..with_thumbnail.len() - 2]));
    }

    #[test]
    fn what_follows_the_end_does_no_harm_and_lengths_beyond_the_file_are_no_end() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let mut bytes = encoded(format);
            bytes.extend(b"a trailer of the camera");
            assert!(if format == ImageFormat::Png { png_is_complete(&bytes) } else { jpeg_is_complete(&bytes) });
        }
        assert!(!png_is_complete(b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT"));
    }
}
