//! Our use of the signer, against the examples that AWS prints with its description.

use super::*;
use crate::aws::Endpoints;
use crate::domain::grant::Secret;

const EMPTY: &[u8] = b"";

fn then() -> Timestamp {
    "2013-05-24T00:00:00Z".parse().unwrap()
}

fn signer(session_token: Option<&str>) -> Signer {
    Signer::new(&AwsSettings {
        region: "us-east-1".to_owned(),
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        session_token: session_token.map(Secret::new),
        endpoints: Endpoints::default(),
        ca_bundle: None,
    })
}

fn authorization(method: &Method, target: &str, headers: &[(&'static str, &str)], body: &[u8]) -> String {
    let url: Url = format!("https://examplebucket.s3.amazonaws.com{target}").parse().unwrap();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let request = Unsigned { method, url: &url, headers: &headers };
    let signed = signer(None).headers(&request, &Digest::of(body), then()).unwrap();
    let (_, value) = signed.into_iter().find(|(name, _)| *name == "authorization").unwrap();
    value
}

#[test]
fn what_aws_prints_for_headers_comes_out() {
    let put = [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];

    let signed = [
        authorization(&Method::GET, "/test.txt", &[("range", "bytes=0-9")], EMPTY),
        authorization(&Method::PUT, "/test%24file.text", &put, b"Welcome to Amazon S3."),
        authorization(&Method::GET, "/?lifecycle", &[], EMPTY),
        authorization(&Method::GET, "/?max-keys=2&prefix=J", &[], EMPTY),
    ];

    let signatures = signed.map(|text| text.rsplit('=').next().unwrap_or_default().to_owned());
    assert_eq!(
        signatures,
        [
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ]
    );
}

fn link(signer: &Signer, lifetime: Duration) -> (Url, Timestamp) {
    let url = "https://examplebucket.s3.amazonaws.com/test.txt".parse().unwrap();
    signer.link(&Unsigned { method: &Method::GET, url: &url, headers: &[] }, then(), lifetime).unwrap()
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(it, _)| it == name).map(|(_, value)| value.into_owned())
}

#[test]
fn what_aws_prints_for_a_link_comes_out() {
    let (url, until) = link(&signer(None), Duration::from_hours(24));

    assert_eq!(
        parameter(&url, "X-Amz-Signature").as_deref(),
        Some("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    );
    assert_eq!(parameter(&url, "X-Amz-Expires").as_deref(), Some("86400"));
    assert_eq!(until.to_string(), "2013-05-25T00:00:00.000Z");
}

#[test]
fn a_link_lives_a_week_at_most_and_carries_the_token_of_the_role() {
    let (url, until) = link(&signer(Some("a+b/c=")), Duration::from_hours(24 * 30));

    assert_eq!(parameter(&url, "X-Amz-Expires").as_deref(), Some("604800"));
    assert_eq!(until.to_string(), "2013-05-31T00:00:00.000Z");
    assert_eq!(parameter(&url, "X-Amz-Security-Token").as_deref(), Some("a+b/c="));
    let (_, until) = link(&signer(None), Duration::ZERO);
    assert_eq!(until.since(then()), Duration::from_secs(1));
}
