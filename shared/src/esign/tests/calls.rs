//! Every operation against the stand-ins, which hold each request against the published descriptions with closed
//! bodies.

use bytes::Bytes;
use sim::esign::Template as SimTemplate;
use sim::fault::Fault;

use super::super::*;
use super::street::{ADA, DAY, HOUR, MINUTE, PDF, SECOND, Street, file, request, take};
use crate::domain::contract::account::Account;
use crate::domain::contract::request::TemplateRole;
use crate::domain::contract::{
    CancelWish, ContractRequest, Detail, Dispatch, NextCall, Overall, ProviderName, Reminders, SignerState,
    State,
};

#[tokio::test]
async fn a_contract_from_a_template_goes_out_signed_and_home_at_all_three() {
    for name in ProviderName::ALL {
        let street = Street::start().await;
        let (provider, mut contract) = street.sent(name).await;
        let desk = street.desk(name);
        let id = request(&contract).clone();

        let there = desk.contract(id.as_str()).unwrap();
        assert_eq!(there.own["contract_id"], "ctr_01", "{name}");
        assert_eq!(there.own["order"], "4711", "{name}");
        assert_eq!(there.message, "Kind regards", "{name}");

        desk.sign(id.as_str(), ADA).unwrap();
        let seen = provider.status(&id, street.now()).await.unwrap();
        take(&mut contract, &seen);
        assert_eq!(contract.state(), State::PartiallySigned, "{name}");
        assert_eq!(contract.signers[0].state(), SignerState::Signed, "{name}");

        desk.sign_all(id.as_str()).unwrap();
        street.later(20 * MINUTE);
        take(&mut contract, &provider.status(&id, street.now()).await.unwrap());
        assert_eq!(contract.state(), State::Completed, "{name}");
        let SignedPdf::Ready(bytes) = provider.signed_file(&id).await.unwrap() else { panic!("{name}") };
        assert!(bytes.starts_with(b"%PDF"), "{name}");
        street.assert_clean();
    }
}

#[tokio::test]
async fn a_file_is_sent_byte_for_byte_at_all_three() {
    for name in ProviderName::ALL {
        let street = Street::start().await;
        let provider = street.provider(name).await;
        let wish = with_file(&street, name);
        let mut contract = street.contract(name, wish);

        street.send(&provider, &mut contract).await;

        let there = street.desk(name).contract(request(&contract).as_str()).unwrap();
        assert_eq!(there.files, [("agreement.pdf".to_owned(), PDF.len())], "{name}");
        assert_eq!(there.own["contract_id"], "ctr_01", "{name}");
        assert_eq!(there.signers.len(), 2);
        street.assert_clean();
    }
}

/// The usual wish with a file in the place of the template.
fn with_file(street: &Street, name: ProviderName) -> ContractRequest {
    ContractRequest { source: file(), fields: [].into(), ..street.wish(name) }
}

#[tokio::test]
async fn an_end_and_reminders_are_set_and_read_back() {
    for name in ProviderName::ALL {
        for from_file in [false, true] {
            let street = Street::start().await;
            let provider = street.provider(name).await;
            let mut wish = street.wish(name);
            if from_file {
                wish = with_file(&street, name);
            }
            wish.expires_in_days = Some(30);
            wish.reminders = Some(Reminders { first_after_days: 3, then_every_days: Some(2) });
            let mut contract = street.contract(name, wish);
            street.send(&provider, &mut contract).await;
            street.later(2 * SECOND);
            let id = request(&contract).clone();

            let seen = provider.status(&id, street.now()).await.unwrap();

            let ahead = seen.expires_at.unwrap().since(street.now()).as_secs();
            let month = 30 * 86_400;
            assert!((month - 60..=month + 3_600).contains(&ahead), "{name}: {ahead}");
            let desk = street.desk(name);
            street.later(6 * DAY);
            let by_itself = desk.contract(id.as_str()).unwrap().reminded;
            assert_eq!(by_itself, if name.reminds_by_itself() { 2 } else { 0 }, "{name}");
            street.later(HOUR);
            take(&mut contract, &seen);
            let provider = street.provider(name).await;
            let reminded = provider.remind(&id, &contract.signers[0]).await.unwrap();
            let by_hand = desk.contract(id.as_str()).unwrap().reminded - by_itself;
            assert_eq!(by_hand, usize::from(reminded == Reminded::Sent), "{name}");
            street.later(26 * DAY);
            let provider = street.provider(name).await;
            take(&mut contract, &provider.status(&id, street.now()).await.unwrap());
            assert_eq!(contract.state(), State::Expired, "{name}");
            street.assert_clean();
        }
    }
}

