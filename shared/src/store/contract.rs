//! Contracts: one item each, replaced as a whole by its version. Beside it small items lead to it: from the caller's
//! own name for it, from its id at the provider, and from the records of the CRM it is about.
//!
//! A pointer is written before what it points to. One that points to nothing says nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::expression::{ABSENT, Expression, number};
use super::index::{Due, GS, attribute};
use super::listing::{Listed, Listing, Order};
use super::table::{EXPIRES_AT, Held, Item, Key, PK, SK, read};
use super::{Result, Store};
use crate::domain::contract::settings::ContractSettings;
use crate::domain::contract::{Contract, ProviderName};
use crate::domain::id::{ContractId, CrmId, SignatureRequestId, WorkspaceId};
use crate::domain::time::Timestamp;

const KIND: &str = "CONTRACT";
const NAME: &str = "CONTRACTNAME";
const REQUEST: &str = "CONTRACTREQUEST";
const ABOUT: &str = "CONTRACTABOUT";
const SETTINGS: &str = "CONTRACTSETTINGS";
/// How long a caller's name for a contract is remembered. A rule's are for ever.
const NAME_KEPT: Duration = Duration::from_hours(30 * 24);

/// A caller's name for a request, and what it became.
#[derive(Serialize, Deserialize)]
struct Name {
    contract: ContractId,
    fingerprint: String,
}

/// Something that leads to a contract.
#[derive(Serialize, Deserialize)]
struct Pointer {
    contract: ContractId,
}

/// What a name already means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// It means this contract: the one given, or the one that an earlier attempt began.
    As(ContractId),
    /// It was given to another request.
    Other,
}

fn key(workspace: WorkspaceId, id: &ContractId) -> Key {
    Key::new(workspace, KIND, id)
}

fn request_key(workspace: WorkspaceId, provider: ProviderName, request: &SignatureRequestId) -> Key {
    Key::new(workspace, REQUEST, format_args!("{provider}#{request}"))
}

/// A contract as an item, listed while somebody must come back to it.
fn item(contract: &Contract) -> Result<Item> {
    let mut item = key(contract.workspace, &contract.id).item(contract)?;
    if let Some(at) = contract.look_again_at {
        item.extend(Due::Contract.attributes(&by(at)));
    }
    Ok(item)
}

/// A moment as a text that sorts.
fn by(at: Timestamp) -> String {
    format!("{:015}", at.millis())
}

impl Store {
    /// Gives a request its caller's name, for good where `forever` is set. The first request of a name keeps it.
    pub(crate) async fn name_contract(
        &self,
        workspace: WorkspaceId,
        (name, fingerprint): (&str, &str),
        contract: &ContractId,
        expiring: Option<Timestamp>,
    ) -> Result<Named> {
        let given = Name { contract: contract.clone(), fingerprint: fingerprint.to_owned() };
        let mut item = Key::new(workspace, NAME, name).item(&given)?;
        if let Some(now) = expiring {
            item.insert(EXPIRES_AT.to_owned(), number((now + NAME_KEPT).seconds()));
        }
        let there = match self.table.put(item, &Expression::only_if(ABSENT)).await? {
            Held::Yes(_) | Held::No(None) => return Ok(Named::As(contract.clone())),
            Held::No(Some(there)) => read::<Name>(there)?,
        };
        Ok(if there.fingerprint == fingerprint { Named::As(there.contract) } else { Named::Other })
    }

    /// What a rule's name became, if anything.
    pub(crate) async fn find_named_contract(
        &self,
        workspace: WorkspaceId,
        name: &str,
    ) -> Result<Option<Contract>> {
        let named: Option<Name> = self.table.find(&Key::new(workspace, NAME, name)).await?;
        match named {
            Some(named) => self.find_contract(workspace, &named.contract).await,
            None => Ok(None),
        }
    }

    /// Keeps a new contract, and what leads to it from the CRM's records. False if it is there.
    pub(crate) async fn insert_contract(&self, contract: &Contract, now: Timestamp) -> Result<bool> {
        for record in [contract.person, contract.opportunity].into_iter().flatten() {
            let pointer = Pointer { contract: contract.id.clone() };
            let key = Key::new(contract.workspace, ABOUT, format_args!("{record}#{}", contract.id));
            self.table.insert(key.item(&pointer)?).await?;
        }
        let contract = Contract { look_again_at: contract.look_after_at(now), ..contract.clone() };
        self.table.insert(item(&contract)?).await
    }

