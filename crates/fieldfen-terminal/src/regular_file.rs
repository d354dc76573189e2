//! Opens regular files at paths where other users may have put something else.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a regular file. For anything else at the path, the error names its kind: a symbolic link is not followed, and
/// opening a FIFO does not block.
///
/// # Errors
/// Any error of the operating system, and [`io::ErrorKind::InvalidInput`] if the path is not a regular file.
pub fn open_regular_file(options: &OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has the flags"))]
    let mut options = options.clone();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    let other = |kind: FileType| io::Error::new(io::ErrorKind::InvalidInput, format!("{} is there", file_kind(kind)));
    let file = options.open(path).map_err(|error| match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => other(found.file_type()),
        _ => error,
    })?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() { Ok(file) } else { Err(other(kind)) }
}

/// Returns whether the mode of a file lets every user of the machine read it.
#[cfg(unix)]
#[must_use]
pub fn is_readable_by_all(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o004 != 0
}

/// Returns `false`, since files have no mode on this system.
#[cfg(not(unix))]
#[must_use]
pub const fn is_readable_by_all(_: &Metadata) -> bool {
    false
}

/// The kind of a file in words, for example `a folder`.
#[must_use]
pub fn file_kind(kind: FileType) -> &'static str {
    if kind.is_file() {
        return "a file";
    }
    if kind.is_dir() {
        return "a folder";
    }
    if kind.is_symlink() {
        return "a symbolic link";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
    }
    "a device"
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn links_pipes_sockets_and_folders_are_refused_at_once_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "text").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        for options in [File::options().read(true), File::options().write(true).create(true)] {
            for (name, says) in [
                ("link", "a symbolic link"),
                ("loop", "a symbolic link"),
                ("pipe", "a pipe"),
                ("socket", "a socket"),
                ("folder", "a folder"),
            ] {
                let error = open_regular_file(options, &at(name)).unwrap_err();
                assert!(error.kind() == io::ErrorKind::InvalidInput && error.to_string().contains(says), "{error}");
            }
            open_regular_file(options, &at("file")).unwrap();
        }
        let missing = open_regular_file(File::options().read(true), &at("none")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
