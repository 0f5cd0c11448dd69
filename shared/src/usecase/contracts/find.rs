//! Contracts of the caller's workspace: one, or a list of them. What is another workspace's is not there.

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::contract::{Contract, State};
use crate::domain::id::{ContractId, CrmId};
use crate::error::{Error, Result};

/// Which contracts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub person: Option<CrmId>,
    pub opportunity: Option<CrmId>,
    pub state: Option<State>,
}

/// Contracts looked at for one page, at most; a page may be shorter than asked and still not be the last.
const MOST_LOOKED_AT: usize = 1_000;

/// A contract.
pub async fn find(app: &App, caller: &Caller, id: &ContractId) -> Result<Contract> {
    app.store().find_contract(caller.workspace, id).await?.ok_or_else(Error::not_found)
}

/// Contracts, the latest first, and where the list goes on.
pub async fn list(
    app: &App,
    caller: &Caller,
    wanted: Wanted,
    first: u32,
    after: Option<&str>,
) -> Result<(Vec<Contract>, Option<String>)> {
    let size = usize::try_from(first).unwrap_or(usize::MAX).clamp(1, 100);
    let (mut found, mut looked_at) = (Vec::new(), 0);
    let mut cursor = after.map(str::to_owned);
    let about = wanted.person.or(wanted.opportunity);
    loop {
        // Never more than fit: what is looked at and left out is not looked at again.
        let listed = app
            .store()
            .list_contracts(caller.workspace, about, size - found.len(), cursor.as_deref())
            .await?;
        looked_at += listed.items.len().max(1);
        found.extend(listed.items.into_iter().filter(|it| wanted.fits(it)));
        cursor = listed.next;
        if cursor.is_none() || found.len() >= size || looked_at >= MOST_LOOKED_AT {
            return Ok((found, cursor));
        }
    }
}

impl Wanted {
    fn fits(&self, contract: &Contract) -> bool {
        self.person.is_none_or(|it| contract.person == Some(it))
            && self.opportunity.is_none_or(|it| contract.opportunity == Some(it))
            && self.state.is_none_or(|it| contract.state() == it)
    }
}
