//! A contract's life: wished for, sent, signed, kept, or ended, at each of the three providers.

use shared::domain::contract::{Contract, ProviderName, Reminders, SignerState, State};
use shared::domain::id::ContractId;
use shared::usecase::contracts::{cancel, document, remind, send, templates};
use shared::{Error, Kind};
use sim::esign::SignedDelivery;
use tokio::task::JoinSet;

use crate::contract_office::{ADA, BO, DAY, HOUR, MINUTE, Office};

/// The name at the provider of a contract that was sent.
fn request(contract: &Contract) -> String {
    contract.request.as_ref().expect("it was sent").to_string()
}

#[tokio::test]
async fn a_contract_is_sent_signed_in_order_and_kept_with_its_hash() {
    for name in ProviderName::ALL {
        let office = Office::open(name).await;
        let contract = office.sent().await;
        assert_eq!(contract.state(), State::Sent, "{name}");
        let (desk, request) = (office.desk(), request(&contract));

        desk.view(&request, ADA).unwrap();
        office.rest().await;
        assert_eq!(office.find(&contract.id).await.state(), State::Viewed, "{name}");
        office.stack.clock.advance_ms(MINUTE);
        desk.sign(&request, ADA).unwrap();
        office.rest().await;
        let half = office.find(&contract.id).await;
        office.stack.clock.advance_ms(MINUTE);
        desk.sign(&request, BO).unwrap();
        office.rest().await;
        office.tick(15 * MINUTE).await;

        assert_eq!(half.state(), State::PartiallySigned, "{name}");
        let states: Vec<SignerState> = half.signers.iter().map(|it| half.signer_state(it)).collect();
        assert_eq!(states.first(), Some(&SignerState::Signed), "{name}");
        assert_ne!(states.get(1), Some(&SignerState::Signed), "{name}");
        let done = office.find(&contract.id).await;
        assert_eq!(done.state(), State::Completed, "{name}");
        assert!(done.signers.iter().all(|it| it.progress.signed_at.is_some()), "{name}");
        let kept = done.signed_file.clone().expect("a signed file");
        let found = document::signed_document(office.stack.app, &office.caller, &contract.id).await.unwrap();
        assert_eq!((found.sha256, found.bytes), (kept.sha256.clone(), kept.bytes), "{name}");
        let object = office.stack.aws.s3.object(&office.stack.app.config().files_bucket, &kept.key).unwrap();
        assert!(object.bytes.starts_with(b"%PDF"), "{name}");
        assert!(done.is_settled(), "{name}: {:?}", done.owed());
        office.assert_at_rest(name.as_str());
    }
}

#[tokio::test]
async fn the_same_idempotency_key_is_the_same_contract_and_another_wish_is_refused() {
    let office = Office::open(ProviderName::PandaDoc).await;
    let app = office.stack.app;

    let first = send::send_contract(app, &office.caller, office.wish(), Some("order-4711")).await.unwrap();
    let again = send::send_contract(app, &office.caller, office.wish(), Some("order-4711")).await.unwrap();
    let other = shared::domain::contract::ContractRequest { title: "Another".to_owned(), ..office.wish() };
    let refused = send::send_contract(app, &office.caller, other, Some("order-4711")).await.unwrap_err();
    office.rest().await;

    assert_eq!(first.id, again.id);
    assert_eq!(refused.kind(), Kind::Conflict);
    assert_eq!(office.desk().contracts().len(), 1);
}

#[tokio::test]
async fn lost_webhooks_are_made_up_for_within_the_providers_polling_rules() {
    for name in ProviderName::ALL {
        let office = Office::open(name).await;
        let contract = office.sent().await;
        office.desk().sign_all(&request(&contract)).unwrap();
        office.stack.clock.advance_ms(MINUTE);
        let lost = office.desk().take_deliveries();
        assert!(!lost.is_empty(), "{name}");

        for _ in 0..4 {
            office.tick(15 * MINUTE).await;
        }

        let found = office.find(&contract.id).await;
        assert_eq!(found.state(), State::Completed, "{name}");
        assert!(found.signed_file.is_some() && found.is_settled(), "{name}: {:?}", found.owed());
        office.assert_at_rest(name.as_str());
    }
}

