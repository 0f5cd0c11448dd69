//! What a record would say in Twenty, with the parents and facts it needs for that.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Reading, Task, sync_records};
use crate::domain::draft::Draft;
use crate::domain::fact::{Fact, Parent};
use crate::domain::id::{CrmId, ProductId, VariantId};
use crate::domain::link::Link;
use crate::domain::mapping::{self, Parents};
use crate::domain::settings::Settings;
use crate::domain::source::{Gone, Payment, Record, RecordRef, Variant};
use crate::domain::time::Timestamp;
use crate::domain::words::PaymentSubstatus;
use crate::error::Result;
use crate::usecase::read_whop::read_all;

/// What the records of one page need besides themselves.
pub(super) struct Surroundings {
    pub(super) links: HashMap<RecordRef, Link>,
    variants: HashMap<VariantId, Variant>,
    facts: BTreeMap<RecordRef, Vec<Fact>>,
}

/// A draft, and when its facts last changed.
pub(super) struct Drafted {
    pub(super) draft: Draft,
    pub(super) changed_at: Timestamp,
}

/// The records that a record's draft points at, in the order they must be written.
fn parents_of(record: &Record) -> Vec<RecordRef> {
    match record {
        Record::Memberships(it) => {
            let member = it.member.clone().map(RecordRef::Members);
            std::iter::once(RecordRef::Products(it.product.clone())).chain(member).collect()
        }
        Record::Payments(it) => {
            let product = it.product.clone().map(RecordRef::Products);
            let member = it.member.clone().map(RecordRef::Members);
            let membership = it.membership.clone().map(RecordRef::Memberships);
            product.into_iter().chain(member).chain(membership).collect()
        }
        Record::Products(_)
        | Record::Members(_)
        | Record::Variants(_)
        | Record::Refunds(_)
        | Record::Disputes(_)
        | Record::Gone(_) => Vec::new(),
    }
}

/// Gathers what `readings` need; parents we do not have are brought in first where the task asks for it.
pub(super) async fn surroundings(task: &Task<'_>, readings: &[Reading]) -> Result<Surroundings> {
    let (store, workspace) = (task.access.app.store(), task.access.workspace.id);
    let mut names: Vec<RecordRef> = Vec::new();
    for reading in readings {
        names.extend(parents_of(&reading.record));
        names.push(reading.record.name());
    }
    names.sort();
    names.dedup();
    let mut links = task.access.links(&names).await?;
    let mut variants = store.variants(workspace, &variants_of(readings)).await?;
    if task.with_parents {
        let missing = missing_parents(readings, &links, &variants);
        if !missing.is_empty() {
            bring_in(task, missing).await?;
            links = task.access.links(&names).await?;
            variants = store.variants(workspace, &variants_of(readings)).await?;
        }
    }
    let mut facts = BTreeMap::new();
    for parent in readings.iter().filter_map(|reading| coloured(&reading.record)) {
        facts.insert(parent.name(), store.facts_of(workspace, &parent).await?);
    }
    Ok(Surroundings { links, variants, facts })
}

fn variants_of(readings: &[Reading]) -> Vec<(ProductId, VariantId)> {
    let mut variants: Vec<_> = readings
        .iter()
        .filter_map(|reading| {
            let Record::Memberships(it) = &reading.record else { return None };
            Some((it.product.clone(), it.variant.clone()))
        })
        .collect();
    variants.sort();
    variants.dedup();
    variants
}

fn missing_parents(
    readings: &[Reading],
    links: &HashMap<RecordRef, Link>,
    variants: &HashMap<VariantId, Variant>,
) -> Vec<RecordRef> {
    let unknown_variants = variants_of(readings).into_iter().map(|(_, variant)| variant);
    let unknown_variants = unknown_variants.filter(|variant| !variants.contains_key(variant));
    let here: Vec<RecordRef> = readings.iter().map(|reading| reading.record.name()).collect();
    let parents = readings.iter().flat_map(|reading| parents_of(&reading.record));
    let parents = parents.filter(|name| !links.contains_key(name) && !here.contains(name));
    let mut missing: Vec<RecordRef> = unknown_variants.map(RecordRef::Variants).chain(parents).collect();
    missing.sort();
    missing.dedup();
    missing
}

