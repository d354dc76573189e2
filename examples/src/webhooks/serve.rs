//! Serving, with clients that are slow and with an end.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;

/// Serves until `stop` resolves, and then for as long as the requests under way take.
///
/// A client that takes longer than `patience` to send the head of a request is hung up on, so that nobody can use all
/// connections up by saying nothing. Requests that have not ended so long after the first `stop` end then; a second `stop`
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
    let mut server = axum_server::from_tcp(listener)?.handle(handle.clone()).first_request_timeout(patience);
    server.http_builder().http1().header_read_timeout(patience);
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
