//! PandaDoc's public API: documents that take a while to become drafts, numbers for states, and webhooks whose
//! signature is part of the address.

mod api;
mod create;
mod hooks_api;
mod lists;
mod moves;
mod show;
mod tell;

use std::collections::HashMap;
use std::ops::Deref;

use serde_json::{Value, json};

pub(super) use api::answer;
pub(super) use show::status;
pub(super) use tell::{come, signed, subscribe, tell};

use super::book::Book;
use super::desk::Desk;
use super::ids;
use super::life::Stage;
use super::wire::Reply;

#[derive(Debug)]
pub(super) struct Account {
    pub(super) book: Book,
    email: String,
    user: String,
    membership: String,
    workspace: String,
    api_key: String,
    sandbox_key: String,
    client_id: String,
    client_secret: String,
    codes: Vec<String>,
    refresh_tokens: Vec<String>,
    tokens: HashMap<String, i64>,
}

impl Account {
    pub(super) fn new() -> Self {
        Self {
            book: Book::default(),
            email: "contracts@sender.example".to_owned(),
            user: ids::short("pandadoc user", 1),
            membership: ids::short("pandadoc membership", 1),
            workspace: ids::short("pandadoc workspace", 1),
            api_key: ids::secret("pandadoc", 1)[..40].to_owned(),
            sandbox_key: ids::secret("pandadoc sandbox", 1)[..40].to_owned(),
            client_id: ids::hexadecimal("pandadoc app", 1, 20),
            client_secret: ids::secret("pandadoc app", 1),
            codes: vec![ids::secret("pandadoc code", 1)],
            refresh_tokens: Vec::new(),
            tokens: HashMap::new(),
        }
    }

    fn person(&self) -> Value {
        json!({"id": self.user, "email": self.email, "first_name": "Contracts", "last_name": "Sender",
               "avatar": null, "membership_id": self.membership})
    }
}

/// What a client of this workspace is configured with.
#[derive(Clone)]
pub struct Credentials {
    /// `Authorization: API-Key …`
    pub api_key: String,
    /// The key of the sandbox: ten calls a minute, recipients of the sender's domain only, no sealed files.
    pub sandbox_key: String,
    /// For OAuth, with a code that can be exchanged once.
    pub client_id: String,
    /// For OAuth.
    pub client_secret: String,
    /// For OAuth.
    pub code: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// PandaDoc's side of the street; everything common to the three is [`Desk`]'s.
#[derive(Clone, Debug)]
pub struct Pandadoc(Desk);

impl Deref for Pandadoc {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.0
    }
}

impl Pandadoc {
    pub(super) fn at(desk: Desk) -> Self {
        Self(desk)
    }

    /// What a client is configured with.
    pub fn credentials(&self) -> Credentials {
        self.with(|world, _| {
            let account = &world.pandadoc;
            Credentials {
                api_key: account.api_key.clone(),
                sandbox_key: account.sandbox_key.clone(),
                client_id: account.client_id.clone(),
                client_secret: account.client_secret.clone(),
                code: account.codes.first().cloned().unwrap_or_default(),
            }
        })
    }

    /// Somebody inside agrees to a document that waits for approval. False when it does not wait.
    pub fn approve(&self, document: &str) -> bool {
        self.with(|world, now| {
            let book = &mut world.pandadoc.book;
            let row = book.contract(document).expect("a document of this world");
            if book.contracts[row].stage != Stage::Approval {
                return false;
            }
            book.contracts[row].stage = Stage::Approved;
            tell::changed(world, row, now);
            true
        })
    }
}

/// The body of most errors. Where the description wants an object, a sentence becomes one.
fn refuse(status: u16, kind: &str, detail: impl Into<Value>) -> Reply {
    let detail = match detail.into() {
        Value::String(sentence) if matches!(status, 400 | 413) => json!({"non_field_errors": [sentence]}),
        other => other,
    };
    Reply::json(status, json!({"type": kind, "detail": detail}))
}
