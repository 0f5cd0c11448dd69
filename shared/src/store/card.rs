//! Decision cards: one per member. An answer stays until the question changes.

use super::expression::{ABSENT, Expression, number, value};
use super::listing::{Listed, Listing};
use super::table::{Held, Key, read};
use super::{Result, Store};
use crate::domain::card::{Card, Choice};
use crate::domain::id::{MemberId, WorkspaceId};
use crate::domain::time::Timestamp;

const KIND: &str = "CARD";

fn key(workspace: WorkspaceId, member: &MemberId) -> Key {
    Key::new(workspace, KIND, member)
}

/// Which cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cards {
    /// Those that wait for an answer.
    Open,
    All,
}

impl Store {
    /// Asks a question, unless the same one was asked; then card and answer stay as they are. True if it is
    /// asked anew.
    pub(crate) async fn put_card(&self, workspace: WorkspaceId, card: &Card) -> Result<bool> {
        let only = Expression::only_if(format!("{ABSENT} OR #question <> :question"));
        let only = only.with("question", value(&card.question)?);
        self.table.put_once(key(workspace, &card.member).item(card)?, &only).await
    }

    /// The card of a member.
    pub(crate) async fn find_card(&self, workspace: WorkspaceId, member: &MemberId) -> Result<Option<Card>> {
        self.table.find(&key(workspace, member)).await
    }

    /// Cards by member.
    pub(crate) async fn list_cards(
        &self,
        workspace: WorkspaceId,
        which: Cards,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Listed<Card>> {
        let listing = Listing::of(workspace, KIND, "", limit).from(cursor);
        let listing = match which {
            Cards::Open => listing.without("choice"),
            Cards::All => listing,
        };
        self.table.list(&listing).await
    }

    /// Settles a card as it was read, if it still asks the same and waits. Answers the card as it is then.
    pub(crate) async fn settle_card(
        &self,
        workspace: WorkspaceId,
        card: &Card,
        choice: &Choice,
        now: Timestamp,
    ) -> Result<Option<Card>> {
        let change = Expression::update("SET #choice = :choice, #settled_at = :now")
            .and_only_if("#question = :question AND (attribute_not_exists(#choice) OR #choice = :choice)")
            .with("choice", value(choice)?)
            .with("now", number(now.millis()))
            .with("question", value(&card.question)?);
        match self.table.update(&key(workspace, &card.member), &change).await? {
            Held::Yes(item) => item.map(read).transpose(),
            Held::No(_) => Ok(None),
        }
    }

    /// Takes a card away, once its question is moot.
    pub(crate) async fn delete_card(&self, workspace: WorkspaceId, member: &MemberId) -> Result<()> {
        self.table.delete(&key(workspace, member), &Expression::default()).await?;
        Ok(())
    }
}
