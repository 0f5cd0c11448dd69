//! The bucket over the wire: our client, signed by AWS's crate, against a stand-in that works signatures out by
//! hand.

use http::StatusCode;
use sim::aws::S3;
use sim::clock::Clock;
use sim::fault::{Fault, Faults};

use super::*;
use crate::aws::Endpoints;
use crate::domain::grant::Secret;
use crate::error::{Error, Kind};
use crate::http::Addresses;

/// 2026-11-23T08:00:00.250Z.
const START_MS: i64 = 1_795_420_800_250;
const BUCKET: &str = "contract-files";
const KEY: &str = "w/1/Vertrag Zoë+1.pdf";
const TOKEN: &str = "canary/session+token==";

struct Street {
    clock: Clock,
    faults: Faults,
    s3: S3,
    files: Files,
}

fn settings(secret: &str, token: Option<&str>, s3: Option<String>) -> AwsSettings {
    AwsSettings {
        region: "us-east-1".to_owned(),
        access_key_id: "ASIAEXAMPLE".to_owned(),
        secret_access_key: Secret::new(secret),
        session_token: token.map(Secret::new),
        endpoints: Endpoints { s3, ..Endpoints::default() },
        ca_bundle: None,
    }
}

fn files(aws: &AwsSettings, bucket: &str) -> Files {
    Files::new(Http::new(Addresses::PrivateToo).unwrap(), aws, bucket).unwrap()
}

impl Street {
    async fn open() -> Self {
        let (clock, faults) = (Clock::stepped(START_MS), Faults::default());
        let s3 = S3::start(&clock, &faults, 0).await;
        s3.create_bucket(BUCKET);
        s3.admit("ASIAEXAMPLE", "canary-secret", Some(TOKEN));
        let files = files(&settings("canary-secret", Some(TOKEN), Some(s3.url())), BUCKET);
        Self { clock, faults, s3, files }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.now_ms())
    }

    async fn keep(&self, text: &'static str) {
        self.files.put(KEY, Bytes::from_static(text.as_bytes()), PDF, self.now()).await.unwrap();
    }

    async fn get(&self, sha256: &str) -> Result<Bytes, FilesError> {
        self.files.get(KEY, sha256, self.now()).await
    }

    async fn check(&self, sha256: &str) -> Result<Option<u64>, FilesError> {
        self.files.check(KEY, sha256, self.now()).await
    }

    fn say(&self, status: StatusCode, code: &str) {
        let body = format!("<Error><Code>{code}</Code><Message>canary {KEY}</Message></Error>");
        self.faults.plan(move |_| Fault::Fail(status, body.clone()));
    }
}

fn hash(text: &str) -> String {
    Digest::of(text.as_bytes()).hex()
}

