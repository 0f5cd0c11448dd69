//! Dropbox Sign v3: signature requests that are made, sent and cancelled a little later than they are answered,
//! and callbacks as forms with an `event_hash`.

mod api;
mod create;
mod lists;
mod show;
mod tell;

use std::ops::Deref;

use serde_json::json;

pub(super) use api::answer;
pub(super) use show::status;
pub(super) use tell::{come, signed, subscribe, tell};

use super::book::Book;
use super::desk::Desk;
use super::ids;
use super::wire::Reply;

#[derive(Debug)]
pub(super) struct Account {
    pub(super) book: Book,
    id: String,
    email: String,
    /// The primary key, which signs, is the first.
    api_keys: Vec<String>,
    client_id: String,
    /// The receiver of the account and the one of the app.
    own_hook: Option<usize>,
    app_hook: Option<usize>,
    /// Files that can be had by their link until a time.
    links: Vec<(String, i64, usize)>,
}

impl Account {
    pub(super) fn new() -> Self {
        Self {
            book: Book::default(),
            id: ids::hexadecimal("dropbox sign account", 1, 40),
            email: "contracts@sender.example".to_owned(),
            api_keys: vec![ids::secret("dropbox sign", 1)],
            client_id: ids::hexadecimal("dropbox sign app", 1, 32),
            own_hook: None,
            app_hook: None,
            links: Vec::new(),
        }
    }
}

/// What a client of this account is configured with.
#[derive(Clone)]
pub struct Credentials {
    /// The primary key: user name of Basic authentication, and what callbacks are signed with.
    pub api_key: String,
    /// The API app that requests may name.
    pub client_id: String,
    /// 40 hexadecimal digits.
    pub account_id: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

/// Dropbox Sign's side of the street; everything common to the three is [`Desk`]'s.
#[derive(Clone, Debug)]
pub struct DropboxSign(Desk);

impl Deref for DropboxSign {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.0
    }
}

impl DropboxSign {
    pub(super) fn at(desk: Desk) -> Self {
        Self(desk)
    }

    /// What a client is configured with.
    pub fn credentials(&self) -> Credentials {
        self.with(|world, _| {
            let account = &world.dropbox_sign;
            Credentials {
                api_key: account.api_keys[0].clone(),
                client_id: account.client_id.clone(),
                account_id: account.id.clone(),
            }
        })
    }

    /// Makes a new primary key; the old one still opens the API, but signs nothing any more.
    pub fn rotate_key(&self) -> String {
        self.with(|world, _| {
            let key = ids::secret("dropbox sign", 1 + world.next());
            world.dropbox_sign.api_keys.insert(0, key.clone());
            key
        })
    }

    /// The receiver of the API app, which takes precedence for requests that name it.
    pub fn subscribe_app(&self, url: &str) {
        self.with(|world, _| tell::set_app(world, url));
    }

    /// The address of the account's callbacks, as long as it was not cleared.
    pub fn callback_url(&self) -> Option<String> {
        self.with(|world, _| tell::url(world, world.dropbox_sign.own_hook))
    }

    /// Sends `callback_test` to the account's receiver.
    pub fn callback_test(&self) {
        self.with(tell::test);
    }
}

/// The body of every error.
fn refuse(status: u16, name: &str, message: &str, path: Option<&str>) -> Reply {
    let mut error = json!({"error_name": name, "error_msg": message});
    if let Some(path) = path.filter(|path| !path.is_empty()) {
        error["error_path"] = json!(path);
    }
    Reply::json(status, json!({"error": error}))
}
