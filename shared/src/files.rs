//! Keeps contract files in a bucket and hands them out, by links that end. It decides nothing, and never says a
//! key, a link or a token in an error or a log.
//!
//! The S3 SDK would bring checksum crates of its own, an XML layer and more than a megabyte for five plain calls.
//! AWS's own signer is in the binary already, so the calls go over [`Http`], signed by that.

mod digest;
mod error;
mod name;
mod signature;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use url::Url;

use self::digest::Digest;
pub(crate) use self::error::FilesError;
use self::name::{disposition, escape, path_of};
use self::signature::{Signer, Unsigned};
use crate::aws::AwsSettings;
use crate::domain::time::Timestamp;
use crate::http::{Answer, Body, Http, Outgoing};

/// The largest file that is kept or read, in bytes: the largest signed file that providers hand out, and a margin.
pub(crate) const LARGEST: usize = 41 * 1024 * 1024;

/// What every contract file is.
const PDF: &str = "application/pdf";
/// S3 holds the bytes against this hash before it keeps them, and keeps it beside them.
const CHECKSUM: &str = "x-amz-checksum-sha256";
/// How long a call with a file may take.
const FILE_TIME: Duration = Duration::from_mins(1);

/// The bucket. Every version of a file stays in it, and encryption is its own default.
#[derive(Clone)]
pub(crate) struct Files {
    http: Http,
    signer: Signer,
    /// Where keys begin.
    base: Url,
}

/// Leave to upload one file: its very bytes and no others, until a moment.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Upload {
    /// Where to PUT the bytes. Whoever has it may upload.
    pub(crate) url: Url,
    /// What must be sent along, exactly so. HTTP clients set the length by themselves.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) until: Timestamp,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("until", &self.until).finish_non_exhaustive()
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").finish_non_exhaustive()
    }
}

impl Files {
    /// The bucket of this name, in the Region of `aws` or at its other address for S3.
    pub(crate) fn new(http: Http, aws: &AwsSettings, bucket: &str) -> Result<Self, FilesError> {
        let base = base(aws, bucket).ok_or(FilesError::Unusable("the bucket has no address"))?;
        Ok(Self { http, signer: Signer::new(aws), base })
    }

    /// Keeps a file. S3 refuses bytes that were damaged on the way; the same key again is one more version.
    pub(crate) async fn put(
        &self,
        key: &str,
        bytes: Bytes,
        content_type: &str,
        now: Timestamp,
    ) -> Result<(), FilesError> {
        if bytes.len() > LARGEST {
            return Err(FilesError::TooLarge);
        }
        let digest = Digest::of(&bytes);
        let headers = vec![("content-type", content_type.to_owned()), (CHECKSUM, digest.base64())];
        let mut call = self.call(Method::PUT, key, headers, &digest, now)?;
        // The body brings its type along by itself.
        call.headers.retain(|(name, _)| *name != "content-type");
        call.body = Body::Typed { content_type: content_type.to_owned(), bytes: bytes.into() };
        call.timeout = FILE_TIME;
        self.send(call).await?;
        Ok(())
    }

    /// A file's bytes, if they still are those with this SHA-256 (hexadecimal).
    pub(crate) async fn get(&self, key: &str, sha256_hex: &str, now: Timestamp) -> Result<Bytes, FilesError> {
        let expected = Digest::parse(sha256_hex)?;
        let mut call = self.call(Method::GET, key, Vec::new(), &Digest::of(b""), now)?;
        call.timeout = FILE_TIME;
        call.largest = LARGEST;
        let answer = self.send(call).await?;
        if Digest::of(&answer.body) == expected { Ok(answer.body) } else { Err(FilesError::Damaged) }
    }

