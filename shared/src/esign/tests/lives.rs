//! Whole lives told by webhooks: each delivery passes our door, and any order of them ends in the provider's truth.

use sim::esign::SignedDelivery;

use super::super::webhook::{Reading, Unverified, read_events, verify};
use super::super::*;
use super::street::{ADA, BO, SECOND, Street, request, take};
use crate::domain::contract::{ProviderName, State};

const HOOK: &str = "https://hooks.example/webhooks/x";

/// Lets a delivery in as the door does, and takes what it says.
async fn hear(
    street: &Street,
    provider: &Provider,
    keys: &[Secret],
    contract: &mut Contract,
    told: &SignedDelivery,
) {
    let name = contract.provider;
    let url: Url = told.url.parse().unwrap();
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let query: Vec<(&str, &str)> =
        query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let headers: Vec<(&str, &str)> =
        told.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let request = Unverified { headers: &headers, query: &query, body: &told.body };
    let verified = verify(name, keys, &request, street.now()).unwrap();
    for hint in read_events(name, verified.body(), street.now()).unwrap() {
        if let Some(id) = &hint.contract {
            assert_eq!(*id, contract.id, "{name}");
        }
        match hint.reading {
            Reading::Snapshot(observed) => take(contract, &observed),
            Reading::ReRead { if_gone } => {
                let seen = provider.status(&hint.request.unwrap(), street.now()).await.unwrap();
                let gone = seen.overall == Some(crate::domain::contract::Overall::Gone);
                take(contract, if_gone.as_ref().filter(|_| gone).unwrap_or(&seen));
            }
            Reading::Nothing => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Signed,
    Declined,
    Expired,
    Voided,
}

impl End {
    fn of(self, name: ProviderName) -> State {
        match self {
            Self::Signed => State::Completed,
            Self::Declined => State::Declined,
            Self::Expired => State::Expired,
            // Nobody here asked for it: PandaDoc has one word for both.
            Self::Voided if name == ProviderName::PandaDoc => State::Expired,
            Self::Voided => State::Voided,
        }
    }
}

/// As they came, backwards, or from the middle on and everything twice.
fn disordered(mut told: Vec<SignedDelivery>, order: usize) -> Vec<SignedDelivery> {
    match order {
        0 => {}
        1 => told.reverse(),
        _ => {
            let middle = told.len() / 2;
            told.rotate_left(middle);
            let copies = told.clone();
            told.extend(copies);
        }
    }
    told
}

async fn live(name: ProviderName, end: End, order: usize) {
    let street = Street::start().await;
    let desk = street.desk(name);
    let keys = match name {
        // Envelopes bring their own hook.
        ProviderName::DocuSign => street.account(name).webhook_keys().to_vec(),
        ProviderName::DropboxSign | ProviderName::PandaDoc => vec![Secret::new(desk.subscribe(HOOK))],
    };
    let (provider, mut contract) = street.sent(name).await;
    let id = request(&contract).as_str().to_owned();
    let pause = || street.later(90 * SECOND);
    pause();
    desk.view(&id, ADA).unwrap();
    pause();
    desk.sign(&id, ADA).unwrap();
    pause();
    match end {
        End::Signed => desk.sign(&id, BO).unwrap(),
        End::Declined => desk.decline(&id, BO, "No").unwrap(),
        End::Expired => desk.expire(&id).unwrap(),
        End::Voided => desk.void(&id, "Mistake").unwrap(),
    }
    street.later(60 * SECOND);
    let told = disordered(desk.take_deliveries(), order);
    assert!(told.len() >= 4, "{name}: {}", told.len());

    for delivery in &told {
        hear(&street, &provider, &keys, &mut contract, delivery).await;
    }

    assert_eq!(contract.state(), end.of(name), "{name} {end:?} {order}");
    street.assert_clean();
}

#[tokio::test]
async fn any_order_of_the_events_of_a_life_ends_in_the_providers_truth() {
    for name in ProviderName::ALL {
        for end in [End::Signed, End::Declined, End::Expired, End::Voided] {
            for order in 0..3 {
                live(name, end, order).await;
            }
        }
    }
}
