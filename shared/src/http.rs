//! Outbound HTTP: the only way out to Whop, Twenty and every other partner.
//!
//! Users give us addresses, so each one is checked where it leads: https only, public addresses only, on the
//! resolved address, no redirects. Time and size are limited. Never logs a URL, a header or a body.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::domain::grant::Secret;

/// Which addresses may be called. The composition root decides; nothing else can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// https to public addresses. Production.
    PublicOnly,
    /// Also plain http and this machine's own network. The local runner and tests.
    PrivateToo,
}

/// A call that did not bring an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("the address may not be called: {0}")]
    NotAllowed(&'static str),
    #[error("the other side could not be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the other side did not answer in time")]
    TimedOut,
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

/// What is sent along.
pub(crate) enum Body {
    Nothing,
    Json(Vec<u8>),
    Form(String),
    /// Anything else, such as a form with files.
    Typed {
        content_type: String,
        bytes: Vec<u8>,
    },
}

/// One call.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) bearer: Option<&'a Secret>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
    pub(crate) timeout: Duration,
    /// The largest answer that is read, in bytes.
    pub(crate) largest: usize,
}

impl<'a> Outgoing<'a> {
    /// A call with the usual time limit of 30 seconds.
    pub(crate) fn new(method: Method, url: Url, bearer: Option<&'a Secret>) -> Self {
        Self {
            method,
            url,
            bearer,
            headers: Vec::new(),
            body: Body::Nothing,
            timeout: Duration::from_secs(30),
            largest: LARGEST,
        }
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Largest answer we read, unless a call says otherwise: a page of 200 wide records stays far below.
const LARGEST: usize = 16 * 1024 * 1024;

/// The client. Cheap to clone; connections are shared.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    addresses: Addresses,
}

impl Http {
    /// A client that calls what `addresses` allows.
    pub(crate) fn new(addresses: Addresses) -> Result<Self, HttpError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls())
            .dns_resolver(Arc::new(Resolver(addresses)))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(50))
            .user_agent(concat!("whop-twenty-bridge/", env!("CARGO_PKG_VERSION")))
            .https_only(addresses == Addresses::PublicOnly)
            .no_proxy()
            .build()
            .map_err(HttpError::Unreachable)?;
        Ok(Self { client, addresses })
    }

    /// Makes the call and reads the whole answer. Nothing is repeated here: only the caller knows whether a
    /// call may happen twice.
    pub(crate) async fn send(&self, call: Outgoing<'_>) -> Result<Answer, HttpError> {
        check_url(&call.url, self.addresses)?;
        let mut request = self.client.request(call.method, call.url).timeout(call.timeout);
        if let Some(bearer) = call.bearer {
            request = request.bearer_auth(bearer.expose());
        }
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        request = match call.body {
            Body::Nothing => request,
            Body::Json(body) => request.header("content-type", "application/json").body(body),
            Body::Form(body) => {
                request.header("content-type", "application/x-www-form-urlencoded").body(body)
            }
            Body::Typed { content_type, bytes } => request.header("content-type", content_type).body(bytes),
        };
        read(request.send().await.map_err(failure)?, call.largest).await
    }
}

async fn read(mut response: reqwest::Response, largest: usize) -> Result<Answer, HttpError> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > largest {
            return Err(HttpError::TooLarge(largest));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body: body.freeze() })
}

/// The URL is taken out of the error: it may carry an e-mail address in its query.
fn failure(error: reqwest::Error) -> HttpError {
    if error.is_timeout() { HttpError::TimedOut } else { HttpError::Unreachable(error.without_url()) }
}

fn tls() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots: rustls::RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    #[expect(clippy::expect_used, reason = "ring supports the protocol versions it was built with")]
    let builder = builder.with_safe_default_protocol_versions().expect("ring speaks TLS 1.2 and 1.3");
    builder.with_root_certificates(roots).with_no_client_auth()
}

/// Checks what the URL itself says; names are checked again when they are resolved.
pub(crate) fn check_url(url: &Url, addresses: Addresses) -> Result<(), HttpError> {
    if addresses == Addresses::PrivateToo {
        return Ok(());
    }
    if url.scheme() != "https" {
        return Err(HttpError::NotAllowed("it does not begin with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HttpError::NotAllowed("it carries a user name or password"));
    }
    let public = match url.host() {
        Some(Host::Ipv4(ip)) => is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_public(IpAddr::V6(ip)),
        Some(Host::Domain(_)) => true,
        None => false,
    };
    public.then_some(()).ok_or(HttpError::NotAllowed("it is not a public address"))
}

/// Resolves names to the addresses that may be called, so that a name cannot lead inside.
struct Resolver(Addresses);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = |at: &SocketAddr| addresses == Addresses::PrivateToo || is_public(at.ip());
            let kept: Vec<SocketAddr> = found.filter(allowed).collect();
            if kept.is_empty() {
                return Err(HttpError::NotAllowed("its name leads to no public address").into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// True for addresses of the public internet. Everything the registries set aside is refused.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded_v4(ip) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let reserved = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b)) // carrier-grade NAT
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 198 && (18..20).contains(&b)); // benchmarks
    !reserved
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let global = (0x2000..0x4000).contains(&a);
    let special = (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) || a == 0x3fff;
    global && !special
}

/// An IPv4 address dressed as IPv6: mapped, 6to4 or NAT64. It leads where the inner one leads.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x2002, high, low, ..] | [0x0064, 0xff9b, .., high, low] => {
            join(high, low)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(url: &str) -> bool {
        check_url(&url.parse().unwrap(), Addresses::PublicOnly).is_ok()
    }

    #[test]
    fn only_https_to_public_addresses_may_be_called() {
        assert!(allowed("https://crm.example.com"));
        assert!(allowed("https://93.184.216.34"));
        assert!(allowed("https://[2606:4700::1111]"));
        for url in [
            "http://crm.example.com",
            "ftp://crm.example.com",
            "https://user:secret@crm.example.com",
            "https://127.0.0.1",
            "https://10.1.2.3",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1",
            "https://0.0.0.0",
            "https://2130706433",
            "https://[::1]",
            "https://[::ffff:10.0.0.1]",
            "https://[2002:7f00:1::]",
            "https://[64:ff9b::a9fe:a9fe]",
            "https://[fd00::1]",
            "https://[fe80::1]",
        ] {
            assert!(!allowed(url), "{url} must be refused");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_when_it_is_resolved() {
        let http = Http::new(Addresses::PublicOnly).unwrap();
        let url = "https://localhost:9/".parse().unwrap();

        let answer = http.send(Outgoing::new(Method::GET, url, None)).await;

        let error = answer.unwrap_err();
        let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        assert!(chain.map(ToString::to_string).any(|text| text.contains("no public address")), "{error:?}");
    }
}
