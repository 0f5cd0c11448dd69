//! Reads back from Twenty what the sync wrote about people: who they are, what they bought, what they paid.

use std::collections::HashMap;

use crate::domain::id::CrmId;
use crate::domain::insight::gathered::PaymentCard;
use crate::domain::insight::mirrored::{DealCard, Mirrored};
use crate::error::{Error, Kind, Result};
use crate::twenty::{Owned, TwentyError};
use crate::usecase::access::{Access, Refused};
use crate::usecase::schema::forget_schema;

/// Most payments of one person that count, the latest; as many as when one person is looked at alone.
const PAYMENTS: usize = 200;

/// These people, sixty at most; those in the bin are left out. Three calls, and one more for every further two hundred
/// memberships or payments.
pub(crate) async fn mirrored(access: &Access<'_>, ids: &[CrmId]) -> Result<HashMap<CrmId, Mirrored>> {
    let mut people = people(access, ids).await?;
    let ids: Vec<CrmId> = people.keys().copied().collect();
    if ids.is_empty() {
        return Ok(people);
    }
    let mut next: Option<String> = None;
    loop {
        let page = deals(access, &ids, next.as_deref()).await?;
        for (owner, deal) in page.items {
            people.entry(owner).and_modify(|it| it.deals.push(deal));
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    loop {
        let page = payments(access, &ids, next.as_deref()).await?;
        for (owner, payment) in page.items {
            if let Some(person) = people.get_mut(&owner).filter(|it| it.payments.len() < PAYMENTS) {
                person.payments.push(payment);
            }
        }
        next = page.next;
        if next.is_none() {
            return Ok(people);
        }
    }
}

async fn people(access: &Access<'_>, ids: &[CrmId]) -> Result<HashMap<CrmId, Mirrored>> {
    loop {
        let (twenty, at) = access.twenty().await?;
        match twenty.mirrored_people(at, ids).await {
            Ok(people) => return Ok(people),
            Err(error) => again(access, error).await?,
        }
    }
}

async fn deals(access: &Access<'_>, ids: &[CrmId], after: Option<&str>) -> Result<Owned<DealCard>> {
    loop {
        let (twenty, at) = access.twenty().await?;
        match twenty.deals_of(at, ids, after).await {
            Ok(page) => return Ok(page),
            Err(error) => again(access, error).await?,
        }
    }
}

async fn payments(access: &Access<'_>, ids: &[CrmId], after: Option<&str>) -> Result<Owned<PaymentCard>> {
    loop {
        let (twenty, at) = access.twenty().await?;
        match twenty.payments_of_many(at, ids, after).await {
            Ok(page) => return Ok(page),
            Err(error) => again(access, error).await?,
        }
    }
}

/// Fine if the call may be made again.
async fn again(access: &Access<'_>, error: TwentyError) -> Result<()> {
    match access.refused(error).await? {
        Refused::Again => Ok(()),
        Refused::Batch(reason) => Err(Error::bug(reason)),
        Refused::Drifted => {
            forget_schema(access).await?;
            Err(Error::new(Kind::Unavailable).saying("Our fields in Twenty changed. They are being mended."))
        }
    }
}
