//! Which accounts a credential reaches, and what it may do there.

use super::client::{As, Params, Whop};
use super::error::WhopError;
use super::row::{Misshapen, Row};
use super::wire;
use crate::domain::grant::Secret;
use crate::domain::id::AccountId;

/// A seller's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) title: String,
    /// Its path on whop.com.
    pub(crate) route: Option<String>,
}

/// A permission and what is lost without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permission {
    pub(crate) action: &'static str,
    pub(crate) lost: &'static str,
}

/// What we need to read. Without one of these Whop answers with fewer rows or empty fields instead of an
/// error (Whop API, permissions).
pub(crate) const NEEDED: &[Permission] = &[
    Permission { action: "member:basic:read", lost: "members and memberships" },
    Permission {
        action: "member:email:read",
        lost: "e-mail addresses, so that nobody already in Twenty is recognised",
    },
    Permission { action: "member:phone:read", lost: "phone numbers" },
    Permission { action: "access_pass:basic:read", lost: "products" },
    Permission { action: "plan:basic:read", lost: "variants and their prices" },
    Permission { action: "payment:basic:read", lost: "payments and refunds" },
    Permission { action: "payment:dispute:read", lost: "disputes" },
];

/// What it takes to create webhooks; keys and apps can have it, a user's consent cannot (Whop API, webhooks).
const MANAGE_WEBHOOKS: &str = "developer:manage_webhook";

impl Whop {
    /// The account whose key this is. Users and apps have no account of their own.
    pub(crate) async fn own_account(&self, token: &Secret) -> Result<Account, WhopError> {
        let body = self.get(token, &["accounts", "me"], &Params::new()).await?;
        one(&body)
    }

    /// The account named in `by`; nothing if Whop does not show it.
    pub(crate) async fn account(&self, by: As<'_>) -> Result<Option<Account>, WhopError> {
        let path = ["accounts", by.account.as_str()];
        match self.get(by.token, &path, &Params::new()).await {
            Ok(body) => one(&body).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The accounts a credential reaches, up to a hundred.
    pub(crate) async fn accounts(&self, token: &Secret) -> Result<Vec<Account>, WhopError> {
        let body = self.get(token, &["accounts"], &vec![("first", "100")]).await?;
        let list = wire::rows(&body, None)?;
        let accounts: Result<Vec<Account>, Misshapen> = list.rows.into_iter().map(read).collect();
        accounts.map_err(|_| UNREADABLE)
    }

    /// Which of [`NEEDED`] the credential lacks on the account, in that order.
    pub(crate) async fn missing_permissions(&self, by: As<'_>) -> Result<Vec<String>, WhopError> {
        let needed: Vec<&str> = NEEDED.iter().map(|it| it.action).collect();
        let granted = self.granted(by, &needed).await?;
        let missing = needed.into_iter().filter(|it| !granted.iter().any(|has| has == it));
        Ok(missing.map(str::to_owned).collect())
    }

    /// True if the credential may create a webhook on the account.
    pub(crate) async fn may_manage_webhooks(&self, by: As<'_>) -> Result<bool, WhopError> {
        Ok(!self.granted(by, &[MANAGE_WEBHOOKS]).await?.is_empty())
    }

    async fn granted(&self, by: As<'_>, actions: &[&str]) -> Result<Vec<String>, WhopError> {
        let actions = actions.join(",");
        let params = vec![("resource_id", by.account.as_str()), ("actions", actions.as_str())];
        let body = self.get(by.token, &["permissions"], &params).await?;
        let granted = |json: &str| -> Result<Option<String>, Misshapen> {
            let row = Row::parse(json)?;
            Ok(row.maybe_text("action")?.filter(|_| row.flag("granted") == Ok(true)))
        };
        let answers: Result<Vec<_>, Misshapen> = wire::data(&body)?.into_iter().map(granted).collect();
        Ok(answers.map_err(|_| UNREADABLE)?.into_iter().flatten().collect())
    }
}

const UNREADABLE: WhopError = WhopError::Unexpected("something that cannot be read");

fn one(body: &[u8]) -> Result<Account, WhopError> {
    let json = std::str::from_utf8(body).map_err(|_| UNREADABLE)?;
    read(json).map_err(|_| UNREADABLE)
}

fn read(json: &str) -> Result<Account, Misshapen> {
    let row = Row::parse(json)?;
    Ok(Account {
        id: row.must("id")?,
        title: row.text("title")?,
        route: row.maybe_text("route")?.filter(|route| !route.is_empty()),
    })
}
