use std::collections::BTreeMap;

use proptest::prelude::*;

use super::request::{SignerRequest, TemplateRole, is_email};
use super::settings::{Automation, ContractSettings, Trigger};
use super::*;
use crate::domain::id::TemplateId;

const START: i64 = 1_793_614_530_000;
const MB: u64 = 1024 * 1024;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START + seconds * 1_000)
}

fn template() -> Source {
    Source::Template { template: "a5f1f6c4-0000-4000-8000-000000000001".parse().unwrap() }
}

fn file(bytes: u64) -> Source {
    Source::File(SourceFile {
        name: "agreement.pdf".to_owned(),
        key: "contracts/x".to_owned(),
        bytes,
        sha256: "00".repeat(32),
    })
}

fn signer(number: u16) -> SignerRequest {
    SignerRequest {
        name: format!("Signer {number}"),
        email: format!("signer{number}@client.example"),
        role: Some(format!("Role {number}")),
        order: Some(number),
    }
}

fn wish(signers: u16) -> ContractRequest {
    ContractRequest {
        title: "Service agreement".to_owned(),
        subject: None,
        message: None,
        source: template(),
        signers: (1..=signers).map(signer).collect(),
        fields: BTreeMap::new(),
        metadata: BTreeMap::new(),
        expires_in_days: Some(30),
        reminders: None,
        person: None,
        opportunity: None,
        provider: None,
    }
}

fn contract(provider: ProviderName, signers: u16) -> Contract {
    let cause = Cause::Person { by: "session".to_owned() };
    let workspace = WorkspaceId(uuid::Uuid::nil());
    wish(signers).into_contract("ctr_01".parse().unwrap(), workspace, provider, cause, at(0)).unwrap()
}

fn seen(number: u16, state: SignerState) -> SignerSeen {
    let email = format!("Signer{number}@Client.example");
    SignerSeen::new(Some(number.to_string()), Some(email), Some(state))
}

fn take(contract: &Contract, observed: &Observed) -> Contract {
    match contract.on(observed) {
        Change::Move { next, .. } => *next,
        Change::Stay => contract.clone(),
    }
}

/// What a provider would tell of a life in which three signers sign one after the other, the second after their
/// mail had come back, and of how it ends. Each message carries all signers as they were, or only the one it is about.
fn life(end: usize, whole: bool) -> Vec<Observed> {
    use SignerState::{Declined, Error, Sent, Signed, Viewed, Waiting};
    let script: &[(Overall, [SignerState; 3])] = &[
        (Overall::Draft, [Waiting, Waiting, Waiting]),
        (Overall::Sent, [Sent, Waiting, Waiting]),
        (Overall::Viewed, [Viewed, Waiting, Waiting]),
        (Overall::PartiallySigned, [Signed, Sent, Waiting]),
        (Overall::PartiallySigned, [Signed, Error, Waiting]),
        (Overall::Stuck, [Signed, Error, Waiting]),
        (Overall::PartiallySigned, [Signed, Viewed, Waiting]),
        (Overall::PartiallySigned, [Signed, Signed, Sent]),
    ];
    let reason = Some("Not now".to_owned());
    let last = match end {
        0 => Some((Overall::Completed { at: Some(at(900)) }, [Signed, Signed, Signed])),
        1 => Some((
            Overall::Declined { at: Some(at(900)), reason: reason.clone() },
            [Signed, Signed, Declined],
        )),
        2 => Some((Overall::Voided { at: Some(at(900)), reason }, [Signed, Signed, Sent])),
        3 => Some((Overall::Expired { at: Some(at(900)) }, [Signed, Signed, SignerState::Expired])),
        _ => None,
    };
    let mut told = Vec::new();
    for (step, (overall, signers)) in script.iter().cloned().chain(last).enumerate() {
        let as_of = at(100 * i64::try_from(step).unwrap());
        let mut all: Vec<SignerSeen> =
            (1..).zip(signers).map(|(number, state)| seen(number, state)).collect();
        if !whole {
            all = all.split_off(step % 3).into_iter().take(1).collect();
        }
        told.push(Observed { overall: Some(overall), signers: all, ..Observed::at(as_of) });
    }
    told
}