#[tokio::test]
async fn a_forged_or_changed_webhook_is_refused_and_leaves_nothing() {
    for name in ProviderName::ALL {
        let office = Office::open(name).await;
        let contract = office.sent().await;
        office.desk().view(&request(&contract), ADA).unwrap();
        office.stack.clock.advance_ms(2_000);
        let told = office.desk().take_deliveries();
        let genuine = told.first().expect("a delivery").clone();
        let writes = || office.stack.faults.calls().iter().filter(|it| it.service == "sqs").count();
        let before = writes();

        for at in (0..genuine.body.len()).step_by(97) {
            let mut forged = genuine.clone();
            let mut bytes = forged.body.to_vec();
            bytes[at] ^= 1;
            forged.body = bytes.into();
            let answer = office.post(&forged).await;
            // Dropbox Sign's form has bytes around what is signed; what is told must be what was signed.
            let framing = name == ProviderName::DropboxSign && answer.status == 200;
            assert!(answer.status == 401 || framing, "{name} at {at}: {}", answer.status);
        }
        let url = genuine.url.split('?').next().unwrap().to_owned();
        let unsigned = office.post(&SignedDelivery { headers: Vec::new(), url, ..genuine }).await;

        assert_eq!(unsigned.status, 401, "{name}");
        if name != ProviderName::DropboxSign {
            assert_eq!(writes(), before, "{name}");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum First {
    Cancel,
    Signature,
}

async fn cancelled(office: &Office, id: &ContractId) -> Result<Contract, Error> {
    cancel::cancel_contract(office.stack.app, &office.caller, id, "Wrong price").await
}

#[tokio::test]
async fn cancelling_while_the_last_signer_signs_ends_in_the_providers_truth() {
    for name in ProviderName::ALL {
        for first in [First::Cancel, First::Signature] {
            let office = Office::open(name).await;
            let contract = office.sent().await;
            let (desk, request) = (office.desk(), request(&contract));
            desk.sign(&request, ADA).unwrap();
            office.rest().await;
            office.stack.clock.advance_ms(MINUTE);

            match first {
                First::Cancel => {
                    cancelled(&office, &contract.id).await.unwrap();
                    office.drain().await;
                    office.stack.clock.advance_ms(MINUTE);
                    let late = desk.sign(&request, BO); // Or just in time: the provider knows.
                    late.unwrap_or_default();
                }
                First::Signature => {
                    desk.sign(&request, BO).unwrap();
                    cancelled(&office, &contract.id).await.unwrap(); // Nobody has told us yet.
                }
            }
            office.rest().await;
            for _ in 0..3 {
                office.tick(16 * MINUTE).await;
            }

            let truth = desk.contract(&request);
            let ended = office.find(&contract.id).await;
            let signed = truth.is_some_and(|it| it.signers.iter().all(|signer| signer.status == "signed"));
            let expected = if signed { State::Completed } else { State::Voided };
            assert_eq!(ended.state(), expected, "{name} {first:?}");
            assert_eq!(ended.signed_file.is_some(), signed, "{name} {first:?}");
            assert!(ended.is_settled(), "{name} {first:?}: {:?}", ended.owed());
            office.assert_at_rest(&format!("{name} {first:?}"));
        }
    }
}

#[tokio::test]
async fn a_contract_that_nobody_sent_yet_is_cancelled_without_the_provider() {
    let office = Office::open(ProviderName::DocuSign).await;
    let contract = office.ask().await;

    let ended = cancelled(&office, &contract.id).await.unwrap();
    office.rest().await;
    let again = cancelled(&office, &contract.id).await.unwrap_err();

    assert_eq!(ended.state(), State::Voided);
    assert_eq!(again.kind(), Kind::Conflict);
    assert_eq!(office.desk().contracts().len(), 0);
    office.assert_at_rest("cancelled before it was sent");
}

#[tokio::test]
async fn a_slow_draft_a_late_file_spent_limits_and_an_expired_token_are_waited_out() {
    for name in ProviderName::ALL {
        let office = Office::open(name).await;
        office.stack.esign.switch(|it| {
            it.draft_ms = MINUTE;
            it.files_ms = 3 * MINUTE;
            it.sending_ms = MINUTE;
            it.token_ms = 6 * MINUTE;
            it.rate_limit = Some(3);
        });
        office.stack.clock.advance_ms(2 * HOUR);
        let contract = office.ask().await;
        office.rest().await;
        office.stack.clock.advance_ms(2 * MINUTE);
        office.rest().await;
        let sent = office.find(&contract.id).await;
        assert_eq!(sent.state(), State::Sent, "{name}");
        office.stack.clock.advance_ms(HOUR);

        office.desk().sign_all(&request(&sent)).unwrap();
        office.rest().await;
        for _ in 0..3 {
            office.tick(16 * MINUTE).await;
            office.rest().await;
        }

        let done = office.find(&contract.id).await;
        assert_eq!(done.state(), State::Completed, "{name}");
        assert!(done.is_settled(), "{name}: {:?}", done.owed());
        assert_eq!(office.requests_of(&contract.id).len(), 1, "{name}");
        office.assert_at_rest(name.as_str());
    }
}

#[tokio::test]
async fn expiry_and_reminders_are_set_when_it_is_sent_and_read_back() {
    for name in ProviderName::ALL {
        let office = Office::open(name).await;
        let mut wish = office.wish();
        wish.expires_in_days = Some(30);
        wish.reminders = Some(Reminders { first_after_days: 2, then_every_days: Some(3) });
        let asked = send::send_contract(office.stack.app, &office.caller, wish, None).await.unwrap();
        office.rest().await;
        let begun = office.stack.clock.now_ms();
        let request = request(&office.find(&asked.id).await);

        for day in 0..6 {
            office.stack.clock.advance_ms(DAY - 15 * MINUTE * (1 + day % 2));
            office.tick(15 * MINUTE).await;
            office.rest().await;
        }

        let there = office.desk().contract(&request).unwrap();
        let ends = there.expires_at.expect("an end");
        assert!((ends - begun - 30 * DAY).abs() <= DAY, "{name}: {ends}");
        assert!(there.reminded >= 1, "{name}: {}", there.reminded);
        let ours = office.find(&asked.id).await;
        let expiry = ours.life.expires_at().expect("an end");
        assert!((expiry.millis() - ends).abs() <= DAY, "{name}");
        office.assert_at_rest(name.as_str());
    }
}

#[tokio::test]
async fn a_signer_is_reminded_when_somebody_asks_and_not_twice_in_an_hour() {
    for name in ProviderName::ALL {
        let office = Office::open(name).await;
        let contract = office.sent().await;
        office.stack.clock.advance_ms(2 * HOUR);
        let ask = || remind::remind_signer(office.stack.app, &office.caller, &contract.id, Some(ADA));

        ask().await.unwrap();
        let again = ask().await.unwrap_err();
        let not_yet = remind::remind_signer(office.stack.app, &office.caller, &contract.id, Some(BO)).await;

        assert_eq!(again.kind(), Kind::Conflict, "{name}");
        assert_eq!(not_yet.unwrap_err().kind(), Kind::Conflict, "{name}");
        let there = office.desk().contract(&request(&contract)).unwrap();
        assert_eq!(there.reminded, 1, "{name}");
    }
}

#[tokio::test]
async fn what_the_provider_refuses_for_good_ends_with_its_reason_and_an_account_that_is_mended_goes_on() {
    let office = Office::open(ProviderName::DocuSign).await;
    office.stack.esign.switch(|it| it.consent = false);
    office.stack.esign.docusign().revoke_tokens();
    office.stack.clock.advance_ms(2 * HOUR);
    let mut wish = office.wish();
    wish.expires_in_days = Some(9);
    // The template's roles cannot be asked for now, and that is said at once.
    let refused =
        send::send_contract(office.stack.app, &office.caller, wish.clone(), None).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Disconnected);
    assert!(refused.advice().contains("agree once"), "{}", refused.advice());

    office.stack.esign.switch(|it| it.consent = true);
    let contract = send::send_contract(office.stack.app, &office.caller, wish, None).await.unwrap();
    office.stack.esign.switch(|it| it.consent = false);
    office.stack.clock.advance_ms(2 * HOUR);
    office.drain().await;
    assert_eq!(office.find(&contract.id).await.state(), State::Draft);
    office.stack.esign.switch(|it| it.consent = true);
    office.tick(30 * MINUTE).await;
    office.rest().await;

    assert_eq!(office.find(&contract.id).await.state(), State::Sent);
    office.assert_at_rest("mended");
}

#[tokio::test]
async fn sixteen_workers_that_need_a_token_get_it_with_one_login() {
    let office = Office::open(ProviderName::DocuSign).await;
    office.stack.clock.advance_ms(2 * HOUR);
    let before = office.stack.esign.docusign().grants();

    let mut workers = JoinSet::new();
    for _ in 0..16 {
        let (app, caller) = (office.stack.app, office.caller.clone());
        workers.spawn(async move { templates::templates(app, &caller, None, None).await.map(|_| ()) });
    }
    let answers = workers.join_all().await;

    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(office.stack.esign.docusign().grants(), before + 1);
}
