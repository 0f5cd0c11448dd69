//! Words that the stories of contracts use: a workspace with an account at one provider, and what is to be seen on
//! either side.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use shared::domain::caller::{Caller, Means};
use shared::domain::contract::account::{
    Account, DocuSignAccount, DropboxSignAccount, Environment, OldKeys, OpenAccount, PandaDocAccount,
};
use shared::domain::contract::request::SignerRequest;
use shared::domain::contract::{Contract, ContractRequest, ProviderName, Source};
use shared::domain::grant::Secret;
use shared::domain::id::{ContractId, CrmId};
use shared::usecase::connect_twenty::connect_twenty;
use shared::usecase::contracts::{accounts, find, send};
use sim::esign::{Delivery, Desk, Shown, SignedDelivery, Template};
use stack::gateway::{self, Answer, Ask};
use stack::{CONTRACT, CONTRACT_DEAD, Stack, pump};

pub(crate) const ADA: &str = "ada@client.example";
pub(crate) const BO: &str = "bo@provider.example";
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// A workspace that sends contracts with one provider.
pub(crate) struct Office {
    pub(crate) stack: Arc<Stack>,
    pub(crate) caller: Caller,
    /// The workspace in Twenty.
    pub(crate) crm: String,
    pub(crate) person: CrmId,
    pub(crate) name: ProviderName,
    pub(crate) template: String,
}

/// What the provider's administrator pastes into the settings page.
pub(crate) fn account(stack: &Stack, name: ProviderName, webhook_key: Option<&str>) -> OpenAccount {
    let secret = |text: &str| Secret::new(text.to_owned());
    match name {
        ProviderName::DocuSign => {
            let it = stack.esign.docusign().credentials();
            Account::DocuSign(DocuSignAccount {
                integration_key: it.integration_key,
                user_id: it.user_id,
                account_id: Some(it.account_id),
                environment: Environment::Sandbox,
                private_key: secret(&it.private_key),
                hmac_keys: it.hmac_keys.iter().map(|key| secret(key)).collect(),
            })
        }
        ProviderName::DropboxSign => {
            let it = stack.esign.dropbox_sign().credentials();
            Account::DropboxSign(DropboxSignAccount {
                api_keys: vec![secret(&it.api_key)],
                client_id: Some(it.client_id),
                environment: Environment::Production,
            })
        }
        ProviderName::PandaDoc => {
            let it = stack.esign.pandadoc().credentials();
            Account::PandaDoc(PandaDocAccount {
                api_key: secret(&it.api_key),
                environment: Environment::Production,
                webhook_keys: webhook_key.map(secret).into_iter().collect(),
            })
        }
    }
}

impl Office {
    /// Everything is set up, as the README says, and deliveries are in the story's hands.
    pub(crate) async fn open(name: ProviderName) -> Self {
        let stack = Arc::new(Stack::start().await);
        stack.esign.switch(|it| {
            it.delivery = Delivery::Collect;
            it.check_answers = true;
            it.refuse_polling = true;
        });
        let crm = stack.twenty.create_workspace("Harbor Lights");
        stack.twenty.set_limit(&crm, 100_000);
        let key = Secret::new(crm.api_key.clone());
        let connected = connect_twenty(stack.app, &stack.twenty.url(), &key).await.unwrap();
        let caller = Caller { workspace: connected.workspace.id, by: Means::Session };
        let enrolled =
            accounts::enroll(stack.app, &caller, account(&stack, name, None), OldKeys::Keep).await.unwrap();
        let person = json!({ "name": { "firstName": "Ada", "lastName": "Client" },
                             "emails": { "primaryEmail": ADA } });
        let person = stack.twenty.create_as_human(&crm, "people", &person).parse().unwrap();
        let office = Self { stack, caller, crm: crm.id.clone(), person, name, template: String::new() };
        if name != ProviderName::DocuSign {
            // DocuSign is told with each envelope.
            let key = office.desk().subscribe(&enrolled.webhook_url);
            let again = account(&office.stack, name, Some(&key));
            accounts::enroll(office.stack.app, &office.caller, again, OldKeys::Keep).await.unwrap();
        }
        let template = Template::new("Service agreement", &["Client", "Provider"], &["Amount"]);
        Self { template: office.desk().template(template), ..office }
    }

