//! The three stand-ins, an account at each, and a server that answers as a test says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use sim::clock::Clock;
use sim::esign::{Delivery, Desk, Esign as Sim, Template};
use sim::fault::Faults;
use url::Url;

use super::super::*;
use crate::domain::contract::account::{Account, DocuSignAccount, DropboxSignAccount, PandaDocAccount};
use crate::domain::contract::request::SignerRequest;
use crate::domain::contract::{Cause, Change, ContractRequest, Dispatch, ProviderName, Source, SourceFile};
use crate::domain::id::WorkspaceId;
use crate::http::Addresses;

pub(super) const START: i64 = 1_793_614_530_000;
pub(super) const SECOND: i64 = 1_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
pub(super) const ADA: &str = "ada@client.example";
pub(super) const BO: &str = "bo@provider.example";

/// A PDF as far as anybody looks.
pub(super) const PDF: &[u8] = b"%PDF-1.7\n/sig1/ /date1/\n%%EOF";

pub(super) struct Street {
    pub(super) clock: Clock,
    pub(super) faults: Faults,
    pub(super) sim: Sim,
    pub(super) http: Http,
}

impl Street {
    /// Time stands still, deliveries are collected, and answers are held against their descriptions too.
    pub(super) async fn start() -> Self {
        let clock = Clock::stepped(START);
        let faults = Faults::default();
        let sim = Sim::start(clock.clone(), &faults, 0).await;
        sim.switch(|switches| {
            switches.delivery = Delivery::Collect;
            switches.check_answers = true;
        });
        Self { clock, faults, sim, http: Http::new(Addresses::PrivateToo).unwrap() }
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.now_ms())
    }

    pub(super) fn later(&self, ms: i64) {
        self.clock.advance_ms(ms);
    }

    pub(super) fn desk(&self, name: ProviderName) -> Desk {
        match name {
            ProviderName::DocuSign => (*self.sim.docusign()).clone(),
            ProviderName::DropboxSign => (*self.sim.dropbox_sign()).clone(),
            ProviderName::PandaDoc => (*self.sim.pandadoc()).clone(),
        }
    }

    pub(super) fn account(&self, name: ProviderName) -> OpenAccount {
        match name {
            ProviderName::DocuSign => {
                let it = self.sim.docusign().credentials();
                Account::DocuSign(DocuSignAccount {
                    integration_key: it.integration_key,
                    user_id: it.user_id,
                    account_id: Some(it.account_id),
                    environment: Environment::Sandbox,
                    private_key: Secret::new(it.private_key),
                    hmac_keys: it.hmac_keys.into_iter().map(Secret::new).collect(),
                })
            }
            ProviderName::DropboxSign => {
                let it = self.sim.dropbox_sign().credentials();
                Account::DropboxSign(DropboxSignAccount {
                    api_keys: vec![Secret::new(it.api_key)],
                    client_id: Some(it.client_id),
                    environment: Environment::Production,
                })
            }
            ProviderName::PandaDoc => {
                let it = self.sim.pandadoc().credentials();
                Account::PandaDoc(PandaDocAccount {
                    api_key: Secret::new(it.api_key),
                    environment: Environment::Production,
                    webhook_keys: Vec::new(),
                })
            }
        }
    }

    pub(super) fn urls(&self) -> EsignUrls {
        let url = |name| self.desk(name).url().parse::<Url>().unwrap();
        EsignUrls {
            docusign_sandbox: url(ProviderName::DocuSign),
            docusign_production: url(ProviderName::DocuSign),
            dropbox_sign: url(ProviderName::DropboxSign),
            pandadoc: url(ProviderName::PandaDoc),
        }
    }

    /// A provider that is not logged in yet.
    pub(super) fn stranger(&self, name: ProviderName) -> Provider {
        Provider::new(&self.http, &self.urls(), self.account(name), None)
    }

    /// A provider that is ready.
    pub(super) async fn provider(&self, name: ProviderName) -> Provider {
        let provider = self.stranger(name);
        match provider.log_in(self.now()).await.unwrap() {
            Some(token) => provider.with(token),
            None => provider,
        }
    }

    /// The id of a template with two roles in order and one field.
    pub(super) fn template(&self, name: ProviderName) -> String {
        self.desk(name).template(Template::new("Service agreement", &["Client", "Provider"], &["Amount"]))
    }

    pub(super) fn wish(&self, name: ProviderName) -> ContractRequest {
        let signer = |name: &str, email: &str, role: &str, order| SignerRequest {
            name: name.to_owned(),
            email: email.to_owned(),
            role: Some(role.to_owned()),
            order: Some(order),
        };
        ContractRequest {
            title: "Service agreement".to_owned(),
            subject: Some("Please sign: Service agreement".to_owned()),
            message: Some("Kind regards".to_owned()),
            source: Source::Template { template: self.template(name).parse().unwrap() },
            signers: vec![signer("Ada Client", ADA, "Client", 1), signer("Bo Provider", BO, "Provider", 2)],
            fields: BTreeMap::from([("Amount".to_owned(), "100".to_owned())]),
            metadata: BTreeMap::from([("order".to_owned(), "4711".to_owned())]),
            expires_in_days: None,
            reminders: None,
            person: None,
            opportunity: None,
            provider: None,
        }
    }

    pub(super) fn contract(&self, name: ProviderName, wish: ContractRequest) -> Contract {
        let cause = Cause::Person { by: "session".to_owned() };
        let workspace = WorkspaceId(uuid::Uuid::nil());
        wish.into_contract("ctr_01".parse().unwrap(), workspace, name, cause, self.now()).unwrap()
    }

    /// Makes all steps, waiting as each of them asks. What was asked is left for the caller to count.
    pub(super) async fn send(&self, provider: &Provider, contract: &mut Contract) {
        let file = Bytes::from_static(PDF);
        let webhook: Url = "https://hooks.example/webhooks/docusign/x".parse().unwrap();
        let mut step = SendStep::Create;
        for _ in 0..40 {
            let sending = Sending { now: self.now(), file: Some(&file), webhook: Some(&webhook) };
            let wait = |after: Duration| self.later(i64::try_from(after.as_millis()).unwrap());
            match provider.send_step(contract, step, &sending).await.unwrap() {
                Step::Created { request, next, after } => {
                    contract.request = Some(request);
                    step = next;
                    wait(after);
                }
                Step::Next { step: next, after } => {
                    step = next;
                    wait(after);
                }
                Step::Wait { after } => wait(after),
                Step::Sent { request, observed } => {
                    contract.request = Some(request);
                    contract.dispatch = Dispatch::Sent { at: self.now() };
                    take(contract, &observed);
                    return;
                }
                Step::Failed { observed } => {
                    take(contract, &observed);
                    return;
                }
            }
        }
        panic!("it was never sent");
    }

    /// A contract with two signers that went out.
    pub(super) async fn sent(&self, name: ProviderName) -> (Provider, Contract) {
        let provider = self.provider(name).await;
        let mut contract = self.contract(name, self.wish(name));
        self.send(&provider, &mut contract).await;
        // Dropbox Sign sends a little later.
        self.later(2 * SECOND);
        (provider, contract)
    }

    pub(super) fn assert_clean(&self) {
        assert!(self.sim.violations().is_empty(), "{:#?}", self.sim.violations());
    }
}