#[tokio::test]
async fn a_file_that_was_kept_is_read_back_with_its_length_and_type() {
    let street = Street::open().await;

    street.keep("%PDF-1.7 signed").await;

    assert_eq!(street.get(&hash("%PDF-1.7 signed")).await.unwrap(), "%PDF-1.7 signed");
    assert_eq!(street.check(&hash("%PDF-1.7 signed")).await.unwrap(), Some(15));
    let object = street.s3.object(BUCKET, KEY).unwrap();
    assert_eq!(object.content_type, PDF);
    assert_eq!(object.sha256, Some(Digest::of(b"%PDF-1.7 signed").base64()));
    assert_eq!(street.s3.keys(BUCKET), [KEY]);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_absent_to_a_check_and_missing_to_a_read() {
    let street = Street::open().await;

    assert!(matches!(street.check(&hash("")).await, Ok(None)));
    assert!(matches!(street.get(&hash("")).await, Err(FilesError::NotFound)));
}

#[tokio::test]
async fn a_file_that_is_not_the_recorded_one_is_refused() {
    let street = Street::open().await;
    street.keep("one").await;

    assert!(matches!(street.get(&hash("two")).await, Err(FilesError::Damaged)));
    assert!(matches!(street.check(&hash("two")).await, Err(FilesError::Damaged)));
    street.s3.damage(BUCKET, KEY, b"0ne");
    assert!(matches!(street.get(&hash("one")).await, Err(FilesError::Damaged)));

    for none in ["", "abc", &"g".repeat(64)] {
        assert!(matches!(street.get(none).await, Err(FilesError::Unusable(_))), "{none}");
    }
}

#[tokio::test]
async fn a_file_that_is_kept_twice_is_two_versions_of_one() {
    let street = Street::open().await;

    street.faults.plan(|_| Fault::Twice);
    street.keep("one").await;
    street.faults.clear();

    assert_eq!(street.s3.versions(BUCKET, KEY).len(), 2);
    assert_eq!(street.get(&hash("one")).await.unwrap(), "one");
}

#[tokio::test]
async fn what_is_too_large_is_neither_kept_nor_uploaded() {
    let street = Street::open().await;

    let kept = street.files.put(KEY, vec![0; LARGEST + 1].into(), PDF, street.now()).await;
    let bytes = u64::try_from(LARGEST).unwrap() + 1;
    let leave = street.files.upload(KEY, bytes, &hash("x"), street.now(), Duration::from_mins(5));

    assert!(matches!(kept, Err(FilesError::TooLarge)));
    assert!(matches!(leave, Err(FilesError::TooLarge)));
    assert_eq!(street.faults.count(), 0);
}

async fn follow(url: Url) -> (u16, String, String) {
    let client = sim::serve::plain_client().build().unwrap();
    let answer = client.get(url).send().await.unwrap();
    let header = |name: &str| answer.headers().get(name).map_or("", |it| it.to_str().unwrap()).to_owned();
    let about = format!("{} {}", header("content-type"), header("content-disposition"));
    (answer.status().as_u16(), about, answer.text().await.unwrap())
}

#[tokio::test]
async fn a_link_downloads_one_file_under_its_name_until_it_ends() {
    let street = Street::open().await;
    street.keep("one").await;

    let minutes = Duration::from_mins(5);
    let link = street.files.link(KEY, "Zoë's contract.pdf", street.now(), minutes).unwrap();

    let (status, about, body) = follow(link.clone()).await;
    assert_eq!((status, &*body), (200, "one"));
    assert_eq!(
        about,
        "application/pdf attachment; filename=\"Zo_'s contract.pdf\"; filename*=UTF-8''Zo%C3%AB%27s%20contract.pdf"
    );
    let other = link.as_str().replace("Vertrag", "Betrag").parse().unwrap();
    assert!(follow(other).await.2.contains("SignatureDoesNotMatch"));
    street.clock.advance_ms(5 * 60_000 + 1);
    let (status, _, body) = follow(link).await;
    assert_eq!(status, 403);
    assert!(body.contains("AccessDenied") && body.contains("Request has expired"), "{body}");
}

fn signature(url: &Url) -> String {
    url.query_pairs().find(|(name, _)| name == "X-Amz-Signature").unwrap().1.into_owned()
}

/// Made with botocore 1.43.127 from the same settings, for the moment it ran at.
#[test]
fn links_are_those_that_aws_makes_in_python() {
    let mut aws = settings("canary-secret", Some(TOKEN), None);
    "eu-central-1".clone_into(&mut aws.region);
    let (files, now) = (files(&aws, BUCKET), "2026-11-23T21:45:15Z".parse().unwrap());

    let link = files.link(KEY, "Zoë's contract.pdf", now, Duration::from_mins(5)).unwrap();
    let upload = files.upload(KEY, 3, &hash("one"), now, Duration::from_mins(10)).unwrap();

    let address = "https://contract-files.s3.eu-central-1.amazonaws.com/w/1/Vertrag%20Zo%C3%AB%2B1.pdf?";
    assert!(link.as_str().starts_with(address) && upload.url.as_str().starts_with(address), "{link}");
    assert_eq!(signature(&link), "69961b6b9de220ad852f415107c03c1f7046b8aba17a43bb18d4fc0bc8f65550");
    assert_eq!(signature(&upload.url), "d963c7f648923ebaa2961b39977b056757f54d3061f4148bca85b5917a9f9157");
}

/// Uploads as a browser does: the length is the client's own doing.
async fn send(upload: &Upload, but: Option<(&str, Option<&str>)>, body: &'static str) -> (u16, String) {
    let client = sim::serve::plain_client().build().unwrap();
    let mut request = client.put(upload.url.clone()).body(body);
    for (name, value) in upload.headers.iter().filter(|(name, _)| name != "content-length") {
        match but {
            Some((other, None)) if other == name => {}
            Some((other, Some(instead))) if other == name => request = request.header(name, instead),
            _ => request = request.header(name, value),
        }
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn leave_to_upload_is_for_those_very_bytes_and_ends() {
    let street = Street::open().await;
    let upload = street.files.upload(KEY, 3, &hash("one"), street.now(), Duration::from_mins(10)).unwrap();

    let other = Digest::of(b"two").base64();
    for (but, body, code) in [
        (None, "two", "BadDigest"),
        (None, "one ", "SignatureDoesNotMatch"),
        (Some(("content-type", Some("text/html"))), "one", "SignatureDoesNotMatch"),
        (Some(("content-type", None)), "one", "SignatureDoesNotMatch"),
        (Some(("x-amz-checksum-sha256", Some(&*other))), "two", "SignatureDoesNotMatch"),
        (Some(("x-amz-checksum-sha256", None)), "two", "SignatureDoesNotMatch"),
    ] {
        let (status, text) = send(&upload, but, body).await;
        assert!(status >= 400 && text.contains(code), "{but:?} {body}: {status} {text}");
    }
    assert!(street.s3.keys(BUCKET).is_empty());

    assert_eq!(send(&upload, None, "one").await.0, 200);
    assert_eq!(street.check(&hash("one")).await.unwrap(), Some(3));
    assert_eq!(street.s3.object(BUCKET, KEY).unwrap().content_type, PDF);
    assert_eq!(upload.until.to_string(), "2026-11-23T08:10:00.000Z");
    street.clock.advance_ms(10 * 60_000);
    assert!(send(&upload, None, "one").await.1.contains("Request has expired"));
}

#[tokio::test]
async fn who_is_not_let_in_or_says_another_time_is_told_so() {
    let street = Street::open().await;
    let url = Some(street.s3.url());
    let late = street.now() + Duration::from_mins(16);

    let code = async |files: &Files, now| {
        let error = files.get(KEY, &hash(""), now).await.unwrap_err();
        let (FilesError::Refused { code } | FilesError::Unavailable { code }) = error else {
            panic!("{error:?}");
        };
        code
    };

    let wrong = files(&settings("other", Some(TOKEN), url.clone()), BUCKET);
    assert_eq!(code(&wrong, street.now()).await, "SignatureDoesNotMatch");
    let bare = files(&settings("canary-secret", None, url.clone()), BUCKET);
    assert_eq!(code(&bare, street.now()).await, "InvalidAccessKeyId");
    let elsewhere = files(&settings("canary-secret", Some(TOKEN), url), "other-files");
    assert_eq!(code(&elsewhere, street.now()).await, "NoSuchBucket");
    assert_eq!(code(&street.files, late).await, "RequestTimeTooSkewed");
    let absent = wrong.check(KEY, &hash(""), street.now()).await.unwrap_err();
    assert!(matches!(absent, FilesError::Refused { code } if code == "403"), "HEAD has no document");
}

#[tokio::test]
async fn every_refusal_has_its_kind_and_shows_nothing() {
    let street = Street::open().await;
    let throttled = Kind::Throttled { retry_after: Duration::from_secs(2) };

    for (status, code, kind) in [
        (503, "SlowDown", throttled),
        (503, "ServiceUnavailable", Kind::Unavailable),
        (500, "InternalError", Kind::Unavailable),
        (400, "BadDigest", Kind::Unavailable),
        (400, "ExpiredToken", Kind::Unavailable),
        (403, "RequestTimeTooSkewed", Kind::Unavailable),
        (404, "NoSuchKey", Kind::NotFound),
        (404, "NoSuchBucket", Kind::Bug),
        (403, "AccessDenied", Kind::Bug),
        (301, "PermanentRedirect", Kind::Bug),
        (403, "canary key</Code>", Kind::Bug),
    ] {
        street.say(StatusCode::from_u16(status).unwrap(), code);

        let error = Error::from(street.get(&hash("one")).await.unwrap_err());

        assert_eq!(error.kind(), kind, "{code}");
        let shown = format!("{} {} {error:?}", error.chain(), error.advice());
        for hidden in ["canary", "Vertrag", "http:"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_line_that_breaks_is_no_answer_and_shows_nothing() {
    let street = Street::open().await;

    for fault in [Fault::CutBefore, Fault::CutAfter] {
        street.faults.plan(move |_| fault.clone());
        let error = street.files.put(KEY, Bytes::from_static(b"one"), PDF, street.now()).await.unwrap_err();

        let error = Error::from(error);
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(!error.chain().contains("Vertrag") && !format!("{error:?}").contains("canary"), "{error:?}");
    }
    street.faults.clear();
    street.keep("one").await;

    assert_eq!(street.get(&hash("one")).await.unwrap(), "one");
}

#[test]
fn the_bucket_is_part_of_the_host_at_aws_and_of_the_path_elsewhere() {
    let address = |region: &str, other: Option<&str>, bucket: &str| {
        let mut aws = settings("s", None, other.map(str::to_owned));
        region.clone_into(&mut aws.region);
        files(&aws, bucket).url("w/1.pdf").unwrap().to_string()
    };

    for (found, expected) in [
        (address("eu-central-1", None, "ours"), "https://ours.s3.eu-central-1.amazonaws.com/w/1.pdf"),
        (address("cn-north-1", None, "ours"), "https://ours.s3.cn-north-1.amazonaws.com.cn/w/1.pdf"),
        (address("eu-central-1", None, "our.s"), "https://s3.eu-central-1.amazonaws.com/our.s/w/1.pdf"),
        (address("eu-central-1", Some("http://127.0.0.1:9/"), "ours"), "http://127.0.0.1:9/ours/w/1.pdf"),
    ] {
        assert_eq!(found, expected);
    }
    let http = Http::new(Addresses::PublicOnly).unwrap();
    let nowhere = Files::new(http, &settings("s", None, Some("nowhere".to_owned())), "ours");
    assert!(matches!(nowhere, Err(FilesError::Unusable(_))));
}

#[test]
fn no_address_no_key_and_no_token_is_shown() {
    let files = files(&settings("canary-secret", Some(TOKEN), None), "canary-bucket");
    let now = Timestamp::from_millis(START_MS);

    let upload = files.upload("canary/key", 1, &hash("1"), now, Duration::from_mins(1)).unwrap();

    let shown = format!("{files:?} {upload:?}");
    assert!(!shown.contains("canary") && !shown.contains("X-Amz"), "{shown}");
    for key in ["", "/canary", "canary/", "canary/../x"] {
        let refused = files.link(key, "x.pdf", now, Duration::from_mins(1)).unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("canary"));
    }
}

#[tokio::test]
async fn an_app_finds_its_bucket_by_its_environment() {
    let street = Street::open().await;
    let url = street.s3.url();
    let variables = |name: &str| {
        let value = match name {
            "PUBLIC_URL" => "https://bridge.example.com",
            "AWS_REGION" => "us-east-1",
            "AWS_ACCESS_KEY_ID" => "ASIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY" => "canary-secret",
            "AWS_SESSION_TOKEN" => TOKEN,
            "AWS_ENDPOINT_URL" => &*url,
            "FILES_BUCKET" => BUCKET,
            "ALLOW_PRIVATE_ADDRESSES" => "true",
            "TABLE_NAME"
            | "SYNC_QUEUE_URL"
            | "SYNC_DEAD_LETTER_URL"
            | "AI_QUEUE_URL"
            | "AI_DEAD_LETTER_URL"
            | "CONTRACT_QUEUE_URL"
            | "CONTRACT_DEAD_LETTER_URL"
            | "SEAL_KEYS_SECRET"
            | "SESSION_KEY_SECRET" => "ours",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let config = crate::Config::from_vars(variables).unwrap();
    let app = crate::App::forever(config, crate::Clock::System).unwrap();

    let files = app.files().unwrap();
    files.put(KEY, Bytes::from_static(b"one"), PDF, street.now()).await.unwrap();

    assert_eq!(street.s3.object(BUCKET, KEY).unwrap().bytes, b"one");
    assert!(std::ptr::eq(files, app.files().unwrap()));
}
