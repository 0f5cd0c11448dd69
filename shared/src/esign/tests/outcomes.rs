//! What each answer means, row by row.

use http::HeaderMap;
use serde_json::json;

use super::super::*;
use super::street::{Canned, Street, canned};
use crate::domain::contract::ProviderName;
use crate::http::Addresses;

const REQUEST: &str = "4b728be4";

/// The error of a read that is answered like this.
async fn error(street: &Street, name: ProviderName, answer: Canned) -> EsignError {
    let base = canned(vec![answer]).await;
    let urls = EsignUrls {
        docusign_sandbox: base.clone(),
        docusign_production: base.clone(),
        dropbox_sign: base.clone(),
        pandadoc: base.clone(),
    };
    let until = street.now() + Duration::from_hours(1);
    let token = Token { access: Secret::new("t"), until, account: "a".to_owned(), base };
    let provider = Provider::new(&street.http, &urls, street.account(name), Some(token));
    provider.signed_file(&REQUEST.parse().unwrap()).await.unwrap_err()
}

type Row = (u16, serde_json::Value, &'static str);

async fn check(name: ProviderName, rows: Vec<Row>) {
    let street = Street::start().await;
    for (status, body, expected) in rows {
        let text =
            if body.is_null() { "<html>ada@client.example</html>".to_owned() } else { body.to_string() };

        let found = error(&street, name, Canned::new(status, &text)).await;

        assert_eq!(found.trouble.as_str(), expected, "{name} {status} {body}");
        assert_eq!(found.status, Some(status));
        assert!(!format!("{found} {found:?}").contains("ada@"), "{found:?}");
    }
}

#[tokio::test]
async fn docusign_is_understood_by_its_codes() {
    let code = |code: &str| json!({"errorCode": code, "message": "ada@client.example is wrong"});
    let rows = vec![
        (400, code("HOURLY_APIINVOCATION_LIMIT_EXCEEDED"), "throttled"),
        (429, code("BURST_APIINVOCATION_LIMIT_EXCEEDED"), "throttled"),
        (400, code("Hourly_Envelope_Polling_Limit_Exceeded"), "throttled"),
        (429, code("Burst_APIInvocation_Envelope_Limit_Exceeded"), "throttled"),
        (429, json!(null), "throttled"),
        (400, code("RECIPIENT_LIMIT_EXCEEDED"), "rejected"),
        (429, code("RECIPIENT_LIMIT_EXCEEDED"), "rejected"),
        (400, code("ENVELOPE_SEND_LIMIT_EXCEEDED"), "misconfigured"),
        (400, code("ENVELOPE_ALLOWANCE_EXCEEDED"), "misconfigured"),
        (401, code("AUTHORIZATION_INVALID_TOKEN"), "logged_out"),
        (401, code("USER_AUTHENTICATION_FAILED"), "logged_out"),
        (401, code("PARTNER_AUTHENTICATION_FAILED"), "logged_out"),
        (401, json!(null), "logged_out"),
        (400, code("USER_LACKS_PERMISSIONS"), "misconfigured"),
        (401, code("USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT"), "misconfigured"),
        (403, code("ACCOUNT_LACKS_PERMISSIONS"), "misconfigured"),
        (400, code("USER_NOT_ENVELOPE_SENDER_OR_RECIPIENT"), "misconfigured"),
        (404, code("ENVELOPE_DOES_NOT_EXIST"), "not_found"),
        (400, code("ENVELOPE_DOES_NOT_EXIST"), "not_found"),
        (400, code("ENVELOPE_CANNOT_VOID_INVALID_STATE"), "rejected"),
        (400, code("ENVELOPE_INVALID_STATUS"), "rejected"),
        (400, code("INVALID_REQUEST_BODY"), "rejected"),
        (400, code("INVALID_EMAIL_ADDRESS_FOR_RECIPIENT"), "rejected"),
        (400, code("EDIT_LOCK_ENVELOPE_LOCKED"), "rejected"),
        (400, code("A_CODE_OF_TOMORROW"), "rejected"),
        (444, json!(null), "unavailable"),
        (500, json!(null), "unavailable"),
        (503, json!(null), "unavailable"),
        (302, json!(null), "misconfigured"),
    ];
    check(ProviderName::DocuSign, rows).await;
}

#[tokio::test]
async fn dropbox_sign_is_understood_by_its_names() {
    let name = |name: &str| json!({"error": {"error_name": name, "error_msg": "ada@client.example"}});
    let rows = vec![
        (400, name("bad_request"), "rejected"),
        (400, name("invalid_recipient"), "rejected"),
        (400, name("invalid_reminder"), "rejected"),
        (400, name("signature_request_cancel_failed"), "rejected"),
        (400, name("signature_request_expired"), "rejected"),
        (403, name("signature_request_expired"), "rejected"),
        (401, name("unauthorized"), "misconfigured"),
        (402, name("payment_required"), "misconfigured"),
        (403, name("forbidden"), "misconfigured"),
        (404, name("not_found"), "not_found"),
        (405, name("method_not_supported"), "rejected"),
        (410, name("deleted"), "not_found"),
        (422, name("unprocessable_entity"), "rejected"),
        (429, name("exceeded_rate"), "throttled"),
        (500, name("unknown"), "unavailable"),
        (503, name("maintenance"), "unavailable"),
        (503, name("unavailable"), "unavailable"),
        (400, name("something_new"), "rejected"),
        (401, json!(null), "misconfigured"),
        (410, json!(null), "not_found"),
        (502, json!(null), "unavailable"),
    ];
    check(ProviderName::DropboxSign, rows).await;
}

#[tokio::test]
async fn pandadoc_is_understood_by_its_types_and_statuses() {
    let kind = |kind: &str| json!({"type": kind, "detail": {"email": ["ada@client.example"]}});
    let rows = vec![
        (400, kind("validation_error"), "rejected"),
        (400, json!({"type": "request_error", "detail": "ada@client.example"}), "rejected"),
        (
            400,
            json!({"code": "bad_request", "details": [{"code": "x", "pointer": "", "data": {}}]}),
            "rejected",
        ),
        (401, kind("authentication_error"), "misconfigured"),
        (403, kind("permissions_error"), "misconfigured"),
        (404, kind("request_error"), "not_found"),
        (413, kind("request_error"), "rejected"),
        (429, kind("throttled"), "throttled"),
        (500, json!(null), "unavailable"),
        (504, json!(null), "unavailable"),
    ];
    check(ProviderName::PandaDoc, rows).await;
}

#[tokio::test]
async fn waits_are_as_long_as_the_provider_says() {
    let street = Street::start().await;
    let now = street.now();
    let reset = (now.seconds() + 90).to_string();
    let reset: &'static str = reset.leak();
    let hour = json!({"errorCode": "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"}).to_string();
    let limited = Canned { headers: vec![("x-ratelimit-reset", reset)], ..Canned::new(429, &hour) };
    let after = Canned { headers: vec![("retry-after", "7")], ..Canned::new(429, "{}") };
    let told = json!({"type": "throttled", "detail": "Expected available in 12 seconds."}).to_string();

    let docusign = error(&street, ProviderName::DocuSign, limited.clone()).await;
    let dropbox = error(&street, ProviderName::DropboxSign, limited).await;
    let header = error(&street, ProviderName::PandaDoc, after).await;
    let sentence = error(&street, ProviderName::PandaDoc, Canned::new(429, &told)).await;

    assert_eq!(docusign.retry_after(now).unwrap().as_secs(), 90);
    assert_eq!(dropbox.retry_after(now).unwrap().as_secs(), 90);
    assert_eq!(header.retry_after(now), Some(Duration::from_secs(7)));
    assert_eq!(sentence.retry_after(now), Some(Duration::from_secs(12)));
}

#[tokio::test]
async fn a_file_that_is_being_made_is_not_an_error() {
    let street = Street::start().await;
    let fetch = async |name, answer| {
        let base = canned(vec![answer]).await;
        let urls = EsignUrls { dropbox_sign: base.clone(), pandadoc: base, ..street.urls() };
        let provider = Provider::new(&street.http, &urls, street.account(name), None);
        provider.signed_file(&REQUEST.parse().unwrap()).await.unwrap()
    };
    let conflict = json!({"error": {"error_name": "conflict", "error_msg": "Files"}}).to_string();
    let making = Canned { headers: vec![("retry-after", "9")], ..Canned::new(202, "") };

    let dropbox = fetch(ProviderName::DropboxSign, Canned::new(409, &conflict)).await;
    let pandadoc = fetch(ProviderName::PandaDoc, making).await;
    let locked = json!({"type": "document_locked", "detail": "x"}).to_string();
    let locked = fetch(ProviderName::PandaDoc, Canned::new(423, &locked)).await;

    assert!(matches!(dropbox, SignedPdf::NotReady { .. }));
    assert_eq!(pandadoc, SignedPdf::NotReady { after: Duration::from_secs(9) });
    assert!(matches!(locked, SignedPdf::NotReady { .. }));
}

#[tokio::test]
async fn an_answer_that_is_lost_or_unreadable_leaves_open_what_happened() {
    let street = Street::start().await;
    let base = canned(vec![Canned::new(200, "not json")]).await;
    let urls = EsignUrls { dropbox_sign: base, ..street.urls() };
    let provider = Provider::new(&street.http, &urls, street.account(ProviderName::DropboxSign), None);

    let error = provider.status(&REQUEST.parse().unwrap(), street.now()).await.unwrap_err();

    assert!(error.may_have_happened(), "{error:?}");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let urls = EsignUrls { dropbox_sign: nobody, ..street.urls() };
    let provider = Provider::new(&street.http, &urls, street.account(ProviderName::DropboxSign), None);
    let error = provider.status(&REQUEST.parse().unwrap(), street.now()).await.unwrap_err();
    assert!(error.may_have_happened(), "{error:?}");
}

#[tokio::test]
async fn a_file_without_end_is_cut_off() {
    let street = Street::start().await;
    let long = "x".repeat(line::LARGEST_FILE + 1);
    let base = canned(vec![Canned::new(200, &long)]).await;
    let urls = EsignUrls { pandadoc: base, ..street.urls() };
    let provider = Provider::new(&street.http, &urls, street.account(ProviderName::PandaDoc), None);

    let error = provider.signed_file(&REQUEST.parse().unwrap()).await.unwrap_err();

    assert_eq!(error.trouble, Trouble::TooLarge);
}

#[tokio::test]
async fn an_inner_address_is_never_called() {
    let street = Street::start().await;
    let http = Http::new(Addresses::PublicOnly).unwrap();
    let provider = Provider::new(&http, &street.urls(), street.account(ProviderName::PandaDoc), None);

    let error = provider.status(&REQUEST.parse().unwrap(), street.now()).await.unwrap_err();

    assert_eq!(error.trouble, Trouble::Misconfigured);
    assert_eq!(line::retry_after(&HeaderMap::new()), None);
}