    /// The length of a file in bytes, `None` if it is not there. `Damaged` if S3 says of it another SHA-256 than
    /// this one (hexadecimal), or none. Who may not list the bucket is told `Refused` in place of `None`.
    pub(crate) async fn check(
        &self,
        key: &str,
        sha256_hex: &str,
        now: Timestamp,
    ) -> Result<Option<u64>, FilesError> {
        let expected = Digest::parse(sha256_hex)?.base64();
        let headers = vec![("x-amz-checksum-mode", "ENABLED".to_owned())];
        let call = self.call(Method::HEAD, key, headers, &Digest::of(b""), now)?;
        let answer = match self.send(call).await {
            Ok(answer) => answer,
            Err(FilesError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        if text(&answer, CHECKSUM) != Some(&*expected) {
            return Err(FilesError::Damaged);
        }
        let length = text(&answer, "content-length").and_then(|length| length.parse().ok());
        length.map(Some).ok_or_else(|| FilesError::Unavailable { code: "no length".to_owned() })
    }

    /// A link that downloads the file under this name, for a week at most, and no longer than the credentials of
    /// this process last. Whoever has it may read; whether the file is there is not looked at.
    pub(crate) fn link(
        &self,
        key: &str,
        file_name: &str,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<Url, FilesError> {
        let mut url = self.url(key)?;
        url.set_query(Some(&format!(
            "response-content-disposition={}&response-content-type={}",
            escape(&disposition(file_name)),
            escape(PDF)
        )));
        let request = Unsigned { method: &Method::GET, url: &url, headers: &[] };
        Ok(self.signer.link(&request, now, lifetime)?.0)
    }

    /// Leave to upload the PDF of this length and SHA-256 (hexadecimal), as long as [`Files::link`] lasts. S3
    /// refuses any other bytes. Used twice, it makes two equal versions.
    #[expect(clippy::too_many_arguments, reason = "each of them is pinned by the signature")]
    pub(crate) fn upload(
        &self,
        key: &str,
        bytes: u64,
        sha256_hex: &str,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<Upload, FilesError> {
        if usize::try_from(bytes).map_or(true, |bytes| bytes > LARGEST) {
            return Err(FilesError::TooLarge);
        }
        let headers = [
            ("content-length", bytes.to_string()),
            ("content-type", PDF.to_owned()),
            (CHECKSUM, Digest::parse(sha256_hex)?.base64()),
        ];
        let url = self.url(key)?;
        let request = Unsigned { method: &Method::PUT, url: &url, headers: &headers };
        let (url, until) = self.signer.link(&request, now, lifetime)?;
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
        Ok(Upload { url, headers, until })
    }

    /// A signed call; `body` is the digest of what will be sent.
    #[expect(clippy::too_many_arguments, reason = "what a signature covers")]
    fn call(
        &self,
        method: Method,
        key: &str,
        headers: Vec<(&'static str, String)>,
        body: &Digest,
        now: Timestamp,
    ) -> Result<Outgoing<'static>, FilesError> {
        let url = self.url(key)?;
        let request = Unsigned { method: &method, url: &url, headers: &headers };
        let proof = self.signer.headers(&request, body, now)?;
        let mut call = Outgoing::new(method, url, None);
        call.headers = headers;
        call.headers.extend(proof);
        Ok(call)
    }

    async fn send(&self, call: Outgoing<'_>) -> Result<Answer, FilesError> {
        let answer = self.http.send(call).await?;
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(FilesError::of(&answer)) }
    }

    fn url(&self, key: &str) -> Result<Url, FilesError> {
        let path = path_of(key).ok_or(FilesError::Unusable("the key is none"))?;
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        Ok(url)
    }
}

/// At AWS the bucket is part of the host's name. Elsewhere it is part of the path, and so is one with a dot in its
/// name, which AWS's certificate does not cover.
fn base(aws: &AwsSettings, bucket: &str) -> Option<Url> {
    let region = &aws.region;
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let address = match &aws.endpoints.s3 {
        Some(other) => format!("{}/{bucket}", other.trim_end_matches('/')),
        None if bucket.contains('.') => format!("https://s3.{region}.{domain}/{bucket}"),
        None => format!("https://{bucket}.s3.{region}.{domain}"),
    };
    Url::parse(&address).ok().filter(|url| url.has_host() && !bucket.is_empty())
}

fn text<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
