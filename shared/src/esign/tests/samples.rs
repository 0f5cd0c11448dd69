//! Every composed sample leads to the state that its provider's words stand for.

use std::path::Path;

use super::super::webhook::{Hint, Reading, read_events};
use super::street::{ADA, BO};
use crate::domain::contract::request::SignerRequest;
use crate::domain::contract::{
    CancelWish, Cause, Change, Contract, ContractRequest, Detail, Observed, ProviderName, SignerState,
    Source, State,
};
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;

fn now() -> Timestamp {
    Timestamp::from_millis(1_793_660_000_000)
}

fn contract(provider: ProviderName) -> Contract {
    let signer = |name: &str, email: &str, role: &str, order| SignerRequest {
        name: name.to_owned(),
        email: email.to_owned(),
        role: Some(role.to_owned()),
        order: Some(order),
    };
    let wish = ContractRequest {
        title: "Service agreement".to_owned(),
        subject: None,
        message: None,
        source: Source::Template { template: "t".parse().unwrap() },
        signers: vec![signer("Ada Client", ADA, "Client", 1), signer("Bo Provider", BO, "Provider", 2)],
        fields: [].into(),
        metadata: [].into(),
        expires_in_days: None,
        reminders: None,
        person: None,
        opportunity: None,
        provider: None,
    };
    let cause = Cause::Person { by: "session".to_owned() };
    let workspace = WorkspaceId(uuid::Uuid::nil());
    wish.into_contract("ctr_01".parse().unwrap(), workspace, provider, cause, now()).unwrap()
}

fn hints(provider: ProviderName, file: &str) -> Vec<Hint> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/sim/fixtures/esign/webhooks");
    let body = std::fs::read_to_string(folder.join(file)).unwrap();
    read_events(provider, &body, now()).unwrap()
}

fn take(contract: &Contract, observed: &Observed) -> Contract {
    match contract.on(observed) {
        Change::Move { next, .. } => *next,
        Change::Stay => contract.clone(),
    }
}

/// What becomes of a contract when it hears the sample, taken at its word.
fn heard(provider: ProviderName, file: &str) -> Contract {
    hints(provider, file).iter().fold(contract(provider), |contract, hint| match &hint.reading {
        Reading::Snapshot(observed) => take(&contract, observed),
        Reading::ReRead { .. } | Reading::Nothing => contract,
    })
}

fn states(contract: &Contract) -> Vec<SignerState> {
    contract.signers.iter().map(|signer| contract.signer_state(signer)).collect()
}

#[test]
fn every_docusign_sample_leads_to_its_state() {
    use SignerState::{Declined, Error, Expired, Sent, Signed, Viewed, Waiting};
    let table = [
        ("envelope-sent", State::Sent, [Sent, Waiting]),
        ("recipient-sent", State::Sent, [Sent, Waiting]),
        ("recipient-delivered", State::Viewed, [Viewed, Waiting]),
        ("recipient-completed", State::PartiallySigned, [Signed, Waiting]),
        ("envelope-delivered", State::PartiallySigned, [Signed, Viewed]),
        ("envelope-completed", State::Completed, [Signed, Signed]),
        ("recipient-declined", State::Declined, [Declined, Waiting]),
        ("envelope-declined", State::Declined, [Declined, Waiting]),
        ("envelope-voided", State::Voided, [Sent, Waiting]),
        ("envelope-voided-expired", State::Expired, [Expired, Expired]),
        ("recipient-autoresponded", State::Sent, [Error, Waiting]),
    ];
    for (name, state, signers) in table {
        let file = format!("docusign/{name}.json");
        let contract = heard(ProviderName::DocuSign, &file);

        assert_eq!((contract.state(), states(&contract)), (state, signers.to_vec()), "{name}");
        let hint = &hints(ProviderName::DocuSign, &file)[0];
        assert_eq!(hint.contract.as_ref().unwrap().as_str(), "ctr_01");
        assert_eq!(hint.request.as_ref().unwrap().as_str(), "4b728be4-4417-4b9c-9f1a-2f0d1c8f7a10");
    }
}