fn play<'a>(start: &Contract, told: impl IntoIterator<Item = &'a Observed>) -> Contract {
    told.into_iter().fold(start.clone(), |contract, observed| take(&contract, observed))
}

/// What is known after a set of messages must not depend on the way there. If every step from every set leads to just
/// one state of the larger set, then all 362,880 orders of nine messages, with any repeats, end in the same one.
#[test]
fn all_orders_and_repeats_of_a_three_signer_life_meet_at_every_step() {
    for (end, whole) in (0..5).flat_map(|end| [(end, false), (end, true)]) {
        let told = life(end, whole);
        let mut known: Vec<Option<Contract>> = vec![None; 1 << told.len()];
        known[0] = Some(contract(ProviderName::DocuSign, 3));

        for set in 0..known.len() {
            let here = known[set].clone().expect("it was reached from a smaller set");
            for (row, observed) in told.iter().enumerate() {
                let next = take(&here, observed);
                let there = known[set | 1 << row].get_or_insert_with(|| next.clone());
                assert_eq!(*there, next, "life {end}, message {row} after {set:b}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_order_and_every_repeat_of_a_three_signer_life_ends_in_the_same_state(
        end in 0_usize..5,
        whole in any::<bool>(),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..25),
        shuffled in Just((0_usize..9).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let start = contract(ProviderName::DocuSign, 3);
        let told = life(end, whole);
        let straight = play(&start, &told);

        // Every message at least once, in any order, with any repeats before and between.
        let mixed = order.iter().map(|index| index.get(&told));
        let mixed = mixed.chain(shuffled.iter().filter_map(|row| told.get(*row)));
        let other = play(&start, mixed);

        prop_assert_eq!(&other, &straight);
        let states = [State::Completed, State::Declined, State::Voided, State::Expired, State::PartiallySigned];
        prop_assert_eq!(other.state(), states[end]);
    }

    #[test]
    fn nothing_leaves_an_end(first in 0_usize..4, second in 0_usize..5, whole in any::<bool>()) {
        let ended = play(&contract(ProviderName::PandaDoc, 3), &life(first, whole));

        let later = play(&ended, &life(second, !whole));

        prop_assert_eq!(later.state(), ended.state());
        prop_assert!(later.life.is_over());
        if second == first {
            prop_assert_eq!(later.life.end, ended.life.end);
        }
    }

    #[test]
    fn no_text_breaks_the_check_of_an_address(text in "\\PC{0,40}") {
        let fine = is_email(&text);

        prop_assert!(!fine || (text.matches('@').count() == 1 && !text.contains(char::is_whitespace)));
    }
}

#[test]
fn a_life_passes_through_the_states_in_their_order() {
    use State::{Completed, Draft, Error, PartiallySigned, Sent, Viewed};

    let start = contract(ProviderName::DocuSign, 3);
    let mut states = vec![start.state()];

    let mut now = start;
    for observed in life(0, true) {
        now = take(&now, &observed);
        states.push(now.state());
    }

    let expected = [
        Draft,
        Draft,
        Sent,
        Viewed,
        PartiallySigned,
        PartiallySigned,
        Error,
        PartiallySigned,
        PartiallySigned,
        Completed,
    ];
    assert_eq!(states, expected);
    assert!(now.signers.iter().all(|signer| now.signer_state(signer) == SignerState::Signed));
    assert_eq!(now.life.sent_at, Some(at(100)));
    assert_eq!(now.life.end.unwrap().at(), at(900));
}

#[test]
fn a_repeat_is_no_news() {
    let observed = life(0, true).remove(2);
    let once = take(&contract(ProviderName::DocuSign, 3), &observed);

    assert_eq!(once.on(&observed), Change::Stay);
}

#[test]
fn mail_that_came_back_is_trouble_until_the_signer_looks() {
    let start = contract(ProviderName::DocuSign, 1);
    let told = |seconds, state| Observed { signers: vec![seen(1, state)], ..Observed::at(at(seconds)) };
    let bounced = play(&start, &[told(1, SignerState::Sent), told(2, SignerState::Error)]);
    let again = play(&bounced, &[told(3, SignerState::Sent)]);
    let looked = play(&bounced, &[told(1, SignerState::Viewed)]);

    assert_eq!(bounced.signers[0].state(), SignerState::Error);
    assert_eq!(again.signers[0].state(), SignerState::Sent, "it was sent to a better address");
    assert_eq!(looked.signers[0].state(), SignerState::Viewed);
}

#[test]
fn voided_means_expired_unless_we_asked() {
    let start = contract(ProviderName::PandaDoc, 1);
    let told = |seconds| Observed {
        expires_at: Some(at(1_000)),
        ..Observed::overall(at(seconds), Overall::VoidedIfAsked { at: Some(at(seconds)) })
    };
    let wish = CancelWish { reason: "Mistake".to_owned(), at: at(400), accepted_at: None };
    let asked = Contract { cancel: Some(wish.clone()), ..start.clone() };
    let taken = CancelWish { accepted_at: Some(at(401)), ..wish };
    let accepted = Contract { cancel: Some(taken), ..start.clone() };

    assert_eq!(take(&start, &told(500)).state(), State::Expired);
    assert_eq!(take(&asked, &told(500)).state(), State::Voided);
    assert_eq!(take(&asked, &told(1_001)).state(), State::Expired, "its time was over before we were heard");
    assert_eq!(take(&accepted, &told(1_001)).state(), State::Voided);
    assert_eq!(take(&accepted, &told(500)).life.end.unwrap().reason(), Some("Mistake"));
}

#[test]
fn what_is_gone_was_cancelled_only_if_we_asked() {
    let start = contract(ProviderName::DropboxSign, 1);
    let wish = CancelWish { reason: "Mistake".to_owned(), at: at(1), accepted_at: None };
    let asked = Contract { cancel: Some(wish), ..start.clone() };
    let gone = Observed::overall(at(5), Overall::Gone);

    assert_eq!(start.on(&gone), Change::Stay);
    assert_eq!(take(&asked, &gone).state(), State::Voided);
}

#[test]
fn a_decline_that_came_before_our_wish_was_heard_stays_a_decline() {
    let wish = CancelWish { reason: "Mistake".to_owned(), at: at(1), accepted_at: None };
    let asked = Contract { cancel: Some(wish), ..contract(ProviderName::PandaDoc, 1) };
    let declined = Overall::DeclinedUnlessAsked { at: Some(at(2)), reason: Some("No".to_owned()) };

    let ended = take(&asked, &Observed::overall(at(2), declined));

    assert_eq!(ended.state(), State::Declined);
}

#[test]
fn nobody_waits_in_a_contract_that_is_over() {
    let start = contract(ProviderName::PandaDoc, 2);
    let expired = take(&start, &Observed::overall(at(9), Overall::Expired { at: None }));
    let completed = take(&start, &Observed::overall(at(9), Overall::Completed { at: None }));

    assert_eq!(expired.signer_state(&expired.signers[0]), SignerState::Expired);
    assert_eq!(completed.signer_state(&completed.signers[1]), SignerState::Signed);
}

#[test]
fn sending_goes_from_step_to_step_and_looks_up_what_it_may_have_made() {
    let mut contract = contract(ProviderName::PandaDoc, 1);
    assert_eq!(contract.next_call(), NextCall::Step(SendStep::Create));

    contract.dispatch = Dispatch::Creating { since: at(1) };
    assert_eq!(contract.next_call(), NextCall::LookUp);

    contract.dispatch = Dispatch::Created { next: SendStep::Configure, since: at(2) };
    assert_eq!(contract.next_call(), NextCall::Step(SendStep::Configure));

    contract.dispatch = Dispatch::Sent { at: at(3) };
    assert_eq!(contract.next_call(), NextCall::Nothing);

    let approved = Observed { detail: Some(Detail::Approved), ..Observed::overall(at(4), Overall::Draft) };
    assert_eq!(take(&contract, &approved).next_call(), NextCall::Step(SendStep::Send));

    contract.dispatch = Dispatch::Created { next: SendStep::Send, since: at(2) };
    contract.cancel = Some(CancelWish { reason: String::new(), at: at(5), accepted_at: None });
    assert_eq!(contract.next_call(), NextCall::Nothing);
}

#[test]
fn a_contract_is_stored_and_read_back_whole() {
    let contract = play(&contract(ProviderName::DropboxSign, 3), &life(1, true));

    let stored = serde_json::to_string(&contract).unwrap();

    assert_eq!(serde_json::from_str::<Contract>(&stored).unwrap(), contract);
}

#[test]
fn a_contract_shows_nobody_in_a_log() {
    let shown = format!("{:?} {:?}", contract(ProviderName::DocuSign, 1), wish(1));

    assert!(!shown.contains("client.example") && !shown.contains("Signer 1"), "{shown}");
}

fn faults(wish: &ContractRequest, provider: ProviderName) -> Vec<String> {
    let faults = wish.check(provider).err().map(|it| it.0).unwrap_or_default();
    faults.into_iter().map(|fault| fault.field).collect()
}

#[test]
fn a_sound_wish_is_followed_by_all_three() {
    for provider in ProviderName::ALL {
        assert_eq!(faults(&wish(3), provider), Vec::<String>::new(), "{provider}");
    }
}

#[test]
fn what_nobody_can_follow_is_refused_with_the_field_at_fault() {
    type Spoil = fn(&mut ContractRequest);
    let table: &[(&str, Spoil)] = &[
        ("title", |it| it.title.clear()),
        ("title", |it| it.title = "A\nBcc: x".to_owned()),
        ("subject", |it| it.subject = Some("x".repeat(256))),
        ("message", |it| it.message = Some("x".repeat(10_001))),
        ("signers", |it| it.signers.clear()),
        ("signers[0].name", |it| it.signers[0].name = " ".to_owned()),
        ("signers[1].email", |it| it.signers[1].email = "bo@".to_owned()),
        ("signers[1].email", |it| it.signers[1].email = "SIGNER1@client.example".to_owned()),
        ("signers[1].role", |it| it.signers[1].role = Some("Role 1".to_owned())),
        ("signers[2].role", |it| it.signers[2].role = None),
        ("signers", |it| it.signers[1].order = Some(4)),
        ("signers", |it| it.signers[0].order = Some(0)),
        ("signers", |it| it.signers[2].order = None),
        ("expiresInDays", |it| it.expires_in_days = Some(0)),
        ("expiresInDays", |it| it.expires_in_days = Some(1_000)),
        ("reminders", |it| it.reminders = Some(Reminders { first_after_days: 0, then_every_days: None })),
        ("reminders", |it| it.reminders = Some(Reminders { first_after_days: 30, then_every_days: None })),
        ("metadata", |it| drop(it.metadata.insert("contract_id".to_owned(), "x".to_owned()))),
        ("metadata", |it| drop(it.metadata.insert("a b".to_owned(), "x".to_owned()))),
        ("metadata", |it| drop(it.metadata.insert("a".to_owned(), "x".repeat(1_001)))),
        ("document", |it| it.source = file(26 * MB)),
        ("document", |it| it.source = file(0)),
    ];
    for provider in ProviderName::ALL {
        for (field, spoil) in table {
            let mut wish = wish(3);
            spoil(&mut wish);

            let found = faults(&wish, provider);

            assert!(found.iter().any(|it| it == field), "{provider}: {field} in {found:?}");
        }
    }
}

#[test]
fn limits_are_those_of_the_provider() {
    let long = ContractRequest { subject: Some("x".repeat(101)), ..wish(1) };
    let late = ContractRequest { expires_in_days: Some(91), ..wish(1) };

    assert_eq!(faults(&long, ProviderName::DocuSign), ["subject"]);
    assert!(faults(&long, ProviderName::PandaDoc).is_empty());
    assert_eq!(faults(&late, ProviderName::DropboxSign), ["expiresInDays"]);
    assert!(faults(&late, ProviderName::DocuSign).is_empty());
}

#[test]
fn all_faults_are_told_at_once_and_name_nobody() {
    let mut wish = wish(2);
    wish.title.clear();
    wish.signers[1].email = "secret.person@nowhere".to_owned();

    let invalid = wish.check(ProviderName::DocuSign).unwrap_err();

    assert_eq!(invalid.0.len(), 2);
    assert!(!invalid.to_string().contains("secret"), "{invalid}");
}

#[test]
fn roles_must_be_those_of_the_template_and_all_of_them() {
    let role = |name: &str| TemplateRole { name: name.to_owned(), order: None };

    assert_eq!(wish(2).check_roles(&[role("Role 1"), role("Role 2")]), Ok(()));
    let unknown = wish(2).check_roles(&[role("Role 1"), role("role 2")]).unwrap_err();
    assert_eq!(unknown.0.len(), 2, "{unknown}");
    assert_eq!(unknown.0[0].field, "signers[1].role");
}

#[test]
fn addresses_are_told_from_other_texts() {
    for fine in ["ada@client.example", "a.b+c@x-y.example", "ü@exämple.com", "o'neil@client.example"] {
        assert!(is_email(fine), "{fine}");
    }
    for bad in [
        "",
        "ada",
        "ada@",
        "@client.example",
        "ada@client",
        "ada@@client.example",
        "ada@client..example",
        "a da@client.example",
        "ada@client.example\r\nBcc: x@y.example",
        "Ada <ada@client.example>",
        ".ada@client.example",
        "ada@-client.example",
        "ada,bo@client.example",
    ] {
        assert!(!is_email(bad), "{bad}");
    }
}

fn rule(name: &str) -> Automation {
    Automation {
        name: name.to_owned(),
        enabled: true,
        since: None,
        trigger: Trigger::MembershipActive { product: "prod_1".parse().unwrap() },
        template: "t1".parse::<TemplateId>().unwrap(),
        provider: None,
        role: "Client".to_owned(),
        others: Vec::new(),
        subject: "Please sign".to_owned(),
        message: None,
        ai_message: false,
        expires_in_days: None,
        reminders: None,
    }
}

#[test]
fn nothing_is_sent_by_itself_unless_a_rule_says_so() {
    let asleep = Automation { enabled: false, ..rule("a") };
    let settings = ContractSettings {
        provider: Some(ProviderName::PandaDoc),
        automations: vec![asleep, rule("b")],
        ..ContractSettings::default()
    };
    let trigger = rule("x").trigger;

    assert_eq!(serde_json::from_str::<ContractSettings>("{}").unwrap(), ContractSettings::default());
    assert_eq!(ContractSettings::default().rules_for(&trigger).count(), 0);
    assert_eq!(settings.rules_for(&trigger).map(|it| it.name.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(settings.check(), Ok(()));
}

#[test]
fn rules_that_could_not_be_followed_are_refused() {
    let all = |automations| ContractSettings { automations, ..ContractSettings::default() };
    let chosen =
        |automations| ContractSettings { provider: Some(ProviderName::DocuSign), ..all(automations) };

    assert!(all(vec![rule("a")]).check().is_err(), "no provider");
    assert!(chosen(vec![rule("a"), rule("a")]).check().is_err(), "twice");
    assert!(chosen(vec![rule("a b")]).check().is_err(), "a name with a space");
    assert!(chosen(vec![Automation { role: " ".to_owned(), ..rule("a") }]).check().is_err(), "no role");
}
