//! OAuth 2.1 as Whop does it: consent, single-use codes, access tokens that cannot be revoked, and refresh
//! tokens that rotate. A refresh token that is used twice costs its whole family.

mod consent;
mod token;

use std::collections::{BTreeSet, HashMap};

use super::ids;
use super::world::{Reach, Rights, World};

pub(super) use consent::{authorize, decide};
pub(super) use token::{discovery, revoke, token, userinfo};

const APP: &str = "app_";
const CODE_LIVES_MS: i64 = 10 * 60_000;

/// The scopes that a user may grant (Whop, user-grantable scopes of August 2026).
const GRANTABLE: &[&str] = &[
    "openid",
    "profile",
    "email",
    "company:basic:read",
    "member:basic:read",
    "member:email:read",
    "member:phone:read",
    "access_pass:basic:read",
    "plan:basic:read",
    "payment:basic:read",
    "payment:dispute:read",
    "payment:dispute_alert:read",
    "payment:resolution_center_case:read",
    "promo_code:basic:read",
    "invoice:basic:read",
    "lead:basic:read",
    "plan:waitlist:read",
    "member:manage",
    "membership:cancel",
    "payment:manage",
    "promo_code:create",
    "promo_code:delete",
    "lead:manage",
    "support_chat:create",
    "support_chat:message:create",
    "dms:channel:manage",
    "dms:message:manage",
    "checkout_configuration:create",
];

/// An authorize request that was found in order.
#[derive(Clone, Debug)]
struct Wish {
    app: usize,
    redirect_uri: String,
    state: Option<String>,
    nonce: Option<String>,
    challenge: Option<String>,
    /// As sent; it must be sent again at every refresh.
    company_id: Option<String>,
    scopes: BTreeSet<String>,
    user: usize,
}

#[derive(Clone, Debug)]
struct Code {
    wish: Wish,
    account: Option<usize>,
    expires_at: i64,
}

/// Every token that descends from one consent.
#[derive(Clone, Debug)]
struct Family {
    app: usize,
    user: usize,
    account: Option<usize>,
    company_id: Option<String>,
    nonce: Option<String>,
    scopes: BTreeSet<String>,
    revoked: bool,
}

#[derive(Debug, Default)]
pub(super) struct Oauth {
    /// Consent pages that wait for an answer.
    tickets: HashMap<String, Wish>,
    codes: HashMap<String, Code>,
    families: Vec<Family>,
    /// The family of a refresh token, and whether it was used.
    refresh: HashMap<String, (usize, bool)>,
    /// The family of an access token, and when it expires.
    access: HashMap<String, (usize, i64)>,
    granted: HashMap<(usize, usize), BTreeSet<String>>,
    /// Who sits in front of the browser; the seller by default.
    pub(super) signed_in: Option<usize>,
}

impl Oauth {
    /// Whom an access token speaks for, while it lives.
    pub(super) fn recognise(&self, token: &str, now: i64) -> Option<(Reach, Rights)> {
        let (family, expires_at) = self.access.get(token)?;
        if now >= *expires_at {
            return None;
        }
        let family = &self.families[*family];
        let reach = Reach::User { user: family.user, account: family.account };
        Some((reach, Rights::Only(family.scopes.clone())))
    }
}

impl Oauth {
    /// Every consent ends, as when sellers remove the app.
    pub(super) fn withdraw_all(&mut self) {
        for family in &mut self.families {
            family.revoked = true;
        }
        self.granted.clear();
    }
}

impl World {
    fn app_of_client(&self, client_id: &str) -> Option<usize> {
        ids::row(APP, client_id).filter(|row| *row < self.apps.len())
    }

    fn accounts_owned(&self, user: usize) -> Vec<usize> {
        let all = 0..self.books.accounts.len();
        all.filter(|row| self.books.accounts[*row].owner == user).collect()
    }
}
