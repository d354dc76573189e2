//! Serving, with clients that are slow and with an end.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;

/// Serves until `stop` resolves, and then for as long as the requests under way take.
///
/// A connection is closed after `patience` without the whole head of a request, and after its first answer: a client
/// cannot keep a connection by staying silent, by not reading the answers to many requests, or by HTTP/2. Requests that have not ended so long after the first `stop` end then; a second `stop`
/// ends them at once.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve<F, S>(listener: TcpListener, routes: Router, patience: Duration, stop: F) -> io::Result<()>
where
    F: Fn() -> S,
    S: Future<Output = ()>,
{
    let handle = Handle::<SocketAddr>::new();
    let mut server = axum_server::from_tcp(listener)?.http1_only().handle(handle.clone());
    server.http_builder().http1().keep_alive(false).header_read_timeout(patience);
    let stopped = async {
        stop().await;
        handle.graceful_shutdown(Some(patience));
        tokio::select! { () = stop() => {}, () = tokio::time::sleep(patience) => {} }
    };
    tokio::select! {
        served = server.serve(routes.into_make_service()) => served,
        () = stopped => Ok(()),
    }
}