#[tokio::test]
async fn who_was_reminded_lately_or_has_signed_is_not_reminded_again() {
    for name in [ProviderName::DropboxSign, ProviderName::PandaDoc] {
        let street = Street::start().await;
        let (provider, contract) = street.sent(name).await;
        let id = request(&contract);
        let ada = &contract.signers[0];

        assert_eq!(provider.remind(id, ada).await.unwrap(), Reminded::Sent, "{name}");
        assert_eq!(provider.remind(id, ada).await.unwrap(), Reminded::NotNow, "{name}");
        street.later(2 * DAY);
        street.desk(name).sign(id.as_str(), ADA).unwrap();
        assert_eq!(provider.remind(id, ada).await.unwrap(), Reminded::NotNow, "{name}");
        assert_eq!(provider.remind(id, &contract.signers[1]).await.unwrap(), Reminded::Sent, "{name}");
        street.assert_clean();
    }
}

#[tokio::test]
async fn what_a_lost_answer_made_is_found_again_and_made_once() {
    for name in ProviderName::ALL {
        let street = Street::start().await;
        let provider = street.provider(name).await;
        let mut contract = street.contract(name, street.wish(name));
        assert_eq!(provider.find_by_own_id(&contract).await.unwrap(), None, "{name}");

        street.faults.plan(|call| {
            let creates = call.operation.ends_with("/envelopes")
                || call.operation.ends_with("/send_with_template")
                || call.operation.ends_with("/documents");
            if call.operation.starts_with("POST") && creates { Fault::CutAfter } else { Fault::Pass }
        });
        let sending = Sending { now: street.now(), file: None, webhook: None };
        let lost = provider.send_step(&contract, SendStep::Create, &sending).await.unwrap_err();
        street.faults.clear();
        contract.dispatch = Dispatch::Creating { since: street.now() };

        assert!(lost.may_have_happened(), "{name}: {lost:?}");
        assert_eq!(contract.next_call(), NextCall::LookUp);
        let found = provider.find_by_own_id(&contract).await.unwrap().unwrap();
        let there = street.desk(name).contracts();
        assert_eq!(there.len(), 1, "{name}");
        assert_eq!(found.request.as_str(), there[0].id);
        assert_eq!(found.next, (name == ProviderName::PandaDoc).then_some(SendStep::AwaitDraft), "{name}");
        // Weeks later it is still found.
        street.later(20 * DAY);
        let provider = street.provider(name).await;
        assert_eq!(provider.find_by_own_id(&contract).await.unwrap().unwrap().request, found.request);
        street.assert_clean();
    }
}

#[tokio::test]
async fn an_open_contract_is_cancelled_and_saying_it_twice_changes_nothing() {
    for name in ProviderName::ALL {
        let street = Street::start().await;
        let (provider, mut contract) = street.sent(name).await;
        let id = request(&contract).clone();
        contract.cancel =
            Some(CancelWish { reason: "Mistake".to_owned(), at: street.now(), accepted_at: None });

        let first = provider.cancel(&id, "Mistake", street.now()).await.unwrap();
        street.later(10 * SECOND);
        let second = provider.cancel(&id, "Mistake", street.now()).await.unwrap();

        let queued = matches!(first, Cancel::Queued { .. });
        assert_eq!(queued, name == ProviderName::DropboxSign, "{name}: {first:?}");
        assert_eq!(second, Cancel::Cancelled, "{name}");
        street.later(20 * MINUTE);
        take(&mut contract, &provider.status(&id, street.now()).await.unwrap());
        assert_eq!(contract.state(), State::Voided, "{name}");
        street.assert_clean();
    }
}

