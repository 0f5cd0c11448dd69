//! Every vector is made again by the code that signs.

use serde_json::Value;
use sim::esign::signing;

fn read(file: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/esign/webhooks/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|_| panic!("{path} can be read"))
}

fn vectors() -> Value {
    serde_json::from_slice(&read("vectors.json")).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

#[test]
fn every_docusign_signature_is_made_again() {
    let all = &vectors()["docusign"];

    for vector in list(&all["vectors"]) {
        let body = read(text(vector, "file"));
        for (number, key) in list(&all["keys"]).iter().enumerate() {
            let header = format!("X-DocuSign-Signature-{}", number + 1);
            assert_eq!(signing::docusign(key.as_str().unwrap(), &body), text(vector, &header));
        }
    }
    assert_eq!(list(&all["vectors"]).len(), 12);
}

#[test]
fn every_dropbox_sign_hash_is_made_again_in_both_readings() {
    let all = &vectors()["dropbox-sign"];
    let key = text(all, "api_key");

    for vector in list(&all["vectors"]) {
        let hash = signing::dropbox_sign_event(key, text(vector, "event_time"), text(vector, "event_type"));
        let json = read(text(vector, "file"));
        assert_eq!(hash, text(vector, "event_hash"));
        let hexadecimal = signing::dropbox_sign_content(key, &json, false);
        assert_eq!(hexadecimal, text(vector, "Content-Sha256 (base64 of the hex text)"));
        let raw = signing::dropbox_sign_content(key, &json, true);
        assert_eq!(raw, text(vector, "Content-Sha256 (base64 of the raw digest)"));
    }

    let published = &all["published_vector"];
    let hash = signing::dropbox_sign_event(
        text(published, "api_key"),
        text(published, "event_time"),
        text(published, "event_type"),
    );
    assert_eq!(hash, text(published, "event_hash"));
}

#[test]
fn every_pandadoc_signature_is_made_again() {
    let all = &vectors()["pandadoc"];

    for vector in list(&all["vectors"]) {
        let body = read(text(vector, "file"));
        assert_eq!(signing::pandadoc(text(all, "shared_key"), &body), text(vector, "signature"));
    }
}

#[test]
fn the_short_vectors_are_made_again() {
    let short = &vectors()["short"];
    let (docusign, dropbox, pandadoc) = (&short["docusign"], &short["dropbox-sign"], &short["pandadoc"]);

    let header = signing::docusign(text(docusign, "key"), text(docusign, "body").as_bytes());
    let hash = signing::dropbox_sign_event(
        text(dropbox, "api_key"),
        text(dropbox, "event_time"),
        text(dropbox, "event_type"),
    );
    let signature = signing::pandadoc(text(pandadoc, "shared_key"), text(pandadoc, "body").as_bytes());

    assert_eq!(header, text(docusign, "header"));
    assert_eq!(hash, text(dropbox, "event_hash"));
    assert_eq!(signature, text(pandadoc, "signature"));
    assert_ne!(header, signing::docusign(text(docusign, "key"), b"{\"event\":\"envelope-completed\"} "));
}
