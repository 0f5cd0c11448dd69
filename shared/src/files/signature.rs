//! AWS Signature Version 4 as S3 wants it: paths escaped once and left as they are, and the payload's hash in a
//! header of its own. In headers for our own calls, in the query of links. The arithmetic is AWS's crate's.

use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningInstructions, SigningParams, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use http::Method;
use url::Url;

use super::digest::Digest;
use super::error::FilesError;
use super::name::escape;
use crate::aws::AwsSettings;
use crate::domain::time::Timestamp;

/// The longest life of a link: a week (S3, query string authentication).
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// Who signs, and for which Region.
#[derive(Clone)]
pub(super) struct Signer {
    identity: Identity,
    region: String,
}

/// What a signature covers beside the body: all of it must arrive as it is here.
pub(super) struct Unsigned<'a> {
    pub(super) method: &'a Method,
    /// With a query whose escapes are those of [`escape`].
    pub(super) url: &'a Url,
    /// In lower case.
    pub(super) headers: &'a [(&'static str, String)],
}

impl Signer {
    pub(super) fn new(aws: &AwsSettings) -> Self {
        Self { identity: aws.credentials().into(), region: aws.region.clone() }
    }

    /// The headers that make a request ours, for a quarter of an hour.
    pub(super) fn headers(
        &self,
        request: &Unsigned<'_>,
        body: &Digest,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, String)>, FilesError> {
        let settings = settings(SignatureLocation::Headers);
        let signed = self.sign(request, SignableBody::Precomputed(body.hex()), now, settings)?;
        let (headers, _) = signed.into_parts();
        Ok(headers.into_iter().map(|header| (header.name(), header.value().to_owned())).collect())
    }

    /// The address with a signature in its query, and the moment until which it is good. The body stays open, so
    /// whoever wants to pin it has its hash among the headers.
    pub(super) fn link(
        &self,
        request: &Unsigned<'_>,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<(Url, Timestamp), FilesError> {
        let lifetime = Duration::from_secs(lifetime.as_secs()).clamp(Duration::from_secs(1), LONGEST);
        let mut settings = settings(SignatureLocation::QueryParams);
        settings.expires_in = Some(lifetime);
        let signed = self.sign(request, SignableBody::UnsignedPayload, now, settings)?;
        let mut query = request.url.query().unwrap_or_default().to_owned();
        for (name, value) in signed.params() {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(name);
            query.push('=');
            query.push_str(&escape(value));
        }
        let mut url = request.url.clone();
        url.set_query(Some(&query));
        // Signatures know whole seconds.
        Ok((url, Timestamp::from_millis(now.seconds().saturating_mul(1_000)) + lifetime))
    }

    fn sign(
        &self,
        request: &Unsigned<'_>,
        body: SignableBody<'_>,
        now: Timestamp,
        settings: SigningSettings,
    ) -> Result<SigningInstructions, FilesError> {
        let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(now.seconds()).unwrap_or_default());
        let how: SigningParams<'_> = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name("s3")
            .time(time)
            .settings(settings)
            .build()
            .map_err(|_| FilesError::Unusable("its signer is not set up"))?
            .into();
        let headers = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let what = SignableRequest::new(request.method.as_str(), request.url.as_str(), headers, body);
        let signed = what.and_then(|what| sign(what, &how));
        let signed = signed.map_err(|_| FilesError::Unusable("the request cannot be signed"))?;
        Ok(signed.into_parts().0)
    }
}

fn settings(location: SignatureLocation) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.signature_location = location;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings
}

#[cfg(test)]
mod tests;