#[test]
fn a_message_without_an_envelope_inside_asks_for_a_read_unless_its_name_says_all() {
    let minimal = &hints(ProviderName::DocuSign, "docusign/recipient-completed-minimal.json")[0];
    assert_eq!(minimal.reading, Reading::ReRead { if_gone: None });
    assert_eq!(minimal.contract, None);
    assert!(minimal.request.is_some());

    let bare = r#"{"event":"envelope-completed","generatedDateTime":"2026-11-03T08:05:10.1Z","retryCount":"1",
                   "configurationId":"7","data":{"envelopeId":"4b72"}}"#;
    let hint = read_events(ProviderName::DocuSign, bare, now()).unwrap().remove(0);
    let Reading::Snapshot(observed) = hint.reading else { panic!("it says everything") };
    assert_eq!(take(&contract(ProviderName::DocuSign), &observed).state(), State::Completed);

    let voided = bare.replace("completed", "voided");
    let hint = read_events(ProviderName::DocuSign, &voided, now()).unwrap().remove(0);
    assert_eq!(hint.reading, Reading::ReRead { if_gone: None }, "only the reason tells an end of time");
}

#[test]
fn dates_and_reasons_come_along() {
    let completed = heard(ProviderName::DocuSign, "docusign/envelope-completed.json");
    let declined = heard(ProviderName::DocuSign, "docusign/envelope-declined.json");
    let voided = heard(ProviderName::DocuSign, "docusign/envelope-voided.json");

    let ada = &completed.signers[0].progress;
    assert!(ada.sent_at < ada.viewed_at && ada.viewed_at < ada.signed_at);
    assert_eq!(ada.signed_at.unwrap().to_string(), "2026-11-02T11:00:02.443Z");
    assert!(completed.life.expires_at().is_some());
    assert!(declined.life.end.unwrap().reason().is_some());
    assert!(voided.life.end.unwrap().reason().is_some());
}

#[test]
fn every_dropbox_sign_sample_leads_to_its_state_once_it_was_read_again() {
    use SignerState::{Declined, Error, Expired, Sent, Signed, Viewed, Waiting};
    let table = [
        ("sent", State::Sent, [Sent, Waiting]),
        ("viewed", State::Viewed, [Viewed, Waiting]),
        ("signed", State::PartiallySigned, [Signed, Sent]),
        ("signed-account-callback", State::PartiallySigned, [Signed, Sent]),
        ("all_signed", State::Completed, [Signed, Signed]),
        ("downloadable", State::Completed, [Signed, Signed]),
        ("declined", State::Declined, [Declined, Sent]),
        ("expired", State::Expired, [Signed, Expired]),
        ("email_bounce", State::Error, [Error, Waiting]),
        ("invalid", State::Error, [Error, Error]),
        ("remind", State::PartiallySigned, [Signed, Sent]),
    ];
    for (name, state, signers) in table {
        let file = format!("dropbox-sign/signature_request_{name}.json");
        let hint = hints(ProviderName::DropboxSign, &file).remove(0);
        assert_eq!(hint.reading, Reading::ReRead { if_gone: None }, "{name}: a callback is a hint");
        assert_eq!(hint.contract.unwrap().as_str(), "ctr_01");

        let read = super::super::dropbox_sign::webhook::as_read(&body(&file), now());
        let contract = take(&contract(ProviderName::DropboxSign), &read);

        assert_eq!(contract.state(), state, "{name}");
        assert_eq!(states(&contract), signers, "{name}");
        assert_eq!(contract.life.is_over(), state.is_terminal() || name == "invalid", "{name}");
    }
}

fn body(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/sim/fixtures/esign/webhooks");
    std::fs::read_to_string(folder.join(file)).unwrap()
}

#[test]
fn a_cancelled_request_is_voided_once_it_is_gone() {
    let hint = hints(ProviderName::DropboxSign, "dropbox-sign/signature_request_canceled.json").remove(0);
    let Reading::ReRead { if_gone: Some(observed) } = hint.reading else { panic!("it explains") };

    assert_eq!(take(&contract(ProviderName::DropboxSign), &observed).state(), State::Voided);
}

#[test]
fn a_test_of_the_address_says_nothing() {
    let hint = hints(ProviderName::DropboxSign, "dropbox-sign/callback_test.json").remove(0);

    assert_eq!((hint.reading, hint.contract, hint.request), (Reading::Nothing, None, None));
}

