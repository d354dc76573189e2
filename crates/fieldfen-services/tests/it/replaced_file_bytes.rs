//! A file whose bytes were replaced under its Drive id.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use fieldfen_domain::file::{ContentHash, FileStatus, IngestOutcome};
use fieldfen_domain::job::JobStatus;
use fieldfen_domain::store::Store;
use fieldfen_services::Transaction;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

use crate::shop_harness::{ETSY, Shop};

on_every_store!(bytes_that_were_replaced_under_a_drive_id_are_told_and_warned_of);

/// Keeps the text of all warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!("{}={value:?} ", field.name()));
    }
}

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::WARN {
            let mut text = Text(String::new());
            event.record(&mut text);
            self.0.lock().unwrap().push(text.0);
        }
    }
}

fn bytes_that_were_replaced_under_a_drive_id_are_told_and_warned_of(store: impl Store) {
    let shop = Shop::wanting(store, ETSY);
    let id = shop.ingest("buck");
    let before = shop.write(|s| s.files().find(&id)).unwrap();
    let replaced = shop.new_file("buck").content_hash(ContentHash::of(b"retouched"));
    let warnings = Warnings::default();
    let subscriber = tracing_subscriber::registry().with(warnings.clone());
    let ingested = tracing::subscriber::with_default(subscriber, || {
        shop.write(|s| shop.pipeline.ingest(&mut Transaction::new(s), &shop.new_file("buck"))).unwrap();
        assert_eq!(*warnings.0.lock().unwrap(), Vec::<String>::new(), "the same bytes are nothing to warn of");
        shop.write(|s| shop.pipeline.ingest(&mut Transaction::new(s), &replaced)).unwrap()
    });
    let (known, arrived) = (ContentHash::of(b"buck"), ContentHash::of(b"retouched"));
    assert_eq!(ingested, IngestOutcome::ContentDiffers { file: Box::new(before.clone().unwrap()), known, arrived });
    let warned = warnings.0.lock().unwrap().first().cloned().unwrap_or_default();
    for named in ["drive-buck".to_owned(), id.to_string(), known.to_string(), arrived.to_string()] {
        assert!(warned.contains(&named), "{warned:?} does not name {named}");
    }
    assert_eq!(shop.write(|s| s.files().find(&id)).unwrap(), before);
    assert_eq!(
        (shop.status(&id), shop.jobs(&id)),
        (FileStatus::Ingested, vec![("CreateFileRecord".to_owned(), JobStatus::Pending)])
    );

    // Without the Drive id, the new bytes become a new file.
    let alone = replaced.drive_file_id(None).id(shop.bench.queue.environment().file_id());
    assert_eq!(shop.write(|s| shop.pipeline.ingest(&mut Transaction::new(s), &alone)).unwrap(), IngestOutcome::Created);
}
