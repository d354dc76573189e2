//! The folders of originals, print files and previews.

use std::io;
use std::path::{Path, PathBuf};

use fieldfen_domain::file::ContentHash;

use crate::atomic_file;
use crate::picture::Format;
use crate::read_access::ReadAccess;

/// The longest part of an original's name in the new name, in bytes. File systems allow 255 bytes in all.
const MAX_STEM: usize = 100;

/// The folders of the output.
#[derive(Debug, Clone)]
pub(super) struct OutputFolders {
    root: PathBuf,
}

impl OutputFolders {
    /// Creates the missing folders.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let output = Self { root: root.to_owned() };
        for folder in output.folders() {
            ReadAccess::Owner.make_folder(&folder)?;
        }
        Ok(output)
    }

    /// The copy of an original, by its content. It remains if the original is renamed, changed or deleted.
    pub(super) fn original(&self, hash: &ContentHash) -> PathBuf {
        self.root.join("originals").join(hash.to_string())
    }

    /// The print file of this name.
    pub(super) fn print(&self, name: &str) -> PathBuf {
        self.root.join("prints").join(name)
    }

    /// The folder of the previews. They have the names of the print files, and are always JPEG.
    pub(super) fn previews(&self) -> PathBuf {
        self.root.join("previews")
    }

    /// The preview of the print file of this name.
    pub(super) fn preview(&self, name: &str) -> PathBuf {
        self.previews().join(Path::new(name).with_extension("jpg"))
    }

    /// Removes unfinished files of killed programs.
    pub(super) fn sweep(&self) -> io::Result<()> {
        self.folders().iter().try_for_each(|folder| atomic_file::sweep(folder).map(drop))
    }

    fn folders(&self) -> [PathBuf; 3] {
        ["originals", "prints", "previews"].map(|folder| self.root.join(folder))
    }
}

/// The name of the print file of an original: readable, and different for different pictures.
pub(super) fn print_name(original: &str, factor: u32, hash: &ContentHash, format: Format) -> String {
    let stem = Path::new(original).file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let mut name = String::new();
    for c in stem.chars() {
        match c {
            c if c.is_alphanumeric() && name.len() < MAX_STEM => name.extend(c.to_lowercase()),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = if name.is_empty() { "picture" } else { name.trim_end_matches('-') };
    let mut hash = hash.to_string();
    hash.truncate(12);
    format!("{name}-{factor}x-{hash}.{}", format.extension())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable_different_and_never_too_long() {
        let hash = ContentHash::of(b"");
        let name = |original: &str| print_name(original, 4, &hash, Format::Jpeg);
        assert_eq!(name("Red Fox, first snow!.JPEG"), "red-fox-first-snow-4x-e3b0c44298fc.jpg");
        assert_eq!(name("Füchse im Schnee.png"), "füchse-im-schnee-4x-e3b0c44298fc.jpg");
        assert_eq!(name("../../etc/passwd"), "passwd-4x-e3b0c44298fc.jpg");
        assert_eq!(name("---.jpg"), "picture-4x-e3b0c44298fc.jpg");
        assert!(name(&"狐".repeat(200)).len() < 150);
        assert_ne!(name("a.jpg"), print_name("a.jpg", 4, &ContentHash::of(b"x"), Format::Jpeg));
    }
}