#[test]
fn every_pandadoc_sample_leads_to_its_state() {
    use SignerState::{Sent, Signed, Waiting};
    let table = [
        ("document_state_changed-draft", State::Draft, vec![Waiting, Waiting]),
        ("document_state_changed-sent", State::Sent, vec![Sent, Waiting]),
        ("document_state_changed-viewed", State::Viewed, vec![Sent, Waiting]),
        ("recipient_completed", State::PartiallySigned, vec![Signed, Sent]),
        ("document_state_changed-completed", State::Completed, vec![Signed, Signed]),
        ("document_completed_pdf_ready", State::Completed, vec![Signed, Signed]),
        ("document_state_changed-voided", State::Expired, vec![Signed, SignerState::Expired]),
        ("document_state_changed-declined", State::Declined, vec![Waiting, Waiting]),
        ("document_updated", State::Draft, vec![Waiting, Waiting]),
        ("document_creation_failed", State::Error, vec![Waiting, Waiting]),
        ("batch-recipient-and-state", State::Completed, vec![Signed, Signed]),
    ];
    for (name, state, signers) in table {
        let contract = heard(ProviderName::PandaDoc, &format!("pandadoc/{name}.json"));

        assert_eq!((contract.state(), states(&contract)), (state, signers), "{name}");
    }
    let batch = hints(ProviderName::PandaDoc, "pandadoc/batch-recipient-and-state.json");
    assert_eq!(batch.len(), 2);
    let failed = heard(ProviderName::PandaDoc, "pandadoc/document_creation_failed.json");
    assert!(failed.life.is_over(), "it can never be sent");
    let updated = heard(ProviderName::PandaDoc, "pandadoc/document_updated.json");
    assert_eq!(updated.life.detail(), Some(&Detail::BackToDraft));
    let signed = heard(ProviderName::PandaDoc, "pandadoc/recipient_completed.json");
    assert_eq!(signed.signers[0].progress.signed_at.unwrap().to_string(), "2026-11-02T11:00:02.443Z");
}

#[test]
fn pandadocs_voided_is_ours_once_we_asked_in_time() {
    let wish = CancelWish { reason: "Mistake".to_owned(), at: now(), accepted_at: Some(now()) };
    let asked = Contract { cancel: Some(wish), ..contract(ProviderName::PandaDoc) };
    let hint = hints(ProviderName::PandaDoc, "pandadoc/document_state_changed-voided.json").remove(0);
    let Reading::Snapshot(observed) = hint.reading else { panic!("it is signed") };

    assert_eq!(take(&asked, &observed).state(), State::Voided);
}

#[test]
fn a_deleted_document_is_voided_once_it_is_gone() {
    let hint = hints(ProviderName::PandaDoc, "pandadoc/document_deleted.json").remove(0);
    let Reading::ReRead { if_gone: Some(observed) } = hint.reading else { panic!("it explains") };

    assert_eq!(take(&contract(ProviderName::PandaDoc), &observed).state(), State::Voided);
}

#[test]
fn words_that_came_later_than_this_code_are_kept_and_harmless() {
    let docusign =
        body("docusign/envelope-sent.json").replace("\"status\":\"sent\"", "\"status\":\"pondered\"");
    let pandadoc =
        body("pandadoc/document_state_changed-sent.json").replace("document.sent", "document.cancelled");
    let dropbox =
        body("dropbox-sign/signature_request_sent.json").replace("awaiting_signature", "meditating");
    for (provider, text) in [(ProviderName::DocuSign, docusign), (ProviderName::PandaDoc, pandadoc)] {
        let hint = read_events(provider, &text, now()).unwrap().remove(0);
        let Reading::Snapshot(observed) = hint.reading else { panic!("{provider}") };
        let contract = take(&contract(provider), &observed);

        assert_eq!(contract.state(), State::Draft, "{provider}");
        assert!(matches!(contract.life.detail(), Some(Detail::Other(_))), "{provider}");
    }
    let read = super::super::dropbox_sign::webhook::as_read(&dropbox, now());
    assert_eq!(take(&contract(ProviderName::DropboxSign), &read).state(), State::Sent);

    for (provider, text) in [
        (ProviderName::DocuSign, r#"{"event":"envelope-sung","data":{"envelopeId":"1"}}"#.to_owned()),
        (ProviderName::PandaDoc, r#"[{"event":"quote_updated","data":{"id":"1"}}]"#.to_owned()),
        (
            ProviderName::DropboxSign,
            r#"{"event":{"event_time":"1","event_type":"fax_sent","event_hash":""}}"#.to_owned(),
        ),
    ] {
        assert_eq!(read_events(provider, &text, now()).unwrap()[0].reading, Reading::Nothing, "{provider}");
    }
}
