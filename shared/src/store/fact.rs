//! Facts, kept under the record they colour, so that one query finds them. The latest one stays.

use std::collections::HashMap;

use super::expression::{ABSENT, Expression, number, text};
use super::grant::{TAKER, is_taken_by, taker};
use super::listing::Listing;
use super::table::{Held, Item, Key, read};
use super::{Result, Store};
use crate::domain::fact::{Fact, Parent};
use crate::domain::id::{ProductId, VariantId, WorkspaceId};
use crate::domain::source::{RecordRef, Variant};
use crate::domain::time::Timestamp;

const KIND: &str = "FACT";
/// When the fact was read; decides between two readings of one change.
const READ_AT: &str = "read_at";

fn family(parent: &Parent) -> String {
    let name = parent.name();
    format!("{}#{}#", name.stream().as_str(), name.id())
}

fn key(workspace: WorkspaceId, parent: &Parent, name: &RecordRef) -> Key {
    let id = format!("{}{}#{}", family(parent), name.stream().as_str(), name.id());
    Key::new(workspace, KIND, id)
}

/// What became of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The first we hear of it.
    New,
    /// It says something else than before.
    Changed,
    /// It says what we know, is older than that, or colours nobody.
    Same,
}

impl Store {
    /// Keeps a fact, unless a later one is there.
    pub(crate) async fn put_fact(
        &self,
        workspace: WorkspaceId,
        fact: &Fact,
        read_at: Timestamp,
    ) -> Result<Kept> {
        let Some(parent) = fact.parent() else {
            return Ok(Kept::Same);
        };
        let mut item = key(workspace, &parent, &fact.name()).item(fact)?;
        item.insert(READ_AT.to_owned(), number(read_at.millis()));
        let taker = taker()?;
        item.insert(TAKER.to_owned(), text(&taker));
        let later = Expression::only_if(format!(
            "{ABSENT} OR #updated_at < :updated OR (#updated_at = :updated AND #read_at < :read)"
        ))
        .with("updated", number(fact.changed_at().millis()))
        .with("read", number(read_at.millis()));
        Ok(match self.table.put(item.clone(), &later).await? {
            Held::Yes(None) => Kept::New,
            Held::Yes(Some(old)) => changed(old, item),
            // It is ours, from an attempt whose answer was lost; what it replaced is not known any more. One that
            // is alike and not ours was read at the same moment, and says nothing new.
            Held::No(Some(there)) if is_taken_by(&there, &taker) => Kept::Changed,
            Held::No(_) => Kept::Same,
        })
    }

    /// Every fact that colours a record.
    pub(crate) async fn facts_of(&self, workspace: WorkspaceId, parent: &Parent) -> Result<Vec<Fact>> {
        let family = family(parent);
        self.table.list_all(Listing::of(workspace, KIND, &family, usize::MAX)).await
    }

    /// These variants of these products, as far as they are known.
    pub(crate) async fn variants(
        &self,
        workspace: WorkspaceId,
        of: &[(ProductId, VariantId)],
    ) -> Result<HashMap<VariantId, Variant>> {
        let keys = of.iter().map(|(product, variant)| {
            let parent = Parent::Product(product.clone());
            key(workspace, &parent, &RecordRef::Variants(variant.clone()))
        });
        let mut found = HashMap::new();
        for item in self.table.get_many(keys).await? {
            if let Fact::Variant(variant) = read(item)? {
                found.insert(variant.id.clone(), variant);
            }
        }
        Ok(found)
    }

    /// Takes a fact away from the record it coloured.
    pub(crate) async fn delete_fact(
        &self,
        workspace: WorkspaceId,
        parent: &Parent,
        name: &RecordRef,
    ) -> Result<()> {
        self.table.delete(&key(workspace, parent, name), &Expression::default()).await?;
        Ok(())
    }
}

/// Whether they say different things, whenever and by whom they were read.
fn changed(mut old: Item, mut new: Item) -> Kept {
    for item in [&mut old, &mut new] {
        item.remove(READ_AT);
        item.remove(TAKER);
    }
    if old == new { Kept::Same } else { Kept::Changed }
}
