//! A program outside the workspace that uses the queue and the worker and has no shop.

use std::time::Duration;

use fieldfen_domain::job::Payload;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::Environment;
use fieldfen_services::queue::Queue;
use fieldfen_services::worker::{Completion, Outcome, Task, Worker};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Greet {
    name: String,
}

impl Payload for Greet {
    const KIND: &'static str = "consumer.greet";
}

fn greet(task: Task<Greet>) -> Result<Completion, Outcome> {
    Ok(Completion::new().result(&format!("hello, {}", task.name)))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("give the address of the database")?;
    let queue = Queue::new(SqliteStore::create(&url)?, Environment::system());
    let worker = Worker::builder(queue.store().clone(), Environment::system()).handle(greet).start()?;
    let enqueued = queue.enqueue(&queue.job(&Greet { name: "fox".to_owned() })?)?;
    println!("{:?}", queue.wait_for(enqueued.id(), Duration::from_secs(10))?);
    worker.stop_handle().stop();
    worker.join()?;
    Ok(())
}
