//! The one thing behind the lock: the books, the credentials, the webhook endpoints and the record of calls.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::api::idempotency::Replies;
use super::api::rate::Windows;
use super::hooks::Hooks;
use super::ids;
use super::oauth::Oauth;
use super::records::{Account, Books, User};
use super::render::{Lens, slug};

/// The version that this stand-in writes.
pub const VERSION: &str = "2026-10-15-1";

/// The versions that it knows by name; every one of them is answered in the newest shape.
pub(super) const VERSIONS: &[&str] = &[
    "2025-01-01",
    "2026-06-09",
    "2026-07-22",
    "2026-07-23",
    "2026-07-25",
    "2026-08-03",
    "2026-08-10",
    "2026-08-12",
    "2026-08-14",
    "2026-09-02-1",
    "2026-09-15",
    "2026-09-23",
    "2026-09-24",
    "2026-09-29",
    "2026-10-09",
    "2026-10-13",
    VERSION,
];

/// What a credential may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Every permission there is.
    All,
    /// These permission actions and no others.
    Only(BTreeSet<String>),
}

impl Rights {
    /// These permission actions, such as `member:basic:read`.
    pub fn only(actions: &[&str]) -> Self {
        Self::Only(actions.iter().map(|action| (*action).to_owned()).collect())
    }

    pub(super) fn allow(&self, action: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(actions) => actions.contains(action),
        }
    }

    pub(super) fn lens(&self, list: bool) -> Lens {
        Lens {
            email: self.allow("member:email:read"),
            phone: self.allow("member:phone:read"),
            members: self.allow("member:basic:read"),
            plans: self.allow("plan:basic:read"),
            manage: self.allow("member:manage"),
            list,
        }
    }
}

/// Where signed deliveries go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// To the endpoint's URL, with retries by the schedule.
    Send,
    /// Into a basket that a test empties with `take_deliveries`.
    Collect,
}

/// How the stand-in behaves where Whop leaves a choice, or where a test wants another world.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that a test turns alone")]
pub struct Switches {
    /// Authorize redirects at once, as for a user who has consented before.
    pub auto_consent: bool,
    /// The life of an access token in seconds.
    pub access_token_seconds: i64,
    /// Whether a 429 carries `Retry-After` beside its text.
    pub retry_after: bool,
    /// Requests a minute for one operation and credential.
    pub rate_limit: u32,
    /// Whether `first` over 100 is refused; it is clamped otherwise.
    pub refuse_big_pages: bool,
    /// Whether a list without its permission answers 403; it has no rows otherwise.
    pub refuse_lists_without_right: bool,
    /// Adds unknown fields and unknown enum values, the same ones at every reading of the same record.
    pub strange: bool,
    /// How long a receiver may take.
    pub webhook_timeout: Duration,
    /// Where signed deliveries go.
    pub delivery: Delivery,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            auto_consent: false,
            access_token_seconds: 3_600,
            retry_after: false,
            rate_limit: 600,
            refuse_big_pages: false,
            refuse_lists_without_right: false,
            strange: false,
            webhook_timeout: Duration::from_secs(5),
            delivery: Delivery::Send,
        }
    }
}

/// Whom a credential speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Account(usize),
    App(usize),
    User { user: usize, account: Option<usize> },
}

/// A credential that was recognised.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) token: String,
    pub(super) rights: Rights,
    pub(super) reach: Reach,
}

/// A registered app.
#[derive(Debug)]
pub(super) struct AppRecord {
    pub(super) client_secret: String,
    pub(super) redirect_uris: Vec<String>,
    pub(super) installed: BTreeSet<usize>,
}

/// What the stand-in noticed, for tests to ask about.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) calls: HashMap<&'static str, usize>,
    pub(super) flaws: Vec<String>,
    pub(super) not_understood: Vec<String>,
    pub(super) refreshes: usize,
    pub(super) families_revoked: usize,
    pub(super) mails: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) books: Books,
    pub(super) keys: HashMap<String, (Reach, Rights)>,
    pub(super) apps: Vec<AppRecord>,
    pub(super) oauth: Oauth,
    pub(super) hooks: Hooks,
    pub(super) switches: Switches,
    pub(super) notes: Notes,
    pub(super) windows: Windows,
    pub(super) replies: Replies,
    serial: u64,
}

impl World {
    /// The next number of a series that all secrets and message ids share.
    pub(super) fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A fresh `msg_` id.
    pub(super) fn message_id(&mut self) -> String {
        let secret = self.secret("message");
        format!("msg_{}", secret.get(..24).expect("64 digits"))
    }

    pub(super) fn secret(&mut self, label: &str) -> String {
        ids::secret(label, self.serial())
    }

    /// The person who owns every account of this world unless a test says otherwise.
    pub(super) fn seller(&mut self, now: i64) -> usize {
        if self.books.users.is_empty() {
            self.books.add_user(User {
                name: Some("Sol Reyes".to_owned()),
                username: "solreyes".to_owned(),
                email: Some("seller@whop-stand-in.example".to_owned()),
                phone: None,
                created_at: now,
            });
        }
        0
    }

    pub(super) fn add_account(&mut self, title: &str, owner: usize, now: i64) -> usize {
        self.books.accounts.push(Account {
            title: title.to_owned(),
            route: slug(title),
            owner,
            created_at: now,
        });
        self.books.accounts.len() - 1
    }

    /// The accounts whose rows a caller may list in full.
    pub(super) fn accounts_of(&self, caller: &Caller) -> Vec<usize> {
        match caller.reach {
            Reach::Account(account) => vec![account],
            Reach::App(app) => self.apps[app].installed.iter().copied().collect(),
            Reach::User { user, account } => {
                let owned = |row: &usize| self.books.accounts[*row].owner == user;
                let all = 0..self.books.accounts.len();
                all.filter(owned).filter(|row| account.is_none_or(|bound| bound == *row)).collect()
            }
        }
    }

    pub(super) fn reaches(&self, caller: &Caller, account: usize) -> bool {
        match caller.reach {
            Reach::Account(own) => own == account,
            Reach::App(app) => self.apps[app].installed.contains(&account),
            Reach::User { user, account: bound } => {
                self.books.accounts[account].owner == user && bound.is_none_or(|bound| bound == account)
            }
        }
    }

    /// Recognises a bearer credential.
    pub(super) fn caller(&self, token: &str, now: i64) -> Option<Caller> {
        let (reach, rights) = match self.keys.get(token) {
            Some((reach, rights)) => (*reach, rights.clone()),
            None => self.oauth.recognise(token, now)?,
        };
        Some(Caller { token: token.to_owned(), rights, reach })
    }
}
