//! Puts a router on a loopback port, and asks others there. It never listens anywhere else.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A stand-in that is listening; it stops when dropped.
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Served {
    /// `http://127.0.0.1:port`, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Served {
    /// Serves `router` on a listener that is bound already.
    pub fn on(listener: TcpListener, router: Router) -> Self {
        let address = listener.local_addr().expect("a bound listener");
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("a loopback listener keeps accepting");
        });
        Self { address, task }
    }
}

/// Serves `router` on `port` of the loopback interface; 0 takes any free port.
pub async fn serve(router: Router, port: u16) -> std::io::Result<Served> {
    Ok(Served::on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?, router))
}

/// A client for listeners on loopback, which have no TLS: reading the machine's certificates would only be slow.
pub fn plain_client() -> reqwest::ClientBuilder {
    // Whoever came first has chosen; any provider will do for plain HTTP.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().tls_certs_only([]).no_proxy()
}
