//! Sets which users may read the files and folders of a program.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// The users that may read a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadAccess {
    /// The user who made it.
    #[default]
    Owner,
    /// Every user of the machine: a web server, for example.
    Everybody,
}

impl ReadAccess {
    /// Creates a folder and its missing parents.
    ///
    /// # Errors
    /// The error of the operating system, with the folder.
    pub fn make_folder(self, path: &Path) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, self.folder_mode());
        builder.create(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    /// Gives these readers access to an open file.
    #[cfg(unix)]
    pub(crate) fn admit_to(self, file: &File) -> io::Result<()> {
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(self.folder_mode() & 0o666))
    }

    /// Gives these readers access to a folder and the files in it, but not to folders in it.
    #[cfg(unix)]
    pub(crate) fn admit_to_folder(self, path: &Path) -> io::Result<()> {
        let mode = std::os::unix::fs::PermissionsExt::from_mode;
        fs::set_permissions(path, mode(self.folder_mode()))?;
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_type()?.is_file() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
                fs::set_permissions(entry.path(), mode(self.folder_mode() & 0o666))?;
            }
        }
        Ok(())
    }

    #[cfg(unix)]
    const fn folder_mode(self) -> u32 {
        match self {
            Self::Owner => 0o700,
            Self::Everybody => 0o755,
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "only Unix has modes")]
    pub(crate) fn admit_to(self, _: &File) -> io::Result<()> {
        Ok(())
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "only Unix has modes")]
    pub(crate) fn admit_to_folder(self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// Makes these options create a file that only its owner can access.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
