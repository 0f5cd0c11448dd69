//! DocuSign: OAuth with JWT grant, eSignature REST v2.1, and Connect messages in JSON (SIM).

mod api;
mod connect;
mod create;
mod lists;
mod oauth;
mod show;
mod tell;

use std::collections::HashMap;
use std::ops::Deref;

use serde_json::{Value, json};

pub(super) use api::answer;
pub(super) use show::status;
pub(super) use tell::{signed, subscribe, tell};

use super::book::Book;
use super::desk::Desk;
use super::ids;
use super::wire::Reply;

/// The reason DocuSign writes when an envelope's time is over.
pub(super) const EXPIRED: &str = "Envelope has expired.";
/// The key pair that exists from the start. It opens nothing but this stand-in.
const PRIVATE_KEY: &str = include_str!("../../../fixtures/esign/docusign-key.pem");
const PUBLIC_KEY: &str = include_str!("../../../fixtures/esign/docusign-key.public.pem");

#[derive(Debug)]
pub(super) struct Account {
    pub(super) book: Book,
    id: String,
    user: String,
    integration_key: String,
    secret: String,
    /// DER of the public keys.
    keys: Vec<Vec<u8>>,
    hmac_keys: Vec<String>,
    /// When each access token ends.
    tokens: HashMap<String, i64>,
    codes: Vec<String>,
    refresh_tokens: Vec<String>,
    grants: usize,
}

impl Account {
    pub(super) fn new() -> Self {
        Self {
            book: Book::default(),
            id: ids::guid("docusign account", 1),
            user: ids::guid("docusign user", 1),
            integration_key: ids::guid("docusign integration", 1),
            secret: ids::secret("docusign", 1),
            keys: vec![oauth::public_key(PUBLIC_KEY).expect("our own key")],
            hmac_keys: vec![format!("DS-hmac-{}=", &ids::secret("docusign hmac", 1)[..32])],
            tokens: HashMap::new(),
            codes: Vec::new(),
            refresh_tokens: Vec::new(),
            grants: 0,
        }
    }
}

/// What a client of this account is configured with.
#[derive(Clone)]
pub struct Credentials {
    /// In the place of `https://account-d.docusign.com`.
    pub oauth_url: String,
    /// The audience an assertion has to name.
    pub audience: String,
    /// The client id, a GUID.
    pub integration_key: String,
    /// For the authorization-code grant.
    pub secret: String,
    /// Whom assertions impersonate, a GUID.
    pub user_id: String,
    /// A GUID.
    pub account_id: String,
    /// PEM, PKCS#1.
    pub private_key: String,
    /// Keys of Connect messages, in the order of their headers.
    pub hmac_keys: Vec<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

/// DocuSign's side of the street; everything common to the three is [`Desk`]'s.
#[derive(Clone, Debug)]
pub struct Docusign(Desk);

impl Deref for Docusign {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.0
    }
}

impl Docusign {
    pub(super) fn at(desk: Desk) -> Self {
        Self(desk)
    }

    /// What a client is configured with.
    pub fn credentials(&self) -> Credentials {
        let oauth_url = self.url();
        self.with(|world, _| {
            let account = &world.docusign;
            Credentials {
                oauth_url,
                audience: oauth::AUDIENCE.to_owned(),
                integration_key: account.integration_key.clone(),
                secret: account.secret.clone(),
                user_id: account.user.clone(),
                account_id: account.id.clone(),
                private_key: PRIVATE_KEY.to_owned(),
                hmac_keys: account.hmac_keys.clone(),
            }
        })
    }

    /// Registers a further public key (PEM, SPKI or PKCS#1). False when it is none, or when there are five.
    pub fn register_key(&self, pem: &str) -> bool {
        self.with(|world, _| {
            let key = oauth::public_key(pem).filter(|_| world.docusign.keys.len() < 5);
            key.map(|key| world.docusign.keys.push(key)).is_some()
        })
    }

    /// Replaces the account's keys for Connect messages.
    pub fn set_hmac_keys(&self, keys: &[&str]) {
        self.with(|world, _| world.docusign.hmac_keys = keys.iter().map(|key| (*key).to_owned()).collect());
    }

    /// Somebody at DocuSign's own pages sends an envelope from a template, to signers in the order of its roles.
    pub fn put_envelope(&self, template: &str, signers: &[(&str, &str)]) -> String {
        self.with(|world, now| {
            let row = world.docusign.book.template(template).expect("a template of this world");
            let roles = &world.docusign.book.templates[row].roles;
            let roles: Vec<Value> = roles
                .iter()
                .zip(signers)
                .map(|(role, (name, email))| json!({"roleName": role.name, "name": name, "email": email}))
                .collect();
            let given = json!({"templateId": template, "status": "sent", "templateRoles": roles});
            let reply = create::create(world, &given, now).unwrap_or_else(|refused| panic!("{refused:?}"));
            reply.json.and_then(|body| body["envelopeId"].as_str().map(str::to_owned)).expect("an envelope")
        })
    }

    /// Ends every access token now.
    pub fn revoke_tokens(&self) {
        self.with(|world, _| world.docusign.tokens.clear());
    }

    /// How many access tokens were granted so far.
    pub fn grants(&self) -> usize {
        self.with(|world, _| world.docusign.grants)
    }
}

/// The body of every error of the REST API.
fn refuse(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, json!({"errorCode": code, "message": message}))
}

/// Milliseconds as `2026-11-02T10:15:30.1230000Z`.
fn stamp(ms: i64) -> String {
    crate::clock::iso(ms).replace('Z', "0000Z")
}

fn maybe_stamp(at: Option<i64>) -> Value {
    at.map_or(Value::Null, |at| Value::String(stamp(at)))
}