#[tokio::test]
async fn who_was_faster_than_the_cancellation_is_the_truth() {
    for name in ProviderName::ALL {
        for signed in [true, false] {
            let street = Street::start().await;
            let (provider, contract) = street.sent(name).await;
            let id = request(&contract).clone();
            let desk = street.desk(name);
            if signed {
                desk.sign_all(id.as_str()).unwrap();
            } else {
                desk.expire(id.as_str()).unwrap();
            }
            street.later(20 * MINUTE);

            let cancel = provider.cancel(&id, "Mistake", street.now()).await.unwrap();

            let Cancel::TooLate(observed) = cancel else { panic!("{name}: {cancel:?}") };
            let mut contract = contract;
            take(&mut contract, &observed);
            let expected = if signed { State::Completed } else { State::Expired };
            assert_eq!(contract.state(), expected, "{name}");
            street.assert_clean();
        }
    }
}

#[tokio::test]
async fn a_decline_is_told_with_its_reason_where_there_is_one() {
    for name in ProviderName::ALL {
        let street = Street::start().await;
        let (provider, mut contract) = street.sent(name).await;
        let id = request(&contract).clone();
        street.desk(name).decline(id.as_str(), ADA, "Too dear").unwrap();

        take(&mut contract, &provider.status(&id, street.now()).await.unwrap());

        assert_eq!(contract.state(), State::Declined, "{name}");
        let reason = contract.life.end.as_ref().unwrap().reason();
        assert_eq!(reason, (name != ProviderName::PandaDoc).then_some("Too dear"), "{name}");
        street.assert_clean();
    }
}

#[tokio::test]
async fn templates_are_listed_page_by_page_and_shown_with_roles_and_fields() {
    for name in ProviderName::ALL {
        let street = Street::start().await;
        let provider = street.provider(name).await;
        for number in 0..203 {
            let title = format!("Template {number:03}");
            street.desk(name).template(SimTemplate::new(&title, &["Client", "Provider"], &["Amount"]));
        }

        let (mut from, mut all) = (None, Vec::new());
        loop {
            let page = provider.templates(from).await.unwrap();
            all.extend(page.templates);
            from = page.next;
            if from.is_none() {
                break;
            }
        }

        let mut ids: Vec<&str> = all.iter().map(|it| it.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 203, "{name}");
        let shown = provider.template(&all[7].id).await.unwrap();
        assert_eq!(shown.name, all[7].name);
        let role = |name: &str, order| TemplateRole { name: name.to_owned(), order: Some(order) };
        assert_eq!(shown.roles.unwrap(), [role("Client", 1), role("Provider", 2)], "{name}");
        assert_eq!(shown.fields.unwrap(), ["Amount"], "{name}");
        assert!(shown.usable);
        let missing = provider.template(&"nothing".parse().unwrap()).await.unwrap_err();
        assert_eq!(missing.trouble, Trouble::NotFound, "{name}");
        street.assert_clean();
    }
}

#[tokio::test]
async fn what_was_never_there_is_gone() {
    for name in ProviderName::ALL {
        let street = Street::start().await;
        let provider = street.provider(name).await;

        let seen = provider.status(&"nothing".parse().unwrap(), street.now()).await.unwrap();

        assert_eq!(seen.overall, Some(Overall::Gone), "{name}");
        street.assert_clean();
    }
}