/// Reads records at Whop and brings them in. What Whop does not show stays missing.
async fn bring_in(task: &Task<'_>, names: Vec<RecordRef>) -> Result<()> {
    let mut readings = read_all(task.access, names).await?;
    readings.retain(|reading| !matches!(reading.record, Record::Gone(_)));
    let task = Task { access: task.access, force: false, with_parents: true, page: None };
    sync_records(&task, readings).await?;
    Ok(())
}

/// The parent whose facts a record's draft needs, if it needs any.
fn coloured(record: &Record) -> Option<Parent> {
    match record {
        Record::Products(it) => Some(Parent::Product(it.id.clone())),
        Record::Payments(it) => has_a_story(it).then(|| Parent::Payment(it.id.clone())),
        Record::Variants(_)
        | Record::Members(_)
        | Record::Memberships(_)
        | Record::Refunds(_)
        | Record::Disputes(_)
        | Record::Gone(_) => None,
    }
}

/// True if refunds or disputes may exist: most payments have neither, and are not asked about.
fn has_a_story(payment: &Payment) -> bool {
    use PaymentSubstatus as S;
    let refunded = payment.refunded_at.is_some() || payment.refunded.as_ref().is_some_and(|it| !it.is_zero());
    let quiet = matches!(
        payment.substatus,
        S::Succeeded
            | S::RequiresCapture
            | S::Pending
            | S::Failed
            | S::Blocked
            | S::PastDue
            | S::Canceled
            | S::PriceTooLow
            | S::Uncollectible
            | S::Drafted
            | S::Incomplete
            | S::Unresolved
    );
    refunded || payment.dispute_alerted_at.is_some() || !quiet
}

impl Surroundings {
    /// Makes the draft of a record. A panic in our own mapping costs this record only.
    pub(super) fn draft(&self, record: &Record, settings: &Settings) -> Option<Drafted> {
        catch_unwind(AssertUnwindSafe(|| self.draft_of(record, settings))).ok().flatten()
    }

    fn draft_of(&self, record: &Record, settings: &Settings) -> Option<Drafted> {
        let none = Vec::new();
        let facts = self.facts.get(&record.name()).unwrap_or(&none);
        let parents = self.parents(record);
        let draft = match record {
            Record::Products(it) => mapping::product(it, facts),
            Record::Members(it) => mapping::person(it),
            Record::Memberships(it) => {
                mapping::opportunity(it, self.variants.get(&it.variant), parents, settings)
            }
            Record::Payments(it) => mapping::payment(it, facts, parents),
            Record::Gone(Gone { name: RecordRef::Products(id), .. }) => mapping::gone_product(id),
            Record::Variants(_) | Record::Refunds(_) | Record::Disputes(_) | Record::Gone(_) => return None,
        };
        let of_facts = facts.iter().map(Fact::changed_at).max().unwrap_or_default();
        let changed_at = record.changed_at().map_or_else(Timestamp::default, |at| at.max(of_facts));
        Some(Drafted { draft, changed_at })
    }

    fn parents(&self, record: &Record) -> Parents {
        let mut parents = Parents::default();
        for name in parents_of(record) {
            let id: Option<CrmId> = self.links.get(&name).map(|link| link.crm);
            match name {
                RecordRef::Products(_) => parents.product = id,
                RecordRef::Members(_) => parents.person = id,
                RecordRef::Memberships(_) => parents.opportunity = id,
                RecordRef::Variants(_)
                | RecordRef::Refunds(_)
                | RecordRef::Disputes(_)
                | RecordRef::Payments(_) => {}
            }
        }
        parents
    }
}
