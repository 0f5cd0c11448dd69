//! The examples that AWS prints with its description of Signature Version 4 for S3.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;

const HOST: &str = "examplebucket.s3.amazonaws.com";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const WELCOME: &str = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
/// 2013-05-24T00:00:00Z.
const THEN_MS: i64 = 1_369_353_600_000;

fn keys() -> Keys {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned();
    Keys::from([("AKIAIOSFODNN7EXAMPLE".to_owned(), Key { secret, token: None })])
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_static(HOST))]);
    for (name, value) in pairs {
        headers.insert(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

/// An example signed in its headers.
fn signed(
    method: &str,
    target: &str,
    more: &[(&str, &str)],
    sha256: &str,
    proof: &str,
) -> Result<Payload, Refusal> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,{proof}"
    );
    let mut pairs = vec![
        ("authorization", &*authorization),
        ("x-amz-content-sha256", sha256),
        ("x-amz-date", "20130524T000000Z"),
    ];
    pairs.extend_from_slice(more);
    let headers = headers(&pairs);
    check(&Asked { method, path, query, headers: &headers }, &keys(), THEN_MS)
}

const RANGE: &str = "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,\
    Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";

#[test]
fn what_aws_prints_for_requests_that_are_signed_in_headers_is_good() {
    let put = [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
    let put_proof = "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,\
        Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
    let plain = "SignedHeaders=host;x-amz-content-sha256;x-amz-date";
    let lifecycle =
        format!("{plain},Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    let list = format!("{plain},Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");

    let found = [
        signed("GET", "/test.txt", &[("range", "bytes=0-9")], EMPTY, RANGE),
        signed("PUT", "/test%24file.text", &put, WELCOME, put_proof),
        signed("GET", "/?lifecycle", &[], EMPTY, &lifecycle),
        signed("GET", "/?max-keys=2&prefix=J", &[], EMPTY, &list),
    ];

    let expected: [Result<_, Refusal>; 4] =
        [EMPTY, WELCOME, EMPTY, EMPTY].map(|sha256| Ok(Payload::Sha256(sha256.to_owned())));
    assert_eq!(found, expected);
}

#[test]
fn anything_else_in_the_place_of_what_was_signed_is_refused() {
    let range: &[(&str, &str)] = &[("range", "bytes=0-9")];
    for (method, target, more, sha256) in [
        ("PUT", "/test.txt", range, EMPTY),
        ("GET", "/tests.txt", range, EMPTY),
        ("GET", "/test.txt?versionId=1", range, EMPTY),
        ("GET", "/test.txt", &[("range", "bytes=0-8")], EMPTY),
        ("GET", "/test.txt", &[], EMPTY),
        ("GET", "/test.txt", range, WELCOME),
    ] {
        let refusal = signed(method, target, more, sha256, RANGE).unwrap_err();

        assert_eq!(refusal.code, "SignatureDoesNotMatch", "{method} {target} {more:?}");
    }

    let more = [("range", "bytes=0-9"), ("x-amz-acl", "public-read")];
    let refusal = signed("GET", "/test.txt", &more, EMPTY, RANGE).unwrap_err();
    assert_eq!(refusal.code, "AccessDenied");
    assert_eq!(refusal.more, [("HeadersNotSigned", "x-amz-acl".to_owned())]);
}

const LINK: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256\
    &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
    &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
    &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

fn followed(query: &str, now_ms: i64) -> Result<Payload, Refusal> {
    let headers = headers(&[]);
    check(&Asked { method: "GET", path: "/test.txt", query, headers: &headers }, &keys(), now_ms)
}

#[test]
fn the_link_that_aws_prints_is_good_for_a_day() {
    let day_ms = 86_400_000;

    assert_eq!(followed(LINK, THEN_MS), Ok(Payload::Unsigned));
    assert_eq!(followed(LINK, THEN_MS + day_ms), Ok(Payload::Unsigned));

    let refusal = followed(LINK, THEN_MS + day_ms + 1).unwrap_err();
    assert_eq!((refusal.code, &*refusal.message), ("AccessDenied", "Request has expired"));
    let longer = followed(&LINK.replace("86400", "86401"), THEN_MS).unwrap_err();
    assert_eq!(longer.code, "SignatureDoesNotMatch");
    let endless = followed(&LINK.replace("86400", "604801"), THEN_MS).unwrap_err();
    assert_eq!(endless.code, "AuthorizationQueryParametersError");
}

#[test]
fn a_signature_is_good_for_a_quarter_of_an_hour() {
    let range = [("range", "bytes=0-9")];
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,{RANGE}"
    );
    let mut pairs = vec![
        ("authorization", &*authorization),
        ("x-amz-content-sha256", EMPTY),
        ("x-amz-date", "20130524T000000Z"),
    ];
    pairs.extend(range);
    let headers = headers(&pairs);
    let asked = Asked { method: "GET", path: "/test.txt", query: "", headers: &headers };

    assert!(check(&asked, &keys(), THEN_MS + SKEW_MS).is_ok());

    for now in [THEN_MS + SKEW_MS + 1, THEN_MS - SKEW_MS - 1] {
        assert_eq!(check(&asked, &keys(), now).unwrap_err().code, "RequestTimeTooSkewed");
    }
    assert_eq!(check(&asked, &Keys::new(), THEN_MS).unwrap_err().code, "InvalidAccessKeyId");
}
