//! The file `fieldfen.toml` in the current folder.

use std::io;
use std::path::Path;

use fieldfen_services::shop::{Shop, ShopFile, ShopFileError};

/// The path of the file.
pub(crate) const PATH: &str = "fieldfen.toml";

/// Reads the file at this path; `None` if nothing has the path, not even a link.
pub(crate) fn read(path: &Path) -> Result<Option<ShopFile>, ShopFileError> {
    match ShopFile::read(path) {
        Err(ShopFileError::Unreadable { source, .. })
            if source.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() =>
        {
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// The rules of the shop in the current folder; the default rules without a file.
pub(crate) fn rules() -> Result<Shop, ShopFileError> {
    match read(Path::new(PATH))? {
        Some(file) => file.shop(),
        None => Ok(Shop::new()),
    }
}