    /// The provider's side.
    pub(crate) fn desk(&self) -> Desk {
        match self.name {
            ProviderName::DocuSign => (*self.stack.esign.docusign()).clone(),
            ProviderName::DropboxSign => (*self.stack.esign.dropbox_sign()).clone(),
            ProviderName::PandaDoc => (*self.stack.esign.pandadoc()).clone(),
        }
    }

    /// Ada signs first, then Bo.
    pub(crate) fn wish(&self) -> ContractRequest {
        let signer = |name: &str, email: &str, role: &str, order| SignerRequest {
            name: name.to_owned(),
            email: email.to_owned(),
            role: Some(role.to_owned()),
            order: Some(order),
        };
        ContractRequest {
            title: "Service agreement".to_owned(),
            subject: None,
            message: Some("Kind regards".to_owned()),
            source: Source::Template { template: self.template.parse().unwrap() },
            signers: vec![signer("Ada Client", ADA, "Client", 1), signer("Bo Provider", BO, "Provider", 2)],
            fields: BTreeMap::from([("Amount".to_owned(), "100".to_owned())]),
            metadata: BTreeMap::from([("order".to_owned(), "4711".to_owned())]),
            expires_in_days: None,
            reminders: None,
            person: Some(self.person),
            opportunity: None,
            provider: Some(self.name),
        }
    }

    /// Asks for a contract, and lets everything happen up to the mail to the first signer.
    pub(crate) async fn sent(&self) -> Contract {
        let contract = self.ask().await;
        self.rest().await;
        self.find(&contract.id).await
    }

    /// Asks for a contract.
    pub(crate) async fn ask(&self) -> Contract {
        send::send_contract(self.stack.app, &self.caller, self.wish(), None).await.unwrap()
    }

    /// The contract as it is now.
    pub(crate) async fn find(&self, id: &ContractId) -> Contract {
        find::find(self.stack.app, &self.caller, id).await.unwrap()
    }

    /// The provider's requests that carry our id: never more than one.
    pub(crate) fn requests_of(&self, id: &ContractId) -> Vec<Shown> {
        let carries = |it: &Shown| {
            let ours = serde_json::Value::from(id.as_str());
            it.transaction.as_deref() == Some(id.as_str()) || it.own.values().any(|value| *value == ours)
        };
        self.desk().contracts().into_iter().filter(carries).collect()
    }

    /// Works off the queues.
    pub(crate) async fn drain(&self) {
        Box::pin(pump::drain(&self.stack)).await;
    }

    /// Webhooks arrive and queues are worked off, until nothing moves.
    pub(crate) async fn rest(&self) {
        loop {
            self.drain().await;
            self.stack.clock.advance_ms(2_000);
            let told = self.desk().take_deliveries();
            if told.is_empty() {
                return;
            }
            for delivery in &told {
                self.hear(delivery).await;
            }
        }
    }

    /// A webhook arrives, and is answered as the provider wants it.
    pub(crate) async fn hear(&self, told: &SignedDelivery) {
        let answer = self.post(told).await;
        assert_eq!(answer.status, 200, "{}: {}", told.event, String::from_utf8_lossy(&answer.body));
        if self.name == ProviderName::DropboxSign {
            assert_eq!(answer.body, sim::esign::HELLO.as_bytes());
        }
    }

    /// A webhook arrives.
    pub(crate) async fn post(&self, told: &SignedDelivery) -> Answer {
        let path = told.url.strip_prefix(&self.stack.url).expect("an address of ours");
        let ask = Ask::new("POST", path);
        let mut ask = told.headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
        ask.body = told.body.to_vec();
        gateway::answer(self.stack.app, &ask).await
    }

    /// The schedule's tick, so much later, and what follows from it.
    pub(crate) async fn tick(&self, after_ms: i64) {
        self.stack.clock.advance_ms(after_ms);
        pump::fire(&self.stack, shared::job::Line::Contract, &json!({ "job": "look_after" }));
        self.drain().await;
    }

    /// Nothing waits, nothing was set aside, and every call was as published.
    pub(crate) fn assert_at_rest(&self, when: &str) {
        for queue in [CONTRACT, CONTRACT_DEAD] {
            let left: Vec<String> =
                self.stack.aws.sqs.messages(queue).into_iter().map(|it| it.body).collect();
            assert_eq!(left, Vec::<String>::new(), "{queue}, {when}");
        }
        assert!(self.stack.esign.violations().is_empty(), "{when}: {:#?}", self.stack.esign.violations());
    }
}
