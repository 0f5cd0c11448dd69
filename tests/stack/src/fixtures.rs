//! What most stories begin with: a shop that sells on Whop and works in Twenty.

use sim::twenty::Workspace;
use sim::whop::Rights;

use crate::{Stack, Visitor};

/// A connected shop, and its admin in a browser.
pub struct Shop<'a> {
    pub workspace: Workspace,
    pub account: String,
    pub whop_key: String,
    pub admin: Visitor<'a>,
}

/// A shop with `members` seeded members, connected on both sides; nothing is synced yet.
pub async fn connected(stack: &Stack, members: usize) -> Shop<'_> {
    let workspace = stack.twenty.create_workspace("Harbor Lights");
    let account = stack.whop.create_account("Harbor Lights Coaching");
    stack.whop.seed(&account, members, 7);
    let whop_key = stack.whop.account_api_key(&account, Rights::All);
    let mut admin = stack.visitor();
    let signed_in = admin.connect_twenty(&stack.twenty.url(), &workspace.api_key).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.json());
    let joined = admin.connect_whop(&whop_key).await;
    assert_eq!(joined.status, 200, "{}", joined.json());
    Shop { workspace, account, whop_key, admin }
}
