//! TLS in front of a stand-in: a binary under test pays for handshakes as it does at AWS. What is inside passes
//! unread.
//!
//! The chain is built like those of AWS's services: RSA keys of 2048 bits, an intermediate authority between the
//! name and the root, and the root sent along (Amazon Trust Services, repository page: Amazon RSA 2048 M01 to M04
//! below Amazon Root CA 1).

use std::io::{Error, Result};
use std::net::Ipv4Addr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256};
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

/// Keys that are no secret: only a process that is given [`Tls::authority`] trusts what they sign. They are kept,
/// because ring signs with RSA keys and does not make any.
const KEYS: [&[u8]; 3] =
    [include_bytes!("tls/root.pk8"), include_bytes!("tls/intermediate.pk8"), include_bytes!("tls/leaf.pk8")];

/// An authority, and what it certifies through an intermediate one: this machine's own name.
fn certificates() -> std::result::Result<(String, Chain, PrivateKeyDer<'static>), rcgen::Error> {
    let key = |der: &[u8]| KeyPair::from_pkcs8_der_and_sign_algo(&der.into(), &PKCS_RSA_SHA256);
    let [root_key, intermediate_key, leaf_key] = KEYS.map(key);
    let (root_key, intermediate_key, leaf_key) = (root_key?, intermediate_key?, leaf_key?);
    let authority = |name: &str| -> std::result::Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(params)
    };
    let root_params = authority("Stand-ins on loopback")?;
    let root = root_params.self_signed(&root_key)?;
    let root_issuer = Issuer::new(root_params, root_key);
    let intermediate_params = authority("Stand-ins on loopback, intermediate")?;
    let intermediate = intermediate_params.signed_by(&intermediate_key, &root_issuer)?;
    let issuer = Issuer::new(intermediate_params, intermediate_key);
    let leaf = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&leaf_key, &issuer)?;
    let chain = vec![leaf.der().clone(), intermediate.der().clone(), root.der().clone()];
    let key = PrivateKeyDer::try_from(leaf_key.serialize_der()).expect("a key in PKCS #8");
    Ok((root.pem(), chain, key))
}
