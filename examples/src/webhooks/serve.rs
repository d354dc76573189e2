//! Serves requests with a time limit for slow clients and with a graceful shutdown.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;

/// Serves until `stop` resolves, and then until the requests in progress have ended.
///
/// A connection is closed if the head of a request does not arrive within `patience`, and after its first answer. A
/// client therefore cannot keep a connection open by staying silent, by leaving answers unread, or with HTTP/2.
/// Requests that are still in progress `patience` after the first `stop` are aborted. A second `stop` aborts them at
/// once.
///
/// # Errors
/// The listener's error.
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