    /// A contract as it is now.
    pub(crate) async fn find_contract(
        &self,
        workspace: WorkspaceId,
        id: &ContractId,
    ) -> Result<Option<Contract>> {
        self.table.find(&key(workspace, id)).await
    }

    /// Keeps a contract in place of the version it was read at, and answers it with its new version. Nothing if
    /// somebody else was faster.
    pub(crate) async fn put_contract(&self, contract: Contract, now: Timestamp) -> Result<Option<Contract>> {
        let read_at = contract.version;
        let look_again_at = contract.look_after_at(now);
        let next = Contract { version: read_at + 1, look_again_at, ..contract };
        let only = Expression::only_if("#version = :version").with("version", number(read_at));
        Ok(self.table.put_once(item(&next)?, &only).await?.then_some(next))
    }

    /// Leads from a request at the provider to its contract. The same is kept however often it is said.
    pub(crate) async fn put_request(&self, contract: &Contract, request: &SignatureRequestId) -> Result<()> {
        let key = request_key(contract.workspace, contract.provider, request);
        self.table.insert(key.item(&Pointer { contract: contract.id.clone() })?).await?;
        Ok(())
    }

    /// The contract of a request at the provider, if it is one of ours.
    pub(crate) async fn contract_of(
        &self,
        workspace: WorkspaceId,
        provider: ProviderName,
        request: &SignatureRequestId,
    ) -> Result<Option<ContractId>> {
        let found: Option<Pointer> = self.table.find(&request_key(workspace, provider, request)).await?;
        Ok(found.map(|it| it.contract))
    }

    /// Contracts, the latest first: all, or those about one record of the CRM.
    pub(crate) async fn list_contracts(
        &self,
        workspace: WorkspaceId,
        about: Option<CrmId>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Listed<Contract>> {
        let Some(record) = about else {
            let listing = Listing::of(workspace, KIND, "", limit).from(cursor).ordered(Order::Descending);
            return self.table.list(&listing).await;
        };
        let family = format!("{record}#");
        let listing = Listing::of(workspace, ABOUT, &family, limit).from(cursor).ordered(Order::Descending);
        let listed: Listed<Pointer> = self.table.list(&listing).await?;
        let keys = listed.items.iter().map(|it| key(workspace, &it.contract));
        let items = self.table.get_many(keys).await?;
        let mut contracts = items.into_iter().map(read::<Contract>).collect::<Result<Vec<_>>>()?;
        contracts.sort_by(|one, other| other.id.cmp(&one.id));
        Ok(Listed { items: contracts, next: listed.next })
    }

    /// The contracts that somebody must come back to by `now`, in whatever workspace; the longest due first.
    pub(crate) async fn due_contracts(
        &self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<(WorkspaceId, ContractId)>> {
        let (mut due, mut after) = (Vec::new(), None);
        loop {
            let (items, last) = self.table.due(Due::Contract, after, 200).await?;
            let is_due = |item: &&Item| attribute(item, GS).is_some_and(|at| at <= by(now).as_str());
            let listed = items.len();
            let before = due.len();
            due.extend(items.iter().take_while(is_due).filter_map(place).take(most - before));
            if last.is_none() || due.len() - before < listed {
                return Ok(due);
            }
            after = last;
        }
    }

    /// A workspace's choices about contracts, if it made any.
    pub(crate) async fn find_contract_settings(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Option<ContractSettings>> {
        self.table.find(&Key::new(workspace, SETTINGS, "all")).await
    }

    /// Keeps choices: the first where `expected_version` is absent, else in place of just that version. They carry
    /// their new version. False if somebody else was faster.
    pub(crate) async fn put_contract_settings(
        &self,
        workspace: WorkspaceId,
        settings: &ContractSettings,
        expected_version: Option<u64>,
    ) -> Result<bool> {
        let only = match expected_version {
            None => Expression::only_if(ABSENT),
            Some(version) => Expression::only_if("#version = :version").with("version", number(version)),
        };
        self.table.put_once(Key::new(workspace, SETTINGS, "all").item(settings)?, &only).await
    }
}

/// Whose contract an item of the index is.
fn place(item: &Item) -> Option<(WorkspaceId, ContractId)> {
    let workspace = attribute(item, PK)?.strip_prefix("WS#")?.parse().ok()?;
    let contract = attribute(item, SK)?.strip_prefix(KIND)?.strip_prefix('#')?.parse().ok()?;
    Some((workspace, contract))
}
