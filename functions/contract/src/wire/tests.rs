//! What a flat body means, and what is said of one that means nothing.

use serde_json::json;
use shared::domain::contract::request::SignerRequest;

use super::*;

fn read(body: Value) -> Result<(Order, Document)> {
    let Value::Object(map) = body else { panic!("a body is an object") };
    Order::read(Fields::new(map), Some("from the header"))
}

/// The smallest body, with some more fields.
fn with(more: Value) -> Value {
    let mut body = json!({ "title": "NDA", "templateId": "tpl-1", "signerName": "Ada", "signerEmail": "ada@example.com" });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    body
}

fn refusal(body: Value) -> String {
    read(body).expect_err("a refusal").advice().to_owned()
}

fn signer(name: &str, email: &str, order: Option<u16>) -> SignerRequest {
    SignerRequest { name: name.to_owned(), email: email.to_owned(), role: None, order }
}

#[test]
fn a_flat_body_becomes_a_request() {
    let body = with(json!({
        "subject": "", "message": "Hello", "signer2Name": "Bob", "signer2Email": "bob@example.com",
        "signerOrder": "1", "signer2Order": 2, "expiresInDays": "30", "remindAfterDays": 3, "remindEveryDays": 7,
        "provider": "DocuSign", "meta_deal": "D-7", "meta_seats": 4, "meta_none": "", "field_Price": "12.50",
        "personId": "11111111-1111-4111-8111-111111111111", "opportunityId": "", "idempotencyKey": " ",
    }));

    let (order, document) = read(body).unwrap();

    assert_eq!(document, Document::Template("tpl-1".parse().unwrap()));
    assert_eq!(order.key.as_deref(), Some("from the header"));
    assert_eq!(order.subject, None);
    let expected = [signer("Ada", "ada@example.com", Some(1)), signer("Bob", "bob@example.com", Some(2))];
    assert!(order.signers == expected);
    assert_eq!((order.expires_in_days, order.provider), (Some(30), Some(ProviderName::DocuSign)));
    assert_eq!(order.reminders, Some(Reminders { first_after_days: 3, then_every_days: Some(7) }));
    let pairs: Vec<(&str, &str)> =
        order.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(pairs, [("deal", "D-7"), ("seats", "4")]);
    assert_eq!(order.fields.get("Price").map(String::as_str), Some("12.50"));
    assert!(order.person.is_some() && order.opportunity.is_none());
}

#[test]
fn signers_may_come_as_a_list_instead() {
    let body = json!({
        "title": "NDA", "templateId": "tpl-1",
        "signers": [{ "name": "Ada", "email": "ada@example.com", "order": 1 }, { "email": "bob@example.com" }],
    });

    let (order, _) = read(body).unwrap();

    assert!(
        order.signers == [signer("Ada", "ada@example.com", Some(1)), signer("", "bob@example.com", None)]
    );
}

#[test]
fn a_document_is_named_in_one_of_three_ways() {
    let of = |document: Value| read(document).map(|(_, document)| document);

    let inline = of(json!({ "documentName": "nda.pdf", "documentBase64": "JVBE\nRi0=" })).unwrap();
    let uploaded =
        of(json!({ "documentName": "nda.pdf", "documentBytes": 7, "documentSha256": "ab" })).unwrap();

    assert_eq!(inline, Document::Inline { name: "nda.pdf".to_owned(), bytes: b"%PDF-".to_vec() });
    let expected = Document::Uploaded { name: "nda.pdf".to_owned(), bytes: 7, sha256: "ab".to_owned() };
    assert_eq!(uploaded, expected);
    for bad in [
        json!({}),
        json!({ "documentBase64": "JVBERi0=" }),
        json!({ "documentName": "nda.pdf" }),
        json!({ "documentName": "nda.pdf", "documentBytes": 7 }),
        json!({ "templateId": "tpl-1", "documentName": "nda.pdf" }),
    ] {
        assert!(refusal(bad).starts_with("Give templateId, or documentName"));
    }
}

#[test]
fn a_file_beyond_four_megabytes_must_be_uploaded() {
    let largest = STANDARD.encode(vec![0; LARGEST_INLINE]);
    let larger = STANDARD.encode(vec![0; LARGEST_INLINE + 1]);
    let body = |text: String| json!({ "documentName": "nda.pdf", "documentBase64": text });

    assert!(read(body(largest)).is_ok());
    assert!(refusal(body(larger)).contains("4 MB at most"));
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let cases = [
        (json!({ "titel": "NDA" }), "unknown field `titel`"),
        (json!({ "message": 7 }), "message must be a text."),
        (json!({ "expiresInDays": -1 }), "expiresInDays must be a whole number"),
        (json!({ "expiresInDays": 70_000 }), "expiresInDays must be a whole number"),
        (json!({ "expiresInDays": "soon" }), "expiresInDays must be a whole number"),
        (json!({ "remindEveryDays": 2 }), "remindEveryDays needs remindAfterDays"),
        (json!({ "personId": "ada" }), "A record's id in Twenty is a UUID."),
        (json!({ "provider": "acme" }), "provider is docusign, dropbox_sign or pandadoc."),
        (json!({ "signers": [{ "name": "Bob" }] }), "not both"),
        (json!({ "signers": "Bob" }), "signers must be a list of objects."),
        (json!({ "signers": [{ "telephone": "1" }] }), "unknown field `telephone`"),
        (json!({ "meta_deal": { "id": 1 } }), "meta_deal must be a text."),
        (json!({ "templateId": "a b" }), "templateId is not a template's id."),
        (json!({ "signer6Name": "Eve" }), "unknown field `signer6Name`"),
    ];

    for (more, expected) in cases {
        let told = refusal(with(more.clone()));

        assert!(told.contains(expected), "{more}: {told}");
    }
}
