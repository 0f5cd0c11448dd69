//! S3: objects in a folder, for clients that address buckets by path. It plays writing, reading, describing and
//! removing one object, and links that were signed beforehand; everything else is refused.
//!
//! Every request's signature is worked out again by hand, so that a client's signer is held against AWS's
//! description and not against itself. A bucket keeps every version, as a versioned bucket at AWS does.

mod refusal;
mod service;
mod shelf;
mod signature;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use tempfile::TempDir;

use self::service::Service;
use self::shelf::Shelf;
pub use self::shelf::Version;
use crate::clock::Clock;
use crate::fault::Faults;
use crate::serve::{Served, serve};

/// The service. Clones are the same service; it stops listening when the last clone is dropped, and a folder of
/// its own goes with it.
#[derive(Clone)]
pub struct S3 {
    service: Arc<Service>,
    served: Arc<Served>,
    _folder: Option<Arc<TempDir>>,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl S3 {
    /// A service without buckets, in a temporary folder.
    ///
    /// # Panics
    ///
    /// When the port is taken.
    pub async fn start(clock: &Clock, faults: &Faults, port: u16) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let service = Service::new(Shelf::new(folder.path().to_owned()), clock.clone());
        Self::listen(service, Some(Arc::new(folder)), faults, port).await
    }

    /// A service whose buckets are the folders in `folder`; what is there is served, and what is written stays.
    ///
    /// # Panics
    ///
    /// When the port is taken.
    pub async fn start_in(folder: PathBuf, clock: &Clock, faults: &Faults, port: u16) -> Self {
        Self::listen(Service::new(Shelf::new(folder), clock.clone()), None, faults, port).await
    }

    async fn listen(service: Service, folder: Option<Arc<TempDir>>, faults: &Faults, port: u16) -> Self {
        let service = Arc::new(service);
        let asked = Arc::clone(&service);
        let router = Router::new().fallback(move |request: Request| {
            let service = Arc::clone(&asked);
            async move { service.answer(request).await }
        });
        let served = serve(faults.in_front_of("s3", router), port)
            .await
            .unwrap_or_else(|error| panic!("S3 cannot listen on port {port}: {error}"));
        Self { service, served: Arc::new(served), _folder: folder }
    }

    /// The endpoint; a bucket's name is the first segment below it.
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// Lets requests in that are signed with this key. A key that comes with a session token is good only
    /// together with it, as a role's is.
    pub fn admit(&self, access_key_id: &str, secret_access_key: &str, session_token: Option<&str>) {
        self.service.admit(access_key_id, secret_access_key, session_token);
    }

    /// Makes an empty bucket with versions, unless it is there.
    pub fn create_bucket(&self, bucket: &str) {
        self.service.shelf().create_bucket(bucket);
    }

    /// The keys of all objects that are there now, sorted.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.service.shelf().keys(bucket)
    }

    /// An object as it is now, if it is there.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Version> {
        self.service.shelf().current(bucket, key).filter(|version| !version.deleted)
    }

    /// Everything that ever was at a key, oldest first, removals included.
    pub fn versions(&self, bucket: &str, key: &str) -> Vec<Version> {
        self.service.shelf().versions(bucket, key)
    }

    /// Puts other bytes in the place of an object's, behind everybody's back: its recorded checksum stays.
    ///
    /// # Panics
    ///
    /// When the object is not there.
    pub fn damage(&self, bucket: &str, key: &str, bytes: &[u8]) {
        self.service.shelf().overwrite(bucket, key, bytes);
    }
}
