use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use super::{Canned, FarEnd, Seller, canned, whop_at};
use crate::error::{Error, Kind};
use crate::whop::account::Account;
use crate::whop::error::WhopError;

async fn outcome(answer: Canned) -> Result<Account, WhopError> {
    let far_end = FarEnd::answering([answer]).await;
    let outcome = far_end.whop.own_account(&Seller::new().token).await;
    far_end.only(); // Nothing is repeated, whatever the answer.
    outcome
}

async fn failure(status: u16, body: &str) -> WhopError {
    outcome(canned(status, body)).await.unwrap_err()
}

fn error_body(kind: &str, message: &str) -> String {
    serde_json::json!({ "error": { "type": kind, "message": message } }).to_string()
}

#[tokio::test]
async fn a_credential_that_is_not_accepted_is_told_apart_from_one_that_may_not() {
    let error = failure(401, &error_body("unauthorized", "Invalid API key")).await;
    assert!(error.is_unauthorized());

    let body = error_body("forbidden", "Missing permission: `member:basic:read`.");
    let error = failure(403, &body).await;
    assert!(!error.is_unauthorized());
    let WhopError::Forbidden { permission } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(permission.as_deref(), Some("member:basic:read"));
    let error = Error::from(error);
    assert_eq!(error.kind(), Kind::Rejected);
    assert!(error.advice().contains("`member:basic:read`"), "{}", error.advice());

    let error = failure(403, "<html>Access denied: see https://whop.com</html>").await;
    assert!(matches!(error, WhopError::Forbidden { permission: None }), "{error:?}");
}

#[tokio::test]
async fn the_wait_is_read_from_the_header_then_from_the_text_then_guessed() {
    let text = error_body("rate_limit_exceeded", "Try again in 12 seconds.");
    let header = |value| Canned { headers: vec![("retry-after", value)], ..canned(429, text.clone()) };
    for (answer, seconds) in [
        (canned(429, text.clone()), 12),
        (header("3"), 3),
        (header("Wed, 21 Oct 2026 07:28:00 GMT"), 12),
        (header("999999999"), 900),
        (canned(429, error_body("rate_limit_exceeded", "Try again in 1 second.")), 1),
        (canned(429, error_body("rate_limit_exceeded", "Slow down.")), 30),
        (canned(429, "<html>"), 30),
    ] {
        let shown = format!("{answer:?}");
        let Err(WhopError::Throttled { retry_after }) = outcome(answer).await else {
            panic!("{shown}");
        };
        assert_eq!(retry_after, Duration::from_secs(seconds), "{shown}");
    }
}

#[tokio::test]
async fn what_whop_will_never_do_carries_its_kind_and_one_line_of_why() {
    for status in [400, 402, 404, 409, 410, 422] {
        let error = failure(status, &error_body("gone", "No\nmore zoe@example.com here")).await;
        let WhopError::Refused { status: said, kind, message } = &error else {
            panic!("{error:?}");
        };
        assert_eq!((*said, kind.as_str(), message.as_str()), (status, "gone", "No more … here"));
    }

    let coded = r#"{"error":{"code":"parameter_missing","message":null}}"#;
    let WhopError::Refused { kind, .. } = failure(422, coded).await else {
        panic!("not refused");
    };
    assert_eq!(kind, "parameter_missing");
    assert!(matches!(failure(418, "").await, WhopError::Refused { status: 418, .. }));
}

#[tokio::test]
async fn each_outcome_has_the_kind_that_makes_the_right_one_act() {
    for (status, kind) in [
        (401, Kind::Rejected),
        (403, Kind::Rejected),
        (409, Kind::Conflict),
        (410, Kind::Rejected),
        (422, Kind::Rejected),
        (500, Kind::Unavailable),
        (302, Kind::Unavailable),
        (429, Kind::Throttled { retry_after: Duration::from_secs(30) }),
    ] {
        let error = Error::from(failure(status, "{}").await);
        assert_eq!(error.kind(), kind, "{status}");
        assert!(error.advice().len() > 30, "{status}: {}", error.advice());
    }
}

#[tokio::test]
async fn whatever_a_gateway_says_whop_is_only_unavailable() {
    for (status, body) in [
        (500, error_body("internal", "x")),
        (502, "<html><h1>Bad gateway</h1></html>".to_owned()),
        (503, String::new()),
        (408, String::new()),
    ] {
        let error = failure(status, &body).await;
        assert!(matches!(error, WhopError::Unavailable(_)), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_answer_is_unexpected() {
    for (status, body) in [
        (200, "<html>Maintenance</html>"),
        (200, r#"{"id":"biz_1""#),
        (200, ""),
        (200, "[]"),
        (200, "\u{0}"),
        (204, ""),
        (301, ""),
    ] {
        let error = failure(status, body).await;
        assert!(matches!(error, WhopError::Unexpected(_)), "{status} {body}: {error:?}");
    }
    let not_text = outcome(canned(200, vec![b'{', 0xff, b'}'])).await;
    assert!(matches!(not_text, Err(WhopError::Unexpected(_))));
    let too_large = outcome(canned(200, vec![b' '; 16 * 1024 * 1024 + 1])).await;
    assert!(matches!(too_large, Err(WhopError::Unexpected(_))), "{too_large:?}");
}

/// A server that reads one request, says this much, and hangs up.
fn hanging_up(says: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut line, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        assert!(line.read(&mut request).unwrap() > 0);
        line.write_all(says.as_bytes()).unwrap();
    });
    base
}

#[tokio::test]
async fn a_cut_line_is_an_outage_wherever_it_is_cut() {
    for says in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":"] {
        let whop = whop_at(&hanging_up(says));
        let error = whop.own_account(&Seller::new().token).await.unwrap_err();
        assert!(matches!(error, WhopError::Unavailable(_)), "{says}: {error:?}");
    }
}

#[tokio::test]
async fn nobody_listening_is_an_outage_and_no_error_shows_the_credential() {
    let error = whop_at("http://127.0.0.1:9").own_account(&Seller::new().token).await.unwrap_err();

    assert!(matches!(error, WhopError::Unavailable(_)), "{error:?}");
    let shown = format!("{error:?}");
    let chain = Error::from(error).chain();
    assert!(chain.contains("whop is not available"), "{chain}");
    assert!(!shown.contains("canary") && !chain.contains("canary"), "{shown} {chain}");
}
