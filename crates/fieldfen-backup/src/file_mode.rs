//! The file mode of a backup.

/// The default mode of a backup: only its owner may read it.
pub const PRIVATE: u32 = 0o600;

/// Gives a copy this mode, without permissions for users that may not read the database.
#[cfg(unix)]
pub(crate) fn open_up(copy: &std::path::Path, database: &std::path::Path, mode: u32) -> std::io::Result<()> {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let (source, found) = (fs::metadata(database)?, fs::metadata(copy)?);
    let mode = at_most(mode, source.mode(), source.gid() == found.gid());
    if found.mode() & 0o7777 == mode {
        return Ok(());
    }
    fs::set_permissions(copy, Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub(crate) fn open_up(_: &std::path::Path, _: &std::path::Path, _: u32) -> std::io::Result<()> {
    Ok(())
}

/// A mode without the permissions that the source does not give. If the groups differ, members of the copy's group may
/// be members of the source's group or others, and so may all other users. Both then only get the permissions that the
/// source gives to both.
#[cfg(unix)]
const fn at_most(mode: u32, source: u32, same_group: bool) -> u32 {
    let given = if same_group {
        source & 0o066
    } else {
        let both = source >> 3 & source & 0o6;
        both << 3 | both
    };
    mode & (0o600 | given)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_copy_gives_no_right_that_its_source_does_not_give() {
        for (mode, source, same_group, expected) in [
            (0o600, 0o644, true, 0o600),
            (0o644, 0o600, true, 0o600),
            (0o644, 0o640, true, 0o640),
            (0o644, 0o640, false, 0o600),
            (0o644, 0o604, false, 0o600),
            (0o664, 0o644, false, 0o644),
            (0o640, 0o400, true, 0o600),
            (0o666, 0o7666, true, 0o666),
        ] {
            assert_eq!(at_most(mode, source, same_group), expected, "{mode:o} of {source:o}");
        }
    }
}
