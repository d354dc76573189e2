//! A small HTTP server for services that a test plays.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Serves a port of its own until the test process ends. `answer` gets the path of a request, and returns the status and the
/// header of the answer, which has no body.
pub(crate) fn serve(answer: impl Fn(&str) -> (&'static str, String) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, answer) = (listener.local_addr().unwrap(), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            // A client that was killed reads no answer.
            thread::spawn(move || drop(respond(stream, &*answer)));
        }
    });
    address
}

fn respond(mut stream: TcpStream, answer: &dyn Fn(&str) -> (&'static str, String)) -> std::io::Result<()> {
    // A client that is killed while it writes its request must not keep the thread for ever.
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let (status, header) = answer(first.split(' ').nth(1).unwrap_or_default());
    stream.write_all(format!("HTTP/1.1 {status}\r\n{header}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes())
}
