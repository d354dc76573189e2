//! The catalogue as a marketplace.

use std::fs;
use std::io;
use std::path::Path;

use fieldfen_domain::publication::{IdempotencyKey, ListingStatus, Platform};
use fieldfen_services::publishing::{CallError, Marketplace, Offer, Product, ProductPage};

use super::record::{Record, Shown};
use super::{Catalogue, at};
use crate::atomic_file;

/// The catalogue's name as a platform, beside the specification's four.
pub const PLATFORM: Platform = Platform::own("catalogue").expect("a word of the program's own");

/// The seller's account of the catalogue's listings.
pub const ACCOUNT: &str = "local-catalogue";

/// The number of products on a page of the catalogue's list.
const PAGE: usize = 100;

impl Marketplace for Catalogue {
    fn platform(&self) -> Platform {
        PLATFORM
    }

    fn account(&self) -> &str {
        ACCOUNT
    }

    fn create(&self, key: &IdempotencyKey, offer: &Offer<'_>) -> Result<Product, CallError> {
        let shown = Shown::of(offer.file, offer.variant).map_err(|reason| CallError::Refused { reason })?;
        let not_sent = |error: io::Error| CallError::NotSent { reason: error.to_string() };
        let _lock = self.lock().map_err(not_sent)?;
        let with_key = self.with_key(key).map_err(not_sent)?;
        if let Some(record) = with_key.iter().find(|record| record.is_for_sale()) {
            return Ok(self.product(record));
        }
        let id = match with_key.len() {
            0 => key.as_str().to_owned(),
            before => format!("{key}-{}", before + 1),
        };
        let record =
            Record { id, key: key.as_str().to_owned(), withdrawn: false, listed_at: self.environment.now(), shown };
        self.copy_picture(&record.id, offer)?;
        self.write_page(&record).map_err(not_sent)?;
        // After this point the product may exist, whatever error follows.
        self.write_record(&record).and_then(|()| self.write_index()).map_err(no_answer)?;
        Ok(self.product(&record))
    }

    fn find(&self, key: &IdempotencyKey) -> Result<Vec<Product>, CallError> {
        let records = self.with_key(key).map_err(no_answer)?;
        Ok(records.iter().filter(|record| record.is_for_sale()).map(|record| self.product(record)).collect())
    }

    fn lookup(&self, platform_id: &str) -> Result<Option<Product>, CallError> {
        Ok(self.record(platform_id).map_err(no_answer)?.map(|record| self.product(&record)))
    }

    fn update(&self, platform_id: &str, offer: &Offer<'_>) -> Result<Option<Product>, CallError> {
        let shown = Shown::of(offer.file, offer.variant).map_err(|reason| CallError::Refused { reason })?;
        let _lock = self.lock().map_err(no_answer)?;
        let Some(mut record) = self.record(platform_id).map_err(no_answer)?.filter(Record::is_for_sale) else {
            return Ok(None);
        };
        record.shown = shown;
        self.copy_picture(&record.id, offer)?;
        self.write_page(&record)
            .and_then(|()| self.write_record(&record))
            .and_then(|()| self.write_index())
            .map_err(no_answer)?;
        Ok(Some(self.product(&record)))
    }

    fn withdraw(&self, platform_id: &str) -> Result<(), CallError> {
        let _lock = self.lock().map_err(no_answer)?;
        let Some(mut record) = self.record(platform_id).map_err(no_answer)? else { return Ok(()) };
        record.withdrawn = true;
        self.write_record(&record)
            .and_then(|()| self.write_page(&record))
            .and_then(|()| self.write_index())
            .map_err(no_answer)
    }

    fn page(&self, cursor: Option<&str>) -> Result<ProductPage, CallError> {
        let mut records = self.records().map_err(no_answer)?;
        records.retain(|record| record.is_for_sale() && cursor.is_none_or(|cursor| record.id.as_str() > cursor));
        records.sort_by(|a, b| a.id.cmp(&b.id));
        let more = records.len() > PAGE;
        records.truncate(PAGE);
        let next = if more { records.last().map(|record| record.id.clone()) } else { None };
        Ok(ProductPage::new(records.iter().map(|record| self.product(record)).collect()).next(next))
    }
}

impl Catalogue {
    /// All products that were ever listed with this key, the oldest first.
    fn with_key(&self, key: &IdempotencyKey) -> io::Result<Vec<Record>> {
        let mut records = Vec::new();
        let mut id = key.as_str().to_owned();
        while let Some(record) = self.record(&id)? {
            records.push(record);
            id = format!("{key}-{}", records.len() + 1);
        }
        Ok(records)
    }

    fn product(&self, record: &Record) -> Product {
        Product::new(record.id.clone(), if record.withdrawn { ListingStatus::Delisted } else { ListingStatus::Active })
            .url(Some(file_url(&self.page_path(&record.id))))
            .key(Some(IdempotencyKey::from_text(record.key.clone())))
            .platform_status(Some(if record.withdrawn { "withdrawn" } else { "on show" }.to_owned()))
    }

