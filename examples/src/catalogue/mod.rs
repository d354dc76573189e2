//! A catalogue on disk: one HTML page for each product, and an index of all products.
//!
//! It is a marketplace like any other, except that nobody can buy there. Its folder contains:
//!
//! | path | what it is |
//! | --- | --- |
//! | `records/ID.json` | a product; a product without a record has not been listed |
//! | `products/ID.html` | its page, made from the record |
//! | `pictures/ID.jpg` | its picture |
//! | `index.html` | all products for sale, made from the records |
//! | `.lock` | locked by a process while it changes something |
//!
//! The record of a product is written last, after its picture and its page, and each file gets its name only when it is
//! complete. If a program is killed at any point, the product therefore exists completely or not at all. Opening the
//! catalogue makes the index again.

mod html;
mod marketplace;
mod record;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use fieldfen_services::Environment;
use fieldfen_terminal::open_regular_file;

use crate::atomic_file;
use crate::read_access::{ReadAccess, private};
use record::Record;

pub use marketplace::{ACCOUNT, PLATFORM};

/// The folders that the pages use.
const SHOWN: [&str; 2] = ["products", "pictures"];

/// A catalogue in a folder. Any number of catalogues, in any number of processes, may use the same folder at once.
#[derive(Debug, Clone)]
pub struct Catalogue {
    folder: PathBuf,
    previews: PathBuf,
    readers: ReadAccess,
    environment: Environment,
}

impl Catalogue {
    /// Opens the catalogue in this folder, and creates the folder if it is missing. `previews` is the folder of the
    /// pictures for the pages, under the names of the processed pictures but as JPEG. `readers` may read the pages and
    /// pictures. The records are for this user only. [`ReadAccess::Everybody`] also gives access to an older catalogue;
    /// access is never removed.
    ///
    /// # Errors
    /// The error of the operating system, with the path, also if a record cannot be read.
    pub fn open(folder: &Path, previews: &Path, readers: ReadAccess, environment: Environment) -> io::Result<Self> {
        readers.make_folder(folder)?;
        ReadAccess::Owner.make_folder(&folder.join("records"))?;
        for part in SHOWN {
            readers.make_folder(&folder.join(part))?;
        }
        let folder = folder.canonicalize().map_err(|error| at(folder, error))?;
        let catalogue = Self { folder, previews: previews.to_owned(), readers, environment };
        let _lock = catalogue.lock()?;
        catalogue.write_index()?;
        if readers == ReadAccess::Everybody {
            for path in [""].into_iter().chain(SHOWN).map(|part| catalogue.folder.join(part)) {
                readers.admit_to_folder(&path).map_err(|error| at(&path, error))?;
            }
        }
        Ok(catalogue)
    }

    /// The page that shows all products.
    #[must_use]
    pub fn index(&self) -> PathBuf {
        self.folder.join("index.html")
    }

    /// Removes unfinished files of killed programs, and returns their number.
    ///
    /// # Errors
    /// The error of the operating system, with the folder.
    pub fn sweep(&self) -> io::Result<usize> {
        let folders = ["", "records", "products", "pictures"];
        folders.iter().map(|part| atomic_file::sweep(&self.folder.join(part))).sum()
    }

    /// Keeps other users of the catalogue from changing it until the lock is dropped.
    fn lock(&self) -> io::Result<File> {
        let path = self.folder.join(".lock");
        let file = open_regular_file(private(File::options().create(true).truncate(false).write(true)), &path);
        let file = file.map_err(|error| at(&path, error))?;
        file.lock().map_err(|error| at(&path, error))?;
        Ok(file)
    }

    fn record_path(&self, id: &str) -> PathBuf {
        self.folder.join("records").join(format!("{id}.json"))
    }

    fn page_path(&self, id: &str) -> PathBuf {
        self.folder.join("products").join(format!("{id}.html"))
    }

    /// The record of a product; `None` if there is none.
    fn record(&self, id: &str) -> io::Result<Option<Record>> {
        // An id that could not be a file name here, such as `../x`, belongs to no product.
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Ok(None);
        }
        let path = self.record_path(id);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).map_err(|error| at(&path, error.into()))?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path, error)),
        }
    }

    /// All records, in the order in which the products were listed.
    fn records(&self) -> io::Result<Vec<Record>> {
        let folder = self.folder.join("records");
        let mut records = Vec::new();
        for entry in fs::read_dir(&folder).map_err(|error| at(&folder, error))? {
            let path = entry.map_err(|error| at(&folder, error))?.path();
            if path.extension() == Some(OsStr::new("json"))
                && let Some(id) = path.file_stem().and_then(OsStr::to_str)
                && let Some(record) = self.record(id)?
            {
                records.push(record);
            }
        }
        records.sort_by(|a, b| (a.listed_at, &a.id).cmp(&(b.listed_at, &b.id)));
        Ok(records)
    }

    /// Flushes the page and then the record of a product to the disk.
    fn write_record(&self, record: &Record) -> io::Result<()> {
        atomic_file::write(&self.record_path(&record.id), &serde_json::to_vec_pretty(record)?)
    }

    fn write_page(&self, record: &Record) -> io::Result<()> {
        atomic_file::write_for(self.readers, &self.page_path(&record.id), html::product_page(record).as_bytes())
    }

    fn write_index(&self) -> io::Result<()> {
        let records: Vec<Record> = self.records()?.into_iter().filter(Record::is_for_sale).collect();
        atomic_file::write_for(self.readers, &self.index(), html::index_page(&records).as_bytes())
    }
}

/// Adds the path to an error of the operating system, which does not name it.
fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