/// Where we keep the file; the adapters are given its bytes.
pub(super) fn file() -> Source {
    Source::File(SourceFile {
        name: "agreement.pdf".to_owned(),
        key: "contracts/x".to_owned(),
        bytes: PDF.len() as u64,
        sha256: "00".repeat(32),
    })
}

pub(super) fn request(contract: &Contract) -> &SignatureRequestId {
    contract.request.as_ref().unwrap()
}

pub(super) fn take(contract: &mut Contract, observed: &Observed) {
    if let Change::Move { next, .. } = contract.on(observed) {
        *contract = *next;
    }
}

/// An answer that a test has written.
#[derive(Clone)]
pub(super) struct Canned {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) body: String,
}

impl Canned {
    pub(super) fn new(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned() }
    }
}

/// A server that gives these answers one after the other, the last one for ever.
pub(super) async fn canned(answers: Vec<Canned>) -> Url {
    let left = Arc::new(Mutex::new(VecDeque::from(answers)));
    let answer = move || {
        let mut left = left.lock().unwrap();
        let next = if left.len() > 1 { left.pop_front().unwrap() } else { left[0].clone() };
        let response = Response::builder().status(next.status);
        let response = next.headers.iter().fold(response, |it, (name, value)| it.header(*name, *value));
        let response = response.body(Body::from(next.body)).unwrap();
        async move { response }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    url
}
