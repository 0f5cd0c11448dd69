//! The wire at its worst: odd statuses, pages, cut lines, answers too large, addresses that lead inside.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::sample;
use super::street::{Reply, Seen, Street, client};
use crate::domain::grant::Secret;
use crate::error::{Error, Kind};
use crate::http::{Addresses, Http};
use crate::twenty::{At, Twenty, TwentyError};

async fn asked(status: u16, body: impl Into<Vec<u8>>) -> TwentyError {
    let body = body.into();
    let street = Street::open(move |_: &Seen| Reply { status, body: body.clone() }).await;
    street.twenty.current_workspace(street.at()).await.unwrap_err()
}

#[tokio::test]
async fn every_trouble_on_the_wire_becomes_the_right_error() {
    let expired = sample!("auth-expired-key")["response"]["body"].to_string();

    assert!(matches!(asked(401, expired).await, TwentyError::Unauthorized { .. }));
    assert!(matches!(asked(403, "<html>no</html>").await, TwentyError::Unexpected { .. }));
    assert!(matches!(asked(429, "").await, TwentyError::Throttled { .. }));
    assert!(matches!(asked(503, "").await, TwentyError::Unavailable { status: Some(503), .. }));
    assert!(matches!(asked(302, "").await, TwentyError::Unexpected { .. }));
    assert!(matches!(asked(200, "<!doctype html>").await, TwentyError::Unexpected { .. }));
    assert!(matches!(asked(200, "{\"data\":{").await, TwentyError::Unexpected { .. }));
    assert!(matches!(asked(200, "{\"data\":null}").await, TwentyError::Unexpected { .. }));
    assert!(matches!(asked(200, vec![b' '; 17 << 20]).await, TwentyError::Unexpected { .. }));
}

/// A listener that reads a request, says `answer` and hangs up.
async fn hangs_up_after(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut line, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _read = line.read(&mut request).await.unwrap();
        line.write_all(answer.as_bytes()).await.unwrap();
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_line_that_is_cut_leaves_open_whether_the_call_had_an_effect() {
    for answer in ["", "HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n{\"data\":"] {
        let server = hangs_up_after(answer).await.parse().unwrap();
        let key = Secret::new("a-key");

        let error = client().current_workspace(At { server: &server, key: &key }).await.unwrap_err();

        assert!(matches!(error, TwentyError::Unavailable { status: None, .. }), "{error:?}");
        assert_eq!(Error::from(error).kind(), Kind::Unavailable);
    }
}

#[tokio::test]
async fn an_address_that_leads_inside_is_told_from_one_that_does_not_answer() {
    let careful = Twenty::new(Http::new(Addresses::PublicOnly).unwrap());
    let key = Secret::new("a-key");

    for address in ["https://localhost:9", "https://10.0.0.1", "http://crm.example.com"] {
        let server = address.parse().unwrap();
        let error = careful.current_workspace(At { server: &server, key: &key }).await.unwrap_err();

        assert!(matches!(error, TwentyError::NotAllowed { .. }), "{address}: {error:?}");
        let error = Error::from(error);
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.advice().contains("may not be called"), "{}", error.advice());
    }
}