    fn copy_picture(&self, id: &str, offer: &Offer<'_>) -> Result<(), CallError> {
        let Some(processed) = &offer.file.processed_filename else {
            return Err(CallError::Refused { reason: "the file has no processed picture yet".to_owned() });
        };
        let preview = self.previews.join(Path::new(processed).with_extension("jpg"));
        let bytes = fs::read(&preview)
            .map_err(|error| CallError::Refused { reason: format!("no picture: {}", at(&preview, error)) })?;
        atomic_file::write_for(self.readers, &self.folder.join("pictures").join(format!("{id}.jpg")), &bytes)
            .map_err(|error| CallError::NotSent { reason: error.to_string() })
    }
}

fn no_answer(error: io::Error) -> CallError {
    CallError::NoAnswer { reason: error.to_string() }
}

/// The address of a local file for a browser.
fn file_url(path: &Path) -> String {
    let mut url = String::from("file://");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => url.push(char::from(byte)),
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::FileId;
    use fieldfen_domain::file::{Dimensions, File, FileMetadata, FileState};
    use fieldfen_services::Environment;
    use fieldfen_services::publishing::conformance;
    use fieldfen_testkit::wait::scope_with_deadline;
    use serde_json::Map;
    use tempfile::TempDir;

    use super::*;
    use crate::read_access::ReadAccess;

    /// A catalogue in its own folder, and a file that can be listed there.
    fn shop() -> (TempDir, Catalogue, File) {
        let folder = tempfile::tempdir().unwrap();
        let previews = folder.path().join("previews");
        fs::create_dir_all(&previews).unwrap();
        fs::write(previews.join("fox-4x.jpg"), b"a fox").unwrap();
        let catalogue =
            Catalogue::open(&folder.path().join("cata logué"), &previews, ReadAccess::Owner, Environment::system())
                .unwrap();
        let metadata = FileMetadata::new("Fox <on> \"snow\"").unwrap();
        let mut file = File::new(FileId::from_random(7), "fox.png", FileState::Approved);
        file.processed_filename = Some("fox-4x.png".to_owned());
        file.species = Some("fox".to_owned());
        file.metadata = Some(metadata.to_json().unwrap());
        file.size = Some(Dimensions::new(960, 1200).unwrap());
        (folder, catalogue, file)
    }

    fn create(catalogue: &Catalogue, key: &str, file: &File) -> Result<Product, CallError> {
        let options = Map::new();
        let offer = Offer::new(file, "", &options);
        catalogue.create(&IdempotencyKey::from_text(key.to_owned()), &offer)
    }

    fn find(catalogue: &Catalogue, key: &str) -> Vec<Product> {
        catalogue.find(&IdempotencyKey::from_text(key.to_owned())).unwrap()
    }

    fn names(catalogue: &Catalogue, part: &str) -> Vec<String> {
        let entries = fs::read_dir(catalogue.folder.join(part)).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_second_creation_with_the_same_key_is_the_first_product() {
        let (_folder, catalogue, file) = shop();
        assert_eq!(find(&catalogue, "ff-a"), []);
        let first = create(&catalogue, "ff-a", &file).unwrap();
        assert_eq!(create(&catalogue, "ff-a", &file).unwrap(), first);
        assert_eq!(find(&catalogue, "ff-a"), std::slice::from_ref(&first));
        assert_eq!((names(&catalogue, "products").len(), names(&catalogue, "records").len()), (1, 1));
        assert!(first.url.unwrap().contains("/cata%20logu%C3%A9/products/ff-a.html"));
        let index = fs::read_to_string(catalogue.index()).unwrap();
        assert!(index.contains("href=\"products/ff-a.html\"") && index.contains("Fox &lt;on&gt;"), "{index}");
        assert_eq!(fs::read(catalogue.folder.join("pictures/ff-a.jpg")).unwrap(), b"a fox");
    }

    #[test]
    fn it_behaves_as_publishing_relies_on() {
        let (_folder, catalogue, file) = shop();
        assert_eq!(conformance::check(&catalogue, &file, &Environment::system()), Vec::<String>::new());
        assert_eq!(catalogue.page(None).unwrap().products, []);
    }

    #[test]
    fn many_at_once_make_one_product_and_lose_none() {
        let (_folder, catalogue, file) = shop();
        scope_with_deadline("all threads have made their product", |scope| {
            for number in 0..12 {
                let (catalogue, file) = (&catalogue, &file);
                scope.spawn(move || create(catalogue, &format!("ff-{}", number % 4), file).unwrap());
            }
        });
        let page = catalogue.page(None).unwrap();
        assert_eq!(
            page.products.iter().map(|p| p.platform_id.as_str()).collect::<Vec<_>>(),
            ["ff-0", "ff-1", "ff-2", "ff-3"]
        );
        let index = fs::read_to_string(catalogue.index()).unwrap();
        assert_eq!(index.matches("class=\"card\"").count(), 4);
    }

    #[test]
    fn a_product_that_was_taken_down_is_gone_and_its_key_makes_another() {
        let (_folder, catalogue, file) = shop();
        create(&catalogue, "ff-a", &file).unwrap();
        catalogue.withdraw("ff-a").unwrap();
        catalogue.withdraw("ff-a").unwrap();
        catalogue.withdraw("no such product").unwrap();
        assert_eq!(find(&catalogue, "ff-a"), []);
        let options = Map::new();
        let offer = Offer::new(&file, "", &options);
        assert_eq!(catalogue.update("ff-a", &offer).unwrap(), None);
        assert!(!fs::read_to_string(catalogue.index()).unwrap().contains("ff-a"));
        assert!(fs::read_to_string(catalogue.page_path("ff-a")).unwrap().contains("no longer for sale"));
        assert_eq!(create(&catalogue, "ff-a", &file).unwrap().platform_id, "ff-a-2");
        assert_eq!(find(&catalogue, "ff-a").len(), 1);
    }

    #[test]
    fn an_update_changes_what_is_shown() {
        let (_folder, catalogue, mut file) = shop();
        create(&catalogue, "ff-a", &file).unwrap();
        file.metadata = Some(FileMetadata::new("A better title").unwrap().to_json().unwrap());
        let options = Map::new();
        let offer = Offer::new(&file, "large", &options);
        assert_eq!(catalogue.update("ff-a", &offer).unwrap().unwrap().platform_id, "ff-a");
        for page in [catalogue.index(), catalogue.page_path("ff-a")] {
            assert!(fs::read_to_string(page).unwrap().contains("A better title"));
        }
    }

    #[test]
    fn a_file_that_is_not_ready_is_refused_and_leaves_nothing() {
        let (_folder, catalogue, file) = shop();
        let changed = |change: fn(&mut File)| {
            let mut file = file.clone();
            change(&mut file);
            file
        };
        for (unready, missing) in [
            (changed(|file| file.metadata = None), "no metadata"),
            (changed(|file| file.size = None), "size"),
            (changed(|file| file.processed_filename = None), "no processed picture"),
            (changed(|file| file.processed_filename = Some("gone.jpg".to_owned())), "gone.jpg"),
        ] {
            match create(&catalogue, "ff-a", &unready) {
                Err(CallError::Refused { reason }) => assert!(reason.contains(missing), "{reason}"),
                other => panic!("{other:?}"),
            }
        }
        assert!(names(&catalogue, "products").is_empty() && names(&catalogue, "records").is_empty());
    }

    #[test]
    fn whatever_a_crash_leaves_the_next_one_makes_whole() {
        let (folder, catalogue, file) = shop();
        create(&catalogue, "ff-a", &file).unwrap();
        // A crash before the record: the product does not exist, and is made under the same id.
        fs::write(catalogue.page_path("ff-b"), "half a page").unwrap();
        fs::write(catalogue.folder.join("records/.ff-b.json.1-1.partial"), "half a record").unwrap();
        assert_eq!(find(&catalogue, "ff-b"), []);
        // A crash after the record: the product exists, and the index is made when the catalogue is opened.
        fs::remove_file(catalogue.index()).unwrap();
        let again = Catalogue::open(
            &catalogue.folder,
            &folder.path().join("previews"),
            ReadAccess::Owner,
            Environment::system(),
        )
        .unwrap();
        assert!(fs::read_to_string(again.index()).unwrap().contains("ff-a.html"));
        assert_eq!(again.sweep().unwrap(), 1);
        assert_eq!(create(&again, "ff-b", &file).unwrap().platform_id, "ff-b");
        assert_eq!(names(&again, "records"), ["ff-a.json", "ff-b.json"]);
    }

    #[test]
    fn an_id_never_leads_out_of_the_folder() {
        let (_folder, catalogue, file) = shop();
        create(&catalogue, "ff-a", &file).unwrap();
        let options = Map::new();
        let offer = Offer::new(&file, "", &options);
        assert_eq!(catalogue.update("../records/ff-a", &offer).unwrap(), None);
    }

    #[test]
    fn the_list_comes_in_pages() {
        let (_folder, catalogue, file) = shop();
        for number in 0..=PAGE {
            create(&catalogue, &format!("ff-{number:03}"), &file).unwrap();
        }
        let first = catalogue.page(None).unwrap();
        assert_eq!((first.products.len(), first.next.as_deref()), (100, Some("ff-099")));
        let second = catalogue.page(first.next.as_deref()).unwrap();
        assert_eq!((second.products.len(), second.next), (1, None));
        assert_eq!(second.products[0].platform_id, "ff-100");
    }
}
