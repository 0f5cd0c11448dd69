//! TLS in front of a stand-in: a binary under test pays for handshakes as it does at AWS. What is inside passes
//! unread. A certificate authority of its own is made for every [`Tls`].

use std::io::{Error, Result};
use std::net::Ipv4Addr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A certificate authority and the addresses it vouches for; they stop listening when it is dropped.
pub struct Tls {
    authority: String,
    acceptor: TlsAcceptor,
    fronts: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("fronts", &self.fronts.len()).finish_non_exhaustive()
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        for front in &self.fronts {
            front.abort();
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        let (authority, chain, key) = certificates().expect("certificates for this machine's own name");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a key that belongs to its certificate");
        // Every front has the same name, so a client would resume at one what it began at another. AWS's services
        // have a name each: a process that begins shakes hands in full with every one of them.
        config.send_tls13_tickets = 0;
        Self { authority, acceptor: TlsAcceptor::from(Arc::new(config)), fronts: Vec::new() }
    }
}

impl Tls {
    /// What a client has to trust, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Another address for what listens at `url`: `https://localhost:port`.
    pub async fn in_front_of(&mut self, url: &str) -> Result<String> {
        let inside =
            url.strip_prefix("http://").ok_or_else(|| Error::other("a plain http address"))?.to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let acceptor = self.acceptor.clone();
        self.fronts.push(tokio::spawn(async move {
            while let Ok((outside, _)) = listener.accept().await {
                let (acceptor, inside) = (acceptor.clone(), inside.clone());
                // A client that does not trust us, or goes away, has nothing more to be told.
                tokio::spawn(async move { drop(pass(&acceptor, outside, &inside).await) });
            }
        }));
        Ok(format!("https://localhost:{port}"))
    }
}

async fn pass(acceptor: &TlsAcceptor, outside: TcpStream, inside: &str) -> Result<()> {
    outside.set_nodelay(true)?;
    let mut outside = acceptor.accept(outside).await?;
    let mut inside = TcpStream::connect(inside).await?;
    inside.set_nodelay(true)?;
    copy_bidirectional(&mut outside, &mut inside).await?;
    Ok(())
}

type Chain = Vec<CertificateDer<'static>>;

/// An authority, and what it certifies: this machine's own name.
fn certificates() -> std::result::Result<(String, Chain, PrivateKeyDer<'static>), rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::<String>::new())?;
    authority.distinguished_name.push(DnType::CommonName, "Stand-ins on loopback");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate()?;
    let root = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &issuer)?;
    let chain = vec![leaf.der().clone(), root.der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key in PKCS #8");
    Ok((root.pem(), chain, key))
}