#[tokio::test]
async fn docusign_logs_in_once_an_hour_and_finds_the_account_that_was_named() {
    let street = Street::start().await;
    let stranger = street.stranger(ProviderName::DocuSign);
    assert!(stranger.needs_token(street.now()));
    let refused = stranger.templates(None).await.unwrap_err();
    assert_eq!(refused.trouble, Trouble::LoggedOut);

    let token = stranger.log_in(street.now()).await.unwrap().unwrap();

    assert_eq!(token.account, street.sim.docusign().credentials().account_id);
    assert_eq!(token.until, street.now() + Duration::from_hours(1));
    assert!(!format!("{token:?}").contains("eyJ0"), "a token is shown nowhere");
    let provider = stranger.with(token);
    assert!(!provider.needs_token(street.now()));
    provider.templates(None).await.unwrap();
    street.later(56 * MINUTE);
    assert!(provider.needs_token(street.now()));
    street.sim.docusign().revoke_tokens();
    assert_eq!(provider.templates(None).await.unwrap_err().trouble, Trouble::LoggedOut);
    street.assert_clean();
}

#[tokio::test]
async fn what_keeps_docusign_closed_is_told_apart() {
    let street = Street::start().await;
    let with = |change: &dyn Fn(&mut crate::domain::contract::account::DocuSignAccount<Secret>)| {
        let Account::DocuSign(mut account) = street.account(ProviderName::DocuSign) else { panic!() };
        change(&mut account);
        Provider::new(&street.http, &street.urls(), Account::DocuSign(account), None)
    };
    let stranger_key = include_str!("../../../../tests/sim/fixtures/esign/docusign-stranger.pem");
    let log_in = async |provider: Provider| provider.log_in(street.now()).await.unwrap_err();

    let stranger = log_in(with(&|it| it.private_key = Secret::new(stranger_key))).await;
    assert_eq!(stranger.class(), "misconfigured:no_valid_keys_or_signatures");
    let no_key = log_in(with(&|it| it.private_key = Secret::new("no key"))).await;
    assert_eq!(no_key.class(), "misconfigured:private_key");
    let issuer = log_in(with(&|it| it.integration_key = "another".to_owned())).await;
    assert_eq!(issuer.class(), "misconfigured:issuer_not_found");
    let world = log_in(with(&|it| it.environment = Environment::Production)).await;
    assert_eq!(world.class(), "misconfigured:issuer_not_found");
    let user = log_in(with(&|it| it.user_id = "another".to_owned())).await;
    assert_eq!(user.class(), "misconfigured:user_not_found");
    let account = log_in(with(&|it| it.account_id = Some("another".to_owned()))).await;
    assert_eq!(account.class(), "misconfigured:account_not_found");
    street.sim.switch(|it| it.consent = false);
    let consent = log_in(with(&|_| {})).await;
    let Trouble::ConsentRequired { at } = consent.trouble else { panic!("{consent:?}") };
    assert!(at.contains("/oauth/auth?response_type=code&scope=signature+impersonation&client_id="), "{at}");
}

#[tokio::test]
async fn without_a_named_account_docusign_takes_the_default() {
    let street = Street::start().await;
    let Account::DocuSign(mut account) = street.account(ProviderName::DocuSign) else { panic!() };
    account.account_id = None;
    let provider = Provider::new(&street.http, &street.urls(), Account::DocuSign(account), None);

    let token = provider.log_in(street.now()).await.unwrap().unwrap();

    assert_eq!(token.account, street.sim.docusign().credentials().account_id);
}

#[tokio::test]
async fn docusign_hears_where_to_tell_of_each_envelope() {
    let street = Street::start().await;
    let (_, contract) = street.sent(ProviderName::DocuSign).await;

    let told = street.sim.docusign().take_deliveries();

    assert!(told.iter().any(|it| it.event == "envelope-sent" && it.contract == request(&contract).as_str()));
    assert!(told.iter().all(|it| it.url == "https://hooks.example/webhooks/docusign/x"));
    assert!(told.iter().all(|it| it.headers.iter().any(|(name, _)| name.contains("Signature-1"))));
}

#[tokio::test]
async fn dropbox_sign_sets_the_end_afterwards_where_it_is_refused_at_first() {
    let street = Street::start().await;
    let name = ProviderName::DropboxSign;
    let provider = street.provider(name).await;
    let mut wish = street.wish(name);
    wish.expires_in_days = Some(1);
    let mut contract = street.contract(name, wish);
    let mut calls = 0;
    street.faults.plan(move |call| {
        let creates = call.operation.ends_with("send_with_template");
        calls += usize::from(creates);
        if creates && calls == 1 {
            let body = r#"{"error":{"error_name":"bad_request","error_msg":"x","error_path":"expires_at"}}"#;
            return Fault::Fail(http::StatusCode::BAD_REQUEST, body.to_owned());
        }
        Fault::Pass
    });

    street.send(&provider, &mut contract).await;

    assert_eq!(street.desk(name).contracts().len(), 1);
    let ends = contract.life.expires_at().unwrap();
    assert!(ends.since(street.now()).as_secs().abs_diff(86_400) <= 3_700, "{ends}");
    street.assert_clean();
}

#[tokio::test]
async fn pandadoc_is_waited_for_a_minute_without_a_call_that_sleeps() {
    let street = Street::start().await;
    street.sim.switch(|it| it.draft_ms = MINUTE);

    let (_, contract) = street.sent(ProviderName::PandaDoc).await;

    assert_eq!(contract.dispatch, Dispatch::Sent { at: street.now() - Duration::from_secs(2) });
    assert_eq!(street.desk(ProviderName::PandaDoc).contracts().len(), 1);
    assert_eq!(contract.state(), State::Sent);
    street.assert_clean();
}

#[tokio::test]
async fn a_pandadoc_document_that_cannot_be_made_is_an_error_for_good() {
    let street = Street::start().await;
    street.sim.switch(|it| it.draft_fails = true);

    let (_, contract) = street.sent(ProviderName::PandaDoc).await;

    assert_eq!(contract.state(), State::Error);
    assert!(contract.life.is_over());
}

#[tokio::test]
async fn an_approval_inside_pandadoc_is_waited_for_and_then_sent_again() {
    let street = Street::start().await;
    street.sim.switch(|it| it.approval = true);
    let (provider, mut contract) = street.sent(ProviderName::PandaDoc).await;
    let id = request(&contract).clone();
    assert_eq!(contract.state(), State::Draft);
    assert_eq!(contract.life.detail(), Some(&Detail::WaitingApproval));
    assert_eq!(contract.next_call(), NextCall::Nothing);

    assert!(street.sim.pandadoc().approve(id.as_str()));
    street.later(SECOND);
    take(&mut contract, &provider.status(&id, street.now()).await.unwrap());

    let NextCall::Step(step) = contract.next_call() else { panic!("it wants to be sent again") };
    let sending = Sending { now: street.now(), file: None, webhook: None };
    let Step::Sent { observed, .. } = provider.send_step(&contract, step, &sending).await.unwrap() else {
        panic!("it is sent")
    };
    take(&mut contract, &observed);
    assert_eq!(contract.state(), State::Sent);
    assert_eq!(contract.next_call(), NextCall::Nothing);
    street.assert_clean();
}

#[tokio::test]
async fn a_step_that_is_made_twice_sends_once() {
    let street = Street::start().await;
    let (provider, contract) = street.sent(ProviderName::PandaDoc).await;
    street.sim.pandadoc().take_deliveries();
    let sending = Sending { now: street.now(), file: None, webhook: None };

    for step in [SendStep::AwaitDraft, SendStep::Send] {
        let again = provider.send_step(&contract, step, &sending).await.unwrap();
        assert!(matches!(again, Step::Sent { .. }), "{again:?}");
    }

    assert!(street.sim.pandadoc().take_deliveries().is_empty());
    street.assert_clean();
}

#[tokio::test]
async fn a_pandadoc_draft_is_removed_when_it_is_cancelled() {
    let street = Street::start().await;
    let name = ProviderName::PandaDoc;
    let provider = street.provider(name).await;
    let contract = street.contract(name, street.wish(name));
    let sending = Sending { now: street.now(), file: None, webhook: None };
    for wait in [0, 10 * SECOND] {
        let made = provider.send_step(&contract, SendStep::Create, &sending).await.unwrap();
        let Step::Created { request, .. } = made else { panic!("{made:?}") };
        street.later(wait);

        let cancel = provider.cancel(&request, "Mistake", street.now()).await.unwrap();

        assert_eq!(cancel, Cancel::Cancelled);
        let seen = provider.status(&request, street.now()).await.unwrap();
        assert_eq!(seen.overall, Some(Overall::Gone));
    }
    street.assert_clean();
}

#[tokio::test]
async fn a_file_of_which_we_have_no_bytes_is_not_sent() {
    for name in ProviderName::ALL {
        let street = Street::start().await;
        let provider = street.provider(name).await;
        let contract = street.contract(name, with_file(&street, name));
        let before = street.faults.count();
        let sending = Sending { now: street.now(), file: None, webhook: None };

        let refused = provider.send_step(&contract, SendStep::Create, &sending).await.unwrap_err();

        assert_eq!(refused.class(), "rejected:no_file", "{name}");
        assert_eq!(street.faults.count(), before);
        let bytes = Bytes::from_static(PDF);
        let sending = Sending { file: Some(&bytes), ..sending };
        assert!(provider.send_step(&contract, SendStep::Create, &sending).await.is_ok());
    }
}

/// What makes an account unusable.
type Spoil<'a> = &'a dyn Fn(&mut OpenAccount);

#[tokio::test]
async fn an_account_that_cannot_work_is_refused_when_it_is_entered() {
    let street = Street::start().await;
    let fault = |name, change: &dyn Fn(&mut OpenAccount)| {
        let mut account = street.account(name);
        change(&mut account);
        fault_of(&account)
    };

    for name in ProviderName::ALL {
        assert_eq!(fault(name, &|_| {}), None, "{name}");
    }
    let spoil: [(ProviderName, Spoil<'_>); 5] = [
        (ProviderName::DocuSign, &|it| {
            if let Account::DocuSign(it) = it {
                it.private_key = Secret::new("-----BEGIN RSA PRIVATE KEY-----x-----END RSA PRIVATE KEY-----");
            }
        }),
        (ProviderName::DocuSign, &|it| {
            if let Account::DocuSign(it) = it {
                it.user_id = "ada@client.example".to_owned();
            }
        }),
        (ProviderName::DocuSign, &|it| {
            if let Account::DocuSign(it) = it {
                it.hmac_keys.clear();
            }
        }),
        (ProviderName::DropboxSign, &|it| {
            if let Account::DropboxSign(it) = it {
                it.api_keys = vec![Secret::new("key with spaces")];
            }
        }),
        (ProviderName::PandaDoc, &|it| {
            if let Account::PandaDoc(it) = it {
                it.api_key = Secret::new("");
            }
        }),
    ];
    for (name, change) in spoil {
        assert!(fault(name, change).is_some(), "{name}");
    }
}

#[test]
fn an_account_is_stored_sealed_and_read_back() {
    let open: OpenAccount = Account::DropboxSign(crate::domain::contract::account::DropboxSignAccount {
        api_keys: vec![Secret::new("first-key"), Secret::new("second-key")],
        client_id: None,
        environment: Environment::Sandbox,
    });
    let seal =
        |it: &Secret| Ok::<_, ()>(crate::domain::grant::Sealed(format!("sealed {}", it.expose().len())));

    let sealed = open.try_map(seal).unwrap();

    let stored = serde_json::to_string(&sealed).unwrap();
    assert!(stored.contains("\"provider\":\"dropbox_sign\"") && !stored.contains("-key"), "{stored}");
    let read: crate::domain::contract::account::StoredAccount = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, sealed);
    assert!(!format!("{open:?}").contains("-key"), "a secret is shown nowhere");
}
